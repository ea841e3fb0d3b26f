// Who knows what in two conversations: for each fact and role a lane of A over a lane of B, marked where they differ.
import { useMemo } from "preact/hooks";
import type { Role } from "../api";
import { Chart, EmptyPanel, Sign } from "../panels/chart";
import { fitted, type Plot, usePlot } from "../panels/plot";
import { visible } from "../shared/text";
import { nameOf, ROLES } from "../talk/model";
import type { Readings } from "./compare";
import { factsOfBoth, type Known, knowingDiffers, type Letter, type Pair } from "./model";

const TITLE = "Who knows what";
const LANE = 5;
const ROW = 34;
const LETTERS: readonly Letter[] = ["A", "B"];

interface KnowingProps {
  pair: Pair;
  readings: Readings;
  fact: { id: string } | null;
  jump(turn: number): void;
}

export function CompareKnowing(props: KnowingProps) {
  const { pair, readings, jump } = props;
  const plot = usePlot();
  const known = useMemo<Known>(() => ({ A: readings.A.knowledge, B: readings.B.knowledge }), [readings]);
  const facts = useMemo(() => factsOfBoth(known), [known]);
  const drawing = useMemo(
    () => (
      <g>
        {facts.map((fact, row) => (
          <Fact key={fact} fact={fact} y={row * ROW} known={known} plot={plot} />
        ))}
      </g>
    ),
    [facts, known, plot],
  );
  const show = useMemo(() => {
    const row = props.fact === null ? -1 : facts.indexOf(props.fact.id);
    return row < 0 ? null : { row };
  }, [props.fact, facts]);
  if (facts.length === 0) return <EmptyPanel title={TITLE} why="No fact is known for either of them." />;

  const differences = (turn: number, of: readonly string[]) =>
    of.flatMap((fact) =>
      knowingDiffers(known, fact, turn).map(
        ({ role, knows }) => `${nameOf(pair[knows], role)} knows ${fact} in ${knows} alone`,
      ),
    );
  const read = (turn: number, row: number) => {
    const fact = facts[row];
    if (fact === undefined) return differences(turn, facts).join("; ") || "the same is known in both";
    const text = (known.A.fact(fact) ?? known.B.fact(fact))?.info?.text;
    return `${fact}${text === undefined ? "" : `: “${text}”`} ${differences(turn, [fact]).join("; ") || "known alike in both"}`;
  };
  return (
    <Chart
      title={TITLE}
      legend={
        <>
          For each fact {visible(nameOf(pair.A, "seeker"))}’s lanes, then {visible(nameOf(pair.A, "supporter"))}’s; of
          two the upper is A’s. <Sign says="known in one alone">▁</Sign>
        </>
      }
      summary={`At the end: ${visible(read(plot.turns - 1, -1))}.`}
      height={facts.length * ROW}
      rows={facts.length}
      rowAt={(y) => Math.min(facts.length - 1, Math.max(0, Math.floor(y / ROW)))}
      rowBox={(row) => ({ y: row * ROW, height: ROW })}
      read={read}
      jump={jump}
      show={show}
    >
      {drawing}
    </Chart>
  );
}

function Fact(props: { fact: string; y: number; known: Known; plot: Plot }) {
  const { fact, y, known, plot } = props;
  return (
    <g>
      <text x="0" y={y + 19}>
        {fitted(visible(fact))}
      </text>
      {ROLES.map((role, place) => (
        <Lanes key={role} role={role} fact={fact} y={y + 3 + place * (2 * LANE + 5)} known={known} plot={plot} />
      ))}
    </g>
  );
}

/** One role's two lanes, with a line between them where they differ. */
function Lanes(props: { role: Role; fact: string; y: number; known: Known; plot: Plot }) {
  const { role, fact, y, known, plot } = props;
  const since = { A: known.A.since(role, fact), B: known.B.since(role, fact) };
  const begins = LETTERS.map((letter) => since[letter]?.turn ?? plot.turns);
  const [first, second] = [Math.min(...begins), Math.max(...begins)];
  const end = second >= plot.turns ? plot.right : plot.start(second);
  return (
    <g class={`lane lane-${role}`}>
      {LETTERS.map((letter, place) => {
        const from = since[letter];
        const top = y + place * (LANE + 1);
        return (
          <g key={letter}>
            <rect class="track" x={plot.left} y={top} width={plot.right - plot.left} height={LANE} />
            {from && (
              <rect
                class="known"
                x={plot.start(from.turn)}
                y={top}
                width={Math.max(1, plot.right - plot.start(from.turn))}
                height={LANE}
              />
            )}
          </g>
        );
      })}
      {first < second && (
        <rect
          class="differ-tick"
          x={plot.start(first)}
          y={y + LANE - 0.25}
          width={Math.max(1, end - plot.start(first))}
          height="1.5"
        />
      )}
    </g>
  );
}
