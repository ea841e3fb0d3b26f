// Two conversations side by side: what was said, who knew what, and where they part.
import { useCallback, useMemo, useState } from "preact/hooks";
import type { Talk } from "../api";
import { type ComparePlace, goTo } from "../place";
import { visible } from "../shared/text";
import { Trouble } from "../shell/trouble";
import { useAddressedScrub } from "../talk/address";
import type { Reading } from "../talk/context";
import { Knowledge } from "../talk/knowledge";
import { useTalk } from "../talk/load";
import { nameOf, Prompts } from "../talk/model";
import { dwell, usePlay, usePlayKeys } from "../talk/play";
import { type Scrub, ScrubContext } from "../talk/scrub";
import { Fetching } from "../talk/talk";
import { Transport } from "../talk/transport";
import { CompareFigures } from "./figures";
import { CompareHead } from "./head";
import { forkOf, type Letter, type Pair, pairedTurns, partingOf } from "./model";
import { CompareRows } from "./rows";

export function CompareView(props: { place: ComparePlace }) {
  const { place } = props;
  const left = useTalk(place.left, false);
  const right = useTalk(place.right, false);
  if (left.talk === null || right.talk === null) {
    const error = left.talk === null ? left.error : right.error;
    const again = () => {
      left.again();
      right.again();
    };
    return left.error === null && right.error === null ? (
      <Fetching />
    ) : (
      <Trouble line={error ?? "one of the two could not be fetched"} again={again} />
    );
  }
  return <Comparison place={place} left={left.talk} right={right.talk} />;
}

function Comparison(props: { place: ComparePlace; left: Talk; right: Talk }) {
  const { place, left, right } = props;
  const pair = useMemo<Pair>(() => ({ A: left, B: right }), [left, right]);
  const parting = useMemo(() => partingOf(pair), [pair]);
  const turns = useMemo(() => pairedTurns(pair, parting), [pair, parting]);
  const fork = useMemo(() => forkOf(pair), [pair]);
  const last = turns.length - 1;
  const { scrub } = useAddressedScrub(place, last);
  const play = usePlay(
    scrub,
    last,
    useCallback((turn: number) => Math.max(...[left, right].map((talk) => dwell(talk.turns[turn]))), [left, right]),
  );
  const toParting = useCallback(() => parting !== null && scrub.to(parting), [scrub, parting]);
  usePlayKeys(
    scrub,
    last,
    play,
    useMemo(() => ({ d: toParting }), [toParting]),
  );
  const [fact, setFact] = useState<{ id: string } | null>(null);
  const readings = useReadings(pair, scrub, setFact);

  return (
    <ScrubContext.Provider value={scrub}>
      <article class="talk compare">
        <CompareHead pair={pair} parting={parting} fork={fork} toParting={toParting} />
        <div class="stage">
          <section class="script" aria-label="Turns of both">
            {turns.length === 0 ? (
              <p class="empty">Nothing was said in either of them yet.</p>
            ) : (
              <CompareRows turns={turns} readings={readings} parting={parting} forked={fork?.at ?? null} />
            )}
          </section>
          <div class="beside">
            {turns.length > 0 && <CompareFigures pair={pair} readings={readings} turns={turns.length} fact={fact} />}
          </div>
        </div>
        <CompareFoot pair={pair} play={play} parting={parting} />
      </article>
    </ScrubContext.Provider>
  );
}

export type Readings = Record<Letter, Reading>;

/** What the parts of a turn need, for each of the two conversations. */
function useReadings(pair: Pair, scrub: Scrub, setFact: (fact: { id: string }) => void): Readings {
  return useMemo(() => {
    const reading = (talk: Talk): Reading => {
      const open = (call: string) =>
        goTo({ view: "talk", key: talk.key, turn: scrub.turn, eyes: "public", blind: false, call });
      return {
        talk,
        prompts: new Prompts(talk.calls, talk.texts),
        knowledge: new Knowledge(talk),
        eyes: "public",
        jump: (turn) => scrub.to(turn),
        inspect: (call) => open(`talk:${talk.calls[call]?.seq ?? 0}`),
        inspectReader: (measure) => open(`${measure}:0`),
        showFact: (id) => setFact({ id }),
      };
    };
    return { A: reading(pair.A), B: reading(pair.B) };
  }, [pair, scrub, setFact]);
}

function CompareFoot(props: { pair: Pair; play: ReturnType<typeof usePlay>; parting: number | null }) {
  const { pair, play, parting } = props;
  const longer = pair.A.turns.length >= pair.B.turns.length ? pair.A : pair.B;
  const roles = useMemo(() => longer.turns.map((turn) => turn.role), [longer]);
  const where = useCallback(
    (turn: number) => {
      const names = [pair.A, pair.B].flatMap((talk) =>
        talk.turns[turn] ? [visible(nameOf(talk, talk.turns[turn].role))] : [],
      );
      return [...new Set(names)].join(" | ");
    },
    [pair],
  );
  const announce = useCallback(
    (turn: number) => {
      const words = (talk: Talk) => visible((talk.turns[turn]?.utterance ?? "nothing, it has ended").slice(0, 300));
      return `Turn ${turn}. A: ${words(pair.A)}. B: ${words(pair.B)}.`;
    },
    [pair],
  );
  return <Transport roles={roles} where={where} announce={announce} play={play} mark={parting} />;
}
