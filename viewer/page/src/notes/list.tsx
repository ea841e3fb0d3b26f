// Notes as they were saved.
import type { PlacedNote } from "../api";
import { clock, utc, visible, Words } from "../shared/text";

interface ListProps {
  notes: readonly PlacedNote[];
  /** The turn that is shown. */
  turn: number;
  onJump: (turn: number) => void;
}

export function NoteList(props: ListProps) {
  return (
    <ol class="note-list">
      {props.notes.map((placed) => (
        <li
          key={`${placed.note.reader} ${placed.note.turn} ${placed.note.blind}`}
          class={placed.note.turn === props.turn ? "current" : undefined}
        >
          <NoteItem placed={placed} onJump={props.onJump} />
        </li>
      ))}
    </ol>
  );
}

function NoteItem(props: { placed: PlacedNote; onJump: (turn: number) => void }) {
  const { note, stale } = props.placed;
  const { turn } = note;
  return (
    <>
      <p class="note-head">
        {turn === null ? (
          <span>Whole conversation</span>
        ) : (
          <button type="button" class="plain" onClick={() => props.onJump(turn)}>
            Turn {turn}
          </button>
        )}
        <span class="soft">
          {note.reader} ·{" "}
          <time dateTime={utc(note.at)} title={`${utc(note.at)} (UTC)`}>
            {clock(note.at)}
          </time>
          {note.blind ? " · blind" : " · in sight"}
        </span>
      </p>
      {stale && <p class="warn">The conversation says something else now than when this was written.</p>}
      {note.text && (
        <p>
          <Words text={note.text} />
        </p>
      )}
      {note.tags && note.tags.length > 0 && (
        <ul class="tags" aria-label="Tags">
          {note.tags.map((tag) => (
            <li key={tag} dir="auto">
              {visible(tag)}
            </li>
          ))}
        </ul>
      )}
      {note.strategies && (
        <p class="soft">Strategies: {note.strategies.map((label) => visible(label).replaceAll("_", " ")).join(", ")}</p>
      )}
    </>
  );
}
