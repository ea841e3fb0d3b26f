// Who a role is: background, goals, trait scores, facts. Through the other's eyes only what the condition shows of it.
import type { FactInfo, Role, Side } from "../api";
import { Missing, number, visible, Words } from "../shared/text";
import { useReading } from "./context";
import { isShown, onlookerOf, type Part } from "./hidden";
import { FactLink, Veil } from "./margin";
import { nameAndRole } from "./model";

/** The parts of a persona, by what shows them to the other. */
const PARTS: Record<Part, string> = {
  "other.persona": "background, traits and style",
  "other.inner": "goals",
  "other.facts": "facts, until they are told",
};

export function Persona(props: { role: Role; side: Side }) {
  const { role, side } = props;
  const { talk, eyes } = useReading();
  // Whose eyes are looked through, if they are the other's.
  const onlooker = eyes === role ? null : onlookerOf(talk, eyes);
  const shown = (part: Part) => isShown(talk, onlooker, part);
  const hidden = (Object.keys(PARTS) as Part[]).flatMap((part) => (shown(part) ? [] : [PARTS[part]]));
  return (
    <details class={`persona of-${role}`}>
      <summary>
        <Words text={nameAndRole(talk, role)} />
      </summary>
      {shown("other.persona") && <Character side={side} />}
      {shown("other.inner") && <Goals goals={side.goals} />}
      {shown("other.facts") && <FactsOf facts={side.facts} />}
      {onlooker !== null && hidden.length > 0 && (
        <Veil role={onlooker}>
          <p>{hidden.join(" · ")}</p>
        </Veil>
      )}
      {!side.shown_persona && <p class="soft">The condition leaves this persona out of the prompts.</p>}
    </details>
  );
}

function Character(props: { side: Side }) {
  const { side } = props;
  return (
    <>
      <p>
        <Words text={side.background} />
      </p>
      <Scores what="traits (HEXACO), 1 to 5" of={side.traits} />
      <Scores what="style (CSI), 1 to 5" of={side.style} />
    </>
  );
}

function Goals(props: { goals: readonly string[] }) {
  if (props.goals.length === 0) return null;
  return (
    <ul class="goals" aria-label="goals">
      {props.goals.map((goal) => (
        <li key={goal}>
          <Words text={goal} />
        </li>
      ))}
    </ul>
  );
}

function FactsOf(props: { facts: readonly FactInfo[] }) {
  if (props.facts.length === 0) return null;
  return (
    <dl class="facts-of">
      {props.facts.map((fact) => (
        <div key={fact.id}>
          <dt>
            <FactLink fact={fact.id} />
            <span class="soft">
              {visible(fact.reveal.replaceAll("_", " "))}
              {fact.trust !== null && `, from trust ${fact.trust} on`}
              {fact.after.length > 0 && `, after ${fact.after.map(visible).join(", ")}`}
            </span>
          </dt>
          <dd>
            <Words text={fact.text} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Scores from 1 to 5, each with a bar. */
function Scores(props: { what: string; of: Record<string, number | null> }) {
  const entries = Object.entries(props.of);
  if (entries.every(([, score]) => score === null)) return null;
  return (
    <div>
      <p class="label">{props.what}</p>
      <dl class="scores" aria-label={props.what}>
        {entries.map(([name, score]) => (
          <div key={name}>
            <dt>{visible(name.replaceAll("_", " "))}</dt>
            <dd>
              {score === null ? <Missing why="the persona does not set it" /> : number(score, 1)}
              <span class="gauge" aria-hidden="true">
                {score !== null && <span style={{ width: `${((score - 1) / 4) * 100}%` }} />}
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
