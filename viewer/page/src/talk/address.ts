// Ties the scrubber to the address, both ways.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type ComparePlace, goTo, parsePlace, type Place, type TalkPlace } from "../place";
import { Scrub } from "./scrub";

/** How long the scrubber rests before the address follows: browsers refuse addresses that change all the time. */
const RESTS = 150;

export type Go<P> = (changes: Partial<P>, replace?: boolean) => void;

/** What is looked at, whatever the turn. */
function whose(place: Place): string {
  if (place.view === "grid") return "grid";
  return place.view === "talk" ? `talk ${place.key}` : `compare ${place.left} ${place.right}`;
}

function turnIn(place: Place): number {
  return place.view === "grid" ? 0 : place.turn;
}

/** A scrubber that the address follows, and that follows the address; and a way to change the rest of the address. */
export function useAddressedScrub<P extends TalkPlace | ComparePlace>(
  place: P,
  last: number,
): { scrub: Scrub; go: Go<P> } {
  const clamped = Math.min(Math.max(0, last), place.turn);
  const [scrub] = useState(() => new Scrub(clamped));
  const here = useRef(place);
  here.current = place;
  const written = useRef(place.turn);

  const go = useCallback<Go<P>>(
    (changes, replace = true) => {
      const next = { ...here.current, turn: scrub.turn, ...changes };
      written.current = next.turn;
      goTo(next, replace);
    },
    [scrub],
  );
  useEffect(() => {
    if (place.turn !== written.current) scrub.to(clamped);
    written.current = place.turn;
  }, [scrub, place.turn]);
  useEffect(() => {
    let timer = 0;
    const leave = scrub.subscribe(() => {
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        // Who has just followed a link, elsewhere or to another turn, is not called back.
        const address = parsePlace(location.hash);
        if (whose(address) === whose(here.current) && turnIn(address) === written.current) go({});
      }, RESTS);
    });
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [scrub, go]);
  return { scrub, go };
}
