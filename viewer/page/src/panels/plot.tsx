// The room that all panels draw in: one scale of turns, one width, so that the cursor stands at the same place in each.
import { createContext } from "preact";
import { useContext, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useScrub } from "../talk/scrub";

/** Room for labels at the left, for times before the first turn, and at the right. */
const LEFT = 112;
const LEAD = 10;
const RIGHT = 26;

export class Plot {
  readonly width: number;
  readonly turns: number;
  readonly left = LEFT;
  readonly band: number;

  constructor(width: number, turns: number) {
    this.width = Math.max(LEFT + LEAD + RIGHT + 60, width);
    this.turns = Math.max(1, turns);
    this.band = (this.width - LEFT - LEAD - RIGHT) / this.turns;
  }

  get right(): number {
    return this.width - RIGHT;
  }

  /** Where a turn's band begins; -1 is the time before the first turn. What comes after the last has its place too. */
  start(turn: number): number {
    return turn < 0 ? LEFT : LEFT + LEAD + Math.min(turn, this.turns) * this.band;
  }

  /** How wide a turn's band is. */
  room(turn: number): number {
    if (turn < 0) return LEAD - 2;
    return turn < this.turns ? this.band : Math.min(this.band, RIGHT - 2);
  }

  /** The middle of a turn's band. */
  x(turn: number): number {
    return turn < 0 ? LEFT + LEAD / 2 : this.start(turn) + this.band / 2;
  }

  /** The turn at a place. */
  at(x: number): number {
    const turn = Math.floor((x - LEFT - LEAD) / this.band);
    return Math.min(this.turns - 1, Math.max(0, turn));
  }
}

export const PlotContext = createContext<Plot>(new Plot(400, 1));

export function usePlot(): Plot {
  return useContext(PlotContext);
}

/** A plot as wide as an element, and that element's reference. */
export function useMeasuredPlot(turns: number) {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const box = element.current;
    if (box === null) return;
    const measure = () => setWidth(Math.floor(box.getBoundingClientRect().width));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  return { element, plot: useMemo(() => new Plot(width, turns), [width, turns]) };
}

/** The line at the scrubber's turn. It is moved by hand: a step renders nothing here. */
export function Cursor() {
  const plot = usePlot();
  const scrub = useScrub();
  const line = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const move = () => {
      if (line.current) line.current.style.transform = `translateX(${plot.x(scrub.turn)}px)`;
    };
    move();
    return scrub.subscribe(move);
  }, [plot, scrub]);
  return <div class="cursor" ref={line} aria-hidden="true" />;
}

/** A line through points; where a value is unknown it stops, and begins again after. */
export function pathOf(points: readonly { x: number; y: number | null }[]): string {
  let path = "";
  let pen = "M";
  for (const { x, y } of points) {
    if (y === null) {
      pen = "M";
      continue;
    }
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return path;
}

/** Shortens a label that would not fit at the left of a plot. */
export function fitted(label: string, most = 16): string {
  const characters = [...label];
  return characters.length <= most ? label : `${characters.slice(0, most - 1).join("")}…`;
}
