// The rows of the grid: only those in sight are drawn, and the keyboard moves a cursor over all of them.
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Row } from "../api";
import { goTo, type GridQuery } from "../place";
import { useMedia } from "../shared/media";
import { type Column, columnsFor } from "./columns";
import { GridHeader } from "./header";
import { type Span, useCursor, useReading, useRowHeight, useSpan } from "./hooks";
import { stepped, useGridKeys } from "./keys";
import { keepGrid, recallGrid } from "./memory";
import { GridRow, placeOf, type RowActions } from "./row";
import type { RowStore } from "./row-store";

export const NARROW = "(max-width: 60rem)";

interface TableProps {
  /** Address of the grid with these rows. */
  link: string;
  store: RowStore;
  query: GridQuery;
  runs: number;
  /** Whether other rows than these are on their way. */
  busy: boolean;
  marks: readonly Row[];
  onMark: (row: Row) => void;
  onSort: (query: GridQuery) => void;
}

export function GridTable(props: TableProps) {
  const { store, query } = props;
  const narrow = useMedia(NARROW);
  const height = useRowHeight(query.words.trim() !== "", narrow);
  const columns = useMemo(() => columnsFor(query.blind, props.runs), [query.blind, props.runs]);
  const { scroller, head, span, cursor, act, follow } = useGrid(props, height);
  const total = store.total ?? 0;
  const markable = !query.blind;
  return (
    <div
      ref={scroller}
      class={`scroller${narrow ? " narrow" : ""}${props.busy ? " busy" : ""}`}
      role="grid"
      tabIndex={0}
      aria-label="Conversations"
      aria-busy={props.busy}
      aria-rowcount={total + (narrow ? 0 : 1)}
      aria-multiselectable={markable}
      aria-activedescendant={total > 0 ? `row-${cursor}` : undefined}
      style={{ "--row": `${height}px`, "--tracks": tracks(columns, markable) }}
      onScroll={follow}
    >
      {!narrow && (
        <div role="rowgroup" class="head" ref={head}>
          <GridHeader columns={columns} markable={markable} query={query} onSort={props.onSort} />
        </div>
      )}
      <div role="rowgroup" class="body" style={{ height: `${total * height}px` }}>
        {numbers(span, total).map((index) => {
          const row = store.at(index);
          return (
            <GridRow
              key={index}
              row={row}
              index={index}
              height={height}
              current={index === cursor}
              marked={row !== null && props.marks.some((mark) => mark.key === row.key)}
              markable={markable}
              narrow={narrow}
              blind={query.blind}
              columns={columns}
              act={act}
            />
          );
        })}
      </div>
    </div>
  );
}

/** Scrolling, cursor and keys of the table; what of them is kept for when the reader comes back. */
function useGrid(props: TableProps, height: number) {
  const { link, store, query, onMark } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const kept = useMemo(() => recallGrid(link), []);
  const [span, look] = useSpan(scroller, height);
  const [cursor, setCursor] = useCursor(store, kept?.cursor ?? 0);
  useReading(store, span);

  const keep = (at: number) => keepGrid({ link, store, cursor: at, scroll: scroller.current?.scrollTop ?? 0 });
  useEffect(() => keep(cursor), [link, store, cursor]);
  useLayoutEffect(() => {
    const back = kept?.store === store;
    if (!back) setCursor(0);
    scroller.current?.scrollTo(0, back ? kept.scroll : 0);
    if (back) scroller.current?.focus({ preventScroll: true });
    look();
  }, [store]);

  const open = (index: number, row: Row) => {
    keep(index);
    goTo(placeOf(row, query.blind));
  };
  useGridKeys(scroller, (key) => {
    const sight = scroller.current;
    const row = store.at(cursor);
    const total = store.total ?? 0;
    if (sight === null || total === 0) return false;
    const room = sight.clientHeight - (head.current?.offsetHeight ?? 0);
    const to = stepped(key, cursor, Math.max(1, Math.floor(room / height) - 1), total);
    if (to !== null) {
      const there = Math.max(0, Math.min(to, total - 1));
      setCursor(there);
      reveal(sight, there * height, height, room);
    } else if (key === "Enter" && row !== null) open(cursor, row);
    else if (key === "x" && row !== null && !query.blind) onMark(row);
    else return false;
    return true;
  });
  const follow = () => {
    look();
    keep(cursor);
  };
  return { scroller, head, span, cursor, act: useActions({ open, mark: onMark }), follow };
}

/** Actions that stay the same, so that rows need not be drawn again, and do what the newest ones do. */
function useActions(now: RowActions): RowActions {
  const newest = useRef(now);
  newest.current = now;
  return useMemo(
    () => ({
      open: (index, row) => newest.current.open(index, row),
      mark: (row) => newest.current.mark(row),
    }),
    [],
  );
}

/** Scrolls no further than needed to have a row in sight. */
function reveal(sight: HTMLElement, top: number, height: number, room: number): void {
  if (top < sight.scrollTop) sight.scrollTop = top;
  else if (top + height > sight.scrollTop + room) sight.scrollTop = top + height - room;
}

function numbers(span: Span, total: number): number[] {
  const last = Math.min(span.last, total - 1);
  return Array.from({ length: Math.max(0, last - span.first + 1) }, (_, place) => span.first + place);
}

function tracks(columns: readonly Column[], markable: boolean): string {
  // Few columns, as a blind reader has, stay near each other.
  const widths = columns.map(({ name, width }) =>
    columns.length < 5 && name === "scenario" ? "minmax(0, 24rem)" : width,
  );
  return [...(markable ? ["2rem"] : []), ...widths].join(" ");
}
