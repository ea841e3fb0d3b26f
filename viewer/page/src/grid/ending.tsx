// Why a conversation ended: a sign of its own shape, and words.
import type { ComponentChild } from "preact";
import type { Row } from "../api";

interface Ending {
  words: string;
  sign: ComponentChild;
  /** What to do where something is wrong. */
  hint?: string;
}

const LINE = { fill: "none", stroke: "currentColor", "stroke-width": 1.75 };

const ENDINGS: Record<string, Ending> = {
  turn_limit: { words: "turn limit", sign: <path d="M3 1.5v9M9 1.5v9" {...LINE} /> },
  seeker_ended: { words: "seeker ended", sign: <circle cx="6" cy="6" r="4" fill="var(--seeker)" /> },
  supporter_ended: { words: "supporter ended", sign: <path d="M6 1l5 5-5 5-5-5z" fill="var(--supporter)" /> },
  script_ended: { words: "script ended", sign: <path d="M1.5 2.5h9M1.5 6h9M1.5 9.5h5" {...LINE} /> },
  repetition: { words: "repetition", sign: <path d="M10 6a4 4 0 1 1-1.5-3.1M8.5.5v2.6H5.9" {...LINE} /> },
  budget: { words: "budget", sign: <path d="M1.5 10.5v-4M6 10.5v-7M10.5 10.5v-9M1 1l10 10" {...LINE} /> },
  unknown: { words: "unknown", sign: <path d="M3.5 4a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.7-.9 1.4M6 9.6v1.6" {...LINE} /> },
  finished: { words: "finished", sign: <path d="M1.5 6.5l3 3 6-7" {...LINE} /> },
  error: {
    words: "error",
    sign: <path d="M2 2l8 8m0-8l-8 8" {...LINE} />,
    hint: "It ended by an error: open it to read what went wrong.",
  },
  open: {
    words: "open",
    sign: <circle cx="6" cy="6" r="4.5" {...LINE} stroke-dasharray="2 1.6" />,
    hint: "It is under way, or was interrupted: `confide resume` goes on with its run.",
  },
  damaged: {
    words: "damaged",
    sign: <path d="M6 1l5.3 9.8H.7zM6 4.5v3M6 8.6v1.2" {...LINE} stroke-width="1.3" />,
    hint: "Its log cannot be read to its end: open it to see what is wrong and what is left.",
  },
};

/** What the grid calls a conversation's end; to a blind reader only whether it has ended. */
export function endOf(row: Row): string {
  return row.end ?? row.state;
}

export function endWords(end: string): string {
  return ENDINGS[end]?.words ?? end.replaceAll("_", " ");
}

export function isTrouble(end: string): boolean {
  return end === "error" || end === "damaged";
}

export function EndMark(props: { end: string }) {
  const ending = ENDINGS[props.end];
  return (
    <span class={isTrouble(props.end) ? "ending bad" : "ending"} title={ending?.hint}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        {ending?.sign}
      </svg>
      <span class="clip">{endWords(props.end)}</span>
      {ending?.hint && <span class="unseen">{ending.hint}</span>}
    </span>
  );
}
