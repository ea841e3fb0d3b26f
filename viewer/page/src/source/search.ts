// Search in an export's words, as the server searches: case and diacritics do not matter, and a line must have every
// word as a whole word, but the last one may be unfinished. In a script that has no spaces any part of a line is found.
import type { Hit, WordsOf } from "../api";

/** Characters of a text that are shown before and after what was found. */
const BEFORE = 60;
const AFTER = 120;
/** What words are made of; everything else stands between words. */
const LETTER = "[\\p{L}\\p{N}\\p{Co}]";
const OTHER = "[^\\p{L}\\p{N}\\p{Co}]";
/** The first letter of the scripts that are written without spaces, or whose words are not told apart by them. */
const FIRST_WITHOUT_SPACES = 0x0e00;

/** A text without case and diacritics. */
export function fold(text: string): string {
  return text
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase();
}

/** What is searched for. */
export interface Sought {
  patterns: readonly RegExp[];
  /** Whether they are looked for in the text itself and not in the folded one. */
  exact: boolean;
}

/** Whether words are in a script that has no spaces, or have no letter. */
function withoutSpaces(words: string): boolean {
  const letters = words.match(/[\p{L}\p{N}]/gu) ?? [];
  return (
    letters.length === 0 ||
    letters.some((letter) => /\p{Lo}/u.test(letter) && (letter.codePointAt(0) ?? 0) >= FIRST_WITHOUT_SPACES)
  );
}

export function soughtIn(words: string): Sought {
  if (withoutSpaces(words)) {
    const parts = words.split(/\s+/).filter(Boolean);
    const escaped = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    return { patterns: escaped.map((part) => new RegExp(part, "iu")), exact: true };
  }
  const parts = fold(words).split(/\s+/).filter(Boolean);
  const patterns = parts.flatMap((part, index) => {
    // Signs within a part stand between words, which must then follow each other.
    const inOrder = part.match(new RegExp(`${LETTER}+`, "gu"));
    if (inOrder === null) return [];
    const rest = index === parts.length - 1 ? `${LETTER}*` : "";
    return [new RegExp(`(?<!${LETTER})${inOrder.join(`${OTHER}+`)}${rest}(?!${LETTER})`, "u")];
  });
  return { patterns, exact: false };
}

/** A line whose folded text is kept, because every search reads it. */
export interface Foldable {
  readonly line: WordsOf;
  readonly folded: string;
}

export function hasAll(line: Foldable, sought: Sought): boolean {
  const text = sought.exact ? line.line.text : line.folded;
  return sought.patterns.every((pattern) => pattern.test(text));
}

/** The part of a text that a part of its folded form comes from: first place, and place after the last. */
function unfolded(text: string, from: number, length: number): [number, number] {
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
    at += character.length;
  }
  return [starts[from] ?? 0, ends[from + length - 1] ?? 0];
}

/** Where the first of what is sought stands. */
function placeOf({ line, folded }: Foldable, { patterns, exact }: Sought): [number, number] {
  let first: RegExpExecArray | null = null;
  for (const pattern of patterns) {
    const found = pattern.exec(exact ? line.text : folded);
    if (found !== null && (first === null || found.index < first.index)) first = found;
  }
  if (first === null) return [0, 0];
  const { index, 0: match } = first;
  return exact ? [index, index + match.length] : unfolded(line.text, index, match.length);
}

/** Where the first of the words stands in a line that has them all. */
export function hitOf(found: Foldable, sought: Sought): Hit {
  const { line } = found;
  const [first, last] = placeOf(found, sought);
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
