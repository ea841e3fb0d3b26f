// The turns of two conversations in rows: what both say the same before they part stands once.
import { useMemo, useRef } from "preact/hooks";
import type { Turn } from "../api";
import { memo } from "../shared/memo";
import { Words } from "../shared/text";
import { ReadingContext, useReading } from "../talk/context";
import { Margin, reportedIn, type Reported } from "../talk/margin";
import { nameOf, previousOwn } from "../talk/model";
import { useAt } from "../talk/scrub";
import { useKeepInView } from "../talk/view";
import type { Readings } from "./compare";
import { Badge } from "./head";
import type { Letter, PairedTurns } from "./model";

interface RowsProps {
  turns: readonly PairedTurns[];
  readings: Readings;
  parting: number | null;
  forked: number | null;
}

/** What the margins of one conversation need. */
interface Aside {
  befores: readonly (Turn | null)[];
  reported: Reported;
}

type Asides = Record<Letter, Aside>;

export function CompareRows(props: RowsProps) {
  const { readings, parting, forked } = props;
  const list = useRef<HTMLOListElement>(null);
  useKeepInView(list);
  const asides = useMemo<Asides>(() => {
    const aside = (letter: Letter) => {
      const { talk } = readings[letter];
      return { befores: previousOwn(talk.turns), reported: reportedIn(talk) };
    };
    return { A: aside("A"), B: aside("B") };
  }, [readings]);
  return (
    <ol class="pairs" ref={list}>
      {props.turns.map((paired) => (
        <Row
          key={paired.turn}
          paired={paired}
          readings={readings}
          asides={asides}
          parts={paired.turn === parting}
          forks={paired.turn === forked}
        />
      ))}
    </ol>
  );
}

interface RowProps {
  paired: PairedTurns;
  readings: Readings;
  asides: Asides;
  parts: boolean;
  forks: boolean;
}

const Row = memo(function Row(props: RowProps) {
  const { paired, readings, asides } = props;
  const { turn, shared } = paired;
  const when = useAt((at) => (turn < at ? "said" : turn === at ? "now" : "to-come"));
  return (
    <li
      class={`pair ${shared ? "shared" : "apart"} ${when}`}
      aria-current={when === "now" ? "step" : undefined}
      onClick={(event) => {
        const target = event.target as HTMLElement;
        if (target.closest("button, a, summary") === null && !String(getSelection())) readings.A.jump(turn);
      }}
    >
      {props.forks && <p class="parting">branched off here</p>}
      {props.parts && <p class="parting">here they part</p>}
      <button
        type="button"
        class="plain turn-number"
        onClick={() => readings.A.jump(turn)}
        aria-label={`Go to turn ${turn}`}
      >
        {turn}
      </button>
      {shared ? (
        <Shared paired={paired} readings={readings} asides={asides} />
      ) : (
        (["A", "B"] as const).map((letter) => (
          <ReadingContext.Provider key={letter} value={readings[letter]}>
            <Cell letter={letter} turn={paired[letter]} aside={asides[letter]} />
          </ReadingContext.Provider>
        ))
      )}
    </li>
  );
});

/** Whether both keep the same to themselves. */
function sameInside({ A, B }: PairedTurns): boolean {
  const inside = (turn: Turn | null) =>
    turn && [turn.strategies, turn.told, turn.emotion, turn.trust, turn.thoughts, turn.wants_to_end];
  return JSON.stringify(inside(A)) === JSON.stringify(inside(B));
}

/** Words that both say, once; and what each keeps to itself, once too where that is the same. */
function Shared(props: { paired: PairedTurns; readings: Readings; asides: Asides }) {
  const { paired, readings, asides } = props;
  if (sameInside(paired)) {
    return (
      <ReadingContext.Provider value={readings.A}>
        {paired.A && (
          <div class="once">
            <Said turn={paired.A} />
            <Margin turn={paired.A} before={asides.A.befores[paired.turn] ?? null} reported={asides.A.reported} />
          </div>
        )}
      </ReadingContext.Provider>
    );
  }
  return (
    <>
      <ReadingContext.Provider value={readings.A}>{paired.A && <Said turn={paired.A} />}</ReadingContext.Provider>
      <div class="both-margins">
        {(["A", "B"] as const).map((letter) => {
          const turn = paired[letter];
          return (
            <ReadingContext.Provider key={letter} value={readings[letter]}>
              {turn && (
                <div class="lettered">
                  <Badge letter={letter} />
                  <Margin
                    turn={turn}
                    before={asides[letter].befores[turn.turn] ?? null}
                    reported={asides[letter].reported}
                  />
                </div>
              )}
            </ReadingContext.Provider>
          );
        })}
      </div>
    </>
  );
}

function Cell(props: { letter: Letter; turn: Turn | null; aside: Aside }) {
  const { letter, turn, aside } = props;
  return (
    <div class="cell-of-pair">
      <Badge letter={letter} />
      {turn === null ? (
        <p class="soft">has ended</p>
      ) : (
        <>
          <Said turn={turn} />
          <Margin turn={turn} before={aside.befores[turn.turn] ?? null} reported={aside.reported} />
        </>
      )}
    </div>
  );
}

function Said(props: { turn: Turn }) {
  const { talk } = useReading();
  const { turn } = props;
  return (
    <div class={`spoken by-${turn.role}`}>
      <p class="who">
        <Words text={nameOf(talk, turn.role)} class="name" />
      </p>
      <Words text={turn.utterance} class="utterance" />
    </div>
  );
}
