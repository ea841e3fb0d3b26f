// Strategies by turn: what the supporter declares above what an annotator, blind to it, finds in the words.
import { useMemo, useState } from "preact/hooks";
import type { Annotator, Labelled, Named, Talk } from "../api";
import { visible } from "../shared/text";
import { useReading } from "../talk/context";
import { isShown, onlookerOf } from "../talk/hidden";
import { Veil } from "../talk/margin";
import { codesOf, nameOf, tintOf } from "../talk/model";
import { Chart, EmptyPanel, Sign } from "./chart";
import { usePlot, type Plot } from "./plot";

const TITLE = "Strategies";
/** From this width of a cell on, its strategy's letters stand in it. */
const ROOMY = 13;
const ROOMY_LANE = 20;
/** Height of a strategy's place in a lane of narrow cells: there the place tells strategies apart. */
const STEP = 4;

export interface Cell {
  turn: number;
  labels: readonly string[] | null;
  why: string | null;
}

export function declaredCells(talk: Talk): Cell[] {
  return talk.turns
    .filter((turn) => turn.role === "supporter")
    .map(({ turn, strategies }) => ({ turn, labels: strategies, why: strategies === null ? "not declared" : null }));
}

export function annotatedCells(annotator: Annotator | null): Cell[] {
  return (annotator?.turns ?? []).map(({ turn, labels, why }: Labelled) => ({ turn, labels, why }));
}

export function sameLabels(one: readonly string[], other: readonly string[]): boolean {
  const known = new Set(one);
  return known.size === new Set(other).size && other.every((label) => known.has(label));
}

/** The turns where what is declared and what is annotated are both known and differ. */
export function disagreements(declared: readonly Cell[], annotated: readonly Cell[]): Set<number> {
  const found = new Map(annotated.map((cell) => [cell.turn, cell.labels]));
  const differ = declared.filter(({ turn, labels }) => {
    const other = found.get(turn);
    return labels !== null && other && !sameLabels(labels, other);
  });
  return new Set(differ.map((cell) => cell.turn));
}

export function StrategyPanel() {
  const { talk, eyes, jump } = useReading();
  const plot = usePlot();
  const { annotator, chooser } = useAnnotator(talk.annotators);
  const onlooker = onlookerOf(talk, eyes);
  // What the supporter declares is its own; what an annotator finds in its words is nobody's of the two.
  const hidden = onlooker === "seeker" && !isShown(talk, onlooker, "other.inner");
  const strips = useMemo(() => stripsOf(talk, annotator, !hidden), [talk, annotator, hidden]);
  const height = heightOf(plot, talk.labels) * strips.cells.length + 16;
  const drawing = useMemo(() => <Drawing strips={strips} labels={talk.labels} plot={plot} />, [strips, talk, plot]);
  const veil = hidden && onlooker !== null && declaredCells(talk).length > 0 && (
    <Veil role={onlooker} what={`the strategies that ${nameOf(talk, "supporter")} declares`} />
  );
  if (strips.cells.every((lane) => lane.every((cell) => cell.labels === null))) {
    const why = veil ? "" : "No strategy was declared or annotated in this conversation.";
    return (
      <EmptyPanel title={TITLE} why={why} controls={chooser}>
        {veil}
      </EmptyPanel>
    );
  }
  return (
    <Chart
      title={TITLE}
      legend={
        <>
          <StrategyKeys labels={talk.labels} cells={strips.cells.flat()} differ={strips.differ.size > 0} plot={plot} />
          {eyes !== "public" && annotator !== null && (
            <span class="whys">Annotated: the researcher’s reading, by {visible(annotator.name)}.</span>
          )}
        </>
      }
      summary={summaryOf(strips)}
      height={height}
      read={(turn) => readingAt(strips, turn)}
      jump={jump}
      controls={chooser}
      veil={veil}
    >
      {drawing}
    </Chart>
  );
}

/** The chosen annotator, with its chooser where there are several. */
export function useAnnotator(annotators: readonly Annotator[]): {
  annotator: Annotator | null;
  chooser: preact.VNode | null;
} {
  const [chosen, choose] = useState<string | null>(null);
  const annotator = annotators.find((one) => one.name === chosen) ?? annotators[0] ?? null;
  const chooser =
    annotators.length < 2 ? null : (
      <label class="choose">
        <span class="unseen">Annotator</span>
        <select value={annotator?.name ?? ""} onChange={(event) => choose(event.currentTarget.value)}>
          {annotators.map(({ name, person }) => (
            <option key={name} value={name}>
              {visible(name)}
              {person ? " (person)" : ""}
            </option>
          ))}
        </select>
      </label>
    );
  return { annotator, chooser };
}

interface Strips {
  names: string[];
  cells: Cell[][];
  differ: Set<number>;
}

/** The lanes; what is declared among them only where it is `shown`. */
function stripsOf(talk: Talk, annotator: Annotator | null, shown: boolean): Strips {
  const declared = declaredCells(talk);
  const annotated = annotatedCells(annotator);
  if (!shown) return { names: annotator ? ["annotated"] : [], cells: annotator ? [annotated] : [], differ: new Set() };
  // People declare nothing: theirs are the labels that the data give their turns.
  const name = talk.setting?.writer === null ? "labelled" : "declared";
  if (annotator === null) return { names: [name], cells: [declared], differ: new Set() };
  return { names: [name, "annotated"], cells: [declared, annotated], differ: disagreements(declared, annotated) };
}

function words(cell: Cell | undefined): string {
  if (cell === undefined) return "nothing";
  if (cell.labels === null) return `missing (${cell.why ?? "not known why"})`;
  return cell.labels.length === 0 ? "none" : cell.labels.join(" and ");
}

function readingAt(strips: Strips, turn: number): string {
  const parts = strips.names.map(
    (name, lane) => [name, strips.cells[lane]?.find((cell) => cell.turn === turn)] as const,
  );
  if (parts.every(([, cell]) => cell === undefined)) return "the seeker speaks";
  return parts.map(([name, cell]) => `${name} ${words(cell)}`).join("; ") + (strips.differ.has(turn) ? " ≠" : "");
}

function summaryOf(strips: Strips): string {
  const first = strips.cells[0] ?? [];
  const counts = new Map<string, number>();
  for (const cell of first) for (const label of cell.labels ?? []) counts.set(label, (counts.get(label) ?? 0) + 1);
  const parts = [...counts]
    .sort((one, other) => other[1] - one[1])
    .map(([label, times]) => `${visible(label)} ${times}`);
  const annotated =
    strips.cells.length > 1
      ? ` Declared and annotated differ in ${strips.differ.size} of ${first.length} turns.`
      : "";
  return `${strips.names[0] ?? "declared"}: ${parts.join(", ") || "none"}.${annotated}`;
}

interface KeysProps {
  labels: readonly Named[];
  cells: readonly Cell[];
  /** Whether any two differ. */
  differ: boolean;
  plot: Plot;
}

/** The strategies that come up, with their letters; and the sign that two differ. */
export function StrategyKeys(props: KeysProps) {
  const { labels, cells } = props;
  const codes = codesOf(labels);
  const used = new Set(cells.flatMap((cell) => cell.labels ?? []));
  const outlined = cellWidth(props.plot) >= ROOMY;
  return (
    <>
      {labels
        .filter(({ id }) => used.has(id))
        .map(({ id }) => (
          <span key={id} class={`sign ${tintOf(labels, id)}`}>
            <span class="swatch" aria-hidden="true">
              {codes.get(id)}
            </span>
            {visible(id)}
          </span>
        ))}{" "}
      {props.differ && <Sign says={outlined ? "outlined: they differ" : "they differ"}>{outlined ? "≠" : "▪"}</Sign>}
    </>
  );
}

export function heightOf(plot: Plot, labels: readonly Named[]): number {
  return cellWidth(plot) >= ROOMY ? ROOMY_LANE : Math.max(5, labels.length) * STEP + 4;
}

/** Where turns are narrow, a supporter's cell takes the room of the seeker's turn after it too. */
function cellWidth(plot: Plot): number {
  return plot.band >= ROOMY || plot.turns < 2 ? plot.band : 2 * plot.band;
}

function Drawing(props: { strips: Strips; labels: readonly Named[]; plot: Plot }) {
  const { strips, labels, plot } = props;
  const lane = heightOf(plot, labels);
  const end = lane * strips.cells.length;
  return (
    <g>
      {strips.cells.map((cells, index) => (
        <Strip
          key={strips.names[index]}
          name={strips.names[index] ?? ""}
          cells={cells}
          labels={labels}
          plot={plot}
          y={index * lane}
        />
      ))}
      {[...strips.differ].map((turn) => (
        <Differs key={turn} turn={turn} plot={plot} y={end} />
      ))}
    </g>
  );
}

/** That two lanes differ: an outline, or where outlines would run together a tick. */
export function Differs(props: { turn: number; plot: Plot; top?: number; y: number }) {
  const { turn, plot, top = 0, y } = props;
  const x = left(plot, turn);
  const width = cellWidth(plot);
  if (width < ROOMY) return <rect class="differ-tick" x={x} y={y + 2} width={Math.max(1, width - 1)} height="5" />;
  return (
    <g class="differ">
      <rect x={x} y={top + 0.5} width={width} height={y - top - 1} />
      <text x={x + width / 2} y={y + 11} text-anchor="middle">
        ≠
      </text>
    </g>
  );
}

function left(plot: Plot, turn: number): number {
  return plot.start(turn);
}

/** One lane of strategies. */
export function Strip(props: {
  name: string;
  cells: readonly Cell[];
  labels: readonly Named[];
  plot: Plot;
  y: number;
}) {
  const { name, cells, labels, plot, y } = props;
  const codes = codesOf(labels);
  const lane = heightOf(plot, labels);
  const roomy = lane === ROOMY_LANE && cellWidth(plot) >= ROOMY;
  return (
    <g>
      <text x="0" y={y + 14}>
        {visible(name)}
      </text>
      <rect class="track" x={plot.left} y={y + 1} width={plot.right - plot.left} height={lane - 2} />
      {cells.map((cell) => {
        if (cell.labels === null) return <Unknown key={cell.turn} x={plot.x(cell.turn)} y={y + lane / 2} />;
        const width = cellWidth(plot) / Math.max(1, cell.labels.length);
        return cell.labels.map((label, place) => {
          const row = labels.findIndex((known) => known.id === label);
          const x = left(plot, cell.turn) + (roomy ? place * width : 0);
          return (
            <g key={`${cell.turn} ${label}`} class={tintOf(labels, label)}>
              <rect
                class={roomy ? "cell" : "cell narrow"}
                x={x + 0.5}
                y={roomy ? y + 2 : y + 2 + Math.max(0, row) * STEP}
                width={Math.max(1, (roomy ? width : cellWidth(plot)) - 1)}
                height={roomy ? lane - 4 : STEP}
              />
              {roomy && width >= 9 && (
                <text class="code" x={x + width / 2} y={y + 14} text-anchor="middle">
                  {codes.get(label) ?? "?"}
                </text>
              )}
            </g>
          );
        });
      })}
    </g>
  );
}

function Unknown(props: { x: number; y: number }) {
  return (
    <text class="unknown" x={props.x} y={props.y + 4} text-anchor="middle">
      –
    </text>
  );
}
