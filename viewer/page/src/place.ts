// Where in the viewer the reader is: kept in the address after `#`, so that every place is a link.
import { useEffect, useState } from "preact/hooks";

export const SORTS = [
  "run", "scenario", "condition", "model", "end", "turns", "told", "drift", "agreement", "began",
] as const;
export type Sort = (typeof SORTS)[number];
export const FILTERS = ["run", "scenario", "condition", "model", "end"] as const;
export type Filter = (typeof FILTERS)[number];

/** What the grid shows. */
export interface GridQuery {
  filters: Record<Filter, string[]>;
  /** Words that are searched for in utterances and thoughts. */
  words: string;
  sort: Sort;
  descending: boolean;
  /** Whether condition, run, model and everything declared are hidden. */
  blind: boolean;
}

/** Through whose eyes a conversation is seen. */
export type Eyes = "public" | "seeker" | "supporter";
export const EYES: readonly Eyes[] = ["public", "seeker", "supporter"];

export interface GridPlace {
  view: "grid";
  query: GridQuery;
}

export interface TalkPlace {
  view: "talk";
  key: string;
  turn: number;
  eyes: Eyes;
  blind: boolean;
  /** The call that the prompt inspector shows: `talk:SEQ` or `MEASURE:SEQ`; null while it is closed. */
  call: string | null;
}

export interface ComparePlace {
  view: "compare";
  left: string;
  right: string;
  turn: number;
}

export type Place = GridPlace | TalkPlace | ComparePlace;

export function noFilters(): Record<Filter, string[]> {
  return { run: [], scenario: [], condition: [], model: [], end: [] };
}

export function everything(): GridPlace {
  return { view: "grid", query: { filters: noFilters(), words: "", sort: "began", descending: false, blind: false } };
}

/** A turn's number from an address; 0 for anything else. */
function turnOf(text: string | null): number {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : 0;
}

function oneOf<T extends string>(options: readonly T[], text: string | null, otherwise: T): T {
  return options.find((option) => option === text) ?? otherwise;
}

/** The place that an address names; the grid for one that names none. */
export function parsePlace(hash: string): Place {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const words = new URLSearchParams(search);
  const [view, first, second] = path.split("/");
  if (view === "talk" && first) {
    return {
      view,
      key: first,
      turn: turnOf(words.get("turn")),
      eyes: oneOf(EYES, words.get("eyes"), "public"),
      blind: words.has("blind"),
      call: words.get("call"),
    };
  }
  if (view === "compare" && first && second) {
    return { view, left: first, right: second, turn: turnOf(words.get("turn")) };
  }
  const place = everything();
  for (const filter of FILTERS) place.query.filters[filter] = words.getAll(filter);
  place.query.words = words.get("q") ?? "";
  place.query.sort = oneOf(SORTS, words.get("sort"), "began");
  place.query.descending = words.has("desc");
  place.query.blind = words.has("blind");
  return place;
}

/** The address of a place. */
export function linkTo(place: Place): string {
  const words = new URLSearchParams();
  if (place.view === "grid") {
    const { filters, words: sought, sort, descending, blind } = place.query;
    for (const filter of FILTERS) for (const value of filters[filter]) words.append(filter, value);
    if (sought) words.set("q", sought);
    if (sort !== "began") words.set("sort", sort);
    if (descending) words.set("desc", "1");
    if (blind) words.set("blind", "1");
    return withWords("#/", words);
  }
  if (place.turn > 0) words.set("turn", String(place.turn));
  if (place.view === "compare") return withWords(`#/compare/${place.left}/${place.right}`, words);
  if (place.eyes !== "public") words.set("eyes", place.eyes);
  if (place.blind) words.set("blind", "1");
  if (place.call !== null) words.set("call", place.call);
  return withWords(`#/talk/${place.key}`, words);
}

function withWords(path: string, words: URLSearchParams): string {
  const search = words.toString();
  return search ? `${path}?${search}` : path;
}

/** Goes to a place. `replace` leaves no entry in the history: for scrubbing and typing. */
export function goTo(place: Place, replace = false): void {
  const link = linkTo(place);
  if (replace) {
    history.replaceState(null, "", link);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = link;
  }
}

/** The place of the reader, and again whenever it changes. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => parsePlace(location.hash));
  useEffect(() => {
    const follow = () => setPlace(parsePlace(location.hash));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return place;
}
