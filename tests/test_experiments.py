"""Experiments: what a file may say, what is run of its matrix, and what it is held to."""

import json
import re
import shlex
from pathlib import Path

import pytest

from confide.agents.models import ScriptedClient, known_models
from confide.commands.forecast import power
from confide.evaluators.outcomes.checks import check_outcomes
from confide.evaluators.talks import talk_of
from confide.scenarios import ConfideError, InputFileError
from confide.scenarios.experiments import EXPERIMENTS, find_experiment, read_experiment, shipped_experiments
from confide.simulator import RunFolder, Wishes, plan_run, read_log, replay

SMALL = """\
id: small
title: Small
question: Does it run?
scenarios: [exam-panic, shared-dog]
conditions: [partial, omniscient]
replicates: 2
turns: 4
seed: 5
"""
ANALYSIS = """\
analysis:
  contrasts: [{id: sight, one: omniscient, other: partial}]
  outcomes: [{id: length, of: talk.turns, family: course, equivalence: 1}]
  effect: 0.5
"""
PERSONAS = """\
source: Ours.
personas:
  - {id: shy, background: A quiet gardener., traits: {extraversion: 1}}
  - {id: loud, traits: {extraversion: 5}}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("people.yaml").write_text(PERSONAS)

    def written(text, name="mine.yaml"):
        Path(name).write_text(text)
        return Path(name)

    return written


def planned(file, **wishes):
    loaded = read_experiment(file)
    experiment = loaded.experiment
    fields = {"replicates": experiment.replicates, "turns": experiment.turns, "seed": experiment.seed} | wishes
    wish = Wishes(
        "scripted" if not experiment.models else None, conditions=loaded.conditions, experiment=loaded, **fields
    )
    record, _ = plan_run(loaded.scenarios, known_models(), wish)
    return record, list(RunFolder(Path("nowhere"), record).planned())


def test_every_shipped_experiment_reads_and_says_what_it_asks():
    assert shipped_experiments() == sorted(file.stem for file in EXPERIMENTS.glob("*.yaml"))
    for name in shipped_experiments():
        loaded = read_experiment(find_experiment(name))
        assert loaded.experiment.id == name
        assert len(loaded.scenarios) >= 12
        check_outcomes(loaded)
    asking = [name for name in shipped_experiments() if read_experiment(find_experiment(name)).experiment.analysis]
    assert set(shipped_experiments()) - set(asking) == {"rq1-inference"}, "it compares no arms"


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("talk.turn", "did you mean 'talk.turns'?"),
        ("share.Questions", "Question"),
        ("reading.strategies.strategies=Question", "strategies"),
        ("traits.traits.self.seeker.openness.drift", "traits"),
    ],
)
def test_an_outcome_that_is_none_or_is_not_read_is_refused_before_the_run(write, confide, of, said):
    file = write(SMALL + ANALYSIS.replace("talk.turns", f'"{of}"'))
    for command in (("check", file), ("run", file, "--model", "scripted")):
        code, _, err = confide(*command)
        assert code == 2
        assert "analysis, outcome 'length': " in err
        assert said in err
    assert not Path("runs").exists()


def test_the_matrix_is_all_combinations_and_conditions_share_pair_keys(write):
    record, cells = planned(write(SMALL))
    assert record.size == len(cells) == 2 * 2 * 2
    keys = {}
    for cell in cells:
        keys.setdefault(cell.pair_key, set()).add(cell.condition.id)
    assert set(map(frozenset, keys.values())) == {frozenset({"partial", "omniscient"})}
    assert record.experiment.text == SMALL
    assert record.id.split("-")[2] == "small"


def test_personas_and_casts_are_axes_with_names_of_their_own(write):
    casts = "models:\n  - {id: one, models: {seeker: scripted, supporter: scripted}}\n  - {id: two, models: {seeker: scripted, supporter: scripted}}\n"
    record, cells = planned(write(SMALL + "personas: {file: people.yaml}\n" + casts))
    assert record.size == len(cells) == len({cell.id for cell in cells}) == 2 * 2 * 2 * 2 * 2
    assert cells[0].id == "exam-panic.shy.one.partial.0000"
    shy = {cell.pair_key for cell in cells if ".shy." in cell.id and "exam-panic" in cell.id}
    assert len(shy) == 2, "casts and conditions share the pair key; replicates do not"
    people = {cell.id.split(".")[1]: cell.pair_key.split("/")[1] for cell in cells}
    assert all(cell.pair_key.split("/")[1] == people[cell.id.split(".")[1]] for cell in cells), (
        "personas cross scenarios"
    )
    assert len(set(people.values())) == 2
    personas = {cell.id.split(".")[1]: cell.scenario.scenario.seeker.persona for cell in cells}
    assert personas["shy"].background == "A quiet gardener."
    assert personas["loud"].traits.extraversion == 5
    assert personas["loud"].background != "A quiet gardener.", "the scenario's own stays where the list gives none"
    assert (
        len(
            {persona.name for cell in cells if "exam" in cell.id for persona in [cell.scenario.scenario.seeker.persona]}
        )
        == 1
    )


def test_cells_may_be_left_out(write):
    _, cells = planned(write(SMALL + "exclude: [{scenario: shared-dog, condition: omniscient}]\n"))
    assert {(cell.scenario.scenario.id, cell.condition.id) for cell in cells} == {
        ("exam-panic", "partial"), ("exam-panic", "omniscient"), ("shared-dog", "partial")
    }  # fmt: skip
    _, cells = planned(write(SMALL + "include: [{condition: partial}]\n"))
    assert {cell.condition.id for cell in cells} == {"partial"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SMALL + "exclude: [{condition: partal}]\n", "exclude names the condition 'partal', which is not run; run: partial, omniscient"),
        (SMALL + "exclude: [{condition: partial}, {condition: omniscient}]\n", "leave nothing to run"),
        (SMALL + ANALYSIS.replace("other: partial", "other: script"), "contrast 'sight' names the condition 'script', which is not run"),
        (SMALL + ANALYSIS.replace("other: partial", "other: omniscient"), "compares an arm with itself"),
        (SMALL.replace("conditions", "condition"), "8:1|did you mean 'conditions'?"),
        (SMALL.replace("replicates: 2", "replicates: 0"), "6:13: replicates: must be at least 1, not 0"),
        (SMALL.replace("exam-panic", "exam-panik"), "exam-panik"),
        (SMALL + "personas: {file: nobody.yaml}\n", "nobody.yaml"),
        (SMALL + "budget: {tokens: 0}\n", "budget.tokens: must be at least 1, not 0"),
    ],
)  # fmt: skip
def test_mistakes_are_named(write, text, said):
    with pytest.raises((ConfideError, InputFileError)) as error:
        read_experiment(write(text))
    assert any(part in str(error.value) for part in said.split("|"))


def test_an_experiment_runs_by_one_command_and_its_logs_replay(write, confide):
    code, out, _ = confide("run", write(SMALL + "personas: {file: people.yaml}\n"), "--model", "scripted")
    assert code == 0
    run = RunFolder.open(out.split()[-1])
    logs = [read_log(log).events for log in run.logs()]
    assert len(logs) == 2 * 2 * 2 * 2
    for events in logs:
        replay(events)
        assert events[0].cast.name is None
        assert len(talk_of(events).turns) == 4
    assert run.record.experiment.resolved.id == "small"
    assert run.record.seed == 5


def test_casts_are_arms_of_their_own(write, confide):
    casts = "models: [{id: one, models: {seeker: scripted, supporter: scripted}}, {id: two, models: {seeker: scripted, supporter: scripted}}]\n"
    code, out, _ = confide("run", write(SMALL + casts), "--turns", 2, "--n", 1)
    assert code == 0
    talks = [talk_of(read_log(log).events) for log in RunFolder.open(out.split()[-1]).logs()]
    assert {talk.condition for talk in talks} == {"partial+one", "partial+two", "omniscient+one", "omniscient+two"}
    assert len({talk.pair_key for talk in talks}) == 2


def test_what_an_experiment_says_the_command_line_does_not(write, confide):
    file = write(SMALL)
    for said in (("--condition", "partial"), ("--with", "identity")):
        code, _, err = confide("run", file, "--model", "scripted", *said)
        assert code == 2
        assert f"an experiment says itself what {said[0]} would say" in err


def test_a_budget_ends_the_run_and_resume_goes_on(write, confide):
    code, out, err = confide("run", write(SMALL + "budget: {tokens: 900}\n"), "--model", "scripted")
    assert code == 1
    assert re.search(r"the budget of 900 tokens is used up \([0-9,]+\); go on all the same with: confide resume ", err)
    run = RunFolder.open(out.split()[-1])
    assert len(list((run.path / "conversations").glob("*.jsonl"))) < run.record.size
    assert confide("resume", run.path)[0] == 0
    assert len(list((run.path / "conversations").glob("*.jsonl"))) == run.record.size


def test_what_readers_take_counts_towards_the_budget(write, confide):
    measures = "measures: [{rubric: traits-markers, reader: scripted}]\n"
    alone = SMALL + "budget: {tokens: 100000}\n"
    assert confide("run", write(alone), "--model", "scripted")[0] == 0
    run = RunFolder.open(confide("run", write(SMALL + measures), "--model", "scripted")[1].split()[-1])

    def tokens(logs):
        events = [event for log in logs for event in read_log(log).events if event.kind == "called"]
        return sum(event.prompt_tokens + event.completion_tokens for event in events)

    spoken, read = tokens(run.logs()), tokens((run.path / "measures").rglob("*.jsonl"))
    assert read > 0
    between = f"budget: {{tokens: {spoken + 1}}}\n"
    assert confide("run", write(SMALL + between), "--model", "scripted")[0] == 0
    code, _, err = confide("run", write(SMALL + measures + between), "--model", "scripted")
    assert code == 1
    assert f"the budget of {spoken + 1:,} tokens is used up" in err
    again = shlex.split(err.splitlines()[-1].partition("with: confide ")[2])
    assert again[0] in ("resume", "score")
    assert confide(*again)[0] == 0


@pytest.mark.parametrize("budget", ["tokens: 1000000", "usd: 100"])
def test_a_budget_that_cannot_be_counted_is_an_error_and_not_ignored(write, confide, monkeypatch, budget):
    answer = ScriptedClient.answer

    async def silent(self, request):
        return (await answer(self, request)).model_copy(update={"prompt_tokens": None})

    file = write(SMALL + "budget: {" + budget + "}\n")
    assert confide("run", file, "--model", "scripted")[0] == 0
    monkeypatch.setattr(ScriptedClient, "answer", silent)
    code, _, err = confide("run", file, "--model", "scripted")
    assert code == 2
    name = budget.partition(":")[0]
    assert f"budget.{name} cannot be held: the server of model 'scripted' does not report the tokens" in err
    assert "what was answered is kept" in err


def test_measures_are_read_beside_the_conversations(write, confide):
    measures = "measures:\n  - {rubric: strategies, reader: scripted}\n  - {rubric: traits-markers, reader: scripted}\n"
    code, out, _ = confide("run", write(SMALL + measures), "--model", "scripted", "--n", 1)
    assert code == 0
    folders = {folder.name for folder in (Path(out.split()[-1]) / "measures").iterdir()}
    assert folders == {
        "strategies.scripted", "traits-markers-self.roles", "traits-markers-bare.roles",
        "traits-markers-observer.scripted", "traits-markers-profiles.scripted",
    }  # fmt: skip


def test_check_says_what_an_experiment_takes_and_what_it_can_find(write, confide, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    measures = "measures: [{rubric: identity, reader: scripted}]\n"
    code, out, _ = confide("check", write(SMALL + measures + ANALYSIS))
    assert code == 0
    assert "ok: 'small', 8 conversations" in out
    speaking = next(line.split() for line in out.splitlines() if line.startswith("speaking"))
    assert speaking[2] == "32", "8 conversations of 4 turns"
    reading = next(line.split() for line in out.splitlines() if line.startswith("reading identity"))
    assert reading[3] == "32", "every turn is read once"
    assert "1 contrasts x 1 outcomes = 1 tests" in out
    assert "power: " in out
    assert "4 characters a token" in out


def test_power_rises_with_clusters_and_effect():
    def percent(*arguments):
        return int(power(*arguments).rstrip("%"))

    assert percent(12, 1, 1, 0.0, 0.05) == 5
    assert percent(12, 1, 1, 0.5, 0.05) < percent(24, 1, 1, 0.5, 0.05) < percent(24, 1, 1, 1.0, 0.05)
    assert percent(12, 6, 1, 0.5, 0.05) > percent(12, 1, 1, 0.5, 0.05)
    assert power(1, 1, 9, 0.5, 0.05).startswith("none")


def test_the_schema_of_experiments_is_the_one_that_is_written_down(confide):
    code, out, _ = confide("schema", "experiment")
    assert code == 0
    assert json.loads(out) == json.loads((Path(__file__).parents[1] / "docs/schema/experiment.json").read_text())
