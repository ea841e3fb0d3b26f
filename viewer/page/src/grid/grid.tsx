// The home view: all conversations, searched, filtered and sorted.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { Home, Row } from "../api";
import { type GridPlace, type GridQuery, goTo, linkTo } from "../place";
import { focusMain } from "../shared/focus";
import { useMedia } from "../shared/media";
import { count, number, visible } from "../shared/text";
import { throttle } from "../shared/throttle";
import { useHome } from "../shell/home";
import { typing } from "../shell/keys";
import { Line, Trouble } from "../shell/trouble";
import { useSource } from "../source/source";
import { cleared, FilterChips, FilterMenus, isFiltered } from "./facets";
import { GridHead } from "./head";
import { recallGrid } from "./memory";
import { RowStore } from "./row-store";
import { GridTable, NARROW } from "./table";
import { GridTools } from "./tools";

/** Rows that are read before a grid is shown. */
const FIRST = 60;
/** Milliseconds between two looks at what changed. */
const PAUSE = 1_000;

interface Shown {
  link: string;
  store: RowStore;
}

/** The rows of a query, kept up to date; those of the one before until the first of the new ones are there. */
function useRows(query: GridQuery): { shown: Shown; busy: boolean } {
  const source = useSource();
  const link = linkTo({ view: "grid", query });
  const [shown, setShown] = useState<Shown>(() => ({
    link,
    store: recallGrid(link)?.store ?? new RowStore(source, query),
  }));
  const [, look] = useState(0);
  useEffect(() => {
    const store = shown.link === link ? shown.store : new RowStore(source, query);
    const settle = () => {
      if (store.total === null && store.trouble === null) return;
      setShown((now) => (now.store === store ? now : { link, store }));
      look(store.version);
    };
    const unlisten = store.listen(settle);
    if (store.total === null) store.need(0, FIRST);
    else store.refresh();
    const again = throttle(() => store.refresh(), PAUSE);
    const unwatch = source.watch(again);
    return () => {
      unlisten();
      unwatch();
      again.stop();
    };
  }, [link]);
  return { shown, busy: shown.link !== link || shown.store.total === null };
}

/** The two conversations that are to be compared; a third takes the place of the first. */
function useMarks(blind: boolean) {
  const [marks, setMarks] = useState<readonly Row[]>([]);
  const toggle = (row: Row) =>
    setMarks((now) => {
      const others = now.filter((mark) => mark.key !== row.key);
      return others.length < now.length ? others : [...others.slice(-1), row];
    });
  const [left, right] = marks;
  const compare = () => {
    if (left && right) goTo({ view: "compare", left: left.key, right: right.key, turn: 0 });
  };
  // Laid out, not painted: a key right after the second mark must find both.
  useLayoutEffect(() => {
    const act = (event: KeyboardEvent) => {
      if (typing(event) || event.key !== "c") return;
      event.preventDefault();
      compare();
    };
    window.addEventListener("keydown", act);
    return () => window.removeEventListener("keydown", act);
  }, [left, right]);
  // Two conversations side by side would show what is hidden.
  useEffect(() => {
    if (blind) setMarks([]);
  }, [blind]);
  return { marks, toggle, compare, clear: () => setMarks([]) };
}

export function Grid(props: { place: GridPlace }) {
  const { query } = props.place;
  const home = useHome();
  const narrow = useMedia(NARROW);
  const { shown, busy } = useRows(query);
  const { marks, toggle, compare, clear } = useMarks(query.blind);
  const show = (next: GridQuery) => goTo({ view: "grid", query: next }, true);
  const { total, trouble } = shown.store;
  if (home.runs.length === 0 && home.waiting === 0) return <NoRuns />;
  return (
    <>
      <GridHead blind={query.blind} />
      <GridTools query={query} onQuery={show} narrow={narrow}>
        <FilterMenus query={query} onQuery={show} />
      </GridTools>
      <FilterChips query={query} onQuery={show} />
      <p class="total soft" role="status">
        {total === null
          ? trouble === null && "Reading…"
          : `${count(total, "conversation")}${isFiltered(query) ? " found" : ""}`}
        {trouble !== null && total !== null && (
          <span class="warn">
            {" "}
            · <Line text={trouble} />
          </span>
        )}
      </p>
      {trouble !== null && total === null ? (
        <Trouble part line={trouble} again={() => location.reload()} />
      ) : total === 0 && !busy ? (
        <NoRows query={query} home={home} onQuery={show} />
      ) : (
        <GridTable
          link={shown.link}
          store={shown.store}
          query={shown.store.query}
          runs={home.runs.length}
          busy={busy}
          marks={marks}
          onMark={toggle}
          onSort={show}
        />
      )}
      {marks.length > 0 && <MarkBar marks={marks} compare={compare} clear={clear} />}
    </>
  );
}

function NoRuns() {
  return (
    <div class="empty">
      <h1>No runs here yet</h1>
      <p>
        Start one: <code>confide run exam-panic</code>. It appears here by itself.
      </p>
    </div>
  );
}

function NoRows(props: { query: GridQuery; home: Home; onQuery: (query: GridQuery) => void }) {
  const { waiting, runs } = props.home;
  if (isFiltered(props.query)) {
    return (
      <div class="empty">
        <h2>No conversation passes the filters</h2>
        {waiting > 0 && <p>Some logs are still being read: {number(waiting)} left.</p>}
        <button
          type="button"
          onClick={() => {
            focusMain();
            props.onQuery(cleared(props.query));
          }}
        >
          Clear filters and search
        </button>
      </div>
    );
  }
  const problems = runs.flatMap(({ id, problem }) => (problem === null ? [] : `${id}: ${problem}`));
  if (problems.length > 0 && waiting === 0) {
    return (
      <div class="empty">
        <h2>Nothing here can be read</h2>
        {problems.map((problem) => (
          <p key={problem} class="warn words">
            <Line text={problem} />
          </p>
        ))}
      </div>
    );
  }
  return (
    <div class="empty">
      <h2>{waiting > 0 ? "Reading the logs" : "No conversations yet"}</h2>
      <p>
        {waiting > 0
          ? `${count(waiting, "log")} left; conversations appear as they are read.`
          : "These runs have no conversation yet. The first appears here as soon as it begins."}
      </p>
    </div>
  );
}

function MarkBar(props: { marks: readonly Row[]; compare: () => void; clear: () => void }) {
  const name = (row: Row) =>
    [row.scenario, row.condition]
      .filter(Boolean)
      .map((part) => visible(part ?? ""))
      .join(" · ");
  const ready = props.marks.length === 2;
  return (
    <div class="mark-bar" role="region" aria-label="Marked conversations">
      <p role="status">
        {props.marks.map(name).join("  ↔  ")}
        {!ready && <span class="soft"> Mark one more to compare.</span>}
      </p>
      <button type="button" class="main" disabled={!ready} onClick={props.compare}>
        Compare
      </button>
      <button type="button" onClick={props.clear}>
        Clear
      </button>
    </div>
  );
}
