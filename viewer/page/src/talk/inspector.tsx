// The prompt inspector: a drawer that shows a call exactly, with where every part of its prompt comes from.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Call, Calls } from "../api";
import type { TalkPlace } from "../place";
import { visible, Words } from "../shared/text";
import { useSource } from "../source/source";
import type { Go } from "./address";
import { useReading } from "./context";
import { CallView } from "./inspector-call";
import { nameOf, Prompts } from "./model";
import { useScrub } from "./scrub";

interface InspectorProps {
  /** Address of a call: `talk:SEQ`, or the reader's folder in place of `talk`. */
  call: string;
  go: Go<TalkPlace>;
}

/** Whose log a call's address is in, and its number there. */
function addressOf(call: string): { log: string; seq: number } {
  const colon = call.lastIndexOf(":");
  return { log: call.slice(0, Math.max(0, colon)), seq: Number(call.slice(colon + 1)) };
}

export function Inspector(props: InspectorProps) {
  const { go } = props;
  const drawer = useRef<HTMLDivElement>(null);
  const { log, seq } = addressOf(props.call);
  const close = () => go({ call: null });

  // The focus comes in, and goes back to where it was.
  useEffect(() => {
    const before = document.activeElement;
    drawer.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      close();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });

  return (
    <div ref={drawer} class="inspector" role="dialog" aria-label="Prompt inspector" tabIndex={-1}>
      <div class="inspector-head">
        <h2>Prompt inspector</h2>
        <button type="button" class="plain" onClick={close} title="Close (Esc)">
          Close
        </button>
      </div>
      {log === "talk" ? <OfTalk seq={seq} go={go} /> : <OfReader log={log} seq={seq} go={go} />}
    </div>
  );
}

interface OfProps {
  seq: number;
  go: Go<TalkPlace>;
}

/** A call of the conversation itself. It follows the scrubber, and the scrubber follows it. */
function OfTalk(props: OfProps) {
  const { seq, go } = props;
  const { prompts } = useReading();
  const scrub = useScrub();
  const { calls } = prompts;
  useEffect(
    () =>
      scrub.subscribe((turn) => {
        const index = calls.findIndex((call) => call.turn === turn && call.purpose !== "repair");
        const shown = calls.find((call) => call.seq === seq);
        if (index >= 0 && shown?.turn !== turn) go({ call: `talk:${calls[index]?.seq}` });
      }),
    [scrub, calls, seq, go],
  );
  const show = (call: Call) => {
    go({ call: `talk:${call.seq}` });
    if (call.turn >= 0) scrub.to(call.turn);
  };
  return <Chosen prompts={prompts} seq={seq} show={show} />;
}

/** A call of a reader, whose log is fetched first. */
function OfReader(props: OfProps & { log: string }) {
  const { log, seq, go } = props;
  const { talk } = useReading();
  const source = useSource();
  const [state, setState] = useState<{ of: string; calls: Calls | null; error: string | null }>({
    of: "",
    calls: null,
    error: null,
  });
  useEffect(() => {
    let left = false;
    source.calls(talk.key, log).then(
      (calls) => !left && setState({ of: log, calls, error: null }),
      (error: Error) => !left && setState({ of: log, calls: null, error: error.message }),
    );
    return () => {
      left = true;
    };
  }, [source, talk.key, log]);
  const prompts = useMemo(
    () => state.calls && new Prompts(state.calls.calls, state.calls.texts, talk.texts),
    [state.calls, talk],
  );
  const measure = talk.measures.find((one) => one.key === log);
  return (
    <>
      <p class="legend">
        A call of a reader: <Words text={measure?.title ?? log} />
      </p>
      {state.of !== log && <p role="status">Fetching the reader’s calls…</p>}
      {state.of === log && state.error !== null && (
        <p class="trouble-line">They could not be fetched: {visible(state.error)}</p>
      )}
      {state.of === log && prompts && (
        <Chosen prompts={prompts} seq={seq} show={(call) => go({ call: `${log}:${call.seq}` })} />
      )}
    </>
  );
}

/** The call with a number, with the ways to those beside it. */
function Chosen(props: { prompts: Prompts; seq: number; show(call: Call): void }) {
  const { prompts, seq, show } = props;
  const { talk } = useReading();
  const { calls } = prompts;
  const index = calls.findIndex((call) => call.seq === seq);
  const call = calls[index];
  if (call === undefined) {
    const first = calls[0];
    return (
      <div class="legend">
        <p>{calls.length === 0 ? "No call was logged." : "There is no call at this address."}</p>
        {first && (
          <button type="button" onClick={() => show(first)}>
            Show the first call
          </button>
        )}
      </div>
    );
  }
  const beside = calls.filter((one) => one.turn === call.turn);
  const [before, after] = [calls[index - 1], calls[index + 1]];
  return (
    <>
      <div class="inspector-ways">
        <button type="button" disabled={before === undefined} onClick={() => before && show(before)}>
          Call before
        </button>
        <button type="button" disabled={after === undefined} onClick={() => after && show(after)}>
          Next call
        </button>
        <span class="soft">
          call {index + 1} of {calls.length}
        </span>
      </div>
      {beside.length > 1 && (
        <ul class="inspector-calls" aria-label={`Calls of turn ${call.turn}`}>
          {beside.slice(0, 40).map((one, place) => (
            <li key={one.seq}>
              <button type="button" aria-pressed={one === call} onClick={() => show(one)}>
                {place + 1}. {one.purpose}
                {one.role !== null && `, ${visible(nameOf(talk, one.role))}`}
                {one.fault !== null && " (fault)"}
              </button>
            </li>
          ))}
        </ul>
      )}
      <CallView key={seq} call={call} index={index} prompts={prompts} />
    </>
  );
}
