// Search in an export's words, as the server searches: case and diacritics do not matter, and every word must occur.
import type { Hit, WordsOf } from "../api";

/** Characters of a text that are shown before and after what was found. */
const BEFORE = 60;
const AFTER = 120;

/** A text without case and diacritics. */
export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** The words that are searched for; a turn must have them all. */
export function soughtWords(words: string): string[] {
  return fold(words).split(/\s+/).filter(Boolean);
}

/** A line whose folded text is kept, because every search reads it. */
export interface Foldable {
  readonly line: WordsOf;
  readonly folded: string;
}

export function hasAll(line: Foldable, sought: readonly string[]): boolean {
  return sought.every((word) => line.folded.includes(word));
}

/** The part of a text that a word of its folded form comes from: first place, and place after the last. */
function placeOf(text: string, word: string): [number, number] | null {
  let folded = "";
  const ends: number[] = [];
  const starts: number[] = [];
  let at = 0;
  for (const character of text) {
    const part = fold(character);
    for (let place = 0; place < part.length; place += 1) {
      starts.push(at);
      ends.push(at + character.length);
    }
    // A mark of its own folds to nothing and belongs to the letter before it.
    if (part === "" && ends.length > 0) ends[ends.length - 1] = at + character.length;
    folded += part;
    at += character.length;
  }
  const found = folded.indexOf(word);
  const first = starts[found];
  const last = ends[found + word.length - 1];
  return first === undefined || last === undefined ? null : [first, last];
}

/** Where the first of the words stands in a line that has them all. */
export function hitOf(line: WordsOf, sought: readonly string[]): Hit {
  const [first, last] = placeOf(line.text, sought[0] ?? "") ?? [0, 0];
  const from = Math.max(0, first - BEFORE);
  const to = Math.min(line.text.length, last + AFTER);
  return {
    turn: line.turn,
    role: line.role,
    private: line.private,
    before: (from > 0 ? "…" : "") + line.text.slice(from, first),
    match: line.text.slice(first, last),
    after: line.text.slice(last, to) + (to < line.text.length ? "…" : ""),
  };
}
