// Where the scrubber stands: outside of component state, so that a step re-renders only what looks different after it.
import { createContext } from "preact";
import { useContext, useLayoutEffect, useRef, useState } from "preact/hooks";

/** The turn that is looked at, and who is told when it changes. */
export class Scrub {
  #turn: number;
  readonly #listeners = new Set<(turn: number) => void>();

  constructor(turn: number) {
    this.#turn = turn;
  }

  get turn(): number {
    return this.#turn;
  }

  to(turn: number): void {
    if (turn === this.#turn) return;
    this.#turn = turn;
    for (const tell of [...this.#listeners]) tell(turn);
  }

  /** Calls back on every change until the function that it returns is called. */
  subscribe(tell: (turn: number) => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }
}

export const ScrubContext = createContext<Scrub>(new Scrub(0));

export function useScrub(): Scrub {
  return useContext(ScrubContext);
}

/** What `select` makes of the turn; the component renders again only when that changes. */
export function useAt<T>(select: (turn: number) => T): T {
  const scrub = useScrub();
  const [, again] = useState(0);
  const value = select(scrub.turn);
  const latest = useRef({ select, value });
  latest.current = { select, value };
  useLayoutEffect(() => {
    const look = () => {
      const { select, value } = latest.current;
      if (!Object.is(select(scrub.turn), value)) again((times) => times + 1);
    };
    look();
    return scrub.subscribe(look);
  }, [scrub]);
  return value;
}

/** The turn once it has stood still for a while: for what is dear to render, or is read aloud. */
export function useSettled(milliseconds: number): number {
  const scrub = useScrub();
  const [turn, setTurn] = useState(scrub.turn);
  useLayoutEffect(() => {
    let timer = 0;
    const wait = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => setTurn(scrub.turn), milliseconds);
    };
    if (scrub.turn !== turn) wait();
    const leave = scrub.subscribe(wait);
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [scrub, milliseconds]);
  return turn;
}
