// What stands above a conversation: what it is, how it was made, who they are, and whether something is wrong with it.
import type { ComponentChildren } from "preact";
import type { Kin, Side, Talk } from "../api";
import { goTo, linkTo, type TalkPlace } from "../place";
import { count, visible, Words } from "../shared/text";
import { useReading } from "./context";
import { isShown, onlookerOf } from "./hidden";
import { nameOf, ROLES } from "./model";
import { Persona } from "./persona";

const ENDS: Record<string, string> = {
  turn_limit: "the turn limit was reached",
  seeker_ended: "the seeker ended it",
  supporter_ended: "the supporter ended it",
  script_ended: "the script ended",
  repetition: "it repeated itself",
  budget: "the budget was used up",
  error: "it ended by an error",
  unknown: "why it ended is not known",
};

export function TalkHead(props: { talk: Talk; place: TalkPlace }) {
  const { talk } = props;
  return (
    <header class="talk-head">
      <h1>
        <Words text={talk.title} />
      </h1>
      <Facts talk={talk} />
      <State talk={talk} />
      <Caveats talk={talk} />
      {talk.situation !== null && (
        <p class="situation">
          <span class="label">situation</span> <Words text={talk.situation} />
        </p>
      )}
      <div class="sides">
        {ROLES.map((role) => talk.setting?.[role] && <Persona key={role} role={role} side={talk.setting[role]} />)}
      </div>
      {talk.setting !== null && Object.keys(talk.setting.record).length > 0 && (
        <Recorded record={talk.setting.record} />
      )}
      <Compare talk={talk} turn={props.place.turn} />
    </header>
  );
}

/** The lines of what it was made under. */
function Facts(props: { talk: Talk }) {
  const { talk } = props;
  const { setting } = talk;
  const about = useAbout();
  return (
    <dl class="made">
      <Entry term="scenario">
        <Words text={talk.scenario} />
      </Entry>
      {setting === null ? (
        <Entry term="condition">hidden from a blind reader</Entry>
      ) : (
        <>
          <Entry term="condition">
            <b>{visible(setting.condition.id)}</b> <span class="soft">{visible(setting.condition.title)}</span>
          </Entry>
          {ROLES.map(
            (role) =>
              setting[role] && (
                <Entry key={role} term={`${visible(nameOf(talk, role))} sees`}>
                  {seesWords(setting[role])}
                </Entry>
              ),
          )}
          <Entry term="models">{models(talk)}</Entry>
          <Entry term="run">
            {visible(setting.run)} <span class="soft">{visible(setting.conversation)}</span>
          </Entry>
        </>
      )}
      <Entry term="end">
        {endWords(talk)}, {count(talk.turns.length, "turn")}
      </Entry>
      {about.length > 0 && <Entry term="about">{about.map(visible).join(", ")}</Entry>}
    </dl>
  );
}

/** The seeker's problem and first emotion: no prompt names the problem, and the emotion is of its inner state. */
function useAbout(): string[] {
  const { talk, eyes } = useReading();
  const onlooker = onlookerOf(talk, eyes);
  const problem = onlooker === "supporter" ? null : talk.problem;
  const emotion = onlooker === "supporter" && !isShown(talk, onlooker, "other.inner") ? null : talk.emotion;
  return [problem, emotion].filter((word) => word !== null);
}

export function endWords(talk: Talk): string {
  if (talk.end !== null) return ENDS[talk.end] ?? visible(talk.end);
  if (talk.blind) return "hidden from a blind reader";
  return talk.state === "damaged" ? "its log does not say" : "it has not ended";
}

function Entry(props: { term: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.term}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

const SEEN: Record<string, string> = {
  own: "its own side",
  "other.persona": "who the other is",
  "other.facts": "the other’s facts",
  "other.inner": "the other’s inner state",
};

/** What the condition shows a role, beside what is said. */
export function seesWords(side: Side): string {
  const seen = Object.entries(SEEN).flatMap(([sight, words]) => (side.sees.includes(sight) ? [words] : []));
  return seen.length === 0 ? "nothing but what is said" : seen.join(", ");
}

export function models(talk: Talk): string {
  const seeker = talk.setting?.seeker?.model;
  const supporter = talk.setting?.supporter?.model;
  if (seeker === undefined || supporter === undefined) return "none: people held this conversation";
  if (seeker === supporter) return visible(seeker);
  return `${visible(seeker)} as ${nameOf(talk, "seeker")}, ${visible(supporter)} as ${nameOf(talk, "supporter")}`;
}

/** What keeps a conversation from being whole, and what to do. */
function State(props: { talk: Talk }) {
  const { talk } = props;
  const turns = talk.turns.length;
  return (
    <>
      {talk.state === "damaged" && (
        <Remark>
          Its log is damaged: <Words text={talk.damage ?? "what is wrong is not known"} />.{" "}
          {turns > 0
            ? `What was said before that, ${count(turns, "turn")}, is here.`
            : "No turn before that could be read."}{" "}
          Put back the file from a copy, or run the conversation again.
        </Remark>
      )}
      {talk.state === "open" && (
        <Remark>
          It is not finished: it goes on now, or its run was interrupted. New turns appear here as they are logged; go
          on with an interrupted run by <code>confide resume</code>.
        </Remark>
      )}
      {talk.end === "error" && (
        <Remark>
          It ended by an error: <Words text={talk.detail ?? "no more is known"} />. The last calls in the prompt
          inspector show what the model answered.
        </Remark>
      )}
      {turns === 0 && talk.state !== "damaged" && (
        <Remark>
          Nothing was said in it yet.{" "}
          {talk.state === "open" ? "Wait for its first turn." : "Open another conversation."}
        </Remark>
      )}
      {talk.setting?.parent && <Forked talk={talk} />}
    </>
  );
}

function Remark(props: { children: ComponentChildren }) {
  return (
    <p class="trouble-line" role="note">
      {props.children}
    </p>
  );
}

function Forked(props: { talk: Talk }) {
  const parent = props.talk.setting?.parent;
  if (!parent) return null;
  const changed = Object.entries(parent.changed).map(([field, value]) => `${field} = ${value}`);
  return (
    <p class="remark">
      A fork: turns before turn {parent.at} are those of{" "}
      {parent.key === null ? (
        `${visible(parent.conversation)} of run ${visible(parent.run)}, which is not shown here`
      ) : (
        <a href={linkTo({ view: "talk", key: parent.key, turn: parent.at, eyes: "public", blind: false, call: null })}>
          {visible(parent.conversation)}
        </a>
      )}
      {changed.length > 0 && (
        <>
          ; from there on <Words text={changed.join(", ")} />
        </>
      )}
      .
    </p>
  );
}

function Caveats(props: { talk: Talk }) {
  const { setting, measures } = props.talk;
  const about = new Map<string, Set<string>>();
  const note = (caveat: string | null | undefined, model: string) => {
    if (caveat) about.set(caveat, (about.get(caveat) ?? new Set()).add(model));
  };
  for (const role of ROLES) note(setting?.[role]?.caveat, setting?.[role]?.model ?? role);
  for (const measure of measures) note(measure.caveat, measure.model);
  if (about.size === 0) return null;
  return (
    <ul class="caveats" aria-label="What to know about the models">
      {[...about].map(([caveat, models]) => (
        <li key={caveat}>
          <Words text={`${[...models].join(", ")}: ${caveat}`} />
        </li>
      ))}
    </ul>
  );
}

/** What the data say about people's conversation. */
function Recorded(props: { record: Record<string, unknown> }) {
  return (
    <details class="recorded">
      <summary>What the data say about it</summary>
      <dl class="facts-of">
        {Object.entries(props.record).map(([name, value]) => (
          <div key={name}>
            <dt>{visible(name)}</dt>
            <dd>
              <Words text={typeof value === "string" ? value : JSON.stringify(value, null, 1)} />
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

const RELATIONS: Record<Kin["relation"], string> = { pair: "same pair", parent: "its parent", fork: "its fork" };

function Compare(props: { talk: Talk; turn: number }) {
  const { talk } = props;
  if (talk.kin.length === 0) return null;
  return (
    <label class="compare-with">
      compare with{" "}
      <select
        value=""
        onChange={(event) => {
          const right = event.currentTarget.value;
          if (right !== "") goTo({ view: "compare", left: talk.key, right, turn: props.turn });
        }}
      >
        <option value="">choose a conversation…</option>
        {talk.kin.map((kin) => (
          <option key={kin.key} value={kin.key}>
            {visible(`${kin.condition}, ${RELATIONS[kin.relation]}: ${kin.conversation} (${kin.run})`)}
          </option>
        ))}
      </select>
    </label>
  );
}
