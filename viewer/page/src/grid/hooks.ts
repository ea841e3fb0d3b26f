// What the grid's table keeps track of: which rows are in sight, whether they are read, and where the cursor is.
import type { RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { throttle } from "../shared/throttle";
import type { RowStore } from "./row-store";

/** Rows that are drawn above and below what is in sight. */
const MORE = 8;
/** Rows that are read ahead in both directions. */
const AHEAD = 50;
/** Milliseconds between two reads while the reader scrolls: a dragged scroll bar passes many rows. */
const SCROLLING = 80;
/** Heights of a row of one line, two and three, in rem. */
const HEIGHTS = [2.25, 4, 5.5] as const;

/** Numbers of the first and the last row that are drawn. */
export interface Span {
  first: number;
  last: number;
}

/** Height of a row in pixels; rows take a line more for what was found, and on a narrow screen. */
export function useRowHeight(found: boolean, narrow: boolean): number {
  const rem = useMemo(() => parseFloat(getComputedStyle(document.documentElement).fontSize), []);
  const lines = found && narrow ? 2 : found || narrow ? 1 : 0;
  return Math.round(HEIGHTS[lines] * rem);
}

/** Follows what is in sight of a scrolled element; `look` looks again. */
export function useSpan(scroller: RefObject<HTMLDivElement | null>, height: number): [Span, () => void] {
  const [span, setSpan] = useState<Span>({ first: 0, last: 40 });
  const look = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const first = Math.max(0, Math.floor(element.scrollTop / height) - MORE);
    const last = Math.ceil((element.scrollTop + element.clientHeight) / height) + MORE;
    setSpan((now) => (now.first === first && now.last === last ? now : { first, last }));
  }, [height]);
  useLayoutEffect(look, [look]);
  useEffect(() => {
    const sizes = new ResizeObserver(look);
    if (scroller.current !== null) sizes.observe(scroller.current);
    return () => sizes.disconnect();
  }, [look]);
  return [span, look];
}

/** Reads the rows in sight; draws when they came. */
export function useReading(store: RowStore, span: Span): void {
  const [, draw] = useReducer<number, void>((drawn) => drawn + 1, 0);
  const shown = useRef(span);
  shown.current = span;
  useEffect(() => store.listen(() => draw()), [store]);
  const read = useMemo(
    () => throttle(() => store.need(shown.current.first - AHEAD, shown.current.last + AHEAD), SCROLLING),
    [store],
  );
  useEffect(() => read.stop, [read]);
  useEffect(read, [read, span, store.version]);
}

/** Number of the row that the cursor is on. It stays on its conversation when rows come in before it. */
export function useCursor(store: RowStore, start: number): [number, (to: number) => void] {
  const [cursor, setCursor] = useState(start);
  const on = useRef<string | null>(null);
  useEffect(() => {
    const there = store.at(cursor)?.key ?? null;
    const moved = on.current !== null && there !== on.current ? store.find(on.current) : null;
    if (moved !== null) setCursor(moved);
    else on.current = there ?? on.current;
  }, [store, store.version]);
  const move = (to: number) => {
    on.current = store.at(to)?.key ?? null;
    setCursor(to);
  };
  const last = Math.max(0, (store.total ?? 0) - 1);
  return [Math.max(0, Math.min(cursor, last)), move];
}
