// How the traits of two conversations move, trait over trait.
import { useMemo } from "preact/hooks";
import type { DriftLine } from "../api";
import { Chart, EmptyPanel } from "../panels/chart";
import { Change, changeAt, DRIFT_ROW, type DriftGroup, reachOf, traitWords, useDriftGroup } from "../panels/drift";
import { fitted, type Plot, usePlot } from "../panels/plot";
import { number, visible } from "../shared/text";
import type { FigureProps } from "./model";
import { compared } from "./values";

export function CompareDrift(props: FigureProps) {
  const { pair, jump } = props;
  const plot = usePlot();
  const chosenA = useDriftGroup(pair.A);
  const chosenB = useDriftGroup(pair.B, chosenA.group);
  const controls = chosenA.group === null ? chosenB.chooser : chosenA.chooser;
  const asked = askedWords(chosenA.group, chosenB.group);
  const lines = useMemo(
    () => pairedLines(chosenA.group?.lines ?? [], chosenB.group?.lines ?? []),
    [chosenA.group, chosenB.group],
  );
  const reach = useMemo(() => reachOf(lines.flatMap(({ A, B }) => [A, B].filter((line) => line !== null))), [lines]);
  const drawing = useMemo(
    () => (
      <g>
        {lines.map((line, row) => (
          <BothChanges key={line.factor} line={line} middle={(row + 0.5) * DRIFT_ROW} reach={reach} plot={plot} />
        ))}
      </g>
    ),
    [lines, plot, reach],
  );
  if (lines.length === 0)
    return (
      <EmptyPanel
        title="Drift of traits"
        why={visible(`No trait has scores in either of them. ${asked}`)}
        controls={controls}
      />
    );
  const change = (line: DriftLine | null, turn: number) =>
    line === null ? null : (changeAt(line, turn)?.change ?? null);
  const read = (turn: number, row: number) =>
    (row < 0 ? lines : lines.slice(row, row + 1))
      .map(({ factor, A, B }) => `${traitWords(factor)} ${compared(change(A, turn), change(B, turn), 2, "no score")}`)
      .join("; ");
  return (
    <Chart
      title="Drift of traits"
      legend={`${visible(asked)} Change since the baseline, ±${number(reach, 1)} points. A thick, B thin and dashed; bands: noise of A, and 1.96 × it.`}
      summary={`At the end: ${read(plot.turns - 1, -1)}.`}
      height={lines.length * DRIFT_ROW}
      rows={lines.length}
      rowAt={(y) => Math.min(lines.length - 1, Math.max(0, Math.floor(y / DRIFT_ROW)))}
      rowBox={(row) => ({ y: row * DRIFT_ROW, height: DRIFT_ROW })}
      read={read}
      jump={jump}
      controls={controls}
    >
      {drawing}
    </Chart>
  );
}

/** Whose traits these are and who answered, in each; and which of the two was not asked so. */
function askedWords(A: DriftGroup | null, B: DriftGroup | null): string {
  if (A === null && B === null) return "";
  if (A === null) return `${B?.words}. A was asked nothing.`;
  if (B === null) return `${A.words}. B was not asked by this source.`;
  return A.words === B.words ? `${A.words}.` : `A: ${A.words}; B: ${B.words}.`;
}

/** One trait of both; the noise is that of A where there is one. */
function BothChanges(props: { line: PairedLine; middle: number; reach: number; plot: Plot }) {
  const { middle, reach, plot } = props;
  const { factor, A, B } = props.line;
  return (
    <g>
      <text x="0" y={middle + 4}>
        {fitted(visible(traitWords(factor)))}
      </text>
      {A && <Change line={A} middle={middle} reach={reach} plot={plot} class="line-A" />}
      {B && (
        <Change line={{ ...B, noise: A ? null : B.noise }} middle={middle} reach={reach} plot={plot} class="line-B" />
      )}
    </g>
  );
}

interface PairedLine {
  factor: string;
  A: DriftLine | null;
  B: DriftLine | null;
}

/** Lines with scores, by trait; a trait without scores in both is left out. */
function pairedLines(A: readonly DriftLine[], B: readonly DriftLine[]): PairedLine[] {
  const scored = (lines: readonly DriftLine[]) =>
    new Map(lines.filter((line) => line.why === null).map((line) => [line.factor, line]));
  const [ofA, ofB] = [scored(A), scored(B)];
  return [...new Set([...ofA.keys(), ...ofB.keys()])].map((factor) => ({
    factor,
    A: ofA.get(factor) ?? null,
    B: ofB.get(factor) ?? null,
  }));
}
