// All keys of the page, for the help dialog; each view handles its own.

export interface Key {
  keys: string;
  what: string;
  where: "everywhere" | "grid" | "replay" | "compare";
}

export const KEYS: readonly Key[] = [
  { keys: "?", what: "show this help", where: "everywhere" },
  { keys: "g", what: "go to the conversations", where: "everywhere" },
  { keys: "Esc", what: "close what is open", where: "everywhere" },
  { keys: "/", what: "search", where: "grid" },
  { keys: "↓ or j, ↑ or k", what: "next, previous conversation", where: "grid" },
  { keys: "PageDown, PageUp", what: "a page further, a page back", where: "grid" },
  { keys: "Home, End", what: "first, last conversation", where: "grid" },
  { keys: "Enter", what: "open the conversation", where: "grid" },
  { keys: "x", what: "mark the conversation, to compare it", where: "grid" },
  { keys: "c", what: "compare the two marked conversations", where: "grid" },
  { keys: "Space", what: "play, pause", where: "replay" },
  { keys: "j or →, k or ←", what: "next, previous turn", where: "replay" },
  { keys: "Home, End", what: "first, last turn", where: "replay" },
  { keys: "<, >", what: "slower, faster", where: "replay" },
  { keys: "1, 2, 3", what: "as both hear it, through the seeker’s eyes, through the supporter’s", where: "replay" },
  { keys: "i", what: "inspect the prompt of the turn", where: "replay" },
  { keys: "arrows, Enter", what: "in a figure: read it turn by turn, go to the turn", where: "replay" },
  { keys: "n", what: "write a note", where: "replay" },
  { keys: "Ctrl+Enter", what: "save the note", where: "replay" },
  { keys: "Space", what: "play, pause", where: "compare" },
  { keys: "j or →, k or ←", what: "next, previous turn of both", where: "compare" },
  { keys: "d", what: "go to where they part", where: "compare" },
  { keys: "Home, End", what: "first, last turn", where: "compare" },
  { keys: "<, >", what: "slower, faster", where: "compare" },
];

/** Whether a key is meant for a field or a control, or for the browser, and so is no key of a view. */
export function typing(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return true;
  if (document.querySelector("dialog[open]") !== null) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "range"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
