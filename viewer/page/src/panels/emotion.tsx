// The seeker's feelings over the conversation, by its own report, and as a reader sees its distress.
import { useMemo } from "preact/hooks";
import type { Measure, Talk } from "../api";
import { number, visible } from "../shared/text";
import { useReading } from "../talk/context";
import { isShown, onlookerOf } from "../talk/hidden";
import { Veil } from "../talk/margin";
import { nameOf } from "../talk/model";
import { Chart, EmptyPanel, Sign } from "./chart";
import { pathOf, usePlot, type Plot } from "./plot";

const TITLE = "Distress and trust";
export const LEVELS_HEIGHT = 112;
const TOP = 8;

export type Feeling = "distress" | "trust" | "reader";

export interface Trace {
  /** The feeling; for a reader's, its folder. */
  id: string;
  feeling: Feeling;
  words: string;
  /** Value by turn; only turns that have one. */
  values: Map<number, number>;
}

/** The mean of a reader's repeats at each turn. */
function readerTrace(measure: Measure, item: string): Map<number, number> {
  const sums = new Map<number, number[]>();
  for (const { turn, values } of measure.answers) {
    const value = values[item];
    if (turn === null || typeof value !== "number") continue;
    sums.set(turn, [...(sums.get(turn) ?? []), value]);
  }
  return new Map(
    [...sums].map(([turn, values]) => [turn, values.reduce((sum, value) => sum + value, 0) / values.length]),
  );
}

export function tracesOf(talk: Talk): Trace[] {
  const own = (feeling: "distress" | "trust", of: "emotion" | "trust"): Trace => ({
    id: feeling,
    feeling,
    words: `${feeling}, by ${nameOf(talk, "seeker")}’s report`,
    values: new Map(talk.turns.flatMap((turn) => (turn[of] === null ? [] : [[turn.turn, turn[of]] as const]))),
  });
  const traces = [own("distress", "emotion"), own("trust", "trust")];
  for (const measure of talk.measures) {
    const item = measure.items.find((one) => one.kind === "level" && /distress/i.test(`${one.id} ${one.question}`));
    if (item === undefined) continue;
    traces.push({
      id: `reader ${measure.key}`,
      feeling: "reader",
      words: `distress, as ${measure.model} reads it`,
      values: readerTrace(measure, item.id),
    });
  }
  return traces.filter((trace) => trace.values.size > 0);
}

/** Height of a value from 0 to 100. */
export function levelY(value: number): number {
  return TOP + (1 - Math.min(100, Math.max(0, value)) / 100) * (LEVELS_HEIGHT - 2 * TOP);
}

export function EmotionPanel() {
  const { talk, eyes, jump } = useReading();
  const plot = usePlot();
  const onlooker = onlookerOf(talk, eyes);
  // What the seeker reports of itself is its own; what a reader makes of its words is nobody's of the two.
  const veiled = onlooker === "supporter" && !isShown(talk, onlooker, "other.inner");
  const { traces, hidden } = useMemo(() => {
    const all = tracesOf(talk);
    const shown = veiled ? all.filter((trace) => trace.feeling === "reader") : all;
    return { traces: shown, hidden: shown.length < all.length };
  }, [talk, veiled]);
  const drawing = useMemo(
    () => (
      <g>
        <Levels plot={plot} />
        {traces.map((trace) => (
          <Line key={trace.id} trace={trace} plot={plot} />
        ))}
      </g>
    ),
    [traces, plot],
  );
  const veil = hidden && onlooker !== null && (
    <Veil role={onlooker} what={`what ${nameOf(talk, "seeker")} reports of distress and trust`} />
  );
  if (traces.length === 0) {
    const why = hidden ? "" : "The seeker reported neither, and no reader rated its distress.";
    return (
      <EmptyPanel title={TITLE} why={why}>
        {veil}
      </EmptyPanel>
    );
  }
  const words = (trace: Trace) =>
    eyes !== "public" && trace.feeling === "reader" ? `${trace.words} (the researcher’s reading)` : trace.words;
  return (
    <Chart
      title={TITLE}
      legend={traces.map((trace) => (
        <Sign key={trace.id} says={visible(words(trace))}>
          <Key feeling={trace.feeling} />
        </Sign>
      ))}
      veil={veil}
      summary={traces.map((trace) => visible(summaryOf(trace))).join(" ")}
      height={LEVELS_HEIGHT}
      read={(turn) => traces.map((trace) => `${shortly(trace)} ${valueAt(trace, turn)}`).join("; ")}
      jump={jump}
    >
      {drawing}
    </Chart>
  );
}

function shortly(trace: Trace): string {
  return trace.feeling === "reader" ? "distress as read" : trace.feeling;
}

/** The value at a turn, or the latest before it, and since when. */
function valueAt(trace: Trace, turn: number): string {
  for (let at = turn; at >= 0; at--) {
    const value = trace.values.get(at);
    if (value !== undefined) return at === turn ? number(value) : `${number(value)} (turn ${at})`;
  }
  return "– (not reported yet)";
}

function summaryOf(trace: Trace): string {
  const values = [...trace.values.values()];
  return `${trace.words}: from ${number(values[0] ?? 0)} to ${number(values.at(-1) ?? 0)}, lowest ${number(Math.min(...values))}, highest ${number(Math.max(...values))}.`;
}

/** Lines at 0, 50 and 100. */
export function Levels(props: { plot: Plot }) {
  const { plot } = props;
  return (
    <g>
      {[0, 50, 100].map((level) => (
        <g key={level}>
          <line class="level-line" x1={plot.left} x2={plot.right} y1={levelY(level)} y2={levelY(level)} />
          <text class="scale" x={plot.left - 6} y={levelY(level) + 4} text-anchor="end">
            {level}
          </text>
        </g>
      ))}
    </g>
  );
}

export function Line(props: { trace: Trace; plot: Plot; class?: string }) {
  const { trace, plot } = props;
  const points = [...trace.values].map(([turn, value]) => ({ x: plot.x(turn), y: levelY(value) }));
  const dense = plot.band < 4;
  return (
    <g class={`trace ${trace.feeling} ${props.class ?? ""}`}>
      <path d={pathOf(points)} />
      {!dense && points.map((point) => <Point key={point.x} feeling={trace.feeling} x={point.x} y={point.y} />)}
    </g>
  );
}

/** Each line has points of its own shape. */
function Point(props: { feeling: Feeling; x: number; y: number }) {
  const { feeling, x, y } = props;
  if (feeling === "distress") return <circle class="point" cx={x} cy={y} r="2.8" />;
  if (feeling === "trust") return <rect class="point" x={x - 2.5} y={y - 2.5} width="5" height="5" />;
  return <path class="point" d={`M${x} ${y - 3.4}L${x + 3.2} ${y + 2.6}H${x - 3.2}Z`} />;
}

export function Key(props: { feeling: Feeling }) {
  return (
    <svg class={`trace ${props.feeling}`} width="22" height="10" viewBox="0 0 22 10">
      <path d="M0 5H22" />
      <Point feeling={props.feeling} x={11} y={5} />
    </svg>
  );
}
