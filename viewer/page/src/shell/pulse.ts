// Whether the page hears from a live server: told by the source, shown in the header.
import { useEffect, useState } from "preact/hooks";

/** `still`: nothing to hear, as in an export. */
export type Pulse = "still" | "live" | "gone";

let now: Pulse = "still";
const listeners = new Set<(pulse: Pulse) => void>();

export function setPulse(pulse: Pulse): void {
  if (pulse === now) return;
  now = pulse;
  for (const told of listeners) told(pulse);
}

export function usePulse(): Pulse {
  const [pulse, show] = useState(now);
  useEffect(() => {
    listeners.add(show);
    show(now);
    return () => void listeners.delete(show);
  }, []);
  return pulse;
}
