// All keys, by the place where they work.
import { Fragment } from "preact";
import { Dialog } from "../shared/dialog";
import { KEYS, type Key } from "./keys";

const PLACES: readonly [Key["where"], string][] = [
  ["everywhere", "Everywhere"],
  ["grid", "Conversations"],
  ["replay", "One conversation"],
  ["compare", "Two conversations side by side"],
];

export function Help(props: { close: () => void; version: string }) {
  return (
    <Dialog title="Keys and help" close={props.close}>
      <p>confide {props.version} is a research simulator. It is no therapist, and nothing that it shows is advice.</p>
      {PLACES.map(([where, title]) => (
        <KeyList key={where} title={title} keys={KEYS.filter((key) => key.where === where)} />
      ))}
    </Dialog>
  );
}

function KeyList(props: { title: string; keys: readonly Key[] }) {
  if (props.keys.length === 0) return null;
  return (
    <section>
      <h3>{props.title}</h3>
      <dl class="keys">
        {props.keys.map(({ keys, what }) => (
          <Fragment key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </Fragment>
        ))}
      </dl>
    </section>
  );
}
