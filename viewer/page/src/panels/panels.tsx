// All panels beside a conversation, on one scale of turns.
import { memo } from "../shared/memo";
import { visible } from "../shared/text";
import { useReading } from "../talk/context";
import { nameOf } from "../talk/model";
import { CostPanel } from "./costs";
import { DriftPanel } from "./drift";
import { EmotionPanel } from "./emotion";
import { JudgePanel } from "./judges";
import { KnowingPanel } from "./knowing";
import { PlotContext, useMeasuredPlot } from "./plot";
import { StrategyPanel } from "./strategies";

/** Set apart where a role's eyes are looked through: what follows belongs to neither side. */
function Readings() {
  const { talk } = useReading();
  return (
    <>
      <h2 class="readings">The researcher’s readings</h2>
      <p class="legend">
        {visible(nameOf(talk, "seeker"))} and {visible(nameOf(talk, "supporter"))} know nothing of what follows.
      </p>
    </>
  );
}

export const Panels = memo(function Panels(props: { fact: { id: string } | null }) {
  const { talk, eyes } = useReading();
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
        {eyes !== "public" && <Readings />}
        <DriftPanel />
        <CostPanel />
        <JudgePanel />
      </PlotContext.Provider>
    </section>
  );
});
