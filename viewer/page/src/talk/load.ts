// Fetches a conversation, and again while it goes on.
import { useEffect, useState } from "preact/hooks";
import type { Talk } from "../api";
import { useSource } from "../source/source";

export interface Loaded {
  talk: Talk | null;
  /** Why it could not be fetched; what was fetched before stays. */
  error: string | null;
  /** Fetches it again. */
  again(): void;
}

/** The conversation at `key`. While it is open it is fetched again whenever its log grew. */
export function useTalk(key: string, blind: boolean): Loaded {
  const source = useSource();
  const [state, setState] = useState<{ of: string; talk: Talk | null; error: string | null }>({
    of: "",
    talk: null,
    error: null,
  });
  const [times, setTimes] = useState(0);
  const of = `${key} ${blind}`;

  useEffect(() => {
    let left = false;
    source.talk(key, blind).then(
      (talk) => {
        if (!left) setState({ of, talk, error: null });
      },
      (error: Error) => {
        if (!left) setState((before) => ({ of, talk: before.of === of ? before.talk : null, error: error.message }));
      },
    );
    return () => {
      left = true;
    };
  }, [source, key, blind, times]);

  const open = state.of === of && state.talk?.state === "open";
  useEffect(() => {
    if (!open) return;
    return source.watch((change) => {
      if (change.missed || change.keys.includes(key)) setTimes((before) => before + 1);
    });
  }, [source, key, open]);

  const again = () => setTimes((before) => before + 1);
  return state.of === of ? { talk: state.talk, error: state.error, again } : { talk: null, error: null, again };
}
