"""Traits from the command line: plans beside rubrics, what goes on after trouble, what is printed, what is refused."""

import json
import shlex
from pathlib import Path

import pytest

from confide.evaluators.traits import shipped_plans
from confide.evaluators.traits.plan import PLANS
from confide.simulator import measure_folders, read_log
from tests.fake_server import refused
from tests.helpers import only_run
from tests.test_cli_score import after, answering, far, one_line
from tests.test_exchange import TALK
from tests.test_side_logs import but_for_time
from tests.trait_helpers import INSTRUMENT, PLAIN, PLAN, TEXTS

__all__ = ["far"]  # a fixture

SOURCES = ("bare", "observer", "profiles", "self")
TALKS = ["shared-dog", "--model", "scripted", "--turns", 6]


def write_plan(name="small.yaml", **fields):
    Path("little.yaml").write_text(INSTRUMENT)
    fields = {"lines": 2, "profiles": 0, **fields}
    Path(name).write_text(PLAN + "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items()))
    return name


@pytest.fixture
def talks(confide):
    """A run of two conversations of six turns."""
    assert confide("run", *TALKS, "--n", 2)[0] == 0
    return only_run()


def folders(run):
    return [folder.path.name for folder in measure_folders(run)]


def side_files(run):
    return {str(log.relative_to(run.path)): but_for_time(log) for log in run.path.glob("measures/*/*.jsonl")}


def kinds(log):
    return [event.kind for event in read_log(log).events]


# A run with traits


def test_traits_live_and_traits_later_are_the_same(confide, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = confide("run", *TALKS, "--with", "traits", "--reader", "scripted", "--seed", 3)
    assert code == 0, err
    assert "12/12" not in out
    live = only_run()
    assert folders(live) == [
        "traits-bare.roles", "traits-observer.scripted", "traits-profiles.scripted", "traits-self.roles",
    ]  # fmt: skip
    code, out, err = confide("run", *TALKS, "--runs", "later", "--seed", 3)
    later = out.splitlines()[-1]
    code, out, err = confide("score", later, "--with", "traits", "--model", "scripted")
    assert code == 0, err
    assert out.splitlines()[-1] == later
    assert "drift from the first to the last long form" in out
    assert side_files(type(live).open(Path(later))) == side_files(live)
    profiles = live.path / "measures" / "traits-profiles.scripted"
    assert len(list(profiles.glob("*.jsonl"))) == 1 + 2 * 12
    assert all(kinds(log)[-1] == "read" for log in live.path.glob("measures/*/*.jsonl"))


def test_the_same_again_asks_nothing_and_touches_no_file(confide, talks):
    command = ["score", talks.path, "--with", "traits", "--model", "scripted"]
    assert confide(*command)[0] == 0
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in talks.path.rglob("*") if file.is_file()}
    assert confide(*command)[0] == 0
    after = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in talks.path.rglob("*") if file.is_file()}
    assert after == before


def test_a_plan_of_ones_own_is_kept_with_all_that_it_refers_to(confide, talks):
    plan = write_plan(wording="mine.yaml")
    Path("mine.yaml").write_text(PLAIN.replace("Outside of the chat", "A word from outside"))
    assert confide("score", talks.path, "--with", plan, "--model", "scripted")[0] == 0
    assert folders(talks) == ["small-bare.roles", "small-observer.scripted", "small-self.roles"]
    for folder in measure_folders(talks):
        assert folder.record.rubric == Path(plan).read_text()
        assert folder.record.files == {"instrument": INSTRUMENT, "wording": Path("mine.yaml").read_text()}
    called = [event for event in read_log(next(measure_folders(talks)).logs()[0]).events if event.kind == "called"]
    assert any("A word from outside" in text for text in called[0].texts.values())
    for file in ("little.yaml", "mine.yaml", plan):
        Path(file).unlink()
    assert confide("traits", talks.path)[0] == 0
    write_plan(lines=3)
    code, _, err = confide("score", talks.path, "--with", plan, "--model", "scripted")
    assert code == 2
    assert "holds readings with another rubric" in one_line(err)


def test_two_plans_and_a_rubric_at_once(confide, talks):
    other = write_plan("other.yaml", of=["seeker"], sources=["observer"])
    Path(other).write_text(Path(other).read_text().replace("id: small", "id: other"))
    command = ["score", talks.path, "--model", "scripted", "--with", write_plan(), "--with", other]
    code, _, err = confide(*command, "--with", "identity")
    assert code == 0, err
    assert folders(talks) == [
        "identity.scripted", "other-observer.scripted", "small-bare.roles", "small-observer.scripted",
        "small-self.roles",
    ]  # fmt: skip
    reports = json.loads(confide("traits", talks.path, "--json")[1])
    assert [report["plan"] for report in reports] == ["other", "small"]
    assert {(row["role"], row["source"]) for row in reports[0]["drift"]} == {("seeker", "observer")}
    assert {row["role"] for row in reports[1]["drift"]} == {"seeker", "supporter"}
    (scores,) = json.loads(confide("scores", talks.path, "--json")[1])
    assert scores["measure"] == "identity"
    assert "identity" in confide("scores", talks.path)[1]


def test_scores_of_a_run_that_was_only_asked_about_traits(confide, talks):
    assert confide("score", talks.path, "--with", write_plan(), "--model", "scripted")[0] == 0
    code, out, err = confide("scores", talks.path)
    assert (code, out) == (2, "")
    assert "was not read yet" in one_line(err)


def test_people_are_observed_and_not_asked(confide):
    Path("people.json").write_text(json.dumps([TALK]))
    run = confide("import", "esconv", "people.json")[1].splitlines()[-1]
    code, _, err = confide("score", run, "--with", write_plan(lines=1), "--model", "scripted")
    assert code == 0, err
    assert [folder.name for folder in (Path(run) / "measures").iterdir()] == ["small-observer.scripted"]
    (report,) = json.loads(confide("traits", run, "--json")[1])
    assert {row["source"] for row in report["drift"]} == {"observer"}


# What is printed


def test_the_floor_holds_scores_back_and_lowering_it_is_said(confide, talks, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert confide("score", talks.path, "--with", write_plan(), "--model", "scripted")[0] == 0
    code, out, _ = confide("traits", talks.path)
    assert code == 0
    assert "no scores, self: reliability unknown: 1 respondents answered every item, and it needs 10" in " ".join(
        out.split()
    )
    assert "these figures go down to" not in out
    assert "drift after turn" not in out
    assert "no profiles were answered for" in out
    code, out, _ = confide("traits", talks.path, "--floor", 0)
    assert "the plan's reliability floor is 0.70; these figures go down to 0.00" in out
    assert "drift after turn" in out
    assert "no scores" not in out
    assert confide("traits", talks.path, "--floor", 2)[0] == 2
    (held,) = json.loads(confide("traits", talks.path, "--json")[1])
    (shown,) = json.loads(confide("traits", talks.path, "--json", "--floor", 0)[1])
    assert (held["floor"], held["floor_of_plan"], shown["floor"], shown["floor_of_plan"]) == (0.7, 0.7, 0, 0.7)
    for row in held["drift"]:
        assert row["null"]
        assert [row["start"], row["end"], row["drift"]["mean"], row["noise"], row["series"]] == [None] * 4 + [[]]
    for row in shown["drift"]:
        assert row["null"] is None
        assert row["drift"]["n"] == 2
    rows = {(each["role"], each["source"]): each for each in shown["answering"]}
    assert set(rows) == {(role, source) for role in ("seeker", "supporter") for source in ("self", "bare", "observer")}
    assert all(each["valid"] == 1 and each["weighted"] == 0 for each in rows.values())
    assert any("no log-probabilities" in note for note in shown["caveats"])


def test_two_observers_are_told_apart(confide, talks, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    Path("models.yaml").write_text("models:\n  one: {provider: scripted}\n  two: {provider: scripted}\n")
    plan = write_plan(sources=["observer"], of=["seeker"])
    for name in ("one", "two"):
        assert confide("score", talks.path, "--with", plan, "--model", name)[0] == 0
    out = " ".join(confide("traits", talks.path, "--floor", 0)[1].split())
    for name in ("one", "two"):
        assert f"partial, seeker, observer {name}: drift after turn" in out
    (report,) = json.loads(confide("traits", talks.path, "--json")[1])
    rows = [(row["model"], row["factor"]) for row in report["drift"]]
    assert sorted(rows) == [
        (name, factor) for name in ("one", "two") for factor in ("emotionality", "honesty_humility")
    ]
    assert sorted(row["model"] for row in report["answering"]) == ["one", "two"]


def test_no_traits_yet_is_said_with_what_to_do(confide, talks):
    code, out, err = confide("traits", talks.path)
    assert (code, out) == (2, "")
    assert one_line(err).endswith(f"nobody was asked about traits yet: confide score {talks.path} --with traits")
    assert confide("score", talks.path, "--with", "identity", "--model", "scripted")[0] == 0
    assert confide("traits", talks.path)[0] == 2
    assert confide("traits", "nowhere")[0] == 2


# Mistakes


WRONG = {
    "a field": (lambda text: text + "evry: 2\n", "bad.yaml:7:1: evry"),
    "a source": (lambda text: text + "sources: [me]\n", "bad.yaml:7:"),
    "a bound": (lambda text: text + "every: 0\n", "bad.yaml:7:"),
    "no instrument": (lambda text: text.replace("little.yaml", "litle.yaml"), "'litle.yaml' is neither a file nor"),
    "its items": (lambda text: text.replace("little.yaml", "broken.yaml"), "broken.yaml:10:43: items[0].key"),
    "no wording": (lambda text: text + "wording: none.yaml\n", "none.yaml"),
    "its wording": (lambda text: text + "wording: mute.yaml\n", "mute.yaml:"),
    "a key alone": (lambda text: text.replace("little.yaml", "hexaco-60"), "confide instruments add"),
}


@pytest.mark.parametrize(("change", "expected"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_a_plan_is_exit_code_2_and_nothing_is_written(confide, talks, change, expected):
    Path("bad.yaml").write_text(change(Path(write_plan()).read_text()))
    Path("broken.yaml").write_text(INSTRUMENT.replace("key: -1", "key: 2"))
    Path("mute.yaml").write_text(PLAIN.replace("{items}", ""))
    code, out, err = confide("score", talks.path, "--with", "bad.yaml", "--model", "scripted")
    assert (code, out) == (2, "")
    assert expected in err
    assert all(line.startswith("confide: ") for line in err.splitlines())
    assert not (talks.path / "measures").exists()
    assert confide("run", *TALKS, "--with", "bad.yaml", "--reader", "scripted", "--runs", "none")[0] == 2
    assert not Path("none").exists()


def test_a_key_without_items_says_how_to_supply_them(confide, talks):
    Path("keyed.yaml").write_text(PLAN.replace("little.yaml", "hexaco-60"))
    _, _, err = confide("score", talks.path, "--with", "keyed.yaml", "--model", "scripted")
    assert "confide instruments add YOUR-ITEMS.txt --key hexaco-60" in one_line(err)


def test_an_unknown_name_and_two_plans_of_one_id_are_refused(confide, talks):
    code, _, err = confide("score", talks.path, "--with", "trait", "--model", "scripted")
    assert code == 2
    assert "did you mean 'traits'" in one_line(err)
    command = ["score", talks.path, "--with", write_plan(), "--with", write_plan("again.yaml"), "--model", "scripted"]
    code, _, err = confide(*command)
    assert code == 2
    assert "two trait plans have the id 'small'" in one_line(err)
    assert not (talks.path / "measures").exists()


def test_shipped_plans_are_read_as_plans(confide, talks):
    assert (
        set(shipped_plans()) == {file.stem for file in PLANS.glob("*.yaml")} == {"styles", "traits", "traits-markers"}
    )
    for name in shipped_plans():
        assert confide("score", talks.path, "--with", name, "--model", "scripted")[0] == 0


# Trouble


def is_probe(got):
    return any(text in str(got.messages[-1]) for text in TEXTS.values())


def test_an_endpoint_in_trouble_is_exit_code_1_and_the_same_command_goes_on(confide, talks, far):
    command = ["score", talks.path, "--with", write_plan(), "--model", "far"]
    far.script = after(3, refused(500, "overloaded"))
    code, _, err = confide(*command)
    assert code == 1
    assert "not finished: small-observer.far/shared-dog.partial.000" in err
    assert "overloaded" in err
    assert "the same command goes on from here" in err
    asked = len(far.chats)
    far.script = answering
    assert confide(*command)[0] == 0
    assert confide(*command)[0] == 0
    assert len(far.chats) == asked + 2 * 2 * 4 - 3  # of each role: a long form twice, a short and the rest of the last


def test_the_command_that_a_run_names_to_go_on_with_its_traits_goes_on(confide, far):
    far.script = after(2, refused(500, "overloaded"))
    command = ["run", *TALKS, "--with", write_plan(profiles=2), "--reader", "far"]
    code, _, err = confide(*command)
    assert code == 1
    for name in ("small-observer.far/shared-dog.partial.0000", "small-profiles.far/nobody"):
        assert f"confide: {name} is not read to its end: " in err
    assert "overloaded" in err
    far.script = answering
    again = shlex.split(err.splitlines()[-1].partition("go on with: confide ")[2])
    assert again[0] == "score"
    code, _, err = confide(*again)
    assert code == 0, err
    run = only_run()
    assert folders(run) == [
        "small-bare.roles", "small-observer.far", "small-profiles.far", "small-profiles.scripted", "small-self.roles",
    ]  # fmt: skip
    assert not list(run.path.glob("measures/*/live/*"))


def test_resume_goes_on_with_the_talks_and_says_what_goes_on_with_the_traits(confide, far):
    """The seeker's model breaks off: its talk and its probes stay open, and both go on."""
    far.script = after(6, refused(500, "overloaded"))
    plan = write_plan()
    command = ["run", "shared-dog", "--model", "far", "--turns", 6, "--with", plan, "--reader", "scripted"]
    code, _, err = confide(*command)
    assert code == 1
    run = only_run()
    far.script = answering
    code, _, err = confide("resume", run.path)
    assert kinds(run.logs()[0])[-1] == "ended"
    again = shlex.split(err.splitlines()[-1].partition("go on with: confide ")[2])
    code, _, err = confide(*again)
    assert code == 0, err
    assert folders(run) == ["small-bare.roles", "small-observer.scripted", "small-self.roles"]
    assert not list(run.path.glob("measures/*/live/*"))
