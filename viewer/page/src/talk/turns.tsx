// The conversation as both hear it, with what each keeps to itself in its margin.
import { useMemo, useRef } from "preact/hooks";
import type { Message, Talk, Turn } from "../api";
import { memo } from "../shared/memo";
import { visible, Words } from "../shared/text";
import { useReading } from "./context";
import { Margin, reportedIn, type Reported } from "./margin";
import { nameOf, previousOwn } from "./model";
import { useAt } from "./scrub";
import { useKeepInView } from "./view";

export function Turns() {
  const { talk } = useReading();
  const befores = useMemo(() => previousOwn(talk.turns), [talk]);
  const reported = useMemo(() => reportedIn(talk), [talk]);
  const list = useRef<HTMLOListElement>(null);
  useKeepInView(list);
  const marginless = !Object.values(reported).some(Boolean) && talk.knows.length === 0;
  return (
    <ol class={marginless ? "turns without-margins" : "turns"} ref={list} aria-label="Turns">
      {talk.turns.map((turn, index) => (
        <TurnRow key={turn.turn} turn={turn} index={index} before={befores[index] ?? null} reported={reported} />
      ))}
    </ol>
  );
}

interface TurnRowProps {
  turn: Turn;
  index: number;
  before: Turn | null;
  reported: Reported;
}

const TurnRow = memo(function TurnRow(props: TurnRowProps) {
  const { turn, index } = props;
  const when = useAt((at) => (index < at ? "said" : index === at ? "now" : "to-come"));
  const { talk, jump } = useReading();
  return (
    <li
      class={`turn by-${turn.role} ${when}`}
      data-turn={turn.turn}
      aria-current={when === "now" ? "step" : undefined}
      onClick={(event) => {
        // Who selects words, or presses something in the turn, stays where they are.
        const target = event.target as HTMLElement;
        if (target.closest("button, a, summary") === null && !String(getSelection())) jump(index);
      }}
    >
      <Spoken talk={talk} turn={turn} jump={() => jump(index)} toCome={when === "to-come"} />
      <Margin turn={turn} before={props.before} reported={props.reported} />
    </li>
  );
});

const Spoken = memo(function Spoken(props: { talk: Talk; turn: Turn; jump(): void; toCome: boolean }) {
  const { talk, turn } = props;
  return (
    <div class="spoken">
      <p class="who">
        <button type="button" class="plain turn-number" onClick={props.jump} aria-label={`Go to turn ${turn.turn}`}>
          {turn.turn}
        </button>
        <Words text={nameOf(talk, turn.role)} class="name" />
        {props.toCome && <span class="unseen">(not said yet)</span>}
      </p>
      {turn.messages.length > 0 ? <Messages of={turn.messages} /> : <Words text={turn.utterance} class="utterance" />}
    </div>
  );
});

/** The messages that a person sent in one turn, with the data's labels. */
function Messages(props: { of: readonly Message[] }) {
  return (
    <ul class="messages">
      {props.of.map((message, index) => (
        <li key={index}>
          <Words text={message.text} class="utterance" />
          {message.labels.length > 0 && (
            <p class="labels">
              {message.labels.map((label) => (
                <span key={label} class="data-label">
                  {visible(label)}
                </span>
              ))}
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
