// Tokens and seconds of each call, at the turn that it was made for.
import { useMemo } from "preact/hooks";
import type { Call, Talk } from "../api";
import { number, visible } from "../shared/text";
import { useReading } from "../talk/context";
import { nameOf } from "../talk/model";
import { Chart, EmptyPanel, Sign } from "./chart";
import { usePlot, type Plot } from "./plot";

const TITLE = "Tokens and seconds";
const HEIGHT = 96;
const TOP = 14;
const BOTTOM = 12;

/** Where bars stand, how tall they may be, and which way they grow: 1 for up. */
export interface Stand {
  floor: number;
  room: number;
  up: 1 | -1;
  /** Where the signs of failed tries, and of answers from the cache, stand. */
  signs: number;
}

const STAND: Stand = { floor: HEIGHT - BOTTOM, room: HEIGHT - BOTTOM - TOP, up: 1, signs: HEIGHT - 1 };

export function CostPanel() {
  const { talk, jump } = useReading();
  const plot = usePlot();
  const scale = useMemo(() => scaleOf(talk.calls), [talk]);
  const drawing = useMemo(() => <Drawing calls={talk.calls} scale={scale} plot={plot} />, [talk, scale, plot]);
  const byTurn = useMemo(() => callsByTurn(talk.calls), [talk]);
  if (talk.calls.length === 0) {
    return <EmptyPanel title={TITLE} why={"No model was called in this conversation."} />;
  }
  return (
    <Chart
      title={TITLE}
      legend={<CostLegend calls={talk.calls} />}
      summary={visible(totalWords(talk))}
      height={HEIGHT}
      read={(turn) => readingAt(talk, byTurn, turn)}
      jump={jump}
    >
      {drawing}
    </Chart>
  );
}

/** What the bars show; of the signs only those that come up. */
export function CostLegend(props: { calls: readonly Call[] }) {
  const { calls } = props;
  const some = (has: (call: Call) => boolean) => calls.some(has);
  return (
    <>
      Bars: <Sign says="prompt">▮</Sign>
      {some((call) => (call.cached_tokens ?? 0) > 0) && <Sign says="of it from the cache">▨</Sign>}
      <Sign says="answer, on top">▬</Sign> {some((call) => secondsOf(call) !== null) && <Sign says="seconds">•</Sign>}
      {some((call) => call.hit) && <Sign says="answer from the cache of answers: no seconds">↻</Sign>}
      {some((call) => call.attempts.length > 0 || !call.answered) && <Sign says="failed tries">×</Sign>}
      {some((call) => call.prompt_tokens === null) && <Sign says="tokens not reported">?</Sign>}
    </>
  );
}

/** How long an answer was waited for; none is waited for that comes from the cache of answers. */
function secondsOf(call: Call): number | null {
  return call.hit ? null : call.seconds;
}

export interface Scale {
  tokens: number;
  seconds: number;
}

export function scaleOf(calls: readonly Call[]): Scale {
  const scale = { tokens: 1, seconds: 0 };
  for (const call of calls) {
    scale.tokens = Math.max(scale.tokens, (call.prompt_tokens ?? 0) + (call.completion_tokens ?? 0));
    scale.seconds = Math.max(scale.seconds, secondsOf(call) ?? 0);
  }
  return scale;
}

export function callsByTurn(calls: readonly Call[]): Map<number, Call[]> {
  const byTurn = new Map<number, Call[]>();
  for (const call of calls) byTurn.set(call.turn, [...(byTurn.get(call.turn) ?? []), call]);
  return byTurn;
}

/** The sum of what is known, and of how many it is not. */
export function sum(calls: readonly Call[], of: (call: Call) => number | null): { total: number; unknown: number } {
  let total = 0;
  let unknown = 0;
  for (const call of calls) {
    const value = of(call);
    if (value === null) unknown += 1;
    else total += value;
  }
  return { total, unknown };
}

function sumWords(calls: readonly Call[], of: (call: Call) => number | null, digits = 0): string {
  const { total, unknown } = sum(calls, of);
  if (unknown === calls.length) return "not reported";
  return number(total, digits) + (unknown > 0 ? ` (not reported in ${unknown} of ${calls.length} calls)` : "");
}

function totalWords(talk: Talk): string {
  const { calls } = talk;
  const tries = calls.reduce((many, call) => many + call.attempts.length, 0);
  const hits = calls.filter((call) => call.hit).length;
  return (
    `${calls.length} calls. Prompt tokens: ${sumWords(calls, (call) => call.prompt_tokens)}. ` +
    `Of these from the cache: ${sumWords(calls, (call) => call.cached_tokens)}. ` +
    `Answer tokens: ${sumWords(calls, (call) => call.completion_tokens)}. ` +
    `Seconds: ${sumWords(calls, (call) => call.seconds, 1)}. Failed tries: ${tries}.` +
    (hits > 0 ? ` Answers from the cache of answers: ${hits}.` : "")
  );
}

/** The calls of a turn in words; at the last one also those that came after it and made no turn. */
function readingAt(talk: Talk, byTurn: ReadonlyMap<number, readonly Call[]>, turn: number): string {
  const words = (call: Call) => `${callWords(talk, call, turn)}: ${callFigures(call)}`;
  const here = byTurn.get(turn)?.map(words).join("; ") ?? "no call";
  const after = turn === talk.turns.length - 1 ? byTurn.get(turn + 1) : undefined;
  return after === undefined ? here : `${here}. Then, for a turn that was not made, ${after.map(words).join("; ")}`;
}

function callWords(talk: Talk, call: Call, turn: number): string {
  if (call.purpose === "script") return "the script";
  const who = call.role === null ? "both" : nameOf(talk, call.role);
  return call.purpose === "repair" ? "repair" : turn >= 0 ? who : "before the talk";
}

export function callFigures(call: Call): string {
  const prompt = call.prompt_tokens === null ? "prompt tokens not reported" : `prompt ${number(call.prompt_tokens)}`;
  const cached = call.cached_tokens === null ? "" : ` (${number(call.cached_tokens)} cached)`;
  const answer =
    call.completion_tokens === null ? "answer tokens not reported" : `answer ${number(call.completion_tokens)}`;
  const waited = call.seconds === null ? "seconds not known" : `${number(call.seconds, 2)} s`;
  const seconds = call.hit ? "from the cache of answers" : waited;
  const tries = call.attempts.length === 0 ? "" : `, ${call.attempts.length} failed before`;
  return `${prompt}${cached}, ${answer}, ${seconds}${tries}${call.answered ? "" : ", no answer"}`;
}

function Drawing(props: { calls: readonly Call[]; scale: Scale; plot: Plot }) {
  const { scale, plot } = props;
  return (
    <g class="costs">
      <FromCache />
      <Scales scale={scale} plot={plot} y={TOP} />
      <text class="scale" x={plot.left - 6} y={STAND.floor} text-anchor="end">
        0
      </text>
      <Bars {...props} stand={STAND} />
    </g>
  );
}

/** The hatch of what came from the cache. */
export function FromCache() {
  return (
    <defs>
      <pattern id="from-cache" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="1.7" height="4" class="cached-line" />
      </pattern>
    </defs>
  );
}

/** What the tallest bar and the highest dot stand for. */
export function Scales(props: { scale: Scale; plot: Plot; y: number }) {
  const { scale, plot, y } = props;
  return (
    <>
      <text class="scale" x={plot.left - 6} y={y + 4} text-anchor="end">
        {number(scale.tokens)} tokens
      </text>
      {scale.seconds > 0 && (
        <text class="scale" x={plot.left - 6} y={y + 18} text-anchor="end">
          • {number(scale.seconds, scale.seconds < 1 ? 2 : 0)} s
        </text>
      )}
    </>
  );
}

interface BarsProps {
  calls: readonly Call[];
  scale: Scale;
  plot: Plot;
  stand: Stand;
}

/** A bar for each call, at its turn. */
export function Bars(props: BarsProps) {
  const { calls, scale, plot, stand } = props;
  return (
    <g>
      <line class="zero" x1={plot.left} x2={plot.right} y1={stand.floor} y2={stand.floor} />
      {[...callsByTurn(calls)].map(([turn, here]) =>
        here.map((call, place) => {
          const width = plot.room(turn) / here.length;
          const x = plot.start(turn) + place * width;
          return <Bar key={call.seq} call={call} x={x} width={width} scale={scale} stand={stand} />;
        }),
      )}
    </g>
  );
}

function Bar(props: { call: Call; x: number; width: number; scale: Scale; stand: Stand }) {
  const { call, x, width, scale, stand } = props;
  const { floor, room, up } = stand;
  const tall = (tokens: number | null) => ((tokens ?? 0) / scale.tokens) * room;
  const prompt = tall(call.prompt_tokens);
  const answer = tall(call.completion_tokens);
  const cached = tall(call.cached_tokens);
  const seconds = secondsOf(call);
  const failed = call.attempts.length > 0 || !call.answered;
  const inner = Math.max(1, width - Math.min(2, width * 0.25));
  const middle = x + width / 2;
  // A part of the bar that begins at a height over the floor.
  const part = (from: number, height: number) => ({
    x: x + (width - inner) / 2,
    y: up === 1 ? floor - from - height : floor + from,
    width: inner,
    height,
  });
  return (
    <g>
      <rect class="prompt-tokens" {...part(0, prompt)} />
      {cached > 0 && <rect fill="url(#from-cache)" {...part(0, cached)} />}
      <rect class="answer-tokens" {...part(prompt, answer)} />
      {seconds !== null && scale.seconds > 0 && (
        <circle
          class="seconds"
          cx={middle}
          cy={floor - up * (seconds / scale.seconds) * room}
          r={Math.min(2.2, Math.max(1, width / 2))}
        />
      )}
      {call.prompt_tokens === null && call.completion_tokens === null && (
        <text class="unknown" x={middle} y={up === 1 ? floor - 3 : floor + 11} text-anchor="middle">
          ?
        </text>
      )}
      {(failed || call.hit) && (
        <text class={failed ? "failed" : "repeated"} x={middle} y={stand.signs} text-anchor="middle">
          {failed ? "×" : "↻"}
        </text>
      )}
    </g>
  );
}
