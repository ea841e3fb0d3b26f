// What the page begins with, kept up to date while a server tells changes.
import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Home } from "../api";
import { throttle } from "../shared/throttle";
import { useSource } from "../source/source";
import { Trouble } from "./trouble";

/** Milliseconds between two looks at the runs while something changes. */
const PAUSE = 1_000;
/** How long a run counts as live after it grew. */
const LIVE = 5 * 60_000;

export interface HomeNow extends Home {
  /** Runs that grew while the page looked. */
  live: ReadonlySet<string>;
}

const HomeContext = createContext<HomeNow | null>(null);

export function useHome(): HomeNow {
  const home = useContext(HomeContext);
  if (home === null) throw new Error("there is no home around this component");
  return home;
}

/** Runs that have more conversations, or more finished ones, than before. */
function grown(before: Home | null, after: Home): string[] {
  const then = new Map(before?.runs.map((run) => [run.id, run.begun + run.finished]));
  return after.runs.filter((run) => run.begun + run.finished > (then.get(run.id) ?? Infinity)).map((run) => run.id);
}

export function HomeProvider(props: { children: ComponentChildren }) {
  const source = useSource();
  const [home, setHome] = useState<Home | null>(null);
  const [grew] = useState(() => new Map<string, number>());
  const [line, setLine] = useState<string | null>(null);

  useEffect(() => {
    let last: Home | null = null;
    let over = false;
    const read = throttle(() => {
      source.home().then(
        (next) => {
          if (over) return;
          for (const run of grown(last, next)) grew.set(run, Date.now());
          last = next;
          setHome(next);
          setLine(null);
        },
        (error: Error) => over || setLine(error.message),
      );
    }, PAUSE);
    read();
    const unwatch = source.watch((change) => {
      setHome((shown) => (shown === null ? null : { ...shown, waiting: change.waiting }));
      read();
    });
    return () => {
      over = true;
      unwatch();
      read.stop();
    };
  }, [source]);

  if (home === null) {
    return line === null ? (
      <p class="empty soft" role="status">
        Opening…
      </p>
    ) : (
      <Trouble line={line} again={() => location.reload()} />
    );
  }
  const live = new Set(home.runs.map((run) => run.id).filter((run) => Date.now() - (grew.get(run) ?? 0) < LIVE));
  return <HomeContext.Provider value={{ ...home, live }}>{props.children}</HomeContext.Provider>;
}
