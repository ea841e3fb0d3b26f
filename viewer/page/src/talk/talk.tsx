// The replay of one conversation, seen as both hear it or through either pair of eyes.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Talk } from "../api";
import { NotesPanel } from "../notes/notes";
import { Panels } from "../panels/panels";
import { EYES, type Eyes, type TalkPlace } from "../place";
import { count, visible } from "../shared/text";
import { Trouble } from "../shell/trouble";
import { useSource } from "../source/source";
import { type Go, useAddressedScrub } from "./address";
import { ReadingContext, type Reading, useReading } from "./context";
import { EyesView } from "./eyes";
import { TalkHead } from "./head";
import { Inspector } from "./inspector";
import { Knowledge } from "./knowledge";
import { useTalk } from "./load";
import { nameOf, Prompts } from "./model";
import { dwell, usePlay, usePlayKeys } from "./play";
import { type Scrub, ScrubContext, useScrub, useSettled } from "./scrub";
import { Transport } from "./transport";
import { Turns } from "./turns";
import { bringIntoView } from "./view";

export function TalkView(props: { place: TalkPlace }) {
  const { place } = props;
  const { talk, error, again } = useTalk(place.key, place.blind);
  if (talk === null) return error === null ? <Fetching /> : <Trouble line={error} again={again} />;
  return <Replay key={`${place.key} ${place.blind}`} place={place} talk={talk} stale={error} again={again} />;
}

export function Fetching() {
  return (
    <p class="empty soft" role="status">
      Fetching the conversation…
    </p>
  );
}

interface ReplayProps {
  place: TalkPlace;
  talk: Talk;
  /** Why the newest turns could not be fetched. */
  stale: string | null;
  again(): void;
}

function Replay(props: ReplayProps) {
  const { place, talk } = props;
  const source = useSource();
  const last = talk.turns.length - 1;
  const { scrub, go } = useAddressedScrub(place, last);
  const [fact, setFact] = useState<{ id: string } | null>(null);
  const eyes: Eyes = talk.calls.length === 0 ? "public" : place.eyes;
  const play = usePlay(
    scrub,
    last,
    useCallback((turn: number) => dwell(talk.turns[turn]), [talk]),
  );
  usePlayKeys(scrub, last, play, useReplayKeys(talk, scrub, go));

  const reading = useMemo<Reading>(
    () => ({
      talk,
      prompts: new Prompts(talk.calls, talk.texts),
      knowledge: new Knowledge(talk),
      eyes,
      jump: (turn) => scrub.to(Math.min(Math.max(0, turn), Math.max(0, talk.turns.length - 1))),
      inspect: (call) => go({ call: `talk:${talk.calls[call]?.seq}` }, false),
      inspectReader: (measure, call) => {
        // The address names a call by its number in the reader's log, which only the log knows.
        source.calls(talk.key, measure).then(
          (log) => go({ call: `${measure}:${log.calls[call]?.seq ?? 0}` }, false),
          () => go({ call: `${measure}:0` }, false),
        );
      },
      showFact: (id) => setFact({ id }),
    }),
    [talk, eyes, scrub, go, source],
  );

  return (
    <ScrubContext.Provider value={scrub}>
      <ReadingContext.Provider value={reading}>
        <article class="talk">
          <TalkHead talk={talk} place={place} />
          {props.stale !== null && <Stale error={props.stale} again={props.again} />}
          <div class="stage">
            <section class="script" aria-label="Conversation">
              <EyesChoice talk={talk} eyes={eyes} choose={(next) => go({ eyes: next })} />
              {talk.turns.length > 0 && (eyes === "public" ? <Turns /> : <EyesView key={eyes} role={eyes} />)}
            </section>
            <div class="beside" id="beside">
              {talk.turns.length > 0 && <Panels fact={fact} />}
              <NotesBeside />
            </div>
          </div>
          <Foot talk={talk} play={play} />
          {place.call !== null && !talk.blind && <Inspector call={place.call} go={go} />}
        </article>
      </ReadingContext.Provider>
    </ScrubContext.Provider>
  );
}

/** Keys 1, 2 and 3 choose through whose eyes the conversation is seen; i inspects the prompt of the turn. */
function useReplayKeys(talk: Talk, scrub: Scrub, go: Go<TalkPlace>): Record<string, () => void> {
  return useMemo(() => {
    const keys: Record<string, () => void> = {};
    for (const [index, eyes] of EYES.entries()) {
      keys[String(index + 1)] = () => {
        if (eyes === "public" || talk.calls.length > 0) go({ eyes });
      };
    }
    keys["i"] = () => {
      const call = talk.calls.findLast((one) => one.turn <= scrub.turn && one.purpose !== "repair");
      if (call !== undefined) go({ call: `talk:${call.seq}` }, false);
    };
    return keys;
  }, [talk, scrub, go]);
}

function Stale(props: { error: string; again(): void }) {
  return (
    <p class="trouble-line" role="status">
      What follows could not be fetched: {visible(props.error)}{" "}
      <button type="button" onClick={props.again}>
        Try again
      </button>
    </p>
  );
}

function EyesChoice(props: { talk: Talk; eyes: Eyes; choose(eyes: Eyes): void }) {
  const { talk, eyes } = props;
  const why = blindness(talk);
  return (
    <fieldset class="eyes-choice">
      <legend class="unseen">Seen through whose eyes</legend>
      {EYES.map((choice, index) => (
        <label key={choice} class={choice} title={`key ${index + 1}`}>
          <input
            type="radio"
            name="eyes"
            value={choice}
            checked={eyes === choice}
            disabled={choice !== "public" && why !== null}
            onChange={() => props.choose(choice)}
          />
          <span>{choice === "public" ? "As both hear it" : `Through ${visible(nameOf(talk, choice))}’s eyes`}</span>
        </label>
      ))}
      <button
        type="button"
        class="plain to-figures"
        onClick={() => bringIntoView(document.getElementById("beside"), true)}
      >
        Figures and notes
      </button>
      {why !== null && <p class="soft">{why}</p>}
    </fieldset>
  );
}

/** Why nobody's prompt can be shown; null where they can. */
function blindness(talk: Talk): string | null {
  if (talk.calls.length > 0) return null;
  if (talk.blind) return "Prompts are hidden from a blind reader.";
  if (talk.setting?.writer === null) return "People held this conversation: there are no prompts to see it through.";
  return "No model was called for these turns: there are no prompts to see them through.";
}

function NotesBeside() {
  const { talk, jump } = useReading();
  const turn = useSettled(150);
  return <NotesPanel talk={talk} turn={turn} onJump={jump} />;
}

function Foot(props: { talk: Talk; play: ReturnType<typeof usePlay> }) {
  const { talk, play } = props;
  const roles = useMemo(() => talk.turns.map((turn) => turn.role), [talk]);
  const where = useCallback((turn: number) => (roles[turn] ? visible(nameOf(talk, roles[turn])) : ""), [talk, roles]);
  const announce = useCallback(
    (turn: number) => {
      const words = talk.turns[turn]?.utterance ?? "";
      return `Turn ${turn}, ${where(turn)}: ${visible(words.slice(0, 300))}`;
    },
    [talk, where],
  );
  return (
    <Transport roles={roles} where={where} announce={announce} play={play}>
      <NewTurns last={roles.length - 1} />
    </Transport>
  );
}

/** Follows a conversation that goes on: a reader at its end moves on with it, any other is told. */
function NewTurns(props: { last: number }) {
  const { last } = props;
  const scrub = useScrub();
  const before = useRef(last);
  const [unread, setUnread] = useState(0);
  useEffect(() => {
    const grown = last - before.current;
    if (grown > 0 && scrub.turn >= before.current) scrub.to(last);
    else if (grown > 0) setUnread((turns) => turns + grown);
    before.current = last;
  }, [scrub, last]);
  useEffect(() => scrub.subscribe((turn) => turn >= before.current && setUnread(0)), [scrub]);
  if (unread === 0) return null;
  return (
    <button type="button" class="new-turns" onClick={() => scrub.to(last)}>
      {count(unread, "new turn")}
    </button>
  );
}
