// What the grid is filtered by: menus with counts, and the filters that are on, each of which can be taken off.
import { useEffect, useReducer } from "preact/hooks";
import type { Facet, Facets } from "../api";
import { FILTERS, type Filter, type GridQuery, noFilters } from "../place";
import { Disclosure } from "../shared/disclosure";
import { focusMain } from "../shared/focus";
import { number, visible } from "../shared/text";
import { throttle } from "../shared/throttle";
import { useSource } from "../source/source";
import { endWords } from "./ending";

const PAUSE = 1_000;
const MENUS: readonly [Filter, string][] = [
  ["scenario", "Scenario"],
  ["condition", "Condition"],
  ["model", "Model"],
  ["end", "End"],
  ["run", "Run"],
];

interface FilterProps {
  query: GridQuery;
  onQuery: (query: GridQuery) => void;
}

/** What was read last, so that the menus are there at once when the reader comes back to the grid; and blind. */
const known = new Map<boolean, Facets>();

function useFacets(blind: boolean): Facets | null {
  const source = useSource();
  const [, look] = useReducer<number, void>((looks) => looks + 1, 0);
  useEffect(() => {
    const show = (found: Facets) => {
      known.set(blind, found);
      look();
    };
    // What goes wrong here goes wrong with the rows too, where it is shown.
    const read = throttle(() => void source.facets(blind).then(show, () => undefined), PAUSE);
    read();
    const unwatch = source.watch(read);
    return () => {
      unwatch();
      read.stop();
    };
  }, [source, blind]);
  return known.get(blind) ?? null;
}

/** To a blind reader only scenarios: other values, and how many there are, would tell what is hidden. */
function offered(query: GridQuery): readonly [Filter, string][] {
  return query.blind ? MENUS.filter(([filter]) => filter === "scenario") : MENUS;
}

function nameOf(filter: Filter, value: string): string {
  return filter === "end" ? endWords(value) : visible(value);
}

export function FilterMenus(props: FilterProps) {
  const facets = useFacets(props.query.blind);
  if (facets === null) return null;
  return (
    <>
      {offered(props.query)
        .filter(([filter]) => facets[filter].length > 1 || props.query.filters[filter].length > 0)
        .map(([filter, title]) => (
          <FilterMenu key={filter} filter={filter} title={title} values={facets[filter]} {...props} />
        ))}
    </>
  );
}

function FilterMenu(props: FilterProps & { filter: Filter; title: string; values: readonly Facet[] }) {
  const { filter, title, query } = props;
  const chosen = query.filters[filter];
  const toggle = (value: string) => {
    const values = chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value];
    props.onQuery({ ...query, filters: { ...query.filters, [filter]: values } });
  };
  const label = (
    <>
      {title}
      {chosen.length > 0 && <span class="chosen"> · {chosen.length}</span>}
    </>
  );
  return (
    <Disclosure label={label} title={`Filter by ${title.toLowerCase()}`}>
      <fieldset class="choices">
        <legend class="unseen">{title}</legend>
        {props.values.map(({ value, count }) => (
          <label key={value}>
            <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
            <span class="value" dir="auto">
              {nameOf(filter, value)}
            </span>
            <span class="soft number">{number(count)}</span>
          </label>
        ))}
      </fieldset>
    </Disclosure>
  );
}

export function isFiltered(query: GridQuery): boolean {
  return query.words.trim() !== "" || FILTERS.some((filter) => query.filters[filter].length > 0);
}

export function cleared(query: GridQuery): GridQuery {
  return { ...query, words: "", filters: noFilters() };
}

/** The filters that are on. */
export function FilterChips(props: FilterProps) {
  const { query } = props;
  const on = MENUS.flatMap(([filter, title]) => query.filters[filter].map((value) => ({ filter, title, value })));
  if (on.length === 0) return null;
  const show = (next: GridQuery) => {
    focusMain();
    props.onQuery(next);
  };
  return (
    <ul class="chips" aria-label="Filters that are on">
      {on.map(({ filter, title, value }) => {
        const rest = query.filters[filter].filter((each) => each !== value);
        return (
          <li key={`${filter} ${value}`}>
            <button
              type="button"
              aria-label={`Take off the filter ${title}: ${nameOf(filter, value)}`}
              onClick={() => show({ ...query, filters: { ...query.filters, [filter]: rest } })}
            >
              <span class="soft">{title}</span> {nameOf(filter, value)} <span aria-hidden="true">×</span>
            </button>
          </li>
        );
      })}
      <li>
        <button type="button" class="plain" onClick={() => show({ ...query, filters: noFilters() })}>
          Clear all
        </button>
      </li>
    </ul>
  );
}
