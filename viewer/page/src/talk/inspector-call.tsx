// One call: what it was made with, its messages, its reply, and what went wrong.
import type { ComponentChildren } from "preact";
import type { Call } from "../api";
import { count, Missing, number, visible, Words } from "../shared/text";
import { useReading } from "./context";
import { nameOf, type Prompts } from "./model";
import { Message } from "./segments";

/** Characters of a message above which it is folded. */
const LONG = 2_000;

export function CallView(props: { call: Call; index: number; prompts: Prompts }) {
  const { call, index, prompts } = props;
  const messages = prompts.messages(index);
  const missing = prompts.segments(index).some((segment) => prompts.text(segment.hash) === null);
  return (
    <div class="call">
      <Parameters call={call} />
      {call.fault !== null && (
        <p class="trouble-line">
          {call.answered ? "The reply could not be read" : "There was no answer"} ({visible(call.fault)})
          {call.message !== null && (
            <>
              : <Words text={call.message} />
            </>
          )}
        </p>
      )}
      <Tries call={call} />
      <h3>Prompt: {count(messages.length, "message")}</h3>
      {missing && (
        <p class="trouble-line">Words of some segments are not in this document: the prompt is not shown whole.</p>
      )}
      <ol class="prompt">
        {messages.map((message, place) => (
          <Message key={place} message={message} prompts={prompts} fold={LONG} />
        ))}
      </ol>
      <h3>Reply, exactly</h3>
      {call.answered ? <Words text={call.reply} class="exact" /> : <p class="soft">There was no answer.</p>}
    </div>
  );
}

function Parameters(props: { call: Call }) {
  const { call } = props;
  const { talk } = useReading();
  const cached = call.cached_tokens !== null && call.prompt_tokens ? call.cached_tokens / call.prompt_tokens : null;
  const whom = call.role === null ? "both" : nameOf(talk, call.role);
  return (
    <dl class="parameters">
      <Entry term="for">
        {call.turn < 0 ? "before the first turn" : `turn ${call.turn}`}, <Words text={whom} />, to{" "}
        {visible(call.purpose)}
      </Entry>
      <Entry term="model">
        {word(call.model, "the server gave no name")}
        {call.hit && " (from the cache of answers: nothing was sent)"}
      </Entry>
      <Entry term="tokens">
        {figure(call.prompt_tokens, 0, "prompt tokens were not reported")} prompt
        {cached !== null && ` (${number(100 * cached)}% cached)`},{" "}
        {figure(call.completion_tokens, 0, "answer tokens were not reported")} answer
      </Entry>
      <Entry term="seconds">{figure(call.seconds, 2, "the time was not logged")}</Entry>
      <Entry term="cost">
        {call.cost === null ? (
          <Missing why="the price or the tokens are not known" />
        ) : (
          `$${number(call.cost, call.cost < 0.01 ? 6 : 4)}`
        )}
      </Entry>
      <Entry term="finish reason">{word(call.finish_reason, "there was no answer")}</Entry>
      <Entry term="seed">{call.seed === null ? <Missing why="there was no answer" /> : <code>{call.seed}</code>}</Entry>
      <Entry term="prompt hash">{word(call.prompt, "there was no answer")}</Entry>
      <Entry term="fingerprint">{word(call.fingerprint, "the server gave none")}</Entry>
      <Entry term="log event">
        <code>{call.seq}</code>
      </Entry>
    </dl>
  );
}

function Entry(props: { term: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.term}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function word(value: string | null, why: string) {
  return value === null ? <Missing why={why} /> : <code class="words">{visible(value)}</code>;
}

function figure(value: number | null, digits: number, why: string) {
  return value === null ? <Missing why={why} /> : number(value, digits);
}

function Tries(props: { call: Call }) {
  const { attempts } = props.call;
  if (attempts.length === 0) return null;
  return (
    <>
      <h3>Tries that failed before</h3>
      <ol class="tries">
        {attempts.map((attempt, index) => (
          <li key={index}>
            <b>{visible(attempt.fault)}</b> after {number(attempt.seconds, 2)} s: <Words text={attempt.message} />
          </li>
        ))}
      </ol>
    </>
  );
}
