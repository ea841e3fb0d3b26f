import type { Talk } from "./api";

export function NotesPanel(_props: { talk: Talk; turn: number; onJump(turn: number): void }) {
  return <section aria-label="Notes"></section>;
}
