// Documents from `confide view`.
import type { Agreements, Calls, Facets, Home, NoteDraft, Notes, PlacedNote, Rows, Talk } from "../api";
import { FILTERS, type GridQuery } from "../place";
import { setPulse } from "../shell/pulse";
import type { Change, Source } from "./source";

const SILENT = "the viewer's server does not answer: is `confide view` still running?";
/** Milliseconds until the page knocks again at a server that refused to tell changes; doubled each time. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

async function ask<T>(path: string, request: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`api/${path}`, request);
  } catch {
    throw new Error(SILENT);
  }
  let body: unknown = null;
  try {
    body = await response.json();
  } catch {
    if (response.ok) throw new Error("the viewer's server broke off its answer: load the page again");
  }
  if (response.ok) return body as T;
  throw new Error(lineOf(body) ?? `the viewer's server answers ${response.status} to ${path.split("?", 1)[0]}`);
}

/** The one line that the server says about what went wrong. */
function lineOf(body: unknown): string | null {
  if (typeof body !== "object" || body === null || !("error" in body)) return null;
  return typeof body.error === "string" ? body.error : null;
}

function rowsPath(query: GridQuery, offset: number, limit: number): string {
  const words = new URLSearchParams();
  for (const filter of FILTERS) for (const value of query.filters[filter]) words.append(filter, value);
  if (query.words) words.set("q", query.words);
  words.set("sort", query.sort);
  if (query.descending) words.set("desc", "1");
  if (query.blind) words.set("blind", "1");
  words.set("offset", String(offset));
  words.set("limit", String(limit));
  return `rows?${words}`;
}

export class HttpSource implements Source {
  #token: string | null = null;
  readonly #changes = new Changes();

  async home(): Promise<Home> {
    const home = await ask<Home>("home");
    this.#token = home.token;
    return home;
  }

  rows(query: GridQuery, offset: number, limit: number): Promise<Rows> {
    return ask(rowsPath(query, offset, limit));
  }

  facets(blind: boolean): Promise<Facets> {
    return ask(blind ? "facets?blind=1" : "facets");
  }

  talk(key: string, blind: boolean): Promise<Talk> {
    return ask(`talks/${encodeURIComponent(key)}${blind ? "?blind=1" : ""}`);
  }

  calls(key: string, measure: string): Promise<Calls> {
    return ask(`talks/${encodeURIComponent(key)}/calls/${encodeURIComponent(measure)}`);
  }

  notes(key: string, blindReader: string | null): Promise<Notes> {
    const words = new URLSearchParams({ key });
    if (blindReader !== null) words.set("blind", blindReader);
    return ask(`notes?${words}`);
  }

  async save(draft: NoteDraft): Promise<PlacedNote> {
    if (this.#token === null) await this.home();
    return ask("notes", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Confide-Token": this.#token ?? "" },
      body: JSON.stringify(draft),
    });
  }

  agreements(): Promise<Agreements> {
    return ask("agreements");
  }

  watch(told: (change: Change) => void): () => void {
    return this.#changes.add(told);
  }
}

/** One stream of changes, whoever listens; opened with the first listener and closed with the last. */
class Changes {
  readonly #listeners = new Set<(change: Change) => void>();
  #stream: EventSource | null = null;
  #timer = 0;
  #wait = FIRST_WAIT;
  #waiting = 0;
  #broken = false;

  add(told: (change: Change) => void): () => void {
    // A wrapper of its own, so that the same function may listen twice.
    const listener = (change: Change) => told(change);
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#open();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#close();
    };
  }

  #open(): void {
    const stream = new EventSource("api/changes");
    this.#stream = stream;
    stream.onopen = () => {
      this.#wait = FIRST_WAIT;
      setPulse("live");
      // What changed in between was told to nobody.
      if (this.#broken) this.#tell({ keys: [], waiting: this.#waiting, missed: true });
      this.#broken = false;
    };
    stream.onmessage = (event) => {
      const change = JSON.parse(String(event.data)) as Change;
      this.#waiting = change.waiting;
      this.#tell(change);
    };
    stream.onerror = () => {
      this.#broken = true;
      setPulse("gone");
      // The browser itself goes on trying after a lost connection, but not after a refusal.
      if (stream.readyState !== EventSource.CLOSED) return;
      this.#timer = window.setTimeout(() => this.#open(), this.#wait);
      this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
    };
  }

  #tell(change: Change): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  #close(): void {
    window.clearTimeout(this.#timer);
    this.#stream?.close();
    this.#stream = null;
  }
}
