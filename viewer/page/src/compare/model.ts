// How two conversations differ, turn by turn.
import type { Answer, Item, Measure, Role, Talk, Turn } from "../api";
import { Knowledge } from "../talk/knowledge";
import { ROLES } from "../talk/model";

/** The two sides of a comparison, by the letters that the page calls them. */
export type Letter = "A" | "B";

export interface Pair {
  A: Talk;
  B: Talk;
}

/** What a figure of both is made from. */
export interface FigureProps {
  pair: Pair;
  jump(turn: number): void;
}

/** The turns of both at the same number. */
export interface PairedTurns {
  turn: number;
  A: Turn | null;
  B: Turn | null;
  /** Whether both say the same before anything differs. */
  shared: boolean;
}

/** The first turn whose speaker or words differ, or that one of them does not have; null where they are the same. */
export function partingOf({ A, B }: Pair): number | null {
  const turns = Math.max(A.turns.length, B.turns.length);
  for (let turn = 0; turn < turns; turn++) {
    const [one, other] = [A.turns[turn], B.turns[turn]];
    if (one?.role !== other?.role || one?.utterance !== other?.utterance) return turn;
  }
  return null;
}

/** Where one was branched off from the other; null where neither was. */
export function forkOf({ A, B }: Pair): { at: number; fork: Letter; changed: Record<string, string> } | null {
  const ofA = A.setting?.parent;
  const ofB = B.setting?.parent;
  if (ofB && ofB.key === A.key) return { at: ofB.at, fork: "B", changed: ofB.changed };
  if (ofA && ofA.key === B.key) return { at: ofA.at, fork: "A", changed: ofA.changed };
  return null;
}

export function pairedTurns({ A, B }: Pair, parting: number | null): PairedTurns[] {
  const turns = Math.max(A.turns.length, B.turns.length);
  return Array.from({ length: turns }, (_, turn) => ({
    turn,
    A: A.turns[turn] ?? null,
    B: B.turns[turn] ?? null,
    shared: parting === null || turn < parting,
  }));
}

export interface Known {
  A: Knowledge;
  B: Knowledge;
}

/** That a role knows a fact in one of the two and not in the other. */
export interface KnowingDiffers {
  role: Role;
  fact: string;
  knows: Letter;
}

export function knowingDiffers(known: Known, fact: string, turn: number): KnowingDiffers[] {
  return ROLES.flatMap((role) => {
    const A = known.A.knowsAt(role, fact, turn);
    const B = known.B.knowsAt(role, fact, turn);
    return A === B ? [] : [{ role, fact, knows: A ? "A" : "B" } as const];
  });
}

/** Facts of either, in order, each once. */
export function factsOfBoth(known: Known): string[] {
  return [...new Set([...known.A.facts, ...known.B.facts].map((fact) => fact.id))];
}

/** What one reader found in both: an item, and what it is in each. */
export interface ItemFound {
  key: string;
  title: string;
  question: string;
  /** About whom, where the reader was asked about several. */
  about: Role | null;
  A: string | null;
  B: string | null;
  /** The difference of numbers, B less A; null for words, and where one is missing. */
  difference: number | null;
}

type Value = NonNullable<Answer["values"][string]>;

/** The answers that there are to an item. */
function known(answers: readonly Answer[], item: Item): Value[] {
  return answers.map((answer) => answer.values[item.id] ?? null).filter((value) => value !== null);
}

/** The mean of a reader's numbers; null where there is none. */
function meanOf(answers: readonly Answer[], item: Item): number | null {
  const numbers = known(answers, item).filter((value) => typeof value === "number");
  return numbers.length === 0 ? null : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}

/** Answers in words, with how often each was given; in one order, so that equal counts are equal words. */
function countsOf(answers: readonly Answer[], item: Item): string | null {
  const counts = new Map<string, number>();
  for (const value of known(answers, item)) {
    const word = Array.isArray(value) && value.length === 0 ? "none" : String(value);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  if (counts.size === 0) return null;
  const ordered = [...counts].sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1));
  return ordered.map(([value, times]) => (times === 1 && counts.size === 1 ? value : `${value} ${times}×`)).join(", ");
}

/** Whom the answers of either are about, each once; answers about different roles are never put together. */
function aboutWhom(measures: readonly (Measure | undefined)[]): (Role | null)[] {
  const roles = measures.flatMap((measure) => (measure?.answers ?? []).map(({ role }) => role));
  return [...ROLES, null].filter((role) => roles.includes(role));
}

/** What readers found in both, by the reader's folder; a reader of one alone has its findings there alone. */
export function foundInBoth({ A, B }: Pair, format: (value: number) => string): ItemFound[] {
  const keys = [
    ...new Set([...A.measures, ...B.measures].filter((one) => one.kind === "rubric").map((one) => one.key)),
  ];
  return keys.flatMap((key) => {
    const ofA = A.measures.find((one) => one.key === key);
    const ofB = B.measures.find((one) => one.key === key);
    const measure = ofA ?? ofB;
    const roles = aboutWhom([ofA, ofB]);
    return (measure?.items ?? []).flatMap((item) =>
      item.kind === "turns"
        ? []
        : (roles.length === 0 ? [null] : roles).map((role): ItemFound => {
            const of = (one: Measure | undefined) => (one?.answers ?? []).filter((answer) => answer.role === role);
            return {
              key: `${key} ${item.id} ${role}`,
              title: measure?.title ?? key,
              question: item.question,
              about: roles.length > 1 ? role : null,
              ...itemFound(item, of(ofA), of(ofB), format),
            };
          }),
    );
  });
}

/** An item in both, from the answers about one role. */
function itemFound(
  item: Item,
  ofA: readonly Answer[],
  ofB: readonly Answer[],
  format: (value: number) => string,
): Pick<ItemFound, Letter | "difference"> {
  if (item.kind === "labels" || item.kind === "choice") {
    return { A: countsOf(ofA, item), B: countsOf(ofB, item), difference: null };
  }
  const [A, B] = [meanOf(ofA, item), meanOf(ofB, item)];
  return {
    A: A === null ? null : format(A),
    B: B === null ? null : format(B),
    difference: A === null || B === null ? null : B - A,
  };
}
