// What all panels share: a title, a legend, the cursor, and a reading of the turn that is pointed at.
// For the keyboard a panel is one slider: arrows move the reading, Enter goes to its turn.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Words } from "../shared/text";
import { useAt } from "../talk/scrub";
import { Cursor, usePlot } from "./plot";

/** Characters of a reading above which it may scroll, and so must be reached by the keyboard. */
const LONG = 300;

export interface Spot {
  turn: number;
  row: number;
}

interface ChartProps {
  title: string;
  /** One line that says how to read it. */
  legend: ComponentChildren;
  /** The whole in words, for who does not see it. */
  summary: string;
  height: number;
  /** For a chart of rows: how many there are, and which one is at a height. */
  rows?: number;
  rowAt?(y: number): number;
  /** Where a row is, to mark it. */
  rowBox?(row: number): { y: number; height: number };
  /** What is at a place, in words. */
  read(turn: number, row: number): string;
  jump(turn: number): void;
  /** A row to show, whenever the object is a new one. */
  show?: { row: number } | null;
  controls?: ComponentChildren;
  /** What is not to be seen, under the drawing. */
  veil?: ComponentChildren;
  /** The drawing. */
  children: ComponentChildren;
}

export function Chart(props: ChartProps) {
  const id = useId();
  const section = useRef<HTMLElement>(null);
  const [spot, setSpot] = useState<Spot | null>(null);
  const { show } = props;
  useEffect(() => {
    if (!show) return;
    setSpot((before) => ({ turn: before?.turn ?? -1, row: show.row }));
    section.current?.scrollIntoView({ block: "nearest" });
  }, [show]);
  return (
    <section class="figure" ref={section} aria-labelledby={`${id}-title`}>
      <div class="figure-head">
        <h3 id={`${id}-title`}>{props.title}</h3>
        {props.controls}
      </div>
      <p class="legend">{props.legend}</p>
      <p class="unseen" id={`${id}-summary`}>
        {props.summary}
      </p>
      <Plane {...props} id={id} spot={spot} setSpot={setSpot} />
    </section>
  );
}

interface PlaneProps extends ChartProps {
  id: string;
  spot: Spot | null;
  setSpot(spot: Spot | null): void;
}

/** The drawing with its cursor, and the reading under it. */
function Plane(props: PlaneProps) {
  const { spot, setSpot, height, rows = 1 } = props;
  const plot = usePlot();
  const current = useAt((at) => at);
  const plane = useRef<HTMLDivElement>(null);
  // A row can be shown without a turn: then it is read at the scrubber's.
  const turn = spot === null || spot.turn < 0 ? current : spot.turn;
  const row = Math.min(spot?.row ?? 0, rows - 1);
  const words = props.read(turn, spot === null ? -1 : row);
  const spotAt = (event: { clientX: number; clientY: number }): Spot => {
    const box = plane.current?.getBoundingClientRect();
    return {
      turn: plot.at(event.clientX - (box?.left ?? 0)),
      row: props.rowAt?.(event.clientY - (box?.top ?? 0)) ?? 0,
    };
  };
  const box = spot === null ? null : props.rowBox?.(row);
  return (
    <>
      <div
        ref={plane}
        class="plane"
        style={{ height: `${height}px` }}
        role="slider"
        tabIndex={0}
        aria-labelledby={`${props.id}-title`}
        aria-describedby={`${props.id}-summary`}
        aria-valuemin={0}
        aria-valuemax={plot.turns - 1}
        aria-valuenow={turn}
        aria-valuetext={words}
        onPointerMove={(event) => {
          const next = spotAt(event);
          if (next.turn !== spot?.turn || next.row !== spot.row) setSpot(next);
        }}
        onPointerLeave={() => setSpot(null)}
        onClick={(event) => props.jump(spotAt(event).turn)}
        onBlur={() => setSpot(null)}
        onKeyDown={(event) => pressed(event, { turn, row }, plot.turns, rows, setSpot, props.jump)}
      >
        <svg width={plot.width} height={height} aria-hidden="true">
          {props.children}
        </svg>
        <Cursor />
        {spot !== null && spot.turn >= 0 && (
          <div class="spot" style={{ transform: `translateX(${plot.x(spot.turn)}px)` }} />
        )}
        {box && <div class="spot-row" style={{ top: `${box.y}px`, height: `${box.height}px` }} />}
      </div>
      {props.veil}
      <p class="reading" tabIndex={words.length > LONG ? 0 : undefined}>
        <span class="soft">turn {turn}</span> <Words text={words} />
      </p>
    </>
  );
}

function pressed(
  event: KeyboardEvent,
  { turn, row }: Spot,
  turns: number,
  rows: number,
  setSpot: (spot: Spot | null) => void,
  jump: (turn: number) => void,
): void {
  const within = (value: number, many: number) => Math.min(many - 1, Math.max(0, value));
  const moves: Record<string, Spot> = {
    ArrowRight: { turn: within(turn + 1, turns), row },
    ArrowLeft: { turn: within(turn - 1, turns), row },
    ArrowDown: { turn, row: within(row + 1, rows) },
    ArrowUp: { turn, row: within(row - 1, rows) },
    Home: { turn: 0, row },
    End: { turn: turns - 1, row },
  };
  const move = moves[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (move !== undefined) setSpot(move);
  else if (event.key === "Enter") jump(turn);
  else return;
  event.preventDefault();
}

/** A panel that has nothing to draw, and says why. */
export function EmptyPanel(props: {
  title: string;
  why: string;
  controls?: ComponentChildren;
  children?: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class="figure" aria-labelledby={id}>
      <div class="figure-head">
        <h3 id={id}>{props.title}</h3>
        {props.controls}
      </div>
      {props.why !== "" && <p class="legend">{props.why}</p>}
      {props.children}
    </section>
  );
}

/** A small sign of a legend: a shape beside its meaning. */
export function Sign(props: { children: ComponentChildren; says: string }) {
  return (
    <span class="sign">
      <span class="shape" aria-hidden="true">
        {props.children}
      </span>
      {props.says}
    </span>
  );
}
