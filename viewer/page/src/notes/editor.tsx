// The fields of one note.
import type { RefObject } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import type { Named, PlacedNote, Talk } from "../api";
import { visible } from "../shared/text";
import { Line } from "../shell/trouble";
import { useSource } from "../source/source";
import { draftOf, keepUnsaved, refusal, sameWritten, unsavedAt, type Written, writtenFrom } from "./draft";

type Saving = { state: "idle" | "saving" | "saved" } | { state: "failed"; line: string };

interface EditorProps {
  talk: Talk;
  /** The turn; null for the whole conversation. */
  turn: number | null;
  reader: string;
  /** The reader's own note as it was saved last. */
  saved: PlacedNote | null;
  field: RefObject<HTMLTextAreaElement | null>;
  onSaved: (placed: PlacedNote) => void;
}

/** What is written, whether it differs from what was saved, and how saving goes. */
function useWriting(props: EditorProps) {
  const { talk, turn, saved } = props;
  const source = useSource();
  const [written, setWritten] = useState<Written>(() => unsavedAt(talk, turn) ?? writtenFrom(saved));
  const [saving, setSaving] = useState<Saving>({ state: "idle" });
  const newest = useRef(written);
  newest.current = written;
  const changed = !sameWritten(written, writtenFrom(saved));

  const change = (part: Partial<Written>) => {
    const next = { ...written, ...part };
    setWritten(next);
    setSaving({ state: "idle" });
    keepUnsaved(talk, turn, sameWritten(next, writtenFrom(saved)) ? null : next);
  };
  const save = () => {
    if (!changed || saving.state === "saving") return;
    const line = refusal(written);
    if (line !== null) return setSaving({ state: "failed", line });
    setSaving({ state: "saving" });
    source.save(draftOf(talk, turn, props.reader, written)).then(
      (placed) => {
        // What was written while it was being saved is not saved yet.
        keepUnsaved(talk, turn, sameWritten(newest.current, written) ? null : newest.current);
        setSaving({ state: "saved" });
        props.onSaved(placed);
      },
      (error: Error) => setSaving({ state: "failed", line: error.message }),
    );
  };
  return { written, changed, saving, change, save };
}

/** Saves with Ctrl+Enter; Esc gives the keys back to the replay. */
function noteKeys(event: KeyboardEvent, save: () => void): void {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    save();
  } else if (event.key === "Escape" && event.target instanceof HTMLElement) {
    event.stopPropagation();
    event.target.blur();
  }
}

export function NoteEditor(props: EditorProps) {
  const { talk, turn, saved } = props;
  const { written, changed, saving, change, save } = useWriting(props);
  const id = useId();
  const labels = turn !== null && talk.turns[turn]?.role === "supporter" ? talk.labels : [];
  const submit = (event: Event) => {
    event.preventDefault();
    save();
  };
  return (
    <form class="note-editor" onSubmit={submit} onKeyDown={(event) => noteKeys(event, save)}>
      <label for={`${id}-text`}>Note</label>
      <textarea
        id={`${id}-text`}
        ref={props.field}
        rows={4}
        maxLength={20_000}
        dir="auto"
        value={written.text}
        onInput={(event) => change({ text: event.currentTarget.value })}
      />
      <label for={`${id}-tags`}>
        Tags <span class="soft">separated by commas</span>
      </label>
      <input
        id={`${id}-tags`}
        type="text"
        dir="auto"
        value={written.tags}
        onInput={(event) => change({ tags: event.currentTarget.value })}
      />
      {labels.length > 0 && (
        <Labels labels={labels} chosen={written.strategies} onChange={(strategies) => change({ strategies })} />
      )}
      <div class="save">
        <button type="submit" class="main" disabled={!changed || saving.state === "saving"} title="Ctrl+Enter">
          Save
        </button>
        <span role="status">{stateOf(saving, changed, saved)}</span>
      </div>
    </form>
  );
}

function stateOf(saving: Saving, changed: boolean, saved: PlacedNote | null) {
  if (saving.state === "saving") return <span class="soft">saving…</span>;
  if (saving.state === "failed") {
    return (
      <span class="warn words">
        not saved: <Line text={saving.line} />
      </span>
    );
  }
  if (changed) return <span class="soft">not saved yet</span>;
  return <span class="soft">{saving.state === "saved" ? "✓ saved" : saved === null ? "" : "✓ as saved"}</span>;
}

/** "1st" and so on. */
function ordinal(place: number): string {
  return `${place}${["th", "st", "nd", "rd"][place] ?? "th"}`;
}

function Labels(props: {
  labels: readonly Named[];
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}) {
  const { labels, chosen } = props;
  const id = useId();
  // In the order of ticking: the first is the main one.
  const toggle = (label: string) =>
    props.onChange(chosen.includes(label) ? chosen.filter((each) => each !== label) : [...chosen, label]);
  return (
    <fieldset class="labels">
      <legend>
        Strategies, as you see them <span class="soft">{chosen.length === 0 ? "not labelled" : ""}</span>
      </legend>
      <p class="soft">The order counts: tick the main strategy first.</p>
      {labels.map(({ id: label, title }, index) => {
        const place = chosen.indexOf(label) + 1;
        return (
          <label key={label} title={title}>
            <input
              type="checkbox"
              checked={place > 0}
              aria-describedby={place > 0 ? `${id}-${index}` : undefined}
              onChange={() => toggle(label)}
            />
            {visible(label).replaceAll("_", " ")}
            {place > 0 && (
              <span class="soft" id={`${id}-${index}`} aria-hidden="true">
                {ordinal(place)}
              </span>
            )}
          </label>
        );
      })}
    </fieldset>
  );
}
