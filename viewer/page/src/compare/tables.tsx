// What two conversations took, and what readers found in them, in figures.
import { useId } from "preact/hooks";
import type { Call } from "../api";
import { signed } from "../panels/drift";
import { Missing, number, visible, Words } from "../shared/text";
import { foundInBoth, type ItemFound, type Pair } from "./model";
import { total } from "./values";

const TOTALS: readonly { what: string; digits: number; of(call: Call): number | null }[] = [
  { what: "prompt tokens", digits: 0, of: (call) => call.prompt_tokens },
  { what: "of these cached", digits: 0, of: (call) => call.cached_tokens },
  { what: "answer tokens", digits: 0, of: (call) => call.completion_tokens },
  { what: "seconds", digits: 1, of: (call) => call.seconds },
  { what: "US dollars", digits: 4, of: (call) => call.cost },
  { what: "failed tries", digits: 0, of: (call) => call.attempts.length },
];

export function CompareTotals(props: { pair: Pair }) {
  const id = useId();
  const { A, B } = props.pair;
  return (
    <section class="figure" aria-labelledby={id}>
      <h3 id={id}>What they took</h3>
      <table class="differences">
        <Head />
        <tbody>
          <tr>
            <th scope="row">calls</th>
            <td>{number(A.calls.length)}</td>
            <td>{number(B.calls.length)}</td>
            <td>{signed(B.calls.length - A.calls.length, 0)}</td>
          </tr>
          {TOTALS.map(({ what, digits, of }) => {
            const totals = [total(A.calls, of), total(B.calls, of)] as const;
            return (
              <tr key={what}>
                <th scope="row">{what}</th>
                <Figure value={totals[0]} digits={digits} />
                <Figure value={totals[1]} digits={digits} />
                <Figure
                  value={totals[0] === null || totals[1] === null ? null : totals[1] - totals[0]}
                  digits={digits}
                  signed
                />
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Head() {
  return (
    <thead>
      <tr>
        <th scope="col">
          <span class="unseen">what</span>
        </th>
        <th scope="col">A</th>
        <th scope="col">B</th>
        <th scope="col">B − A</th>
      </tr>
    </thead>
  );
}

function Figure(props: { value: number | null; digits: number; signed?: boolean }) {
  const { value, digits } = props;
  if (value === null) {
    return (
      <td>
        <Missing why="not reported for every call" />
      </td>
    );
  }
  return <td>{props.signed ? signed(value, digits) : number(value, digits)}</td>;
}

export function CompareFound(props: { pair: Pair }) {
  const id = useId();
  const found = foundInBoth(props.pair, (value) => number(value, 2));
  return (
    <section class="figure" aria-labelledby={id}>
      <h3 id={id}>What readers found</h3>
      {found.length === 0 ? (
        <p class="legend">No reader has read either of them; confide score RUN --with shipped has them read.</p>
      ) : (
        <>
          <p class="legend">Means over turns and repeats; words with how often they were given.</p>
          <table class="differences found">
            <Head />
            <tbody>
              {found.map((item) => (
                <tr key={item.key}>
                  <th scope="row" title={visible(item.question)}>
                    <Words text={item.question} />
                    {item.about !== null && <span class="soft"> (about the {item.about})</span>}
                  </th>
                  <Answer value={item.A} />
                  <Answer value={item.B} />
                  <Difference found={item} />
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  );
}

/** How far they are apart: a number, or whether the words are the same. */
function Difference(props: { found: ItemFound }) {
  const { A, B, difference } = props.found;
  if (A === null || B === null) {
    const who = A !== null ? "B has" : B !== null ? "A has" : "both have";
    return (
      <td>
        <Missing why={`${who} no answer to compare`} />
      </td>
    );
  }
  return <td>{difference === null ? (A === B ? "=" : "≠") : signed(difference)}</td>;
}

function Answer(props: { value: string | null }) {
  return (
    <td>{props.value === null ? <Missing why="this reader has no answer for it" /> : <Words text={props.value} />}</td>
  );
}
