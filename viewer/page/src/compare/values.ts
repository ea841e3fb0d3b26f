// Values of two conversations, in words.
import type { Call } from "../api";
import { sum } from "../panels/costs";
import { signed } from "../panels/drift";
import { number } from "../shared/text";

/** Two values and their difference, B less A; in place of one that is not known, `why`. */
export function compared(A: number | null, B: number | null, digits: number, why: string): string {
  const word = (value: number | null) => (value === null ? `– (${why})` : number(value, digits));
  const difference = A === null || B === null ? "" : ` (difference ${signed(B - A, digits)})`;
  return `A ${word(A)}, B ${word(B)}${difference}`;
}

/** The sum over calls; null where it is not known of every one: a sum of some would be no total. */
export function total(calls: readonly Call[], of: (call: Call) => number | null): number | null {
  const found = sum(calls, of);
  return calls.length === 0 || found.unknown > 0 ? null : found.total;
}
