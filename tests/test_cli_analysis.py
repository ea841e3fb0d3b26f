"""``confide analyse`` and ``confide compare``: what is printed, where an analysis comes from, what is refused."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from confide.evaluators.analysis import analyse
from confide.simulator import RunFolder
from tests.helpers import only_run
from tests.test_analysis import WORDS, a_run, an_analysis, arms
from tests.test_exchange import TALK
from tests.test_sample import SAMPLE

PLAN = {
    "contrasts": [{"id": "sight", "one": "partial", "other": "omniscient"}],
    "outcomes": [
        {"id": "words", "of": WORDS, "family": "talk", "equivalence": 20},
        {"id": "turns", "of": "talk.turns", "family": "talk"},
        {"id": "warmth", "of": "reading.empathy.empathy", "family": "reading"},
    ],
}
EXPERIMENT = {
    "id": "sight", "title": "Sight", "question": "Does it matter?", "scenarios": ["shared-dog"],
    "conditions": ["partial", "omniscient"], "measures": [{"rubric": "empathy", "reader": "scripted"}], "analysis": PLAN,
}  # fmt: skip


def write(name, data):
    Path(name).write_text(yaml.safe_dump(data), encoding="utf-8")
    return name


@pytest.fixture
def run(own_folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    return a_run(Path("runs"), arms(), "sight").path


def refused(confide, *args):
    code, out, err = confide(*args)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    return err


# analyse


def test_without_an_analysis_the_first_line_says_that_it_is_exploratory(confide, run):
    code, out, err = confide("analyse", run)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("exploratory: nobody wrote down")
    assert "sight: 16 of 16 conversations finished" in out
    assert "partial-vs-omniscient: partial less omniscient" in out
    assert "family exploratory: " in out
    assert "strategies of 8 pairs (exploratory)" in out


@pytest.mark.parametrize("data", [PLAN, EXPERIMENT])
def test_an_analysis_from_a_file_was_written_after_the_run(confide, run, data):
    file = write("plan.yaml", data)
    code, out, _ = confide("analyse", run, "--analysis", file, "--mixed")
    assert code == 0
    assert out.splitlines()[0] == "analysis written after the run: plan.yaml"
    assert "sight: partial less omniscient" in out
    assert "+2.000 [" in out
    assert "equivalence: two one-sided tests" in out
    assert "± 20" in out
    assert "8 without a pair, both: nobody was asked 'empathy': reading.empathy.empathy" in out
    assert "in R (lme4): outcome ~ code" in out
    assert "family reading: 0 of 1 tests significant at 0.05 (Holm), 1 of them could not be done" in out


def test_an_experiment_is_analysed_by_what_was_written_before_it(confide):
    casts = [{"id": name, "models": {"seeker": "scripted", "supporter": "scripted"}} for name in ("small", "large")]
    contrasts = [{"id": "size", "axis": "model", "one": "small", "other": "large"}, *PLAN["contrasts"]]
    plan = {**PLAN, "contrasts": contrasts}
    cells = {"replicates": 2, "turns": 6, "models": casts, "exclude": [{"model": "large", "condition": "omniscient"}]}
    code, _, err = confide("run", write("sight.yaml", {**EXPERIMENT, **cells, "analysis": plan}))
    assert code == 0, err
    run = only_run()
    code, out, _ = confide("analyse", run.path)
    assert (code, out.splitlines()[0]) == (0, "analysis as it was written down before the run")
    assert ": 6 of 6 conversations finished" in out
    found = {test.contrast: test for test in analyse(run).tests if test.outcome == "turns"}
    assert (found["size"].pairs, found["size"].missing) == (2, {"only in small": 2}), "within each condition"
    assert (found["sight"].pairs, found["sight"].missing) == (2, {"only in partial": 2}), "within each cast"
    assert "small less large" in confide("compare", run.path, "--one", "small", "--other", "large")[1]
    code, out, _ = confide("analyse", run.path, "--analysis", write("plan.yaml", PLAN))
    assert "written after the run" in out.splitlines()[0]
    assert "note: the run was begun with another analysis" in out


def test_json_holds_everything(confide, run):
    file = write("plan.yaml", PLAN)
    code, out, _ = confide("analyse", run, "--analysis", file, "--json")
    found = json.loads(out)
    assert (code, found["plan"]["written"]) == (0, "after")
    assert found["plan"]["analysis"]["contrasts"][0]["id"] == "sight"
    words = found["tests"][0]
    same = analyse(RunFolder.open(run), an_analysis(WORDS)).tests[0]
    assert words["figures"]["difference"]["mean"] == same.figures.difference.mean
    assert words["permutation"]["p"] == same.permutation.p
    assert found["strategies"][0]["ratios"]["parts"].keys() == set(found["strategies"][0]["labels"])
    assert found["runs"][0] == {"run": "sight", "planned": 16, "finished": 16, "unfinished": 0}


def test_a_half_finished_run_says_so(confide, run):
    logs = sorted(run.glob("conversations/*.jsonl"))
    logs[0].unlink()
    logs[1].rename(run / "live" / logs[1].name)
    text = (run / "live" / logs[1].name).read_bytes().splitlines(keepends=True)
    (run / "live" / logs[1].name).write_bytes(b"".join(text[:-1]))
    code, out, _ = confide("analyse", run)
    assert code == 0
    assert "sight: 14 of 16 conversations finished, 1 unfinished, 1 not begun" in out
    assert "1 without a pair, only in partial" in out
    assert "1 without a pair, omniscient: unfinished" in out


def test_several_runs_are_taken_together(confide, run):
    a_run(Path("runs"), arms(2), "again")
    code, out, _ = confide("analyse", run, "runs/again")
    assert code == 0
    assert "pair keys come up again in several runs; pairs are within runs" in out
    assert "again: 8 of 8 conversations finished" in out
    assert "is given twice" in refused(confide, "analyse", run, run)


def test_mistakes_are_told_in_one_line(confide, run):
    assert "did you mean 'talk.turns'?" in refused(
        confide, "analyse", run, "--analysis", write("a.yaml", {**PLAN, "outcomes": [{"id": "x", "of": "talk.turn", "family": "f"}]})
    )  # fmt: skip
    assert "a.yaml:1:" in refused(
        confide, "analyse", run, "--analysis", write("a.yaml", {"outcomes": PLAN["outcomes"]})
    )
    assert "has no 'analysis'" in refused(confide, "analyse", run, "--analysis", write("a.yaml", {**EXPERIMENT, "analysis": None}))  # fmt: skip
    assert "no such file" in refused(confide, "analyse", run, "--analysis", "none.yaml")
    assert "one arm only (partial)" in refused(confide, "analyse", SAMPLE)


def test_people_are_one_arm(confide, own_folder):
    Path("people.json").write_text(json.dumps([TALK]))
    confide("import", "esconv", "people.json")
    (people,) = Path("runs").iterdir()
    assert "one arm only (human)" in refused(confide, "analyse", people)
    code, out, _ = confide("analyse", people, SAMPLE)
    assert code == 0
    assert "without a pair, only in human" in out


# compare


def test_two_arms_of_a_run(confide, run):
    code, out, _ = confide("compare", run)
    assert code == 0
    assert out.splitlines()[0].startswith("exploratory: ")
    assert "partial less omniscient" in out
    assert "seeker_sees" in out
    named = confide("compare", run, "--one", "partial", "--other", "omniscient")[1]
    assert named == out
    turned = confide("compare", run, "--one", "omniscient", "--other", "partial", "--outcome", WORDS)[1]
    assert "-2.000 [" in turned
    assert "talk.turns" not in turned


def test_two_runs(confide, run):
    copy = shutil.copytree(run, "runs/copy")
    record = Path(copy) / "run.json"
    record.write_text(
        record.read_text().replace('"id": "sight"', '"id": "copy"', 1).replace('"confide": "', '"confide": "9.', 1)
    )
    code, out, _ = confide("compare", run, copy)
    assert code == 0
    assert "software.confide" in out
    assert "sight less copy" in out
    assert "all differences are zero" in out
    crossed = confide("compare", run, copy, "--one", "partial", "--other", "omniscient", "--outcome", WORDS, "--json")
    found = json.loads(crossed[1])
    assert (found["one"]["name"], found["other"]["name"]) == ("sight partial", "copy omniscient")
    assert found["tests"][0]["figures"]["difference"]["mean"] == 2


def test_what_cannot_be_compared_is_told_in_one_line(confide, run):
    assert "name another run, or two arms" in refused(confide, "compare", SAMPLE)
    assert "compared with itself" in refused(confide, "compare", run, "--one", "partial", "--other", "partial")
    assert "no arm 'partiall', did you mean 'partial'?" in refused(confide, "compare", run, "--one", "partiall", "--other", "omniscient")  # fmt: skip
    assert "is given twice" in refused(confide, "compare", run, run)
    assert "give both --one and --other" in refused(confide, "compare", run, SAMPLE, "--one", "partial")
    assert "no outcome 'nonsense'" in refused(confide, "compare", run, "--outcome", "nonsense")
    assert "no outcome ''" in refused(confide, "compare", run, "--outcome", "")


def test_the_data_behind_an_analysis_are_a_table_of_conversations(run, confide):
    file = write("plan.yaml", PLAN)
    assert confide("analyse", run, "--analysis", file, "--data", "data.csv")[0] == 0
    rows = list(csv.DictReader(Path("data.csv").read_text(encoding="utf-8").splitlines()))
    tests = [test for test in analyse(RunFolder.open(run), an_analysis(WORDS)).tests if test.of == WORDS]
    assert len({row["conversation"] for row in rows}) == len(rows)
    for condition, mean in (("partial", tests[0].figures.mean_one), ("omniscient", tests[0].figures.mean_other)):
        paired = [float(row["words"]) for row in rows if row["condition"] == condition and row["words"]]
        assert mean is None or min(paired) <= mean <= max(paired)
    assert all(row["warmth"] == "" and row["warmth.missing"] for row in rows), "nobody read it"
    assert all("/".join((row["scenario"], row["personas"], row["replicate"])).count("/") == 2 for row in rows)
    code, _, err = confide("analyse", run, "--analysis", file, "--data", "data.csv")
    assert (code, "data.csv is there already" in err) == (2, True)
