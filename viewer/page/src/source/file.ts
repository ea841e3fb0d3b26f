// Documents from an export: parts of the page itself, or script files beside it, since a page that was opened from a
// disk may read no other files.
import type { Agreements, Calls, Facets, Home, NoteDraft, Notes, PlacedNote, Row, Rows, Talk, Words } from "../api";
import type { Filter, GridQuery, Sort } from "../place";
import { FILTERS } from "../place";
import { type Foldable, fold, hasAll, hitOf, type Sought, soughtIn } from "./search";
import type { Source } from "./source";

/** Hiding what the page has would not be blind: it must not be in the documents. */
const NOT_BLIND = "this export shows everything: to read blind, use `confide view`";

declare global {
  interface Window {
    /** What a script file of an export calls. */
    confideData?: (name: string, data: string) => void;
  }
}

/** A row, with the line in which the sought words were found. */
interface Found {
  row: Row;
  line: Foldable | null;
}

export class FileSource implements Source {
  /** Documents that several views need; conversations are not among them. */
  readonly #kept = new Map<string, Promise<unknown>>();
  readonly #loading = new Map<string, Promise<string>>();
  readonly #arriving = new Map<string, (data: string) => void>();
  #lines: Promise<Foldable[]> | null = null;
  #last: { of: string; found: Found[] } | null = null;

  constructor() {
    window.confideData = (name, data) => this.#arriving.get(name)?.(data);
  }

  home(): Promise<Home> {
    return this.#keep("home");
  }

  async rows(query: GridQuery, offset: number, limit: number): Promise<Rows> {
    const found = await this.#find(query);
    const sought = soughtIn(query.words);
    const rows = found.slice(offset, offset + limit).map(({ row, line }) => ({
      ...row,
      hit: line === null ? null : hitOf(line, sought),
    }));
    return { total: found.length, offset, rows };
  }

  async facets(blind: boolean): Promise<Facets> {
    const facets = await this.#keep<Facets>("facets");
    return blind ? { run: [], scenario: facets.scenario, condition: [], model: [], end: [] } : facets;
  }

  async talk(key: string, blind: boolean): Promise<Talk> {
    const talk = await this.#load<Talk>(key);
    if (blind && !talk.blind) throw new Error(NOT_BLIND);
    return talk;
  }

  calls(key: string, measure: string): Promise<Calls> {
    return this.#load(`${key}.${measure}`);
  }

  async notes(key: string): Promise<Notes> {
    const all = await this.#keep<Notes>("notes");
    return { notes: all.notes.filter((placed) => placed.key === key) };
  }

  save(_draft: NoteDraft): Promise<PlacedNote> {
    return Promise.reject(new Error("nothing can be written in an export: write notes in `confide view`"));
  }

  agreements(): Promise<Agreements> {
    return this.#keep("agreements");
  }

  watch(): () => void {
    return () => undefined;
  }

  /** The rows that pass a query, in its order; kept for the next part of the same. */
  async #find(query: GridQuery): Promise<Found[]> {
    const of = JSON.stringify(query);
    if (this.#last?.of === of) return this.#last.found;
    const { rows } = await this.#keep<Rows>("rows");
    if (query.blind && rows.some((row) => row.run !== null)) throw new Error(NOT_BLIND);
    const passing = rows.filter((row) => FILTERS.every((filter) => passes(row, filter, query.filters[filter])));
    const lines = query.words.trim() ? await this.#search(soughtIn(query.words)) : null;
    const found: Found[] = [];
    for (const row of passing) {
      const line = lines?.get(row.key) ?? null;
      if (lines === null || line !== null) found.push({ row, line });
    }
    if (!query.blind) found.sort((one, other) => compare(one.row, other.row, query.sort, query.descending));
    this.#last = { of, found };
    return found;
  }

  /** The first line of each conversation that has all words. */
  async #search(sought: Sought): Promise<Map<string, Foldable>> {
    this.#lines ??= this.#readLines();
    const first = new Map<string, Foldable>();
    for (const line of await this.#lines) {
      if (!first.has(line.line.key) && hasAll(line, sought)) first.set(line.line.key, line);
    }
    return first;
  }

  async #readLines(): Promise<Foldable[]> {
    const { chunks } = await this.home();
    const lines: Foldable[] = [];
    for (let chunk = 0; chunk < (chunks ?? 0); chunk += 1) {
      const words = await this.#load<Words>(`words-${chunk}`);
      for (const line of words.lines) lines.push({ line, folded: fold(line.text) });
    }
    return lines;
  }

  #keep<T>(name: string): Promise<T> {
    const kept = this.#kept.get(name) ?? this.#load<T>(name);
    this.#kept.set(name, kept);
    kept.catch(() => this.#kept.delete(name));
    return kept as Promise<T>;
  }

  async #load<T>(name: string): Promise<T> {
    const inside = document.getElementById(`data-${name}`)?.textContent;
    const data = inside ?? (await this.#loadFile(name));
    try {
      return (await unpack(data)) as T;
    } catch {
      throw new Error(`the export's part ${name} cannot be read: export the run again`);
    }
  }

  /** The data of a script file; who asks while it is on its way gets the same. */
  #loadFile(name: string): Promise<string> {
    const loading = this.#loading.get(name) ?? this.#addScript(name).finally(() => this.#loading.delete(name));
    this.#loading.set(name, loading);
    return loading;
  }

  #addScript(name: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const end = (settle: () => void) => {
        this.#arriving.delete(name);
        script.remove();
        settle();
      };
      const lost = new Error(`this export has no part ${name}: is its folder "data" beside the page?`);
      this.#arriving.set(name, (data) => end(() => resolve(data)));
      script.onload = () => end(() => reject(lost));
      script.onerror = () => end(() => reject(lost));
      script.src = `data/${encodeURIComponent(name)}.js`;
      document.head.append(script);
    });
  }
}

/** The document in a base64 text of a gzipped JSON. */
async function unpack(data: string): Promise<unknown> {
  const binary = atob(data.trim());
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function passes(row: Row, filter: Filter, values: readonly string[]): boolean {
  if (values.length === 0) return true;
  const value = filter === "end" ? endOf(row) : row[filter];
  return value !== null && values.includes(value);
}

/** Why a conversation ended, or else what state it is in: what the grid is filtered by. */
function endOf(row: Row): string {
  return row.end ?? row.state;
}

/** The order of two rows; what is missing stands last in both directions. */
function compare(one: Row, other: Row, sort: Sort, descending: boolean): number {
  const left = sort === "end" ? endOf(one) : one[sort];
  const right = sort === "end" ? endOf(other) : other[sort];
  if (left === right) return 0;
  if (left === null) return 1;
  if (right === null) return -1;
  return left < right === descending ? 1 : -1;
}
