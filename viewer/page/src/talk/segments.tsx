// Prompts, message by message, each segment beside where it comes from.
import type { FunctionComponent } from "preact";
import { useState } from "preact/hooks";
import type { Source } from "../api";
import { memo } from "../shared/memo";
import { Missing, number, visible, Words } from "../shared/text";
import { useReading } from "./context";
import { originOf, originWords, type PromptMessage, type Prompts } from "./model";

const SPEAKERS = { system: "system message", user: "user message", assistant: "assistant message" } as const;

/** A segment's source; facts and what was said are links. */
export function Origin(props: { source: string }) {
  const { talk, jump, showFact } = useReading();
  const { kind, of, turn } = originOf(props.source);
  const words = visible(originWords(talk, props.source));
  if (turn !== null && turn < talk.turns.length) {
    return (
      <button type="button" class="origin" onClick={() => jump(turn)} title={`go to turn ${turn}`}>
        {words}
      </button>
    );
  }
  if (kind === "fact" && of !== null) {
    return (
      <button type="button" class="origin" onClick={() => showFact(of)} title="show it among who knows what">
        {words}
      </button>
    );
  }
  return <span class="origin">{words}</span>;
}

/** What stands in the margin of a segment. */
export type BesideSegment = FunctionComponent<{ segment: Source }>;

/** Words of one segment. */
export const Segment = memo(function Segment(props: {
  segment: Source;
  prompts: Prompts;
  beside: BesideSegment | undefined;
}) {
  const { segment, prompts, beside: Beside } = props;
  const text = prompts.text(segment.hash);
  return (
    <div class="segment">
      <p class="source">
        <Origin source={segment.source} />
      </p>
      {text === null ? <Missing why="its words are not in this document" /> : <Words text={text} class="text" />}
      {Beside && <Beside segment={segment} />}
    </div>
  );
});

interface MessageProps {
  message: PromptMessage;
  prompts: Prompts;
  /** Characters above which it is folded; none for never. */
  fold?: number;
  beside?: BesideSegment;
}

export function Message(props: MessageProps) {
  const { message, prompts, fold } = props;
  const length =
    fold === undefined ? 0 : message.segments.reduce((sum, { hash }) => sum + (prompts.text(hash)?.length ?? 0), 0);
  const long = fold !== undefined && length > fold;
  const [open, setOpen] = useState(!long);
  return (
    <li class={`message as-${message.speaker}`}>
      <p class="speaker">
        {SPEAKERS[message.speaker]}
        {long && (
          <button type="button" class="plain" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "fold" : `show ${number(length)} characters`}
          </button>
        )}
      </p>
      {open &&
        message.segments.map((segment, index) => (
          <Segment key={`${index} ${segment.hash}`} segment={segment} prompts={prompts} beside={props.beside} />
        ))}
    </li>
  );
}
