// Many calls, few answers.

export interface Throttled {
  (): void;
  /** Forgets a call that waits. */
  stop(): void;
}

/** Calls `act` at once, and then at most once in `pause` milliseconds; the last call is never lost. */
export function throttle(act: () => void, pause: number): Throttled {
  let timer = 0;
  let again = false;
  const fire = () => {
    if (timer !== 0) {
      again = true;
      return;
    }
    act();
    timer = window.setTimeout(() => {
      timer = 0;
      if (!again) return;
      again = false;
      fire();
    }, pause);
  };
  fire.stop = () => {
    window.clearTimeout(timer);
    timer = 0;
    again = false;
  };
  return fire;
}
