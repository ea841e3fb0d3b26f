// What the two conversations are, what of it differs, and where they part.
import type { ComponentChildren } from "preact";
import type { Talk } from "../api";
import { linkTo } from "../place";
import { count, visible, Words } from "../shared/text";
import { endWords, models, seesWords } from "../talk/head";
import { nameOf, ROLES } from "../talk/model";
import { useScrub } from "../talk/scrub";
import type { forkOf, Letter, Pair } from "./model";

const LETTERS: readonly Letter[] = ["A", "B"];

interface HeadProps {
  pair: Pair;
  parting: number | null;
  fork: ReturnType<typeof forkOf>;
  toParting(): void;
}

export function CompareHead(props: HeadProps) {
  const { pair } = props;
  const { A, B } = pair;
  return (
    <header class="talk-head">
      <h1>
        <Words text={A.title} />
        {A.title !== B.title && (
          <>
            {" "}
            <span class="soft">and</span> <Words text={B.title} />
          </>
        )}
      </h1>
      <Made pair={pair} />
      <Parting {...props} />
      {LETTERS.map(
        (letter) => pair[letter].state !== "finished" && <NotWhole key={letter} letter={letter} talk={pair[letter]} />,
      )}
      <p class="ways">
        <a class="button" href={linkTo({ view: "compare", left: B.key, right: A.key, turn: 0 })}>
          Swap sides
        </a>
      </p>
    </header>
  );
}

/** A line for each thing that they were made under; those that differ are marked. */
function Made(props: { pair: Pair }) {
  const { pair } = props;
  const rows: [string, (talk: Talk) => string][] = [
    ["condition", (talk) => `${talk.setting?.condition.id ?? "–"}: ${talk.setting?.condition.title ?? "not known"}`],
    ...ROLES.map((role): [string, (talk: Talk) => string] => [
      `${role} sees`,
      (talk) => (talk.setting?.[role] ? seesWords(talk.setting[role]) : "– (people held it)"),
    ]),
    ["models", models],
    ["run", (talk) => `${talk.setting?.run ?? "–"} ${talk.setting?.conversation ?? ""}`],
    ["end", (talk) => `${endWords(talk)}, ${count(talk.turns.length, "turn")}`],
  ];
  return (
    <div class="compared" tabIndex={0} role="region" aria-label="What they were made under">
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">what</span>
            </th>
            {LETTERS.map((letter) => (
              <th key={letter} scope="col">
                <Badge letter={letter} /> <Open letter={letter} talk={pair[letter]} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([what, of]) => (
            <Line key={what} what={what} A={of(pair.A)} B={of(pair.B)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Line(props: { what: string; A: string; B: string }) {
  const { what, A, B } = props;
  const differs = A !== B;
  return (
    <tr class={differs ? "differs" : undefined}>
      <th scope="row">
        {what}
        {differs && <span title="they differ"> ≠</span>}
      </th>
      <td>
        <Words text={A} />
      </td>
      <td>{differs ? <Words text={B} /> : <span class="soft">the same</span>}</td>
    </tr>
  );
}

/** Opens one of the two at the turn that is looked at. */
function Open(props: { letter: Letter; talk: Talk }) {
  const scrub = useScrub();
  const { talk } = props;
  const link = (turn: number) =>
    linkTo({ view: "talk", key: talk.key, turn, eyes: "public", blind: false, call: null });
  return (
    <a
      href={link(0)}
      onClick={(event) => {
        event.currentTarget.href = link(scrub.turn);
      }}
    >
      open {visible(talk.setting?.conversation ?? props.letter)}
    </a>
  );
}

export function Badge(props: { letter: Letter }): ComponentChildren {
  return (
    <span class={`badge badge-${props.letter}`} aria-label={`conversation ${props.letter}`} role="img">
      {props.letter}
    </span>
  );
}

function Parting(props: HeadProps) {
  const { pair, parting, fork } = props;
  const changed = Object.entries(fork?.changed ?? {}).map(([field, value]) => `${field} = ${value}`);
  return (
    <p>
      {parting === null
        ? "They are the same in every word."
        : parting === 0
          ? "They part at their first turn."
          : `They are the same up to turn ${parting - 1} and part at turn ${parting}${speaker(pair, parting)}.`}
      {fork !== null && (
        <>
          {" "}
          {fork.fork} was branched off at turn {fork.at}: <Words text={changed.join(", ") || "nothing was set"} />.
        </>
      )}{" "}
      {parting !== null && (
        <button type="button" onClick={props.toParting} title="key d">
          Go to turn {parting}
        </button>
      )}
    </p>
  );
}

function speaker({ A, B }: Pair, turn: number): string {
  const role = A.turns[turn]?.role ?? B.turns[turn]?.role;
  if (role === undefined || A.turns[turn] === undefined || B.turns[turn] === undefined)
    return ", where one of them has ended";
  return A.turns[turn].role === B.turns[turn].role ? `, where ${nameOf(A, role)} speaks` : ", where another one speaks";
}

function NotWhole(props: { letter: Letter; talk: Talk }) {
  const { letter, talk } = props;
  return (
    <p class="trouble-line" role="note">
      {letter} is{" "}
      {talk.state === "open"
        ? "not finished: differences below are of what was said so far"
        : "damaged: what follows the damage is missing below"}
      {talk.damage !== null && (
        <>
          {" "}
          (<Words text={talk.damage} />)
        </>
      )}
      .
    </p>
  );
}
