// The figures of two conversations, one over the other, on one scale of turns.
import { useMemo } from "preact/hooks";
import type { DriftLine } from "../api";
import { Chart, EmptyPanel, Sign } from "../panels/chart";
import { Change, changeAt, DRIFT_ROW, reachOf, signed, traitWords, useDriftGroup } from "../panels/drift";
import { Levels, Line, LEVELS_HEIGHT, type Trace, tracesOf } from "../panels/emotion";
import { fitted, type Plot, PlotContext, useMeasuredPlot, usePlot } from "../panels/plot";
import { declaredCells, Differs, disagreements, heightOf, StrategyKeys, Strip } from "../panels/strategies";
import { memo } from "../shared/memo";
import { number, visible } from "../shared/text";
import type { Readings } from "./compare";
import { CompareKnowing } from "./knowing";
import { type Letter, type Pair } from "./model";
import { CompareFound, CompareTotals } from "./tables";

interface FiguresProps {
  pair: Pair;
  readings: Readings;
  turns: number;
  fact: { id: string } | null;
}

export const CompareFigures = memo(function CompareFigures(props: FiguresProps) {
  const { pair, readings } = props;
  const { element, plot } = useMeasuredPlot(props.turns);
  const { jump } = readings.A;
  return (
    <section class="figures" aria-label="Figures of both">
      <h2 class="unseen">Figures</h2>
      <div ref={element} />
      <PlotContext.Provider value={plot}>
        <CompareKnowing pair={pair} readings={readings} fact={props.fact} jump={jump} />
        <CompareStrategies pair={pair} jump={jump} />
        <CompareFeelings pair={pair} jump={jump} />
        <CompareDrift pair={pair} jump={jump} />
        <CompareTotals pair={pair} />
        <CompareFound pair={pair} />
      </PlotContext.Provider>
    </section>
  );
});

interface FigureProps {
  pair: Pair;
  jump(turn: number): void;
}

function CompareStrategies(props: FigureProps) {
  const { pair, jump } = props;
  const plot = usePlot();
  const cells = useMemo(() => ({ A: declaredCells(pair.A), B: declaredCells(pair.B) }), [pair]);
  const differ = useMemo(() => disagreements(cells.A, cells.B), [cells]);
  // Labels of both: the strips of two taxonomies would else have colours of their own.
  const labels = useMemo(() => {
    const known = new Set(pair.A.labels.map((label) => label.id));
    return [...pair.A.labels, ...pair.B.labels.filter((label) => !known.has(label.id))];
  }, [pair]);
  const lane = heightOf(plot, labels);
  const drawing = useMemo(
    () => (
      <g>
        <Strip name="A" cells={cells.A} labels={labels} plot={plot} y={0} />
        <Strip name="B" cells={cells.B} labels={labels} plot={plot} y={lane} />
        {[...differ].map((turn) => (
          <Differs key={turn} turn={turn} plot={plot} y={2 * lane} />
        ))}
      </g>
    ),
    [cells, differ, labels, plot, lane],
  );
  const words = (letter: Letter, turn: number) => {
    const cell = cells[letter].find((one) => one.turn === turn);
    if (cell === undefined) return pair[letter].turns[turn] === undefined ? "has ended" : "the seeker speaks";
    return cell.labels === null ? "– (not declared)" : cell.labels.join(" and ") || "none";
  };
  if ([...cells.A, ...cells.B].every((cell) => cell.labels === null))
    return <EmptyPanel title="Strategies" why="Neither of them declares strategies." />;
  const both = cells.A.filter((cell) => cells.B.some((other) => other.turn === cell.turn)).length;
  return (
    <Chart
      title="Strategies"
      legend={<StrategyKeys labels={labels} cells={[...cells.A, ...cells.B]} differ={differ.size > 0} plot={plot} />}
      summary={`Declared strategies differ in ${differ.size} of the ${both} turns that the supporter speaks in both.`}
      height={2 * lane + 16}
      read={(turn) => `A ${words("A", turn)}; B ${words("B", turn)}${differ.has(turn) ? " ≠" : ""}`}
      jump={jump}
    >
      {drawing}
    </Chart>
  );
}

const FEELINGS = ["distress", "trust"] as const;

/** The latest value up to a turn. */
function latest(trace: Trace | undefined, turn: number): number | null {
  for (let at = turn; at >= 0; at--) {
    const value = trace?.values.get(at);
    if (value !== undefined) return value;
  }
  return null;
}

function CompareFeelings(props: FigureProps) {
  const { pair, jump } = props;
  const plot = usePlot();
  const traces = useMemo(() => ({ A: ownTraces(tracesOf(pair.A)), B: ownTraces(tracesOf(pair.B)) }), [pair]);
  const drawing = useMemo(
    () => (
      <g>
        <Levels plot={plot} />
        {[...traces.A.values()].map((trace) => (
          <Line key={`A ${trace.feeling}`} trace={trace} plot={plot} class="line-A" />
        ))}
        {[...traces.B.values()].map((trace) => (
          <Line key={`B ${trace.feeling}`} trace={trace} plot={plot} class="line-B" />
        ))}
      </g>
    ),
    [traces, plot],
  );
  if (traces.A.size + traces.B.size === 0)
    return <EmptyPanel title="Distress and trust" why="The seeker reports neither in either of them." />;
  const read = (turn: number) =>
    FEELINGS.map(
      (feeling) =>
        `${feeling} ${compared(latest(traces.A.get(feeling), turn), latest(traces.B.get(feeling), turn), 0)}`,
    ).join("; ");
  const last = plot.turns - 1;
  return (
    <Chart
      title="Distress and trust"
      legend={
        <>
          By the seeker’s report: <Sign says="distress">●</Sign> <Sign says="trust">■</Sign>{" "}
          <Sign says="A, thick">━</Sign> <Sign says="B, thin and dashed">╌</Sign>
        </>
      }
      summary={`At the end: ${read(last)}.`}
      height={LEVELS_HEIGHT}
      read={read}
      jump={jump}
    >
      {drawing}
    </Chart>
  );
}

function ownTraces(traces: readonly Trace[]): Map<string, Trace> {
  return new Map(traces.filter((trace) => trace.feeling !== "reader").map((trace) => [trace.feeling, trace]));
}

/** Two values and their difference, B less A. */
function compared(A: number | null, B: number | null, digits: number): string {
  const word = (value: number | null) => (value === null ? "–" : number(value, digits));
  const difference = A === null || B === null ? "" : ` (difference ${signed(B - A, digits)})`;
  return `A ${word(A)}, B ${word(B)}${difference}`;
}

function CompareDrift(props: FigureProps) {
  const { pair, jump } = props;
  const plot = usePlot();
  const chosenA = useDriftGroup(pair.A);
  const chosenB = useDriftGroup(pair.B, chosenA.group);
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
      <EmptyPanel title="Drift of traits" why="No trait has scores in either of them." controls={chosenA.chooser} />
    );
  const change = (line: DriftLine | null, turn: number) =>
    line === null ? null : (changeAt(line, turn)?.change ?? null);
  const read = (turn: number, row: number) =>
    (row < 0 ? lines : lines.slice(row, row + 1))
      .map(({ factor, A, B }) => `${traitWords(factor)} ${compared(change(A, turn), change(B, turn), 2)}`)
      .join("; ");
  return (
    <Chart
      title="Drift of traits"
      legend={`${visible(chosenA.group?.words ?? chosenB.group?.words ?? "")}: change since the baseline, ±${number(reach, 1)} points. A thick, B thin and dashed; bands: noise of A, and 1.96 × it.`}
      summary={`At the end: ${read(plot.turns - 1, -1)}.`}
      height={lines.length * DRIFT_ROW}
      rows={lines.length}
      rowAt={(y) => Math.min(lines.length - 1, Math.max(0, Math.floor(y / DRIFT_ROW)))}
      rowBox={(row) => ({ y: row * DRIFT_ROW, height: DRIFT_ROW })}
      read={read}
      jump={jump}
      controls={chosenA.chooser}
    >
      {drawing}
    </Chart>
  );
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
