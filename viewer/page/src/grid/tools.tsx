// Search, filters, and the switch that hides what a blind reader may not see.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type GridQuery, noFilters, SORTS, type Sort } from "../place";
import { useHome } from "../shell/home";
import { typing } from "../shell/keys";
import { COLUMNS } from "./columns";

/** Milliseconds that the reader must stop typing before a search. */
const REST = 250;

interface ToolsProps {
  query: GridQuery;
  onQuery: (query: GridQuery) => void;
  narrow: boolean;
  children: ComponentChildren;
}

export function GridTools(props: ToolsProps) {
  const { query, onQuery } = props;
  const home = useHome();
  return (
    <div class="grid-tools" role="search">
      <Search
        label={query.blind ? "Search what was said" : "Search what was said and thought"}
        words={query.words}
        onWords={(words) => onQuery({ ...query, words })}
      />
      {props.children}
      {props.narrow && !query.blind && <SortMenu query={query} onQuery={onQuery} />}
      {(!home.static || query.blind) && <BlindSwitch query={query} onQuery={onQuery} />}
    </div>
  );
}

function Search(props: { label: string; words: string; onWords: (words: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(props.words);
  const newest = useRef(props.onWords);
  newest.current = props.onWords;

  // Another search, by a link or a button.
  useEffect(() => setText((now) => (now.trim() === props.words ? now : props.words)), [props.words]);
  useEffect(() => {
    if (text.trim() === props.words) return;
    const timer = window.setTimeout(() => newest.current(text.trim()), REST);
    return () => window.clearTimeout(timer);
  }, [text]);
  useLayoutEffect(() => {
    const act = (event: KeyboardEvent) => {
      if (typing(event) || event.key !== "/") return;
      event.preventDefault();
      field.current?.select();
      field.current?.focus();
    };
    window.addEventListener("keydown", act);
    return () => window.removeEventListener("keydown", act);
  }, []);

  return (
    <input
      ref={field}
      type="search"
      class="search"
      aria-label={props.label}
      placeholder={props.label}
      value={text}
      dir="auto"
      onInput={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") {
          newest.current(text.trim());
          document.querySelector<HTMLElement>("[role=grid]")?.focus(); // on to what was found
        } else if (event.key === "Escape" && text === "") event.currentTarget.blur();
      }}
    />
  );
}

function SortMenu(props: { query: GridQuery; onQuery: (query: GridQuery) => void }) {
  const { query } = props;
  const value = `${query.sort} ${query.descending ? "down" : "up"}`;
  return (
    <select
      aria-label="Order"
      value={value}
      onChange={(event) => {
        const [sort, way] = event.currentTarget.value.split(" ");
        const known = SORTS.find((each): each is Sort => each === sort) ?? "began";
        props.onQuery({ ...query, sort: known, descending: way === "down" });
      }}
    >
      {COLUMNS.flatMap(({ name, title }) => [
        <option key={`${name} up`} value={`${name} up`}>
          {title} ↑
        </option>,
        <option key={`${name} down`} value={`${name} down`}>
          {title} ↓
        </option>,
      ])}
    </select>
  );
}

/** Filters and order that could tell what is hidden go with it. */
function blinded(query: GridQuery): GridQuery {
  const filters = { ...noFilters(), scenario: query.filters.scenario };
  return { ...query, filters, sort: "began", descending: false, blind: true };
}

function BlindSwitch(props: { query: GridQuery; onQuery: (query: GridQuery) => void }) {
  const { query } = props;
  return (
    <label class="blind" title="Hides run, condition, model, and all that was declared or measured">
      <input
        type="checkbox"
        role="switch"
        checked={query.blind}
        onChange={() => props.onQuery(query.blind ? { ...query, blind: false } : blinded(query))}
      />
      Blind
    </label>
  );
}
