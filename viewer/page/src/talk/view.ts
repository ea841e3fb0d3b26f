// Keeps the turn that is looked at in sight.
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { useScrub } from "./scrub";

/** A step that follows another one sooner than this is scrubbing: the page then jumps, as gliding would lag behind. */
const SCRUBBING = 300;

export function calm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Brings an element to where it reads well, if it is not there already. */
export function bringIntoView(element: Element | null, glide: boolean): void {
  if (element === null) return;
  const { top, bottom } = element.getBoundingClientRect();
  const foot = document.querySelector(".transport")?.getBoundingClientRect().height ?? 0;
  const seen = innerHeight - foot;
  if (top >= seen * 0.08 && bottom <= seen * 0.85) return;
  const tall = bottom - top > seen * 0.7;
  const middle = tall ? top - seen * 0.08 : (top + bottom) / 2 - seen * 0.45;
  scrollTo({ top: scrollY + middle, behavior: glide && !calm() ? "smooth" : "instant" });
}

/** Scrolls to the child of `list` that is marked as the current one, whenever the scrubber moves. */
export function useKeepInView(list: RefObject<HTMLElement | null>): void {
  const scrub = useScrub();
  useEffect(() => {
    // What is opened at a turn stands there at once.
    let before = performance.now();
    let frame = 0;
    const follow = () => {
      cancelAnimationFrame(frame);
      // After the next paint: only then is the new turn marked.
      frame = requestAnimationFrame(() => {
        const now = performance.now();
        bringIntoView(list.current?.querySelector("[aria-current]") ?? null, now - before > SCRUBBING);
        before = now;
      });
    };
    if (scrub.turn > 0) follow();
    const leave = scrub.subscribe(follow);
    return () => {
      cancelAnimationFrame(frame);
      leave();
    };
  }, [scrub, list]);
}
