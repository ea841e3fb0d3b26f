// The rows of the grid, read in blocks where the reader looks.
import type { Row } from "../api";
import type { GridQuery } from "../place";
import type { Source } from "../source/source";

const BLOCK = 100;
/** Blocks that are kept; the ones farthest from what is shown go first. */
const KEPT = 60;

interface Block {
  rows: readonly Row[];
  /** Whether it must be read again before it is trusted. */
  stale: boolean;
}

export class RowStore {
  /** Conversations that pass the filters; null until the first answer. */
  total: number | null = null;
  /** What went wrong last, until something went right. */
  trouble: string | null = null;
  /** Counts what changed, so that views know. */
  version = 0;
  readonly #blocks = new Map<number, Block>();
  readonly #asked = new Set<number>();
  readonly #listeners = new Set<() => void>();
  #wanted: [first: number, last: number] = [0, 0];
  #generation = 0;

  constructor(
    readonly source: Source,
    readonly query: GridQuery,
  ) {}

  listen(told: () => void): () => void {
    this.#listeners.add(told);
    return () => void this.#listeners.delete(told);
  }

  /** The row with a number; null while it is not there. */
  at(index: number): Row | null {
    return this.#blocks.get(Math.floor(index / BLOCK))?.rows[index % BLOCK] ?? null;
  }

  /** Number of the row of a conversation among those that were read; null if it is not among them. */
  find(key: string): number | null {
    for (const [number, block] of this.#blocks) {
      const place = block.rows.findIndex((row) => row.key === key);
      if (place >= 0) return number * BLOCK + place;
    }
    return null;
  }

  /** Sees to it that the rows from `first` to `last` are there, as far as there are any. */
  need(first: number, last: number): void {
    this.#wanted = [first, last];
    const end = this.total === null ? 0 : Math.floor(Math.max(0, this.total - 1) / BLOCK);
    const from = Math.min(Math.floor(Math.max(0, first) / BLOCK), end);
    for (let number = from; number <= Math.min(Math.floor(last / BLOCK), end); number += 1) {
      const block = this.#blocks.get(number);
      if (!this.#asked.has(number) && (block === undefined || block.stale)) this.#read(number, (first + last) / 2);
    }
  }

  /** Reads again what was needed last, and other rows when they are needed; shows the old ones until then. */
  refresh(): void {
    this.#generation += 1;
    this.#asked.clear();
    for (const block of this.#blocks.values()) block.stale = true;
    this.need(...this.#wanted);
  }

  #read(number: number, middle: number): void {
    const generation = this.#generation;
    this.#asked.add(number);
    this.source.rows(this.query, number * BLOCK, BLOCK).then(
      ({ total, rows }) => {
        if (generation !== this.#generation) return;
        this.#asked.delete(number);
        this.total = total;
        this.trouble = null;
        this.#blocks.set(number, { rows, stale: false });
        this.#forget(middle / BLOCK);
        this.#tell();
      },
      (error: Error) => {
        // It stays among those that were asked for: only a refresh asks again, so that a lost server is not pestered.
        if (generation !== this.#generation) return;
        this.trouble = error.message;
        this.#tell();
      },
    );
  }

  #forget(middle: number): void {
    for (const number of this.#blocks.keys()) {
      if (this.total !== null && number * BLOCK >= this.total && number > 0) this.#blocks.delete(number);
    }
    const far = [...this.#blocks.keys()].sort((one, other) => Math.abs(other - middle) - Math.abs(one - middle));
    for (const number of far.slice(0, Math.max(0, far.length - KEPT))) this.#blocks.delete(number);
  }

  #tell(): void {
    this.version += 1;
    for (const told of [...this.#listeners]) told();
  }
}
