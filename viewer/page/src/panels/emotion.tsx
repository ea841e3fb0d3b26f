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
  /** The ends of its scale. */
  low: number;
  high: number;
  /** Value by turn, in the order of turns; null where one was asked for and there is none. */
  values: Map<number, number | null>;
}

/** Whether it is on the scale that the levels of a seeker are on. */
function isUsual({ low, high }: Pick<Trace, "low" | "high">): boolean {
  return low === 0 && high === 100;
}

/** Decimals of its values in words: a scale of few points needs one. */
export function digitsOf(trace: Trace | null): number {
  return trace === null || trace.high - trace.low > 20 ? 0 : 1;
}

/** Its values where there are some. */
function knownOf(trace: Trace): number[] {
  return [...trace.values.values()].filter((value) => value !== null);
}

/** The mean of a reader's repeats at each turn. */
function readerTrace(measure: Measure, item: string): Map<number, number | null> {
  const found = new Map<number, number[]>();
  for (const { turn, values } of measure.answers) {
    if (turn === null) continue;
    const value = values[item];
    found.set(turn, [...(found.get(turn) ?? []), ...(typeof value === "number" ? [value] : [])]);
  }
  const mean = (values: readonly number[]) =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  return new Map([...found].sort(([one], [other]) => one - other).map(([turn, values]) => [turn, mean(values)]));
}

export function tracesOf(talk: Talk): Trace[] {
  const own = (feeling: "distress" | "trust", of: "emotion" | "trust"): Trace => ({
    id: feeling,
    feeling,
    words: `${feeling}, by ${nameOf(talk, "seeker")}’s report`,
    low: 0,
    high: 100,
    values: new Map(talk.turns.flatMap((turn) => (turn.role === "seeker" ? [[turn.turn, turn[of]] as const] : []))),
  });
  const traces = [own("distress", "emotion"), own("trust", "trust")];
  for (const measure of talk.measures) {
    const item = measure.items.find((one) => one.kind === "level" && /distress/i.test(`${one.id} ${one.question}`));
    if (item === undefined) continue;
    const scale = { low: item.low ?? 0, high: item.high ?? 100 };
    const words = `distress, as ${measure.model} reads it`;
    traces.push({
      id: `reader ${measure.key}`,
      feeling: "reader",
      words: isUsual(scale) ? words : `${words}, on a scale from ${scale.low} to ${scale.high}`,
      ...scale,
      values: readerTrace(measure, item.id),
    });
  }
  return traces.filter((trace) => knownOf(trace).length > 0);
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
    if (value === null) return `– (no answer at turn ${at})`;
    if (value === undefined) continue;
    const words = number(value, digitsOf(trace));
    return at === turn ? words : `${words} (turn ${at})`;
  }
  return "– (not reported yet)";
}

function summaryOf(trace: Trace): string {
  const values = knownOf(trace);
  const words = (value = 0) => number(value, digitsOf(trace));
  const missing = trace.values.size - values.length;
  const gaps = missing > 0 ? `, missing ${missing}×` : "";
  return `${trace.words}: from ${words(values[0])} to ${words(values.at(-1))}, lowest ${words(Math.min(...values))}, highest ${words(Math.max(...values))}${gaps}.`;
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
  // Every scale is drawn as high as that from 0 to 100.
  const height = (value: number) => levelY((100 * (value - trace.low)) / Math.max(1e-9, trace.high - trace.low));
  const points = [...trace.values].map(([turn, value]) => ({
    x: plot.x(turn),
    y: value === null ? null : height(value),
  }));
  const dense = plot.band < 4;
  return (
    <g class={`trace ${trace.feeling} ${props.class ?? ""}`}>
      <path d={pathOf(points)} />
      {points.map(
        ({ x, y }, index) =>
          y !== null &&
          (!dense || alone(points, index)) && <Point key={x} feeling={trace.feeling} x={x} y={y} />,
      )}
    </g>
  );
}

/** Whether a point stands between gaps, where no line shows it. */
function alone(points: readonly { y: number | null }[], index: number): boolean {
  return (points[index - 1]?.y ?? null) === null && (points[index + 1]?.y ?? null) === null;
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
