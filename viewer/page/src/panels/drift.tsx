// How traits move over the conversation, against what a second asking without a talk between moves: the noise band.
import { useMemo, useState } from "preact/hooks";
import type { DriftLine, Role, Talk } from "../api";
import { number, visible } from "../shared/text";
import { useReading } from "../talk/context";
import { nameAndRole, nameOf } from "../talk/model";
import { Chart, EmptyPanel } from "./chart";
import { fitted, pathOf, usePlot, type Plot } from "./plot";

const TITLE = "Drift of traits";
const ROW = 46;
/** Below this change the scale does not shrink: noise would look like drift. */
const LEAST = 0.5;
/** Standard errors that hold 95 of 100 changes that are noise. */
const WIDE = 1.96;

const SOURCES: Record<string, string> = {
  self: "by its own answers",
  bare: "the model without its persona",
  observer: "as an observer sees it",
};

export interface DriftGroup {
  id: string;
  /** What is the same in another conversation that was asked the same, although its roles may be other models. */
  like: string;
  words: string;
  lines: DriftLine[];
}

/** Lines that belong together: of one plan, one source, one role. */
export function groupsOf(talk: Talk): DriftGroup[] {
  const groups = new Map<string, DriftGroup>();
  for (const line of talk.drift) {
    const id = [line.plan, line.source, line.role, line.model].join("\n");
    const group = groups.get(id) ?? { id, like: likeOf(line), words: groupWords(talk, line), lines: [] };
    group.lines.push(line);
    groups.set(id, group);
  }
  return [...groups.values()];
}

/** A role answers for itself by its own model, whichever that is; an observer is one model. */
function likeOf({ plan, source, role, model }: DriftLine): string {
  return [plan, source, role, source === "observer" ? model : ""].join("\n");
}

function groupWords(talk: Talk, line: DriftLine): string {
  return `${nameOf(talk, line.role)}, ${SOURCES[line.source] ?? line.source} (${line.plan}, ${line.model})`;
}

/** The chosen group of lines, with its chooser. `like`: the group of another conversation that this one goes by; where
 * this one was not asked by the same source about the same role it has none, since another would be another thing. */
export function useDriftGroup(
  talk: Talk,
  like: DriftGroup | null = null,
): { group: DriftGroup | null; chooser: preact.VNode | null } {
  const groups = useMemo(() => groupsOf(talk), [talk]);
  const scored = groups.filter((one) => one.lines.some((line) => line.why === null));
  const [id, setId] = useState<string | null>(null);
  const alike = groups.filter((one) => one.like === like?.like);
  const own =
    groups.find((one) => one.id === id) ??
    scored.find((one) => one.lines[0]?.source === "self") ??
    scored[0] ??
    groups[0] ??
    null;
  const group = like === null ? own : (alike.find((one) => one.id === like.id) ?? alike[0] ?? null);
  const chooser =
    groups.length < 2 ? null : (
      <label class="choose">
        <span class="unseen">Whose traits, and who answered</span>
        <select value={group?.id ?? ""} onChange={(event) => setId(event.currentTarget.value)}>
          {groups.map((one) => (
            <option key={one.id} value={one.id}>
              {visible(one.words)}
            </option>
          ))}
        </select>
      </label>
    );
  return { group, chooser };
}

export function DriftPanel() {
  const { talk, jump } = useReading();
  const plot = usePlot();
  const { group, chooser } = useDriftGroup(talk);
  const lines = group?.lines ?? [];
  const reach = useMemo(() => reachOf(lines), [group]);
  const drawing = useMemo(
    () => (
      <g>
        {lines.map((line, row) => (
          <Multiple key={line.factor} line={line} y={row * ROW} reach={reach} plot={plot} />
        ))}
      </g>
    ),
    [group, plot, reach],
  );
  if (group === null) {
    return (
      <EmptyPanel
        title={TITLE}
        why={"No questionnaire was given in this conversation; confide score RUN --with traits-markers gives one."}
      />
    );
  }
  if (lines.every((line) => line.why !== null)) {
    return <EmptyPanel title={TITLE} why={`No trait has scores. ${whyWords(lines)}`} controls={chooser} />;
  }
  return (
    <Chart
      title={TITLE}
      legend={<Legend talk={talk} group={group} reach={reach} />}
      summary={lines.map((line) => visible(summaryOf(line))).join(" ")}
      height={lines.length * ROW}
      rows={lines.length}
      rowAt={(y) => Math.min(lines.length - 1, Math.max(0, Math.floor(y / ROW)))}
      rowBox={(row) => ({ y: row * ROW, height: ROW })}
      read={(turn, row) => readingAt(lines, turn, row)}
      jump={jump}
      controls={chooser}
    >
      {drawing}
    </Chart>
  );
}

/** The change that the scale of all lines reaches to. */
export function reachOf(lines: readonly DriftLine[]): number {
  const changes = lines.flatMap((line) => line.points.map((point) => Math.abs(point.change ?? 0)));
  const noise = lines.map((line) => WIDE * (line.noise ?? 0));
  return Math.max(LEAST, ...changes, ...noise);
}

/** The change at a turn: that of the last time that was asked. */
export function changeAt(line: DriftLine, turn: number): { change: number | null; turn: number } | null {
  const point = line.points.findLast((one) => one.turn <= turn);
  return point ?? null;
}

function readingAt(lines: readonly DriftLine[], turn: number, row: number): string {
  const shown = row < 0 ? lines.filter((line) => line.why === null) : lines.slice(row, row + 1);
  if (shown.length === 0) return "no trait has scores; point at one to read why";
  return shown.map((line) => lineWords(line, turn, row >= 0)).join("; ");
}

/** A trait's id in words. */
export function traitWords(factor: string): string {
  return factor.replaceAll("_", " ");
}

function lineWords(line: DriftLine, turn: number, whole: boolean): string {
  if (line.why !== null) return `${traitWords(line.factor)}: no scores, ${line.why}`;
  const at = changeAt(line, turn);
  const change = at?.change ?? null;
  const words = `${traitWords(line.factor)} ${change === null ? "–" : signed(change)}`;
  if (!whole || at === null) return words;
  const asked = at.turn < 0 ? "asked before the talk" : `asked after turn ${at.turn}`;
  const start = line.start === null ? "" : `, from ${number(line.start, 2)} at the baseline`;
  return `${words} (${asked}${start}; noise ${line.noise === null ? "not known" : `±${number(line.noise, 2)}`})`;
}

export function signed(change: number, digits = 2): string {
  const text = number(change, digits);
  return change > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

function summaryOf(line: DriftLine): string {
  if (line.why !== null) return `${traitWords(line.factor)}: no scores, ${line.why}.`;
  const end = line.points.at(-1)?.change ?? null;
  const noise = line.noise === null ? "noise not known" : `noise ${number(line.noise, 2)}`;
  return `${traitWords(line.factor)}: change ${end === null ? "not known" : signed(end)} at the last asking, ${noise}.`;
}

function Legend(props: { talk: Talk; group: DriftGroup; reach: number }) {
  const { talk, group, reach } = props;
  const line = group.lines[0];
  const scale =
    line?.low !== null && line?.high !== null && line !== undefined
      ? `, on a scale from ${line.low} to ${line.high}`
      : "";
  const whys = whyWords(group.lines);
  return (
    <>
      {line && visible(nameAndRole(talk, line.role as Role))}: change since the baseline, ±{number(reach, 1)} points
      {scale}. Dark band: noise; light band: {WIDE} × noise.
      {whys !== "" && <span class="whys">{whys}</span>}
    </>
  );
}

/** Why traits have no scores: each reason once, with the traits that it holds for. */
function whyWords(lines: readonly DriftLine[]): string {
  const factors = new Map<string, string[]>();
  for (const { why, factor } of lines)
    if (why !== null) factors.set(why, [...(factors.get(why) ?? []), traitWords(factor)]);
  return [...factors].map(([why, of]) => `${visible(of.join(", "))}: ${visible(why)}.`).join(" ");
}

/** One trait. */
function Multiple(props: { line: DriftLine; y: number; reach: number; plot: Plot }) {
  const { line, y, reach, plot } = props;
  const middle = y + ROW / 2;
  return (
    <g class="multiple">
      <text x="0" y={middle + 4}>
        {fitted(visible(traitWords(line.factor)))}
      </text>
      {line.why === null ? (
        <Change line={line} middle={middle} reach={reach} plot={plot} />
      ) : (
        <text class="unknown" x={plot.left + 4} y={middle + 4}>
          – no scores
        </text>
      )}
      <line class="between" x1="0" x2={plot.right} y1={y + ROW - 0.5} y2={y + ROW - 0.5} />
    </g>
  );
}

export function Change(props: { line: DriftLine; middle: number; reach: number; plot: Plot; class?: string }) {
  const { line, middle, reach, plot } = props;
  const half = ROW / 2 - 5;
  const y = (change: number) => middle - (change / reach) * half;
  const points = line.points.map(({ turn, change }) => ({ x: plot.x(turn), y: change === null ? null : y(change) }));
  return (
    <g class={props.class}>
      {line.noise !== null &&
        [WIDE, 1].map((times) => {
          const height = Math.max(1, (2 * times * (line.noise ?? 0) * half) / reach);
          return (
            <rect
              key={times}
              class={times === 1 ? "noise" : "noise wide"}
              x={plot.left}
              width={plot.right - plot.left}
              y={middle - height / 2}
              height={height}
            />
          );
        })}
      <line class="zero" x1={plot.left} x2={plot.right} y1={middle} y2={middle} />
      <path class={`change of-${line.role}`} d={pathOf(points)} />
      {points.map(
        ({ x, y: at }) =>
          at !== null && <circle key={x} class={`change-point of-${line.role}`} cx={x} cy={at} r="2.4" />,
      )}
    </g>
  );
}

export { ROW as DRIFT_ROW };
