// The figures of two conversations, one over the other, on one scale of turns.
import { PlotContext, useMeasuredPlot } from "../panels/plot";
import { memo } from "../shared/memo";
import type { Readings } from "./compare";
import { CompareCosts } from "./costs";
import { CompareDrift } from "./drift";
import { CompareFeelings } from "./feelings";
import { CompareKnowing } from "./knowing";
import type { Pair } from "./model";
import { CompareStrategies } from "./strategies";
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
        <CompareCosts pair={pair} jump={jump} />
        <CompareTotals pair={pair} />
        <CompareFound pair={pair} />
      </PlotContext.Provider>
    </section>
  );
});
