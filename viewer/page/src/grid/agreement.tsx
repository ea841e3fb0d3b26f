// How far people agree with what was declared, with annotators and with each other.
import { useEffect, useState } from "preact/hooks";
import type { Agreed } from "../api";
import { Dialog } from "../shared/dialog";
import { Missing, number, visible } from "../shared/text";
import { Line } from "../shell/trouble";
import { useSource } from "../source/source";

export function AgreementDialog(props: { close: () => void }) {
  const source = useSource();
  const [found, setFound] = useState<readonly Agreed[] | null>(null);
  const [line, setLine] = useState<string | null>(null);
  useEffect(() => {
    source.agreements().then(
      ({ agreements }) => setFound(agreements),
      (error: Error) => setLine(error.message),
    );
  }, [source]);
  return (
    <Dialog title="Agreement of people's strategies" close={props.close}>
      <p class="soft">
        Over the supporter turns that both labelled: Cohen’s κ of the first label of each, and Krippendorff’s α of the
        lists as sets (MASI distance). 1 is perfect, 0 is chance. Labels made blind and labels made in sight of what was
        declared are counted apart.
      </p>
      {line !== null && (
        <p class="line warn" role="alert">
          <Line text={line} />
        </p>
      )}
      {line === null && found === null && <p role="status">Counting…</p>}
      {found !== null && <AgreementTable found={found} />}
    </Dialog>
  );
}

function AgreementTable(props: { found: readonly Agreed[] }) {
  if (props.found.length === 0) {
    return (
      <p class="none">
        Nobody has labelled strategies yet. Open a conversation, go to one of the supporter’s turns and press{" "}
        <kbd>n</kbd>.
      </p>
    );
  }
  return (
    <div class="wide">
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">Reader</th>
            <th scope="col">Labelled</th>
            <th scope="col">Against</th>
            <th scope="col" class="number">
              Turns
            </th>
            <th scope="col" class="number">
              Conversations
            </th>
            <th scope="col" class="number">
              κ
            </th>
            <th scope="col" class="number">
              α
            </th>
          </tr>
        </thead>
        <tbody>
          {props.found.map((agreed) => (
            <tr key={`${agreed.reader} ${agreed.blind} ${agreed.against}`}>
              <th scope="row">{visible(agreed.reader)}</th>
              <td>{agreed.blind ? "blind" : "in sight"}</td>
              <td>{agreed.against === "declared" ? "what was declared" : visible(agreed.against)}</td>
              <td class="number">{number(agreed.turns)}</td>
              <td class="number">{number(agreed.conversations)}</td>
              <td class="number">{agreed.kappa === null ? <Missing why={agreed.why} /> : number(agreed.kappa, 2)}</td>
              <td class="number">{agreed.alpha === null ? <Missing why={agreed.why} /> : number(agreed.alpha, 2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
