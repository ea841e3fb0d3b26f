// Playing a conversation: each turn stays for as long as it takes to read, and keys move between turns.
import { useCallback, useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { Turn } from "../api";
import { typing } from "../shell/keys";
import type { Scrub } from "./scrub";

export const SPEEDS = [0.5, 1, 2, 4] as const;
export type Speed = (typeof SPEEDS)[number];

/** Milliseconds that a turn stays at speed 1: about 250 words a minute, and a breath. */
export function dwell(turn: Turn | undefined): number {
  return 900 + Math.min(9_000, 40 * (turn?.utterance.length ?? 0));
}

export interface Play {
  playing: boolean;
  speed: Speed;
  toggle(): void;
  setSpeed(speed: Speed): void;
  /** The next speed up, or with -1 down. */
  shift(by: 1 | -1): void;
}

/** Moves the scrubber while it plays. `dwellOf` says how long a turn stays; after turn `last` it stops. */
export function usePlay(scrub: Scrub, last: number, dwellOf: (turn: number) => number): Play {
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<Speed>(1);

  useEffect(() => {
    if (!playing) return;
    let timer = 0;
    const wait = () => {
      clearTimeout(timer);
      if (scrub.turn >= last) setPlaying(false);
      else timer = window.setTimeout(() => scrub.to(scrub.turn + 1), dwellOf(scrub.turn) / speed);
    };
    wait();
    const leave = scrub.subscribe(wait);
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [playing, speed, scrub, last, dwellOf]);

  const toggle = useCallback(() => {
    // Who plays at the end wants to see it again from the beginning.
    if (!playing && scrub.turn >= last) scrub.to(0);
    setPlaying(!playing && last > 0);
  }, [playing, scrub, last]);
  const shift = useCallback((by: 1 | -1) => setSpeed((now) => SPEEDS[SPEEDS.indexOf(now) + by] ?? now), []);
  return { playing, speed, toggle, setSpeed, shift };
}

/** What a key of the replay does; null for a key that is none. */
function actionOf(key: string, scrub: Scrub, last: number, play: Play): (() => void) | null {
  const step = (by: number) => () => scrub.to(Math.min(last, Math.max(0, scrub.turn + by)));
  switch (key) {
    case " ":
      return play.toggle;
    case "j":
    case "ArrowRight":
      return step(1);
    case "k":
    case "ArrowLeft":
      return step(-1);
    case "Home":
      return () => scrub.to(0);
    case "End":
      return () => scrub.to(Math.max(0, last));
    case "<":
      return () => play.shift(-1);
    case ">":
      return () => play.shift(1);
    default:
      return null;
  }
}

/** Listens to the keys of the replay; `more` are a view's own. */
export function usePlayKeys(scrub: Scrub, last: number, play: Play, more?: Record<string, () => void>): void {
  // Laid out, not painted: who sees the turns can press keys at once.
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (typing(event)) return;
      const target = event.target instanceof HTMLElement ? event.target : null;
      // A control keeps the keys that it needs itself.
      if (event.key === " " && target?.closest("button, a, summary, input, [role=slider]")) return;
      if (event.key.startsWith("Arrow") && target instanceof HTMLInputElement) return;
      const action = more?.[event.key] ?? actionOf(event.key, scrub, last, play);
      if (action === null) return;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [scrub, last, play, more]);
}
