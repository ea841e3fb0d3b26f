// The keyboard in the grid.
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { typing } from "../shell/keys";

/** Where a key moves the cursor to; null for another key. */
export function stepped(key: string, from: number, page: number, total: number): number | null {
  if (key === "ArrowDown" || key === "j") return from + 1;
  if (key === "ArrowUp" || key === "k") return from - 1;
  if (key === "PageDown") return from + page;
  if (key === "PageUp") return from - page;
  if (key === "Home") return 0;
  if (key === "End") return total - 1;
  return null;
}

/** Hands keys to the grid: letters wherever the reader is, and other keys while no control has the focus. */
export function useGridKeys(grid: RefObject<HTMLElement | null>, act: (key: string) => boolean): void {
  const newest = useRef(act);
  newest.current = act;
  // Laid out, not painted: who sees the rows can press keys at once.
  useLayoutEffect(() => {
    const follow = (event: KeyboardEvent) => {
      if (typing(event)) return;
      const { target } = event;
      const free = target === document.body || target === grid.current || (target as Element).tagName === "MAIN";
      if ((free || event.key.length === 1) && newest.current(event.key)) event.preventDefault();
    };
    window.addEventListener("keydown", follow);
    return () => window.removeEventListener("keydown", follow);
  }, []);
}
