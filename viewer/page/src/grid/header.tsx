// The heads of the grid's columns: a click sorts.
import type { GridQuery, Sort } from "../place";
import type { Column } from "./columns";

/** The query with another order: a column that is sorted already turns round. */
export function sortedBy(query: GridQuery, sort: Sort): GridQuery {
  return { ...query, sort, descending: query.sort === sort && !query.descending };
}

interface HeaderProps {
  columns: readonly Column[];
  markable: boolean;
  query: GridQuery;
  onSort: (query: GridQuery) => void;
}

/** A blind reader gets no order to choose: it could tell what is hidden. */
export function GridHeader(props: HeaderProps) {
  const { query } = props;
  return (
    <div role="row" class="heads" aria-rowindex={1}>
      {props.markable && (
        <div role="columnheader" class="mark">
          <span class="unseen">Compare</span>
        </div>
      )}
      {props.columns.map((column) => {
        const sorted = !query.blind && query.sort === column.name;
        const order = query.descending ? "descending" : "ascending";
        return (
          <div
            key={column.name}
            role="columnheader"
            class={column.right ? "cell number" : "cell"}
            aria-sort={query.blind ? undefined : sorted ? order : "none"}
          >
            {query.blind ? (
              column.title
            ) : (
              <button type="button" class="plain" onClick={() => props.onSort(sortedBy(query, column.name))}>
                {column.title}
                <Arrow shown={sorted} down={query.descending} />
              </button>
            )}
          </div>
        );
      })}
    </div>
  );
}

function Arrow(props: { shown: boolean; down: boolean }) {
  return (
    <svg width="8" height="10" viewBox="0 0 8 10" aria-hidden="true" class={props.shown ? "arrow" : "arrow none"}>
      <path
        d={props.down ? "M4 1v8M1 6l3 3 3-3" : "M4 9V1M1 4l3-3 3 3"}
        fill="none"
        stroke="currentColor"
        stroke-width="1.4"
      />
    </svg>
  );
}
