// How words, numbers and times are shown. Words of models and people only ever become text nodes.
import { useState } from "preact/hooks";

/** Characters of a text that are shown at first. */
const SHOWN = 20_000;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f\u0080-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Makes characters visible that would be invisible, or would change how the text around them reads. */
export function visible(text: string): string {
  return text.replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** A text of at most `length` characters that does not end inside a surrogate pair. */
function cut(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}

/** Words of a model or a person, as they are. */
export function Words(props: { text: string; class?: string | undefined }) {
  const [whole, setWhole] = useState(false);
  const { text } = props;
  const short = !whole && text.length > SHOWN;
  return (
    <>
      <span class={props.class ? `words ${props.class}` : "words"} dir="auto">
        {visible(short ? cut(text, SHOWN) : text)}
      </span>
      {short && (
        <button type="button" onClick={() => setWhole(true)}>
          show all {text.length.toLocaleString("en")} characters
        </button>
      )}
    </>
  );
}

/** In place of a value that is not known: never a number. */
export function Missing(props: { why: string | null }) {
  const why = props.why ?? "not known";
  return (
    <span class="missing" title={why}>
      <span aria-hidden="true">–</span>
      <span class="unseen">missing: {why}</span>
    </span>
  );
}

/** A number for people; `digits` after the point. */
export function number(value: number, digits = 0): string {
  // A minus sign as wide as a digit, and no "-0.00".
  const text = Math.abs(value).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return value < 0 && /[1-9]/.test(text) ? `\u2212${text}` : text;
}

/** `1 conversation`, `2 conversations`. */
export function count(amount: number, one: string, many = `${one}s`): string {
  return `${number(amount)} ${amount === 1 ? one : many}`;
}

const pad = (part: number) => String(part).padStart(2, "0");

/** A time in the reader's own time zone: `2026-03-01 14:05`. */
export function clock(seconds: number): string {
  const at = new Date(seconds * 1000);
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day} ${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

/** The same time for machines and for a tooltip, in UTC. */
export function utc(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
