// All panels beside a conversation, on one scale of turns.
import { memo } from "../shared/memo";
import { useReading } from "../talk/context";
import { CostPanel } from "./costs";
import { DriftPanel } from "./drift";
import { EmotionPanel } from "./emotion";
import { JudgePanel } from "./judges";
import { KnowingPanel } from "./knowing";
import { PlotContext, useMeasuredPlot } from "./plot";
import { StrategyPanel } from "./strategies";

export const Panels = memo(function Panels(props: { fact: { id: string } | null }) {
  const { talk } = useReading();
  const { element, plot } = useMeasuredPlot(talk.turns.length);
  if (talk.blind) return <p class="legend">Figures are hidden from a blind reader.</p>;
  return (
    <section class="figures" aria-label="Figures">
      <h2 class="unseen">Figures</h2>
      <div ref={element} />
      <PlotContext.Provider value={plot}>
        <KnowingPanel fact={props.fact} />
        <StrategyPanel />
        <EmotionPanel />
        <DriftPanel />
        <CostPanel />
        <JudgePanel />
      </PlotContext.Provider>
    </section>
  );
});
