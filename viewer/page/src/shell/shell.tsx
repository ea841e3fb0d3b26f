// The frame around every view: header, help, and the keys that work everywhere.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { gridLink } from "../grid/memory";
import type { Place } from "../place";
import { Help } from "./help";
import { useHome } from "./home";
import { typing } from "./keys";
import { usePulse } from "./pulse";
import { ThemeButton } from "./theme";

const CRUMBS: Record<Place["view"], string | null> = { grid: null, talk: "Conversation", compare: "Side by side" };

interface ShellProps {
  view: Place["view"];
  /** What is shown: another one takes the focus. */
  shown: string;
  children: ComponentChildren;
}

export function Shell(props: ShellProps) {
  const [helping, setHelping] = useState(false);
  const home = useHome();
  const main = useRef<HTMLElement>(null);

  // What had the focus is gone with the view before; a view that knows better has taken it already.
  useEffect(() => {
    if (document.activeElement === document.body) main.current?.focus({ preventScroll: true });
  }, [props.shown]);

  useLayoutEffect(() => {
    const act = (event: KeyboardEvent) => {
      if (typing(event)) return;
      if (event.key === "?") setHelping(true);
      else if (event.key === "g") location.hash = gridLink();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", act);
    return () => window.removeEventListener("keydown", act);
  }, []);

  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="name" href={gridLink()}>
          confide
        </a>
        <Crumbs view={props.view} />
        <PulseMark />
        <div class="tools">
          <ThemeButton />
          <button type="button" class="plain" title="Keys and help (?)" onClick={() => setHelping(true)}>
            <span aria-hidden="true">?</span>
            <span class="unseen">Keys and help</span>
          </button>
        </div>
      </header>
      <main ref={main} tabIndex={-1} class={`view-${props.view}`}>
        {props.children}
      </main>
      {helping && <Help version={home.version} close={() => setHelping(false)} />}
    </>
  );
}

function Crumbs(props: { view: Place["view"] }) {
  const crumb = CRUMBS[props.view];
  useEffect(() => {
    document.title = `${crumb ?? "Conversations"} · confide`;
  }, [crumb]);
  // The grid is the top: there is nothing above it to go to.
  if (crumb === null) return <div class="gap" />;
  return (
    <nav aria-label="Where you are">
      <ol class="crumbs">
        <li>
          <a href={gridLink()}>Conversations</a>
        </li>
        <li>
          <span aria-current="page">{crumb}</span>
        </li>
      </ol>
    </nav>
  );
}

/** Whether the page hears from the server: a full dot, or a cross where it does not. */
function PulseMark() {
  const pulse = usePulse();
  if (pulse === "still") return null;
  const gone = pulse === "gone";
  return (
    <span class={gone ? "pulse gone" : "pulse"} role="status">
      <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
        {gone ? (
          <path d="M1.5 1.5l7 7m0-7l-7 7" stroke="currentColor" stroke-width="2" />
        ) : (
          <circle cx="5" cy="5" r="3.5" fill="var(--s2)" />
        )}
      </svg>
      {gone ? "server gone" : "live"}
    </span>
  );
}
