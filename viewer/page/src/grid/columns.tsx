// The grid's columns: what they are called, how wide they are, and what stands in them.
import type { ComponentChild } from "preact";
import type { Row } from "../api";
import type { Sort } from "../place";
import { clock, Missing, number, utc, visible } from "../shared/text";
import { EndMark, endOf } from "./ending";

export interface Column {
  name: Sort;
  title: string;
  /** A track of a CSS grid. */
  width: string;
  /** Whether it stands at the right, as numbers do. */
  right?: boolean;
  /** Whether a blind reader sees it. */
  blind?: boolean;
  /** What of a row stands in it. */
  cell: (row: Row) => ComponentChild;
}

/** A name that may be longer than its cell. */
function Name(props: { text: string | null; why: string }) {
  if (props.text === null) return <Missing why={props.why} />;
  return (
    <span class="clip" title={visible(props.text)} dir="auto">
      {visible(props.text)}
    </span>
  );
}

/** A number and a bar of its size, from 0 to `full`. */
function Bar(props: { value: number | null; full: number; of: string; note: string | null }) {
  if (props.value === null) return <Missing why={props.note} />;
  const share = Math.max(0, Math.min(1, props.value / props.full));
  return (
    <span class="sized" title={`${props.note ?? ""} (the bar is ${props.of})`.trim()}>
      {number(props.value, 2)}
      <svg class="bar" width="40" height="8" viewBox="0 0 40 8" aria-hidden="true">
        <rect class="whole" x="0" y="2" width="40" height="4" />
        <rect class="part" x="0" y="2" width={40 * share} height="4" />
      </svg>
      {props.note && <span class="unseen">{props.note}</span>}
    </span>
  );
}

export function told(row: Row): ComponentChild {
  if (row.facts === null) return <Missing why="people's conversations have no facts" />;
  if (row.told === null) return <Missing why="what was told is not known" />;
  return `${number(row.told)} of ${number(row.facts)}`;
}

export const COLUMNS: readonly Column[] = [
  {
    name: "scenario",
    title: "Scenario",
    width: "minmax(8.5rem, 1.8fr)",
    blind: true,
    cell: (row) => <Name text={row.scenario} why="the log does not say" />,
  },
  {
    name: "condition",
    title: "Condition",
    width: "minmax(6rem, 1.2fr)",
    cell: (row) => <Name text={row.condition} why="the log does not say" />,
  },
  {
    name: "model",
    title: "Model",
    width: "minmax(6rem, 1.2fr)",
    cell: (row) => <Name text={row.model} why="no model wrote it, or the log does not say which" />,
  },
  { name: "end", title: "End", width: "9rem", blind: true, cell: (row) => <EndMark end={endOf(row)} /> },
  { name: "turns", title: "Turns", width: "4rem", right: true, blind: true, cell: (row) => number(row.turns) },
  { name: "told", title: "Facts told", width: "6.25rem", right: true, cell: told },
  {
    name: "drift",
    title: "Drift",
    width: "6.5rem",
    right: true,
    cell: (row) => <Bar value={row.drift} full={1} of="0 to 1 point of the scale" note={row.drift_note} />,
  },
  {
    name: "agreement",
    title: "Agreement",
    width: "7.25rem",
    right: true,
    cell: (row) => <Bar value={row.agreement} full={1} of="0 to 1" note={row.agreement_note} />,
  },
  {
    name: "began",
    title: "Began",
    width: "9rem",
    right: true,
    cell: (row) =>
      row.began === null ? (
        <Missing why="the log does not say when" />
      ) : (
        <time dateTime={utc(row.began)} title={`${utc(row.began)} (UTC)`}>
          {clock(row.began)}
        </time>
      ),
  },
  {
    name: "run",
    title: "Run",
    width: "minmax(6rem, 1.6fr)",
    cell: (row) => <Name text={row.run} why="hidden from a blind reader" />,
  },
];

/** The columns that are shown. One run needs no column. */
export function columnsFor(blind: boolean, runs: number): readonly Column[] {
  return COLUMNS.filter((column) => (blind ? column.blind : column.name !== "run" || runs > 1));
}
