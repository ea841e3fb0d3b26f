// What stands above the grid's rows: the runs, and what people wrote about them.
import { useState } from "preact/hooks";
import type { RunInfo } from "../api";
import { Disclosure } from "../shared/disclosure";
import { clock, count, number, visible } from "../shared/text";
import { type HomeNow, useHome } from "../shell/home";
import { Line } from "../shell/trouble";
import { AgreementDialog } from "./agreement";

export function GridHead(props: { blind: boolean }) {
  const home = useHome();
  return (
    <div class="grid-head">
      <h1>Conversations</h1>
      {!props.blind && <RunsLine home={home} />}
      {home.waiting > 0 && (
        <p class="soft reading" role="status">
          reading logs: {number(home.waiting)} left
        </p>
      )}
      {!props.blind && <NotesLinks home={home} />}
    </div>
  );
}

/** What people wrote about the conversations: it would tell a blind reader what others saw. */
function NotesLinks(props: { home: HomeNow }) {
  const [agreeing, setAgreeing] = useState(false);
  return (
    <div class="links">
      <button type="button" class="plain" onClick={() => setAgreeing(true)}>
        Agreement
      </button>
      {!props.home.static && (
        <span class="soft">
          Notes as{" "}
          <a href="api/notes.csv" download>
            CSV
          </a>{" "}
          or{" "}
          <a href="api/notes.json" download>
            JSON
          </a>
        </span>
      )}
      {agreeing && <AgreementDialog close={() => setAgreeing(false)} />}
    </div>
  );
}

/** All runs in one line, and each of them on demand. */
function RunsLine(props: { home: HomeNow }) {
  const { runs, live } = props.home;
  if (runs.length === 0) return null;
  const finished = runs.reduce((sum, run) => sum + run.finished, 0);
  const planned = runs.reduce((sum, run) => sum + run.planned, 0);
  const problems = runs.filter((run) => run.problem !== null).length;
  const growing = runs.filter((run) => live.has(run.id)).length;
  const label = runs.length === 1 ? visible(runs[0]?.id ?? "") : count(runs.length, "run");
  return (
    <div class="runs">
      <Disclosure label={<span class="clip">{label}</span>} title="The runs">
        <ul class="run-list">
          {runs.map((run) => (
            <RunItem key={run.id} run={run} live={live.has(run.id)} />
          ))}
        </ul>
      </Disclosure>
      <p>
        <span class="soft">
          {number(finished)} of {count(planned, "conversation")} finished
        </span>
        {growing > 0 && <span class="growing"> · {count(growing, "run")} live</span>}
        {problems > 0 && <strong class="warn"> · {count(problems, "run has a problem", "runs have a problem")}</strong>}
      </p>
    </div>
  );
}

function RunItem(props: { run: RunInfo; live: boolean }) {
  const { run } = props;
  return (
    <li>
      <p>
        <strong>{visible(run.id)}</strong> <span class="soft">{run.kind}</span>
        {props.live && <span class="growing"> live</span>}
      </p>
      <p class="soft">
        {number(run.finished)} of {number(run.planned)} finished
        {run.begun > run.finished && `, ${number(run.begun - run.finished)} not yet or not whole`}
        {" · "}
        {dayOf(run.created)}
        {" · "}
        {count(run.measures.length, "reader")}
      </p>
      {run.problem !== null && (
        <p class="warn words">
          <Line text={run.problem} />
        </p>
      )}
    </li>
  );
}

function dayOf(created: string): string {
  const seconds = Date.parse(created) / 1000;
  return Number.isNaN(seconds) ? visible(created) : clock(seconds);
}
