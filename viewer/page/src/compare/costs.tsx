// Tokens and seconds of two conversations at each turn: A's bars upwards, B's downwards, on one scale.
import { useMemo } from "preact/hooks";
import type { Call } from "../api";
import { Chart } from "../panels/chart";
import { Bars, callsByTurn, CostLegend, FromCache, Scales, scaleOf, type Stand } from "../panels/costs";
import { usePlot } from "../panels/plot";
import type { FigureProps } from "./model";
import { compared, total } from "./values";

const HEIGHT = 168;
const ROOM = 66;
const MIDDLE = HEIGHT / 2;
const STANDS: Record<"A" | "B", Stand> = {
  A: { floor: MIDDLE, room: ROOM, up: 1, signs: 11 },
  B: { floor: MIDDLE, room: ROOM, up: -1, signs: HEIGHT - 3 },
};

const FIGURES: readonly { what: string; digits: number; of(call: Call): number | null }[] = [
  { what: "prompt tokens", digits: 0, of: (call) => call.prompt_tokens },
  { what: "answer tokens", digits: 0, of: (call) => call.completion_tokens },
  { what: "seconds", digits: 2, of: (call) => call.seconds },
];

export function CompareCosts(props: FigureProps) {
  const { pair, jump } = props;
  const plot = usePlot();
  const calls = useMemo(() => [...pair.A.calls, ...pair.B.calls], [pair]);
  const byTurn = useMemo(() => ({ A: callsByTurn(pair.A.calls), B: callsByTurn(pair.B.calls) }), [pair]);
  const drawing = useMemo(() => {
    const scale = scaleOf(calls);
    return (
      <g class="costs">
        <FromCache />
        <Scales scale={scale} plot={plot} y={MIDDLE - ROOM} />
        {(["A", "B"] as const).map((letter) => (
          <g key={letter}>
            <text class="group" x="0" y={letter === "A" ? MIDDLE - 6 : MIDDLE + 15}>
              {letter}
            </text>
            <Bars calls={pair[letter].calls} scale={scale} plot={plot} stand={STANDS[letter]} />
          </g>
        ))}
      </g>
    );
  }, [pair, calls, plot]);
  // The totals below say why there is nothing to draw.
  if (calls.length === 0) return null;
  const read = (turn: number) => {
    const [A, B] = [byTurn.A.get(turn) ?? [], byTurn.B.get(turn) ?? []];
    if (A.length + B.length === 0) return "no call in either";
    return FIGURES.map(({ what, digits, of }) => {
      const values = compared(total(A, of), total(B, of), digits, "not reported");
      return `${what} ${values}`;
    }).join("; ");
  };
  return (
    <Chart
      title="Tokens and seconds"
      legend={
        <>
          A upwards, B downwards. <CostLegend calls={calls} />
        </>
      }
      summary={`Calls: A ${pair.A.calls.length}, B ${pair.B.calls.length}. The totals are in the table that follows.`}
      height={HEIGHT}
      read={read}
      jump={jump}
    >
      {drawing}
    </Chart>
  );
}
