// What readers answered about the conversation; turns that they cite are links.
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import type { Answer, Item, Measure, Talk } from "../api";
import { Missing, number, visible, Words } from "../shared/text";
import { useReading } from "../talk/context";
import { nameOf } from "../talk/model";
import { useAt } from "../talk/scrub";
import { Strategies } from "../talk/strategies";

export function JudgePanel() {
  const { talk } = useReading();
  const id = useId();
  const measures = talk.measures.filter((measure) => measure.kind === "rubric");
  return (
    <section class="figure judges" aria-labelledby={id}>
      <h3 id={id}>What readers found</h3>
      {measures.length === 0 && (
        <p class="legend">{"No reader has read this conversation; confide score RUN --with shipped has it read."}</p>
      )}
      {measures.map((measure) => (
        <OneMeasure key={measure.key} measure={measure} />
      ))}
    </section>
  );
}

function OneMeasure(props: { measure: Measure }) {
  const { measure } = props;
  const [open, setOpen] = useState(
    measure.answers.length > 0 && measure.answers.every((answer) => answer.turn === null),
  );
  return (
    <details class="measure" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Words text={measure.title} /> <span class="soft">{visible(measure.model)}</span>
      </summary>
      {open && <Found measure={measure} />}
    </details>
  );
}

function Found(props: { measure: Measure }) {
  const { measure } = props;
  const whole = measure.answers.filter((answer) => answer.turn === null);
  const byTurn = measure.answers.filter((answer) => answer.turn !== null);
  return (
    <>
      {measure.problem !== null && (
        <p class="trouble-line">
          It cannot be used: <Words text={measure.problem} />
        </p>
      )}
      {measure.caveat !== null && (
        <p class="legend">
          <Words text={measure.caveat} />
        </p>
      )}
      {measure.problem === null && measure.answers.length === 0 && (
        <p class="legend">It was asked nothing about this conversation.</p>
      )}
      {groupsOf(whole).map((answers) => (
        <Whole key={aboutKey(answers[0])} measure={measure} answers={answers} />
      ))}
      {byTurn.length > 0 && <ByTurn measure={measure} answers={byTurn} />}
    </>
  );
}

function aboutKey(answer: Answer | undefined): string {
  return `${answer?.turn} ${answer?.role} ${answer?.part}`;
}

/** Answers at the same place: the repeats of one question. */
export function groupsOf(answers: readonly Answer[]): Answer[][] {
  const groups = new Map<string, Answer[]>();
  for (const answer of answers) {
    const key = aboutKey(answer);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [answer]);
    else group.push(answer);
  }
  return [...groups.values()];
}

/** Answers about the whole conversation: an item in a line. */
function Whole(props: { measure: Measure; answers: readonly Answer[] }) {
  const { measure, answers } = props;
  const { talk } = useReading();
  const role = answers[0]?.role ?? null;
  return (
    <div class="answers">
      {role !== null && <p class="label">about {visible(nameOf(talk, role))}</p>}
      <dl>
        {measure.items.map((item) => (
          <div key={item.id}>
            <dt>
              <Words text={item.question} />
            </dt>
            <dd>
              <Value item={item} answers={answers} talk={talk} />
            </dd>
          </div>
        ))}
      </dl>
      <Calls measure={measure} answers={answers} />
    </div>
  );
}

/** Buttons that open the calls of answers. */
function Calls(props: { measure: Measure; answers: readonly Answer[] }) {
  const { inspectReader } = useReading();
  const { measure, answers } = props;
  return (
    <p class="calls-of">
      {answers.map(({ call, repeat }) =>
        call === null ? (
          <Missing key={repeat} why="its call was not logged" />
        ) : (
          <button key={repeat} type="button" class="plain" onClick={() => inspectReader(measure.key, call)}>
            prompt{answers.length > 1 ? ` ${repeat + 1}` : ""}
          </button>
        ),
      )}
    </p>
  );
}

/** Answers to one item: every repeat, or why there is none. */
export function Value(props: { item: Item; answers: readonly Answer[]; talk: Talk }) {
  const { item, answers } = props;
  const known = answers.filter((answer) => (answer.values[item.id] ?? null) !== null);
  const missing = answers.filter((answer) => (answer.values[item.id] ?? null) === null);
  if (item.kind === "scale" || item.kind === "level") {
    const points = known.map((answer) => answer.values[item.id]).filter((value) => typeof value === "number");
    return (
      <>
        {points.length > 0 && <Scale item={item} points={points} />}
        <Missings item={item} answers={missing} />
      </>
    );
  }
  return (
    <>
      {known.map((answer) => (
        <span key={answer.repeat} class="answer">
          <Plain item={item} answer={answer} talk={props.talk} />
        </span>
      ))}
      <Missings item={item} answers={missing} />
    </>
  );
}

function Missings(props: { item: Item; answers: readonly Answer[] }): ComponentChildren {
  return props.answers.map((answer) => <Missing key={answer.repeat} why={answer.missing[props.item.id] ?? null} />);
}

/** A mean on its range, with a tick for every repeat. */
function Scale(props: { item: Item; points: readonly number[] }) {
  const { item, points } = props;
  const mean = points.reduce((sum, point) => sum + point, 0) / points.length;
  const low = item.low ?? Math.min(...points);
  const high = item.high ?? Math.max(...points);
  const place = (point: number) => `${(100 * (point - low)) / Math.max(1e-9, high - low)}%`;
  const digits = Number.isInteger(mean) ? 0 : 1;
  return (
    <span class="scale-value">
      <b>{number(mean, digits)}</b>
      <span class="soft">
        {" "}
        of {number(low)} to {number(high)}
        {points.length > 1 &&
          `, mean of ${points.map((point) => number(point, Number.isInteger(point) ? 0 : 1)).join(", ")}`}
      </span>
      <span class="range" aria-hidden="true">
        {points.map((point, index) => (
          <span key={index} style={{ left: place(point) }} />
        ))}
      </span>
    </span>
  );
}

function Plain(props: { item: Item; answer: Answer; talk: Talk }) {
  const value = props.answer.values[props.item.id] ?? null;
  if (props.item.kind === "turns" && Array.isArray(value))
    return <Cited turns={value.filter((turn) => typeof turn === "number")} />;
  if (Array.isArray(value)) {
    const labels = value.map(String);
    return labels.length === 0 ? <>none</> : <Strategies labels={props.talk.labels} of={labels} />;
  }
  return typeof value === "number" ? (
    <>{number(value, Number.isInteger(value) ? 0 : 1)}</>
  ) : (
    <Words text={value ?? ""} />
  );
}

/** Turns that a reader cites. */
function Cited(props: { turns: readonly number[] }) {
  const { jump } = useReading();
  if (props.turns.length === 0) return <>no turn</>;
  return (
    <span class="cited">
      {props.turns.map((turn) => (
        <TurnLink key={turn} turn={turn} jump={jump} />
      ))}
    </span>
  );
}

function TurnLink(props: { turn: number; jump(turn: number): void }) {
  return (
    <button type="button" class="turn-link" onClick={() => props.jump(props.turn)}>
      turn {props.turn}
    </button>
  );
}

/** Answers about single turns: a row each, the scrubber's marked. */
function ByTurn(props: { measure: Measure; answers: readonly Answer[] }) {
  const { measure } = props;
  const groups = groupsOf(props.answers);
  return (
    <div class="by-turn" tabIndex={0} role="region" aria-label={`${visible(measure.title)}, by turn`}>
      <table>
        <thead>
          <tr>
            <th scope="col">turn</th>
            {measure.items.map((item) => (
              <th key={item.id} scope="col" title={visible(item.question)}>
                {visible(item.id.replaceAll("_", " "))}
              </th>
            ))}
            <th scope="col">call</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((answers) => (
            <TurnAnswers key={aboutKey(answers[0])} measure={measure} answers={answers} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TurnAnswers(props: { measure: Measure; answers: readonly Answer[] }) {
  const { measure, answers } = props;
  const { talk, jump } = useReading();
  const turn = answers[0]?.turn ?? 0;
  const now = useAt((at) => at === turn);
  return (
    <tr class={now ? "now" : undefined}>
      <th scope="row">
        <TurnLink turn={turn} jump={jump} />
      </th>
      {measure.items.map((item) => (
        <td key={item.id}>
          <Value item={item} answers={answers} talk={talk} />
        </td>
      ))}
      <td>
        <Calls measure={measure} answers={answers} />
      </td>
    </tr>
  );
}
