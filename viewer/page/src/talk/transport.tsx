// The transport: play, step, scrub. It stays in sight at the foot of the page, like a player's.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Role } from "../api";
import { memo } from "../shared/memo";
import { SPEEDS, type Play, type Speed } from "./play";
import { useAt, useScrub, useSettled } from "./scrub";

const SHAPES = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M11.5 3v10L4 8z",
  play: "M4 2.5v11L13.5 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  next: "M4.5 3v10L12 8z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
} as const;

function Icon(props: { shape: keyof typeof SHAPES }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={SHAPES[props.shape]} fill="currentColor" />
    </svg>
  );
}

interface TransportProps {
  /** Who speaks at each turn. */
  roles: readonly Role[];
  /** What is at a turn, in few words. */
  where(turn: number): string;
  /** What is read aloud when the reader has come to a turn. */
  announce(turn: number): string;
  play: Play;
  /** A turn to mark, such as where two conversations part. */
  mark?: number | null;
  children?: ComponentChildren;
}

export function Transport(props: TransportProps) {
  const { roles, play } = props;
  const scrub = useScrub();
  const last = roles.length - 1;
  if (last < 0) return null;
  const step = (by: number) => scrub.to(Math.min(last, Math.max(0, scrub.turn + by)));
  return (
    <div class="transport" role="group" aria-label="Replay">
      <div class="buttons">
        <Press shape="first" label="First turn" keys="Home" press={() => scrub.to(0)} />
        <Press shape="back" label="Turn back" keys="k" press={() => step(-1)} />
        <Press
          shape={play.playing ? "pause" : "play"}
          label={play.playing ? "Pause" : "Play"}
          keys="Space"
          press={play.toggle}
        />
        <Press shape="next" label="Next turn" keys="j" press={() => step(1)} />
        <Press shape="last" label="Last turn" keys="End" press={() => scrub.to(last)} />
      </div>
      <Slider roles={roles} where={props.where} mark={props.mark ?? null} />
      <Where where={props.where} last={last} />
      <label class="speed">
        <span class="unseen">Speed</span>
        <select
          value={String(play.speed)}
          onChange={(event) => play.setSpeed(Number(event.currentTarget.value) as Speed)}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>
              {speed}×
            </option>
          ))}
        </select>
      </label>
      {props.children}
      {!play.playing && <Announcer announce={props.announce} />}
    </div>
  );
}

function Press(props: { shape: keyof typeof SHAPES; label: string; keys: string; press(): void }) {
  return (
    <button
      type="button"
      class="plain"
      aria-label={props.label}
      title={`${props.label} (${props.keys})`}
      onClick={props.press}
    >
      <Icon shape={props.shape} />
    </button>
  );
}

function Slider(props: { roles: readonly Role[]; where(turn: number): string; mark: number | null }) {
  const scrub = useScrub();
  const turn = useAt((at) => at);
  const last = props.roles.length - 1;
  return (
    <div class="scrubber">
      <Ticks roles={props.roles} mark={props.mark} />
      <input
        type="range"
        min={0}
        max={last}
        step={1}
        value={turn}
        disabled={last < 1}
        aria-label="Turn"
        aria-valuetext={`turn ${turn} of ${last}, ${props.where(turn)}`}
        onInput={(event) => scrub.to(Number(event.currentTarget.value))}
      />
    </div>
  );
}

/** A tick for each turn: the seeker's above the line, the supporter's below. */
const Ticks = memo(function Ticks(props: { roles: readonly Role[]; mark: number | null }) {
  const { roles, mark } = props;
  const paths = useMemo(() => {
    const ticks = { seeker: "", supporter: "" };
    for (const [turn, role] of roles.entries()) ticks[role] += role === "seeker" ? `M${turn} 0V9` : `M${turn} 15V24`;
    return ticks;
  }, [roles]);
  return (
    <svg
      class="ticks"
      viewBox={`0 0 ${Math.max(1, roles.length - 1)} 24`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path class="of-seeker" d={paths.seeker} />
      <path class="of-supporter" d={paths.supporter} />
      {mark !== null && <path class="mark" d={`M${mark} 0V24`} />}
    </svg>
  );
});

function Where(props: { where(turn: number): string; last: number }) {
  const turn = useAt((at) => at);
  return (
    <p class="where" aria-hidden="true">
      turn {turn}
      <span class="soft"> / {props.last}</span>
      <span class="who">{props.where(turn)}</span>
    </p>
  );
}

function Announcer(props: { announce(turn: number): string }) {
  const turn = useSettled(400);
  return (
    <p class="unseen" aria-live="polite">
      {props.announce(turn)}
    </p>
  );
}
