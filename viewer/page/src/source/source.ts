// Where the page gets its documents from: a server, or the export that it stands in. Nothing else in the page knows.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Agreements, Calls, Facets, Home, NoteDraft, Notes, PlacedNote, Rows, Talk } from "../api";
import type { GridQuery } from "../place";

/** What changed in the runs, told by a live server. */
export interface Change {
  /** Conversations whose logs grew or were read again. */
  keys: string[];
  /** Logs that are not in the index yet. */
  waiting: number;
  /** Set when the connection was broken for a while: anything may have changed. */
  missed?: boolean;
}

/** Where documents come from. Every method rejects with an `Error` whose message is one line for people. */
export interface Source {
  home(): Promise<Home>;
  rows(query: GridQuery, offset: number, limit: number): Promise<Rows>;
  /** What the grid can be filtered by; for a blind reader only scenarios. */
  facets(blind: boolean): Promise<Facets>;
  talk(key: string, blind: boolean): Promise<Talk>;
  /** The calls of a reader of a conversation; `measure` is `Measure.key`. */
  calls(key: string, measure: string): Promise<Calls>;
  /** Notes on a conversation; where it is read blind, only those that `blindReader` made blind. */
  notes(key: string, blindReader: string | null): Promise<Notes>;
  save(draft: NoteDraft): Promise<PlacedNote>;
  agreements(): Promise<Agreements>;
  /** Calls back on changes until the function that it returns is called. Does nothing in an export. */
  watch(told: (change: Change) => void): () => void;
}

/** The source that all components use. */
export const SourceContext = createContext<Source | null>(null);

export function useSource(): Source {
  const source = useContext(SourceContext);
  if (source === null) throw new Error("there is no source around this component");
  return source;
}
