// What a reader has written and not saved. It outlives the panel, so that a step to another turn loses nothing.
import type { NoteDraft, PlacedNote, Talk } from "../api";

/** What the fields of a note hold. */
export interface Written {
  text: string;
  tags: string;
  /** Strategies labelled again; none: not labelled. */
  strategies: readonly string[];
}

const unsaved = new Map<string, Written>();

function addressOf(talk: Talk, turn: number | null): string {
  return `${talk.key} ${talk.blind} ${turn ?? "all"}`;
}

export function unsavedAt(talk: Talk, turn: number | null): Written | null {
  return unsaved.get(addressOf(talk, turn)) ?? null;
}

export function keepUnsaved(talk: Talk, turn: number | null, written: Written | null): void {
  if (written === null) unsaved.delete(addressOf(talk, turn));
  else unsaved.set(addressOf(talk, turn), written);
}

/** Turns of a conversation that have something unsaved. */
export function unsavedTurns(talk: Talk): number[] {
  return talk.turns.map(({ turn }) => turn).filter((turn) => unsaved.has(addressOf(talk, turn)));
}

// A page that is closed asks first.
window.addEventListener("beforeunload", (event) => {
  if (unsaved.size > 0) event.preventDefault();
});

const SIGNATURE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/;

export function isSignature(name: string): boolean {
  return SIGNATURE.test(name);
}

/** What the fields begin with: the reader's own note. One that was made blind and one in sight are two notes. */
export function savedBy(
  notes: readonly PlacedNote[],
  talk: Talk,
  turn: number | null,
  reader: string,
): PlacedNote | null {
  return (
    notes.find(({ note }) => note.reader === reader && note.turn === turn && note.blind === talk.blind) ?? null
  );
}

export function writtenFrom(saved: PlacedNote | null): Written {
  const note = saved?.note;
  return { text: note?.text ?? "", tags: (note?.tags ?? []).join(", "), strategies: note?.strategies ?? [] };
}

/** Whether two would be saved as the same note. */
export function sameWritten(one: Written, other: Written): boolean {
  const said = ({ text, tags, strategies }: Written) => JSON.stringify([text, tagsOf(tags), strategies]);
  return said(one) === said(other);
}

export function tagsOf(text: string): string[] {
  return [
    ...new Set(
      text
        .split(",")
        .map((tag) => tag.trim())
        .filter(Boolean),
    ),
  ];
}

/** Why something that was written cannot be saved; null if it can. */
export function refusal(written: Written): string | null {
  if (tagsOf(written.tags).some((tag) => tag.length > 80)) return "a tag has at most 80 characters";
  return null;
}

export function draftOf(talk: Talk, turn: number | null, reader: string, written: Written): NoteDraft {
  return {
    key: talk.key,
    reader,
    transcript: talk.transcript,
    turn,
    text: written.text,
    tags: tagsOf(written.tags),
    strategies: written.strategies.length > 0 ? [...written.strategies] : null,
    blind: talk.blind,
  };
}
