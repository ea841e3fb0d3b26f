// Who knows which fact, from when on, and what happened to it in which turn.
import type { FactInfo, Knowing, Role, Talk } from "../api";
import { nameOf, ROLES } from "./model";

export interface OwnedFact {
  id: string;
  /** Whose fact; null where the document does not say. */
  owner: Role | null;
  /** Null where the document does not hold its words. */
  info: FactInfo | null;
}

const KNOWS = new Set<Knowing["how"]>(["owns", "sees", "told", "noticed"]);

/** Who knows what in one conversation. */
export class Knowledge {
  readonly facts: readonly OwnedFact[];
  readonly #since = new Map<string, Knowing>();
  readonly #events = new Map<number, Knowing[]>();
  readonly #of = new Map<string, Knowing[]>();

  constructor(talk: Talk) {
    this.facts = factsOf(talk);
    for (const knowing of talk.knows) {
      push(this.#events, knowing.turn, knowing);
      push(this.#of, knowing.fact, knowing);
      if (!KNOWS.has(knowing.how)) continue;
      const key = `${knowing.role} ${knowing.fact}`;
      const before = this.#since.get(key);
      if (before === undefined || knowing.turn < before.turn) this.#since.set(key, knowing);
    }
  }

  /** From when on a role knows a fact, and how; null where it never does. */
  since(role: Role, fact: string): Knowing | null {
    return this.#since.get(`${role} ${fact}`) ?? null;
  }

  knowsAt(role: Role, fact: string, turn: number): boolean {
    const since = this.since(role, fact);
    return since !== null && since.turn <= turn;
  }

  /** What happened to facts in a turn. */
  at(turn: number): readonly Knowing[] {
    return this.#events.get(turn) ?? [];
  }

  /** All about one fact. */
  of(fact: string): readonly Knowing[] {
    return this.#of.get(fact) ?? [];
  }

  fact(id: string): OwnedFact | null {
    return this.facts.find((fact) => fact.id === id) ?? null;
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** All facts, by owner; those that only come up in what is known stand last. */
function factsOf(talk: Talk): OwnedFact[] {
  const facts: OwnedFact[] = [];
  for (const owner of ROLES) {
    for (const info of talk.setting?.[owner]?.facts ?? []) facts.push({ id: info.id, owner, info });
  }
  const known = new Set(facts.map((fact) => fact.id));
  for (const { fact, role, how } of talk.knows) {
    if (known.has(fact)) continue;
    known.add(fact);
    facts.push({ id: fact, owner: how === "owns" ? role : null, info: null });
  }
  return facts;
}

/** What one role knows of one fact at a turn, in words. */
export function knowingWords(talk: Talk, knowledge: Knowledge, role: Role, fact: string, turn: number): string {
  const name = nameOf(talk, role);
  const since = knowledge.since(role, fact);
  if (since === null || since.turn > turn) return `${name} does not know it`;
  if (since.how === "owns")
    return since.turn < 0 ? `it is ${name}’s own` : `it is ${name}’s own, in mind from turn ${since.turn} on`;
  if (since.how === "sees") return `${name} sees it by the condition`;
  if (since.how === "told") return `${name} knows it: told at turn ${since.turn}`;
  return `${name} knows it: its words tell it at turn ${since.turn}, undeclared`;
}

const HAPPENED: Partial<Record<Knowing["how"], string>> = {
  told: "learns it",
  noticed: "learns it, undeclared",
  asked: "asks about it",
  inferred: "states it untold",
  undeclared: "tells it without declaring it",
  unsaid: "declares it without telling it",
};

/** What happened to a fact in a turn, in words, as far as it is `seen`; empty where nothing did. */
export function happenedWords(
  talk: Talk,
  knowledge: Knowledge,
  fact: string,
  turn: number,
  seen: (knowing: Knowing) => boolean,
): string {
  return knowledge
    .at(turn)
    .filter((knowing) => knowing.fact === fact && knowing.how in HAPPENED && seen(knowing))
    .map((knowing) => `${nameOf(talk, knowing.role)} ${HAPPENED[knowing.how]}`)
    .join(", ");
}
