// A button that shows and hides a panel below it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

export function Disclosure(props: { label: ComponentChildren; title?: string; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const around = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!open) return;
    const leave = (event: Event) => {
      const { target } = event;
      const here = around.current;
      if (!(target instanceof Node) || here === null || here.contains(target)) return;
      // A click on what cannot have the focus, such as a label, gives it to what lies around.
      if (event.type === "focusin" && target.contains(here)) return;
      setOpen(false);
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    setOpen(false);
    button.current?.focus();
  };

  return (
    <div class="disclosure" ref={around} onKeyDown={onKeyDown}>
      <button
        type="button"
        ref={button}
        title={props.title}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      >
        {props.label}
        <svg class="caret" width="8" height="8" viewBox="0 0 8 8" aria-hidden="true">
          <path d="M1 2.5l3 3 3-3" fill="none" stroke="currentColor" stroke-width="1.4" />
        </svg>
      </button>
      {open && (
        <div class="panel" id={id}>
          {props.children}
        </div>
      )}
    </div>
  );
}
