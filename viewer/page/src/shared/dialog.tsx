// A dialog over the page, closed by Esc, by its button and by a click beside it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export function Dialog(props: { title: string; close: () => void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onClose={props.close}
      onClick={(event) => event.target === element.current && props.close()}
    >
      <div class="head">
        <h2 id={id}>{props.title}</h2>
        <button type="button" onClick={props.close}>
          Close
        </button>
      </div>
      {props.children}
    </dialog>
  );
}
