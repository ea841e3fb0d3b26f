// What is kept of the grid while a conversation is open, so that the reader comes back to the same row.
import { everything, linkTo } from "../place";
import type { RowStore } from "./row-store";

export interface GridMemory {
  /** Address of the grid. */
  link: string;
  /** Its rows as far as they were read. */
  store: RowStore;
  /** The row that the cursor is on. */
  cursor: number;
  /** How far it was scrolled, in pixels. */
  scroll: number;
}

let kept: GridMemory | null = null;

export function keepGrid(memory: GridMemory): void {
  kept = memory;
}

/** What was kept of the grid at an address. */
export function recallGrid(link: string): GridMemory | null {
  return kept?.link === link ? kept : null;
}

/** Address of the grid as it was left. */
export function gridLink(): string {
  return kept?.link ?? linkTo(everything());
}
