// Who knows what, from when on: for each fact a lane for the seeker and one for the supporter.
import { useMemo } from "preact/hooks";
import type { Knowing, Role, Talk } from "../api";
import { visible } from "../shared/text";
import { useReading } from "../talk/context";
import { happenedWords, Knowledge, knowingWords, type OwnedFact } from "../talk/knowledge";
import { nameOf, ROLES } from "../talk/model";
import { Chart, EmptyPanel, Sign } from "./chart";
import { fitted, usePlot, type Plot } from "./plot";

const TITLE = "Who knows what";
const ROW = 26;
const HEAD = 18;
const LANE = 9;
const BETWEEN = 3;

interface Line {
  fact: OwnedFact;
  y: number;
}

interface Layout {
  heads: { words: string; y: number }[];
  lines: Line[];
  height: number;
}

function layoutOf(talk: Talk, facts: readonly OwnedFact[]): Layout {
  const layout: Layout = { heads: [], lines: [], height: 2 };
  for (const owner of [...ROLES, null]) {
    const own = facts.filter((fact) => fact.owner === owner);
    if (own.length === 0) continue;
    layout.heads.push({
      words: owner === null ? "not known whose" : `${nameOf(talk, owner)}’s facts`,
      y: layout.height,
    });
    layout.height += HEAD;
    for (const fact of own) {
      layout.lines.push({ fact, y: layout.height });
      layout.height += ROW;
    }
    layout.height += 4;
  }
  return layout;
}

export function KnowingPanel(props: { fact: { id: string } | null }) {
  const { talk, knowledge, eyes, jump } = useReading();
  const plot = usePlot();
  const layout = useMemo(() => layoutOf(talk, knowledge.facts), [talk, knowledge]);
  const { lines } = layout;
  const show = useMemo(() => {
    const row = props.fact === null ? -1 : lines.findIndex((line) => line.fact.id === props.fact?.id);
    return row < 0 ? null : { row };
  }, [props.fact, lines]);
  const drawing = useMemo(
    () => <Drawing talk={talk} knowledge={knowledge} layout={layout} plot={plot} />,
    [talk, knowledge, layout, plot],
  );
  if (lines.length === 0)
    return <EmptyPanel title={TITLE} why="No fact of either side is known for this conversation." />;

  const read = (turn: number, row: number): string => {
    const line = lines[row];
    if (line === undefined) return atTurn(talk, knowledge, turn);
    return factAt(
      talk,
      knowledge,
      line.fact,
      turn,
      eyes === "public" || knowledge.knowsAt(eyes, line.fact.id, turn) ? null : eyes,
    );
  };
  return (
    <Chart
      title={TITLE}
      legend={<Legend talk={talk} />}
      summary={summaryOf(talk, knowledge)}
      height={layout.height}
      rows={lines.length}
      rowAt={(y) => rowAt(lines, y)}
      rowBox={(row) => ({ y: lines[row]?.y ?? 0, height: ROW })}
      read={read}
      jump={jump}
      show={show}
    >
      {drawing}
    </Chart>
  );
}

function rowAt(lines: readonly Line[], y: number): number {
  const below = lines.findIndex((line) => y < line.y + ROW);
  return below < 0 ? lines.length - 1 : below;
}

/** A fact at a turn in words; veiled where the role whose eyes are looked through does not know it. */
function factAt(talk: Talk, knowledge: Knowledge, fact: OwnedFact, turn: number, veiled: Role | null): string {
  const happened = happenedWords(talk, knowledge, fact.id, turn);
  const knows = ROLES.map((role) => knowingWords(talk, knowledge, role, fact.id, turn)).join("; ");
  const words =
    veiled === null
      ? fact.info === null
        ? ""
        : ` “${fact.info.text}”`
      : ` (its words are not visible to ${nameOf(talk, veiled)})`;
  return `${fact.id}:${words} ${knows}.${happened === "" ? "" : ` Here ${happened}.`}`;
}

function atTurn(talk: Talk, knowledge: Knowledge, turn: number): string {
  const facts = [...new Set(knowledge.at(turn).map((knowing) => knowing.fact))];
  const happened = facts
    .map((fact) => [fact, happenedWords(talk, knowledge, fact, turn)] as const)
    .filter(([, words]) => words !== "");
  if (happened.length === 0) return "nothing happens to a fact";
  return happened.map(([fact, words]) => `${fact}: ${words}`).join("; ");
}

function summaryOf(talk: Talk, knowledge: Knowledge): string {
  const end = talk.turns.length - 1;
  return knowledge.facts
    .map(({ id }) => `${visible(id)}: ${ROLES.map((role) => knowingWords(talk, knowledge, role, id, end)).join("; ")}.`)
    .join(" ");
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
function Legend(props: { talk: Talk }) {
  const { talk } = props;
  const used = new Set(talk.knows.map((knowing) => knowing.how));
  return (
    <>
      Upper lane {visible(nameOf(talk, "seeker"))}, lower {visible(nameOf(talk, "supporter"))}; filled from when the
      fact is known.{" "}
      {SIGNS.filter(({ how }) => used.has(how)).map(({ how, sign, says }) => (
        <Sign key={how} says={says}>
          {sign}
        </Sign>
      ))}
    </>
  );
}

function Drawing(props: { talk: Talk; knowledge: Knowledge; layout: Layout; plot: Plot }) {
  const { knowledge, layout, plot } = props;
  return (
    <g>
      <defs>
        {ROLES.map((role) => (
          <pattern
            key={role}
            id={`seen-${role}`}
            width="4"
            height="4"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect class={`lane-${role}`} width="1.6" height="4" />
          </pattern>
        ))}
      </defs>
      {layout.heads.map((head) => (
        <text key={head.words} class="group" x="0" y={head.y + 13}>
          {visible(head.words)}
        </text>
      ))}
      {layout.lines.map(({ fact, y }) => (
        <g key={fact.id}>
          <text x="0" y={y + 16}>
            {fitted(visible(fact.id))}
          </text>
          {ROLES.map((role, index) => (
            <Lane
              key={role}
              role={role}
              fact={fact.id}
              y={y + 2 + index * (LANE + BETWEEN)}
              knowledge={knowledge}
              plot={plot}
            />
          ))}
        </g>
      ))}
    </g>
  );
}

const TEXT_MARKS: Partial<Record<Knowing["how"], string>> = { asked: "?", undeclared: "!", unsaid: "×" };

function Lane(props: { role: Role; fact: string; y: number; knowledge: Knowledge; plot: Plot }) {
  const { role, fact, y, knowledge, plot } = props;
  const since = knowledge.since(role, fact);
  const middle = y + LANE / 2;
  return (
    <g class={`lane lane-${role}`}>
      <rect class="track" x={plot.left} y={y} width={plot.right - plot.left} height={LANE} />
      {since !== null && (
        <rect
          class={`known ${since.how}`}
          fill={since.how === "sees" ? `url(#seen-${role})` : undefined}
          x={plot.start(since.turn)}
          y={y}
          width={Math.max(1, plot.right - plot.start(since.turn))}
          height={LANE}
        />
      )}
      {knowledge
        .of(fact)
        .filter((knowing) => knowing.role === role)
        .map((knowing) => (
          <Mark key={`${knowing.turn} ${knowing.how}`} how={knowing.how} x={plot.x(knowing.turn)} y={middle} />
        ))}
    </g>
  );
}

function Mark(props: { how: Knowing["how"]; x: number; y: number }) {
  const { how, x, y } = props;
  if (how === "told") return <circle class="mark" cx={x} cy={y} r="3.2" />;
  if (how === "noticed") return <circle class="mark hollow" cx={x} cy={y} r="2.8" />;
  if (how === "inferred") return <path class="mark hollow" d={`M${x - 3.4} ${y + 3}H${x + 3.4}L${x} ${y - 3.2}Z`} />;
  const letter = TEXT_MARKS[how];
  if (letter === undefined) return null;
  return (
    <text class="mark" x={x} y={y + 3.8} text-anchor="middle">
      {letter}
    </text>
  );
}
