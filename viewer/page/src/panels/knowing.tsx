// Who knows what, from when on: for each fact a lane for the seeker and one for the supporter. Through a role's eyes
// only its own lanes, and of the other's facts only those that it knows by then.
import { useMemo } from "preact/hooks";
import type { Knowing, Role, Talk } from "../api";
import { count, visible } from "../shared/text";
import { useReading } from "../talk/context";
import { isShown, onlookerOf } from "../talk/hidden";
import { happenedWords, type Knowledge, knowingWords, type OwnedFact } from "../talk/knowledge";
import { Veil } from "../talk/margin";
import { nameOf, otherOf, ROLES } from "../talk/model";
import { useAt, useScrub } from "../talk/scrub";
import { Chart, EmptyPanel, Sign } from "./chart";
import { Lanes, layoutOf, rowAt } from "./lanes";
import { usePlot } from "./plot";

const TITLE = "Who knows what";

/** What is shown of a conversation's facts, and through whose eyes. */
interface Sight {
  talk: Talk;
  knowledge: Knowledge;
  /** Whose eyes are looked through; null where all is shown. */
  onlooker: Role | null;
  facts: readonly OwnedFact[];
  /** Facts that are not shown. */
  hidden: number;
}

/** The facts that are shown at the scrubber's turn: a fact appears when the role comes to know it. */
function useSight(): Sight {
  const { talk, knowledge, eyes } = useReading();
  const scrub = useScrub();
  const onlooker = onlookerOf(talk, eyes);
  const factsAt = (turn: number) =>
    knowledge.facts.filter(
      ({ id, owner }) => onlooker === null || owner === onlooker || knowledge.knowsAt(onlooker, id, turn),
    );
  // What is known stays known: as long as there are as many facts, they are the same ones.
  const many = useAt((turn) => factsAt(turn).length);
  return useMemo(() => {
    const facts = factsAt(scrub.turn);
    return { talk, knowledge, onlooker, facts, hidden: knowledge.facts.length - facts.length };
  }, [talk, knowledge, onlooker, many]);
}

function layoutFor({ talk, onlooker, facts }: Sight) {
  const groups = [...ROLES, null].map((owner) => ({
    words: owner === null ? "not known whose" : `${nameOf(talk, owner)}’s facts`,
    facts: facts.filter((fact) => fact.owner === owner),
  }));
  return layoutOf(onlooker === null ? ROLES : [onlooker], groups);
}

export function KnowingPanel(props: { fact: { id: string } | null }) {
  const { jump } = useReading();
  const plot = usePlot();
  const sight = useSight();
  const { knowledge } = sight;
  const layout = useMemo(() => layoutFor(sight), [sight]);
  const { rows, rowHeight } = layout;
  // Only who asks for a fact is led to it, not who comes to see it later.
  const show = useMemo(() => {
    const row = props.fact === null ? -1 : rows.findIndex((line) => line.fact.id === props.fact?.id);
    return row < 0 ? null : { row };
  }, [props.fact]);
  const drawing = useMemo(() => <Lanes knowledge={knowledge} layout={layout} plot={plot} />, [knowledge, layout, plot]);
  if (rows.length === 0) {
    const why = knowledge.facts.length === 0 ? "No fact of either side is known for this conversation." : "";
    return (
      <EmptyPanel title={TITLE} why={why}>
        <HiddenFacts sight={sight} />
      </EmptyPanel>
    );
  }
  return (
    <Chart
      title={TITLE}
      legend={<Legend sight={sight} />}
      summary={summaryOf(sight)}
      height={layout.height}
      rows={rows.length}
      rowAt={(y) => rowAt(layout, y)}
      rowBox={(row) => ({ y: rows[row]?.y ?? 0, height: rowHeight })}
      read={(turn, row) => {
        const fact = rows[row]?.fact;
        return fact === undefined ? atTurn(sight, turn) : factAt(sight, fact, turn);
      }}
      jump={jump}
      show={show}
      veil={<HiddenFacts sight={sight} />}
    >
      {drawing}
    </Chart>
  );
}

/** The other's facts that the role does not know yet: how many, and nothing more. */
function HiddenFacts(props: { sight: Sight }) {
  const { talk, onlooker, hidden } = props.sight;
  if (onlooker === null || hidden === 0) return null;
  const name = nameOf(talk, otherOf(onlooker));
  const until = isShown(talk, onlooker, "other.facts") ? undefined : "until told";
  return <Veil role={onlooker} what={`${count(hidden, "fact")} of ${name}’s`} {...(until && { until })} />;
}

/** Whose knowledge is put into words. */
function rolesOf({ onlooker }: Sight): readonly Role[] {
  return onlooker === null ? ROLES : [onlooker];
}

/** Whether what happened to a fact can be seen: through a role's eyes its own doings, and what was told aloud. */
function seen({ onlooker, facts }: Sight): (knowing: Knowing) => boolean {
  if (onlooker === null) return () => true;
  const known = new Set(facts.map((fact) => fact.id));
  return ({ role, how, fact }) => known.has(fact) && (role === onlooker || how === "told" || how === "noticed");
}

function factAt(sight: Sight, fact: OwnedFact, turn: number): string {
  const { talk, knowledge } = sight;
  const happened = happenedWords(talk, knowledge, fact.id, turn, seen(sight));
  const knows = rolesOf(sight)
    .map((role) => knowingWords(talk, knowledge, role, fact.id, turn))
    .join("; ");
  const words = fact.info === null ? "" : ` “${fact.info.text}”`;
  return `${fact.id}:${words} ${knows}.${happened === "" ? "" : ` Here ${happened}.`}`;
}

function atTurn(sight: Sight, turn: number): string {
  const { talk, knowledge } = sight;
  const facts = [...new Set(knowledge.at(turn).map((knowing) => knowing.fact))];
  const happened = facts
    .map((fact) => [fact, happenedWords(talk, knowledge, fact, turn, seen(sight))] as const)
    .filter(([, words]) => words !== "");
  if (happened.length === 0) return "nothing happens to a fact";
  return happened.map(([fact, words]) => `${fact}: ${words}`).join("; ");
}

function summaryOf(sight: Sight): string {
  const { talk, knowledge, facts } = sight;
  const end = talk.turns.length - 1;
  const knows = (fact: string) => rolesOf(sight).map((role) => knowingWords(talk, knowledge, role, fact, end));
  return visible(facts.map(({ id }) => `${id}: ${knows(id).join("; ")}.`).join(" "));
}

const SIGNS: readonly { how: Knowing["how"]; sign: string; says: string }[] = [
  { how: "told", sign: "●", says: "told" },
  { how: "noticed", sign: "○", says: "told undeclared" },
  { how: "undeclared", sign: "!", says: "does not declare it" },
  { how: "unsaid", sign: "×", says: "declares it, does not say it" },
  { how: "asked", sign: "?", says: "asks" },
  { how: "inferred", sign: "△", says: "states it untold" },
  { how: "sees", sign: "▨", says: "shown by the condition" },
];

/** How to read the lanes; of the signs only those that come up. */
function Legend(props: { sight: Sight }) {
  const { sight } = props;
  const { talk, onlooker, facts } = sight;
  const rows = new Set(facts.map((fact) => fact.id));
  const used = new Set(
    talk.knows.flatMap(({ fact, role, how }) => (rows.has(fact) && rolesOf(sight).includes(role) ? [how] : [])),
  );
  const lanes =
    onlooker === null
      ? `Upper lane ${visible(nameOf(talk, "seeker"))}, lower ${visible(nameOf(talk, "supporter"))}; filled`
      : `Lanes of ${visible(nameOf(talk, onlooker))} alone, filled`;
  return (
    <>
      {lanes} from when the fact is known.{" "}
      {SIGNS.filter(({ how }) => used.has(how)).map(({ how, sign, says }) => (
        <Sign key={how} says={says}>
          {sign}
        </Sign>
      ))}
    </>
  );
}
