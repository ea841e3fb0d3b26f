// What a conversation's document says, worked out for reading: pure functions, nothing of the page.
import type { Call, Named, Role, Side, Source, Talk, Turn } from "../api";

export const ROLES: readonly Role[] = ["seeker", "supporter"];

export function otherOf(role: Role): Role {
  return role === "seeker" ? "supporter" : "seeker";
}

export function nameOf(talk: Talk, role: Role): string {
  return talk.names[role] ?? role;
}

/** A role's name, with the role beside it where the name alone does not say it. */
export function nameAndRole(talk: Talk, role: Role): string {
  const name = nameOf(talk, role);
  return name.toLowerCase() === role ? name : `${name} (${role})`;
}

export function sideOf(talk: Talk, role: Role): Side | null {
  return talk.setting?.[role] ?? null;
}

/** A message of a prompt: the segments that stand in it. */
export interface PromptMessage {
  speaker: "system" | "user" | "assistant";
  segments: Source[];
}

/** Puts segments into messages: neighbouring heads share one, neighbouring tails too, all others stand alone. */
export function messagesOf(segments: readonly Source[]): PromptMessage[] {
  const messages: PromptMessage[] = [];
  let before: Source["place"] | null = null;
  for (const segment of segments) {
    const { place } = segment;
    const last = messages.at(-1);
    if (last !== undefined && place === before && (place === "head" || place === "tail")) last.segments.push(segment);
    else
      messages.push({
        speaker: place === "head" ? "system" : place === "self" ? "assistant" : "user",
        segments: [segment],
      });
    before = place;
  }
  return messages;
}

/** The prompts of a list of calls, resolved when they are asked for and then kept. */
export class Prompts {
  readonly calls: readonly Call[];
  readonly #texts: readonly Record<string, string>[];
  readonly #segments = new Map<number, readonly Source[]>();
  readonly #messages = new Map<number, readonly PromptMessage[]>();

  /** `texts` are looked through in order. */
  constructor(calls: readonly Call[], ...texts: Record<string, string>[]) {
    this.calls = calls;
    this.#texts = texts;
  }

  /** The words of a segment; null where the document does not hold them. */
  text(hash: string): string | null {
    for (const texts of this.#texts) {
      const text = texts[hash];
      if (text !== undefined) return text;
    }
    return null;
  }

  segments(index: number): readonly Source[] {
    const known = this.#segments.get(index);
    if (known !== undefined) return known;
    const parts: (readonly Source[])[] = [];
    let limit = Infinity;
    // A loop and not a recursion: in a long conversation every call goes on from the one before it.
    for (let at: number | null = index; at !== null && limit > 0;) {
      const whole = this.#segments.get(at);
      if (whole !== undefined) {
        parts.unshift(whole.slice(0, limit));
        break;
      }
      const call: Call | undefined = this.calls[at];
      if (call === undefined) break;
      if (limit > call.kept) parts.unshift(call.segments.slice(0, limit - call.kept));
      limit = Math.min(limit, call.kept);
      // A call can go on from an earlier one alone: a document that says otherwise would never end.
      at = call.base !== null && call.base < at ? call.base : null;
    }
    const segments = parts.flat();
    this.#segments.set(index, segments);
    return segments;
  }

  messages(index: number): readonly PromptMessage[] {
    const known = this.#messages.get(index);
    if (known !== undefined) return known;
    const messages = messagesOf(this.segments(index));
    this.#messages.set(index, messages);
    return messages;
  }
}

/** Whose prompt a role's words were written from at a turn. */
export interface Sight {
  /** Place of the call in the conversation's calls; null where the role was not asked up to this turn. */
  call: number | null;
  /** Whether a repair round followed the call. */
  repaired: boolean;
  /** The first turn that it was asked at; null where it never was. */
  first: number | null;
}

/** Whether one prompt made both sides' words. */
export function oneWriter(talk: Talk): boolean {
  const writer = talk.setting?.writer;
  return writer === "one_author" || writer === "script";
}

/** For each turn, through whose prompt `role` sees it. */
export function sightsOf(talk: Talk, role: Role): Sight[] {
  const both = oneWriter(talk);
  const spoken: number[] = [];
  const repaired = new Set<number>();
  for (const [index, call] of talk.calls.entries()) {
    if (!both && call.role !== role && call.role !== null) continue;
    if (call.purpose === "repair") repaired.add(call.turn);
    else if (call.purpose === "speak" || call.purpose === "script") spoken.push(index);
  }
  const first = spoken[0] === undefined ? null : (talk.calls[spoken[0]]?.turn ?? null);
  const sights: Sight[] = [];
  let next = 0;
  let call: number | null = null;
  for (let turn = 0; turn < Math.max(1, talk.turns.length); turn++) {
    for (; next < spoken.length; next++) {
      const index = spoken[next] as number;
      if ((talk.calls[index]?.turn ?? Infinity) > turn) break;
      call = index;
    }
    const at = call === null ? null : (talk.calls[call]?.turn ?? null);
    sights.push({ call, repaired: at !== null && repaired.has(at), first });
  }
  return sights;
}

/** What a segment's source says: `fact:quitting` is a fact, `utterance:7` words of turn 7. */
export interface Origin {
  kind: string;
  of: string | null;
  /** The turn that its words were said in. */
  turn: number | null;
}

export function originOf(source: string): Origin {
  const colon = source.indexOf(":");
  const kind = colon < 0 ? source : source.slice(0, colon);
  const of = colon < 0 ? null : source.slice(colon + 1);
  const says = kind === "utterance" || kind === "reply";
  return { kind, of, turn: says && of !== null && /^\d+$/.test(of) ? Number(of) : null };
}

/** The source in words for people. */
export function originWords(talk: Talk, source: string): string {
  const { kind, of } = originOf(source);
  if (kind === "reply" && of === "unreadable") return "its unreadable reply";
  if (kind === "reply") return `own reply ${of ?? ""}`;
  if (of === "seeker" || of === "supporter") return `${kind}, ${nameOf(talk, of)}`;
  return of === null ? kind : `${kind} ${of}`;
}

/** Short codes of strategies: their initials, with letters added until no two are the same. */
export function codesOf(labels: readonly Named[]): Map<string, string> {
  const codes = new Map<string, string>();
  const taken = new Set<string>();
  for (const { id } of labels) {
    const words = id.split(/[\s-]+/).filter((word) => word !== "" && !/^(or|and|of|the)$/i.test(word));
    const initials = words
      .slice(0, 2)
      .map((word) => [...word][0]?.toUpperCase() ?? "")
      .join("");
    const letters = [...(words.at(-1) ?? id)].slice(1);
    let code = initials || "?";
    while (taken.has(code) && letters.length > 0) code += letters.shift();
    taken.add(code);
    codes.set(id, code);
  }
  return codes;
}

/** Class that gives a strategy its colour; eight colours, then again from the first. */
export function tintOf(labels: readonly Named[], label: string): string {
  const place = labels.findIndex((known) => known.id === label);
  return place < 0 ? "tint-none" : `tint-${place % 8}`;
}

/** The last turn that each turn's speaker spoke before it, or null: what changes of feelings are counted from. */
export function previousOwn(turns: readonly Turn[]): (Turn | null)[] {
  const last: Partial<Record<Role, Turn>> = {};
  return turns.map((turn) => {
    const before = last[turn.role] ?? null;
    last[turn.role] = turn;
    return before;
  });
}
