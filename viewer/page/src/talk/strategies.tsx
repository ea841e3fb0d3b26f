// Support strategies: colour and words, never colour alone.
import type { Named } from "../api";
import { visible } from "../shared/text";
import { tintOf } from "./model";

export function Strategy(props: { labels: readonly Named[]; label: string }) {
  const definition = props.labels.find((known) => known.id === props.label)?.title;
  return (
    <span
      class={`strategy ${tintOf(props.labels, props.label)}`}
      title={definition === undefined ? undefined : visible(definition)}
    >
      {visible(props.label)}
    </span>
  );
}

export function Strategies(props: { labels: readonly Named[]; of: readonly string[] }) {
  return (
    <span class="strategies">
      {props.of.map((label) => (
        <Strategy key={label} labels={props.labels} label={label} />
      ))}
    </span>
  );
}
