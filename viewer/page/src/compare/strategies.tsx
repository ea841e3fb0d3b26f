// Strategies of two conversations, strip under strip: what is declared, and what an annotator finds in the words.
import { useMemo } from "preact/hooks";
import type { Annotator, Named } from "../api";
import { Chart, EmptyPanel } from "../panels/chart";
import { type Plot, usePlot } from "../panels/plot";
import {
  annotatedCells,
  type Cell,
  declaredCells,
  Differs,
  disagreements,
  heightOf,
  Strip,
  StrategyKeys,
  useAnnotator,
} from "../panels/strategies";
import type { FigureProps, Letter, Pair } from "./model";

/** Room under two strips for the signs that they differ. */
const SIGNS = 18;

/** The strips of both that are held against each other. */
interface Strips {
  what: "declared" | "annotated";
  A: readonly Cell[];
  B: readonly Cell[];
  /** Turns where both are known and differ. */
  differ: Set<number>;
}

function stripsOf({ A, B }: Pair, name: string | null): Strips[] {
  const found = (letter: { annotators: Annotator[] }) =>
    annotatedCells(letter.annotators.find((one) => one.name === name) ?? null);
  const declared = { A: declaredCells(A), B: declaredCells(B) };
  const annotated = { A: found(A), B: found(B) };
  const strips: Strips[] = [
    { what: "declared", ...declared, differ: disagreements(declared.A, declared.B) },
    { what: "annotated", ...annotated, differ: disagreements(annotated.A, annotated.B) },
  ];
  return strips.filter(({ A, B }) => [...A, ...B].some((cell) => cell.labels !== null));
}

/** Those of both, each name once. */
function annotatorsOf({ A, B }: Pair): Annotator[] {
  return [...A.annotators, ...B.annotators.filter(({ name }) => A.annotators.every((one) => one.name !== name))];
}

/** Labels of both: the strips of two taxonomies would else have colours of their own. */
function labelsOf({ A, B }: Pair): Named[] {
  return [...A.labels, ...B.labels.filter(({ id }) => A.labels.every((label) => label.id !== id))];
}

export function CompareStrategies(props: FigureProps) {
  const { pair, jump } = props;
  const plot = usePlot();
  const annotators = useMemo(() => annotatorsOf(pair), [pair]);
  const { annotator, chooser } = useAnnotator(annotators);
  const strips = useMemo(() => stripsOf(pair, annotator?.name ?? null), [pair, annotator]);
  const labels = useMemo(() => labelsOf(pair), [pair]);
  const drawing = useMemo(() => <Drawing strips={strips} labels={labels} plot={plot} />, [strips, labels, plot]);
  if (strips.length === 0) {
    return (
      <EmptyPanel
        title="Strategies"
        why="No strategy was declared or annotated in either of them."
        controls={chooser}
      />
    );
  }
  return (
    <Chart
      title="Strategies"
      legend={
        <StrategyKeys
          labels={labels}
          cells={strips.flatMap(({ A, B }) => [...A, ...B])}
          differ={strips.some(({ differ }) => differ.size > 0)}
          plot={plot}
        />
      }
      summary={strips.map(summaryOf).join(" ")}
      height={strips.length * (2 * heightOf(plot, labels) + SIGNS)}
      read={(turn) => readingAt(pair, strips, turn)}
      jump={jump}
      controls={chooser}
    >
      {drawing}
    </Chart>
  );
}

function Drawing(props: { strips: readonly Strips[]; labels: readonly Named[]; plot: Plot }) {
  const { strips, labels, plot } = props;
  const lane = heightOf(plot, labels);
  return (
    <g>
      {strips.map(({ what, A, B, differ }, place) => {
        const top = place * (2 * lane + SIGNS);
        return (
          <g key={what}>
            <Strip name={`A ${what}`} cells={A} labels={labels} plot={plot} y={top} />
            <Strip name={`B ${what}`} cells={B} labels={labels} plot={plot} y={top + lane} />
            {[...differ].map((turn) => (
              <Differs key={turn} turn={turn} plot={plot} top={top} y={top + 2 * lane} />
            ))}
          </g>
        );
      })}
    </g>
  );
}

function summaryOf({ what, A, B, differ }: Strips): string {
  const turns = new Set(B.map((cell) => cell.turn));
  const both = A.filter((cell) => turns.has(cell.turn)).length;
  return `Strategies ${what} differ in ${differ.size} of the ${both} turns that have them in both.`;
}

function readingAt(pair: Pair, strips: readonly Strips[], turn: number): string {
  const roles = [pair.A.turns[turn]?.role, pair.B.turns[turn]?.role];
  if (!roles.includes("supporter")) return "the seeker speaks";
  return strips
    .map((strip) => {
      const words = (letter: Letter) => wordsAt(pair, strip, letter, turn);
      return `${strip.what}: A ${words("A")}; B ${words("B")}${strip.differ.has(turn) ? " ≠" : ""}`;
    })
    .join(". ");
}

function wordsAt(pair: Pair, strip: Strips, letter: Letter, turn: number): string {
  const role = pair[letter].turns[turn]?.role;
  if (role === undefined) return "has ended";
  if (role === "seeker") return "the seeker speaks";
  const cell = strip[letter].find((one) => one.turn === turn);
  if (cell === undefined || cell.labels === null) return `– (${cell?.why ?? `not ${strip.what}`})`;
  return cell.labels.join(" and ") || "none";
}
