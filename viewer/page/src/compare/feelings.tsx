// The seeker's feelings in two conversations, by its own report and as a reader sees its distress.
import { useMemo, useState } from "preact/hooks";
import { Chart, EmptyPanel, Sign } from "../panels/chart";
import { digitsOf, Key, Levels, Line, LEVELS_HEIGHT, type Trace, tracesOf } from "../panels/emotion";
import { usePlot } from "../panels/plot";
import { visible } from "../shared/text";
import type { FigureProps, Pair } from "./model";
import { compared } from "./values";

const TITLE = "Distress and trust";

/** The same feeling in both, by the same who says so. */
interface PairedTraces {
  id: string;
  words: string;
  A: Trace | null;
  B: Trace | null;
}

function pairedTraces(pair: Pair): PairedTraces[] {
  const [ofA, ofB] = [tracesOf(pair.A), tracesOf(pair.B)];
  const ids = new Set([...ofA, ...ofB].map((trace) => trace.id));
  return [...ids].map((id) => {
    const A = ofA.find((trace) => trace.id === id) ?? null;
    const B = ofB.find((trace) => trace.id === id) ?? null;
    const trace = A ?? B;
    const words = trace?.feeling === "reader" ? trace.words : `${id}, by the seeker’s report`;
    return { id, words, A, B };
  });
}

/** The traces of one reader beside the seeker's own, and a chooser where several read its distress. */
function useTraces(pair: Pair) {
  const all = useMemo(() => pairedTraces(pair), [pair]);
  const [chosen, choose] = useState<string | null>(null);
  const readers = all.filter(({ A, B }) => (A ?? B)?.feeling === "reader");
  const reader = readers.find(({ id }) => id === chosen) ?? readers[0];
  const traces = useMemo(() => all.filter((trace) => !readers.includes(trace) || trace === reader), [all, reader]);
  const chooser = readers.length > 1 && (
    <label class="choose">
      <span class="unseen">Who reads the distress</span>
      <select value={reader?.id} onChange={(event) => choose(event.currentTarget.value)}>
        {readers.map(({ id, words }) => (
          <option key={id} value={id}>
            {visible(words)}
          </option>
        ))}
      </select>
    </label>
  );
  return { traces, chooser };
}

/** The latest value up to a turn; null where there was to be one and is none. */
function latest(trace: Trace | null, turn: number): number | null {
  for (let at = turn; at >= 0; at--) {
    const value = trace?.values.get(at);
    if (value !== undefined) return value;
  }
  return null;
}

export function CompareFeelings(props: FigureProps) {
  const { pair, jump } = props;
  const plot = usePlot();
  const { traces, chooser } = useTraces(pair);
  const drawing = useMemo(
    () => (
      <g>
        <Levels plot={plot} />
        {(["A", "B"] as const).map((letter) =>
          traces.map((both) => {
            const trace = both[letter];
            return trace && <Line key={`${letter} ${both.id}`} trace={trace} plot={plot} class={`line-${letter}`} />;
          }),
        )}
      </g>
    ),
    [traces, plot],
  );
  if (traces.length === 0) {
    const why = "The seeker reports neither in either of them, and no reader rated its distress.";
    return <EmptyPanel title={TITLE} why={why} />;
  }
  const read = (turn: number) =>
    traces
      .map(({ id, A, B }) => {
        const words = (A ?? B)?.feeling === "reader" ? "distress as read" : id;
        return `${words} ${compared(latest(A, turn), latest(B, turn), digitsOf(A ?? B), "not reported")}`;
      })
      .join("; ");
  return (
    <Chart
      title={TITLE}
      legend={
        <>
          {traces.map(({ id, words, A, B }) => (
            <Sign key={id} says={visible(words)}>
              <Key feeling={(A ?? B)?.feeling ?? "reader"} />
            </Sign>
          ))}{" "}
          <Sign says="A thick">━</Sign> <Sign says="B thin, hollow points">─</Sign>
        </>
      }
      summary={visible(`At the end: ${read(plot.turns - 1)}.`)}
      height={LEVELS_HEIGHT}
      read={read}
      jump={jump}
      controls={chooser}
    >
      {drawing}
    </Chart>
  );
}
