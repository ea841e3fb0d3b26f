// What a role keeps to itself in a turn: feelings, thoughts, strategies, facts; and the veil over what is not to be seen.
import type { ComponentChildren } from "preact";
import type { Knowing, Role, Talk, Turn } from "../api";
import { Missing, number, visible, Words } from "../shared/text";
import { useReading } from "./context";
import { nameOf } from "./model";
import { Strategies } from "./strategies";

/** Which fields anybody of a role reports in a conversation: the others are left out, not missing. */
export interface Reported {
  emotion: boolean;
  trust: boolean;
  seekerThoughts: boolean;
  supporterThoughts: boolean;
  strategies: boolean;
}

export function reportedIn(talk: Talk): Reported {
  const some = (has: (turn: Turn) => boolean) => talk.turns.some(has);
  return {
    emotion: some((turn) => turn.emotion !== null),
    trust: some((turn) => turn.trust !== null),
    seekerThoughts: some((turn) => turn.role === "seeker" && turn.thoughts !== null),
    supporterThoughts: some((turn) => turn.role === "supporter" && turn.thoughts !== null),
    strategies: some((turn) => turn.strategies !== null),
  };
}

interface MarginProps {
  turn: Turn;
  /** The speaker's turn before. */
  before: Turn | null;
  reported: Reported;
}

/** The private side of a turn. */
export function Margin(props: MarginProps) {
  const { turn, before, reported } = props;
  const { talk } = useReading();
  const seeker = turn.role === "seeker";
  const thinks = seeker ? reported.seekerThoughts : reported.supporterThoughts;
  const name = nameOf(talk, turn.role);
  return (
    <div
      class={`margin of-${turn.role}`}
      role="group"
      aria-label={`What ${visible(name)} kept to itself at turn ${turn.turn}`}
    >
      {seeker && reported.emotion && <Level what="distress" value={turn.emotion} before={before?.emotion ?? null} />}
      {seeker && reported.trust && <Level what="trust" value={turn.trust} before={before?.trust ?? null} />}
      {!seeker && reported.strategies && <Declared turn={turn} />}
      {thinks && (
        <p class="thoughts">
          <span class="label">{seeker ? "thinks" : "notes"}</span>{" "}
          {turn.thoughts === null ? <Missing why="not reported in this turn" /> : <Words text={turn.thoughts} />}
        </p>
      )}
      <Told turn={turn} />
      {turn.wants_to_end === true && <p class="ends">wants to end</p>}
    </div>
  );
}

function Level(props: { what: "distress" | "trust"; value: number | null; before: number | null }) {
  const { what, value, before } = props;
  if (value === null) {
    return (
      <p class="level">
        <span class="label">{what}</span> <Missing why="not reported in this turn" />
      </p>
    );
  }
  const change = before === null ? null : value - before;
  return (
    <p class={`level ${what}`}>
      <span class="label">{what}</span> <span class="value">{number(value)}</span>
      {change !== null && (
        <span class="change" title={`change since ${before}`}>
          {change === 0 ? "±0" : change > 0 ? `+${number(change)}` : number(change)}
        </span>
      )}
      <span class="gauge" aria-hidden="true">
        <span style={{ width: `${Math.min(100, Math.max(0, value))}%` }} />
      </span>
    </p>
  );
}

function Declared(props: { turn: Turn }) {
  const { talk } = useReading();
  const { strategies } = props.turn;
  if (strategies === null) {
    return (
      <p>
        <span class="label">strategies</span> <Missing why="not declared in this turn" />
      </p>
    );
  }
  return strategies.length === 0 ? (
    <p class="label">no strategy declared</p>
  ) : (
    <Strategies labels={talk.labels} of={strategies} />
  );
}

/** Facts told, and where words and declaration part. */
function Told(props: { turn: Turn }) {
  const { knowledge } = useReading();
  const { turn, role, told } = props.turn;
  const slipped = (how: Knowing["how"]) =>
    knowledge.at(turn).flatMap((knowing) => (knowing.role === role && knowing.how === how ? [knowing.fact] : []));
  const unsaid = slipped("unsaid");
  return (
    <>
      <Facts verb="tells" facts={(told ?? []).filter((fact) => !unsaid.includes(fact))} />
      <Facts
        verb="tells"
        facts={slipped("undeclared")}
        slip="undeclared"
        title="the words tell it, and the reply does not declare it"
      />
      <Facts
        verb="declares"
        facts={unsaid}
        slip="not said"
        title="the reply declares it, and the words do not tell it"
      />
    </>
  );
}

function Facts(props: { verb: string; facts: readonly string[]; slip?: string; title?: string }) {
  if (props.facts.length === 0) return null;
  return (
    <p class="told">
      <span class="label">{props.verb}</span>{" "}
      {props.facts.map((fact) => (
        <FactLink key={fact} fact={fact} />
      ))}
      {props.slip && (
        <span class="slip" title={props.title}>
          {props.slip}
        </span>
      )}
    </p>
  );
}

/** A fact's id, which shows the fact in the matrix. */
export function FactLink(props: { fact: string }) {
  const { showFact } = useReading();
  return (
    <button type="button" class="fact" onClick={() => showFact(props.fact)} title="show it among who knows what">
      {visible(props.fact)}
    </button>
  );
}

/** Hatched: what `role` cannot see, and until when where it may come to see it. */
export function Veil(props: { role: Role; what?: string; until?: string; children?: ComponentChildren }) {
  const { talk } = useReading();
  return (
    <div class="veil">
      <p>
        {props.what !== undefined && <Words text={`${props.what}, `} />}
        not visible to <Words text={nameOf(talk, props.role)} />
        {props.until !== undefined && ` ${props.until}`}
      </p>
      {props.children}
    </div>
  );
}
