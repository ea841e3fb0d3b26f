// One row of the grid: cells side by side, or two lines on a narrow screen.
import type { ComponentChildren } from "preact";
import type { Hit, Row } from "../api";
import { linkTo, type TalkPlace } from "../place";
import { memo } from "../shared/memo";
import { count, Missing, number, visible } from "../shared/text";
import { type Column, told } from "./columns";
import { EndMark, endOf, isTrouble } from "./ending";

/** What can be done with a row; the same object for all rows, so that they need not be drawn again. */
export interface RowActions {
  open: (index: number, row: Row) => void;
  mark: (row: Row) => void;
}

export interface RowProps {
  row: Row | null;
  index: number;
  height: number;
  /** Whether the cursor is on it. */
  current: boolean;
  marked: boolean;
  /** Whether rows can be marked to be compared. */
  markable: boolean;
  narrow: boolean;
  blind: boolean;
  columns: readonly Column[];
  act: RowActions;
}

/** Where a row leads: to the found turn, and for what a role kept to itself, through its eyes. */
export function placeOf(row: Row, blind: boolean): TalkPlace {
  const { hit } = row;
  const eyes = hit?.private ? hit.role : "public";
  return { view: "talk", key: row.key, turn: hit?.turn ?? 0, eyes, blind, call: null };
}

export const GridRow = memo(function GridRow(props: RowProps) {
  const { row, index } = props;
  const bad = row !== null && isTrouble(endOf(row));
  return (
    <div
      role="row"
      id={`row-${index}`}
      class={`row${props.current ? " current" : ""}${bad ? " bad" : ""}`}
      aria-rowindex={index + (props.narrow ? 1 : 2)}
      aria-selected={props.markable ? props.marked : undefined}
      style={{ transform: `translateY(${index * props.height}px)` }}
      onClick={(event) => row !== null && clicked(event, () => props.act.open(index, row))}
    >
      {row === null ? (
        <div role="gridcell" class="waiting">
          …
        </div>
      ) : (
        <>
          {props.markable && <MarkCell row={row} marked={props.marked} act={props.act} />}
          {props.narrow ? (
            <NarrowCells row={row} blind={props.blind} />
          ) : (
            <Cells row={row} blind={props.blind} columns={props.columns} />
          )}
          {row.hit && <HitCell hit={row.hit} before={props.narrow ? 14 : row.hit.before.length} />}
        </>
      )}
    </div>
  );
});

/** Calls `open` for a click that is not meant for a control in the row, nor the end of marking text. */
function clicked(event: MouseEvent, open: () => void): void {
  if (event.target instanceof Element && event.target.closest("a, label") !== null) return;
  if (window.getSelection()?.isCollapsed === false) return;
  open();
}

function MarkCell(props: { row: Row; marked: boolean; act: RowActions }) {
  return (
    <div role="gridcell" class="mark">
      <label>
        <input type="checkbox" tabIndex={-1} checked={props.marked} onChange={() => props.act.mark(props.row)} />
        <span class="unseen">compare this conversation</span>
      </label>
    </div>
  );
}

function RowLink(props: { row: Row; blind: boolean; children: ComponentChildren }) {
  return (
    <a href={linkTo(placeOf(props.row, props.blind))} tabIndex={-1} title={props.row.conversation ?? undefined}>
      {props.children}
    </a>
  );
}

/** The start of a conversation's address: all that a blind reader can tell rows of one scenario apart by. */
function Address(props: { row: Row }) {
  return <code class="address">{props.row.key.slice(0, 6)}</code>;
}

function Cells(props: { row: Row; blind: boolean; columns: readonly Column[] }) {
  const { row } = props;
  return (
    <>
      {props.columns.map((column, place) => (
        <div key={column.name} role="gridcell" class={column.right ? "cell number" : "cell"}>
          {place === 0 ? (
            <RowLink row={row} blind={props.blind}>
              {column.cell(row)}
              {props.blind && <Address row={row} />}
            </RowLink>
          ) : (
            column.cell(row)
          )}
        </div>
      ))}
    </>
  );
}

function NarrowCells(props: { row: Row; blind: boolean }) {
  const { row, blind } = props;
  return (
    <>
      <div role="gridcell" class="cell lead">
        <RowLink row={row} blind={blind}>
          <span class="clip">{visible(row.scenario ?? "–")}</span>
          {blind && <Address row={row} />}
        </RowLink>
        {row.condition !== null && <span class="clip soft">{visible(row.condition)}</span>}
        <EndMark end={endOf(row)} />
      </div>
      <div role="gridcell" class="cell rest soft">
        <span>{count(row.turns, "turn")}</span>
        {!blind && (
          <>
            <span>told {told(row)}</span>
            <span>drift {row.drift === null ? <Missing why={row.drift_note} /> : number(row.drift, 2)}</span>
            <span>
              agreement {row.agreement === null ? <Missing why={row.agreement_note} /> : number(row.agreement, 2)}
            </span>
            {row.model !== null && <span class="clip">{visible(row.model)}</span>}
          </>
        )}
      </div>
    </>
  );
}

/** Where the sought words stand; at most `before` characters before them, so that they are in sight. */
function HitCell(props: { hit: Hit; before: number }) {
  const { hit } = props;
  const before = hit.before.length > props.before ? `…${hit.before.slice(-props.before)}` : hit.before;
  return (
    <div role="gridcell" class="hit">
      <span class={`who ${hit.role}`}>
        {hit.role}, turn {hit.turn}
        {hit.private && <em> · private</em>}
      </span>
      <span class="found" dir="auto">
        {visible(before)}
        <mark>{visible(hit.match)}</mark>
        {visible(hit.after)}
      </span>
    </div>
  );
}
