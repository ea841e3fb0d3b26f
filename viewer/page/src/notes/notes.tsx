// Notes on a conversation: the reader's own for this turn and for the whole, and everybody's that were saved.
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { PlacedNote, Talk } from "../api";
import { count } from "../shared/text";
import { useHome } from "../shell/home";
import { typing } from "../shell/keys";
import { recall, remember } from "../shell/theme";
import { Line } from "../shell/trouble";
import { useSource } from "../source/source";
import { isSignature, savedBy, unsavedTurns } from "./draft";
import { NoteEditor } from "./editor";
import { NoteList } from "./list";

const KEPT_AT = "confide.reader";

interface PanelProps {
  talk: Talk;
  turn: number;
  onJump(turn: number): void;
}

/** The notes on a conversation; null until they are there. */
function useNotes(talk: Talk, reader: string) {
  const blindReader = talk.blind ? reader : null;
  const source = useSource();
  const [notes, setNotes] = useState<readonly PlacedNote[] | null>(null);
  const [line, setLine] = useState<string | null>(null);
  useEffect(() => {
    let over = false;
    setLine(null);
    source.notes(talk.key, blindReader).then(
      (found) => over || setNotes(found.notes),
      (error: Error) => over || setLine(error.message),
    );
    return () => {
      over = true;
    };
  }, [source, talk.key, talk.transcript, blindReader]);
  const add = (placed: PlacedNote) => {
    const { reader, turn, blind } = placed.note;
    const elsewhere = ({ note }: PlacedNote) => note.reader !== reader || note.turn !== turn || note.blind !== blind;
    setNotes((now) => [...(now ?? []).filter(elsewhere), placed]);
  };
  return { notes, line, add };
}

function inOrder(notes: readonly PlacedNote[]): PlacedNote[] {
  const place = ({ note }: PlacedNote) => note.turn ?? -1;
  return [...notes].sort((one, other) => place(one) - place(other) || one.note.at - other.note.at);
}

export function NotesPanel(props: PanelProps) {
  const { talk, turn, onJump } = props;
  const home = useHome();
  const [reader, setReader] = useState(() => recall(KEPT_AT) ?? "");
  const { notes, line, add } = useNotes(talk, reader);
  const heading = useId();

  const shown = notes ?? [];
  return (
    <section class="notes" aria-labelledby={heading}>
      <h2 id={heading}>Notes</h2>
      {line !== null && (
        <p class="warn words" role="alert">
          <Line text={line} />
        </p>
      )}
      {!home.static && notes !== null && (
        <Writing {...props} notes={notes} reader={reader} onReader={setReader} onSaved={add} />
      )}
      {notes !== null && shown.length > 0 && (
        <>
          <h3>{count(shown.length, "note")} saved</h3>
          <NoteList notes={inOrder(shown)} turn={turn} onJump={onJump} />
        </>
      )}
      {home.static && notes !== null && shown.length === 0 && <p class="soft">Nobody wrote notes on this one.</p>}
      {talk.blind && <p class="soft">Reading blind: what others wrote, and what was not written blind, is hidden.</p>}
    </section>
  );
}

interface WritingProps extends PanelProps {
  notes: readonly PlacedNote[];
  reader: string;
  onReader: (reader: string) => void;
  onSaved: (placed: PlacedNote) => void;
}

/** The editor, and before it, once, whose notes these are. */
function Writing(props: WritingProps) {
  const { talk, reader } = props;
  const [whole, setWhole] = useState(false);
  const [renaming, setRenaming] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const name = useRef<HTMLInputElement>(null);
  const turn = whole || talk.turns.length === 0 ? null : props.turn;
  const others = unsavedTurns(talk).filter((each) => each !== turn);
  useNoteKey(() => (field.current ?? name.current)?.focus());

  if (!isSignature(reader) || renaming) {
    const sign = (signed: string) => {
      remember(KEPT_AT, signed);
      props.onReader(signed);
      setRenaming(false);
    };
    return <Signature reader={reader} field={name} onSign={sign} />;
  }
  return (
    <>
      <div class="where" role="group" aria-label="What the note is about">
        <button type="button" aria-pressed={turn !== null} onClick={() => setWhole(false)}>
          Turn {props.turn}
        </button>
        <button type="button" aria-pressed={turn === null} onClick={() => setWhole(true)}>
          Whole conversation
        </button>
      </div>
      <NoteEditor
        key={`${reader} ${turn}`}
        talk={talk}
        turn={turn}
        reader={reader}
        saved={savedBy(props.notes, talk, turn, reader)}
        field={field}
        onSaved={props.onSaved}
      />
      {others.length > 0 && (
        <p class="warn">
          Not saved yet:{" "}
          {others.map((each) => (
            <button key={each} type="button" class="plain" onClick={() => props.onJump(each)}>
              turn {each}
            </button>
          ))}
        </p>
      )}
      <p class="soft signed">
        Signed {reader}{" "}
        <button type="button" class="plain" onClick={() => setRenaming(true)}>
          change
        </button>
      </p>
    </>
  );
}

function useNoteKey(act: () => void): void {
  const newest = useRef(act);
  newest.current = act;
  useLayoutEffect(() => {
    const follow = (event: KeyboardEvent) => {
      if (typing(event) || event.key !== "n") return;
      event.preventDefault();
      newest.current();
    };
    window.addEventListener("keydown", follow);
    return () => window.removeEventListener("keydown", follow);
  }, []);
}

/** Asks for the name that notes are signed with. */
function Signature(props: {
  reader: string;
  field: { current: HTMLInputElement | null };
  onSign: (name: string) => void;
}) {
  const [text, setText] = useState(props.reader);
  const id = useId();
  const wrong = text !== "" && !isSignature(text);
  return (
    <form
      class="signature"
      onSubmit={(event) => {
        event.preventDefault();
        if (isSignature(text)) props.onSign(text);
      }}
    >
      <label for={id}>Your name or initials, to sign notes with</label>
      <div class="save">
        <input
          id={id}
          ref={props.field}
          type="text"
          value={text}
          maxLength={40}
          autocomplete="off"
          spellcheck={false}
          aria-invalid={wrong}
          aria-describedby={`${id}-rule`}
          onInput={(event) => setText(event.currentTarget.value.trim())}
        />
        <button type="submit" disabled={!isSignature(text)}>
          Go on
        </button>
      </div>
      <p id={`${id}-rule`} class={wrong ? "warn" : "soft"}>
        Letters, digits, and . _ - between them; asked once.
      </p>
    </form>
  );
}
