// The conversation through a role's eyes: its prompt, exactly, and a veil over what is not in it.
import { createContext } from "preact";
import { useContext, useMemo, useRef } from "preact/hooks";
import type { Call, Role, Source, Talk, Turn } from "../api";
import { Words } from "../shared/text";
import { useReading } from "./context";
import { isShown } from "./hidden";
import { Margin, reportedIn, Veil, type Reported } from "./margin";
import { nameOf, oneWriter, originOf, otherOf, previousOwn, sightsOf, type Sight } from "./model";
import { useAt, useScrub } from "./scrub";
import { Message } from "./segments";
import { useKeepInView } from "./view";

const NOT_ASKED: Sight = { call: null, repaired: false, first: null };

export function EyesView(props: { role: Role }) {
  const { role } = props;
  const { talk } = useReading();
  const looking = useMemo(() => lookingOf(talk, role), [talk, role]);
  const call = useAt((turn) => looking.sights[turn]?.call ?? null);
  const scrub = useScrub();
  const sight = looking.sights[scrub.turn] ?? NOT_ASKED;
  return (
    <LookingContext.Provider value={looking}>
      <div class={`eyes of-${role}`}>
        <Writer />
        <Hidden role={role} />
        {call === null ? <NotAsked role={role} sight={sight} /> : <Prompt role={role} index={call} looking={looking} />}
      </div>
    </LookingContext.Provider>
  );
}

/** Who wrote the role's words, where it was not the role alone. */
function Writer() {
  const { talk } = useReading();
  if (!oneWriter(talk)) return null;
  const script = talk.setting?.writer === "script";
  const names = `${nameOf(talk, "seeker")} and ${nameOf(talk, "supporter")}`;
  return (
    <p class="remark">
      {script
        ? `One author wrote both sides in one call, and sees all that stands in this prompt: it is the same for ${names}.`
        : `One author wrote both sides turn by turn, and sees all that stands in this prompt, whichever of ${names} is to speak.`}
    </p>
  );
}

/** What of the other's side the condition keeps from the role. */
function hiddenFrom(talk: Talk, role: Role): string[] {
  const other = otherOf(role);
  const side = talk.setting?.[other];
  if (oneWriter(talk) || !side) return [];
  const name = nameOf(talk, other);
  const hidden: string[] = [];
  if (!isShown(talk, role, "other.persona")) hidden.push(`who ${name} is`);
  if (!isShown(talk, role, "other.facts") && side.facts.length > 0) hidden.push(`what ${name} knows, until it is told`);
  if (!isShown(talk, role, "other.inner"))
    hidden.push(other === "seeker" ? `what ${name} feels and thinks` : `${name}’s notes and strategies`);
  return hidden;
}

function Hidden(props: { role: Role }) {
  const { talk } = useReading();
  const hidden = useMemo(() => hiddenFrom(talk, props.role), [talk, props.role]);
  const side = talk.setting?.[props.role];
  return (
    <>
      {hidden.length > 0 && (
        <Veil role={props.role}>
          <Words text={hidden.join(" · ")} />
        </Veil>
      )}
      {side && !side.shown_persona && (
        <p class="remark">The condition leaves {nameOf(talk, props.role)}’s own persona out of the prompt.</p>
      )}
    </>
  );
}

function NotAsked(props: { role: Role; sight: Sight }) {
  const { talk, jump } = useReading();
  const name = nameOf(talk, props.role);
  const { first } = props.sight;
  const parent = talk.setting?.parent;
  return (
    <div class="remark">
      <p>
        {name} has not been asked yet: there is no prompt of {name}’s up to this turn.
        {parent &&
          ` The turns before turn ${parent.at} were taken over from the conversation that this one branched off from.`}
      </p>
      {first !== null && (
        <button type="button" onClick={() => jump(first)}>
          Go to {name}’s first prompt, at turn {first}
        </button>
      )}
    </div>
  );
}

function Prompt(props: { role: Role; index: number; looking: Looking }) {
  const { role, index } = props;
  const { prompts } = useReading();
  const list = useRef<HTMLDivElement>(null);
  const call = prompts.calls[index];
  useKeepInView(list);
  if (call === undefined) return null;
  return (
    <div ref={list}>
      <ol class="prompt" aria-label={`Prompt of turn ${call.turn}`}>
        {prompts.messages(index).map((message, place) => (
          <Message key={`${place} ${message.speaker}`} message={message} prompts={prompts} beside={BesideWords} />
        ))}
      </ol>
      <After role={role} call={call} index={index} looking={props.looking} />
    </div>
  );
}

/** What the margins through a role's eyes need; it stays the same from turn to turn. */
interface Looking {
  role: Role;
  sights: readonly Sight[];
  befores: readonly (Turn | null)[];
  /** For each turn, the next one that its speaker spoke. */
  nexts: readonly number[];
  reported: Reported;
}

const LookingContext = createContext<Looking | null>(null);

function lookingOf(talk: Talk, role: Role): Looking {
  const befores = previousOwn(talk.turns);
  const nexts = talk.turns.map(() => Infinity);
  for (const [turn, before] of befores.entries()) if (before !== null) nexts[before.turn] = turn;
  return { role, sights: sightsOf(talk, role), befores, nexts, reported: reportedIn(talk) };
}

/** The private side of what was said in a segment: the role's own, or the veil. */
function BesideWords(props: { segment: Source }) {
  const looking = useContext(LookingContext);
  const { talk } = useReading();
  const { turn } = originOf(props.segment.source);
  const spoken = turn === null ? undefined : talk.turns[turn];
  if (looking === null || spoken === undefined) return null;
  const { role } = looking;
  if (oneWriter(talk) || spoken.role === role) {
    return <Margin turn={spoken} before={looking.befores[spoken.turn] ?? null} reported={looking.reported} />;
  }
  if (!isShown(talk, role, "other.inner")) return <Veil role={role} />;
  return <Present turn={spoken} looking={looking} />;
}

/** The other's state where the condition shows it: the prompt holds the present one and no earlier one. */
function Present(props: { turn: Turn; looking: Looking }) {
  const { turn, looking } = props;
  const { prompts } = useReading();
  const present = useAt((at) => {
    const call = looking.sights[at]?.call ?? null;
    const asked = call === null ? -1 : (prompts.calls[call]?.turn ?? -1);
    return asked <= (looking.nexts[turn.turn] ?? Infinity);
  });
  if (!present) return <p class="margin soft">no longer in the prompt</p>;
  return <Margin turn={turn} before={null} reported={looking.reported} />;
}

/** What comes after the prompt: the reply, or that the role was not asked since. */
function After(props: { role: Role; call: Call; index: number; looking: Looking }) {
  const { role, call, looking } = props;
  const { talk, inspect } = useReading();
  const turn = useAt((at) => at);
  const script = call.purpose === "script";
  const now = script || call.turn === turn;
  return (
    <div class="after" aria-current="step">
      <p class="remark">
        {now ? fromThis(script, turn) : notSince(talk, nameOf(talk, role), call.turn, turn)}
        {looking.sights[turn]?.repaired &&
          " Its first reply could not be read: a repair round followed, which the inspector shows."}{" "}
        <button type="button" class="plain" onClick={() => inspect(props.index)}>
          inspect the call
        </button>
      </p>
      {now && <Reply call={call} role={role} looking={looking} />}
    </div>
  );
}

function Reply(props: { call: Call; role: Role; looking: Looking }) {
  const { call, looking } = props;
  const { talk } = useReading();
  const spoken = call.purpose === "script" ? undefined : talk.turns[call.turn];
  return (
    <div class={`segment reply by-${spoken?.role ?? props.role}`}>
      <p class="source">
        <span class="origin">reply, exactly</span>
      </p>
      {call.answered ? (
        <Words text={call.reply} class="text" />
      ) : (
        <p class="text soft">no answer: {call.message ?? "nothing came"}</p>
      )}
      {spoken && <Margin turn={spoken} before={looking.befores[spoken.turn] ?? null} reported={looking.reported} />}
    </div>
  );
}

function fromThis(script: boolean, turn: number): string {
  return script
    ? "From this prompt the author wrote the whole conversation."
    : `From this prompt turn ${turn} was written.`;
}

function notSince(talk: Talk, name: string, asked: number, turn: number): string {
  const writer = oneWriter(talk) ? "The author" : name;
  const unheard = turn - asked;
  const what = unheard === 1 ? `turn ${turn} is` : `turns ${asked + 1} to ${turn} are`;
  return `${writer} was last asked at turn ${asked}; ${what} not in this prompt yet.`;
}
