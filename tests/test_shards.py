"""Shards: parts of one run that know nothing of one another, and the run that is made of them."""

import json
import os
import shutil
from pathlib import Path

import pytest

from confide.commands.budget import budget_of
from confide.evaluators.audit import NOTHING, audit_run
from confide.scenarios import ConfideError, read_scenarios
from confide.simulator import RunFolder, Wishes, plan_run
from confide.simulator.merging import merge
from confide.simulator.shards import ShardRecord, parse_shard
from confide.simulator.usage import read_usage
from confide.viewer.notes import FOLDER, NoteDraft, read_notes, save_note
from tests.scale_helpers import all_words, must_be_whole

ARGS = ("exam-panic", "shared-dog", "--condition", "partial", "--condition", "script", "--n", 3, "--turns", 6)
READ = ("--model", "scripted", "--with", "identity", "--reader", "scripted")


@pytest.fixture
def run_of(confide):
    def run(*args):
        code, out, err = confide("run", *ARGS, *READ, *args)
        assert code == 0, err
        return RunFolder.open(out.split()[-1])

    return run


@pytest.fixture
def shards(run_of):
    return [run_of("--shard", f"{number}/4") for number in range(1, 5)]


def merged_of(confide, shards, code=0, out="whole"):
    told, printed, err = confide("merge", *(shard.path for shard in shards), "--out", out)
    assert told == code, err
    assert printed.strip() == out
    return RunFolder.open(out), err


def test_shards_are_the_run_and_merged_they_are_it_again(confide, run_of, shards):
    whole = run_of()
    assert [shard.record.size for shard in shards] == [3, 3, 3, 3]
    assert [shard.record.id.rpartition("-")[2] for shard in shards] == ["1of4", "2of4", "3of4", "4of4"]
    plan = [each.id for each in whole.planned()]
    for number, shard in enumerate(shards):
        must_be_whole(shard)
        assert [each.id for each in shard.planned()] == plan[number::4]
    before = {file: file.read_bytes() for shard in shards for file in shard.path.rglob("*.json*")}
    merged, err = merged_of(confide, shards)
    assert err == ""
    must_be_whole(merged)
    assert all_words(merged) == all_words(whole)
    record, expected = merged.record.model_dump(), whole.record.model_dump()
    for name in ("id", "created", "command", "merged"):
        record.pop(name), expected.pop(name)
    assert record == expected
    assert merged.record.id == "whole"
    assert merged.record.merged == tuple(shard.record.id for shard in shards)
    assert "--shard" not in merged.record.command
    assert {file: file.read_bytes() for shard in shards for file in shard.path.rglob("*.json*")} == before
    total = NOTHING
    for part in audit_run(merged):
        total = total.plus(part)
    assert (total.conversations, total.breaches, total.unfinished) == (12, (), 0)
    assert merged.final(plan[0]).samefile(shards[0].final(plan[0])), "nothing is stored twice"
    assert sum(usage.conversations for usage in read_usage(merged)) == 12, "what was spent is not lost"
    assert not list(Path().glob(".whole*")), "nothing is left lying about"


def test_what_is_missing_is_told_and_resume_runs_it(confide, run_of, shards):
    gone = shards[2].finished()[0]
    shards[2].live(gone.stem).write_bytes(gone.read_bytes()[:20_000])
    gone.unlink()
    merged, err = merged_of(confide, [shards[3], shards[0], shards[2]], code=1)
    assert "confide: missing shards: 2/4\n" in err
    assert "confide: 4 of 12 not finished; go on with: confide resume whole\n" in err
    assert merged.live(gone.stem).exists(), "what was answered is kept"
    code, _, err = confide("resume", "whole", "--executor", "processes", "--workers", 2)
    assert code == 0, err
    assert "3 not read to their end; go on with: confide score whole" in err
    must_have = run_of()
    words, expected = all_words(merged), all_words(must_have)
    assert {name: words[name] for name in expected if "/" not in name} == {
        name: each for name, each in expected.items() if "/" not in name
    }
    assert not list((merged.path / "live").iterdir())


def test_packed_shards_merge_as_others_do(confide, shards):
    merged, _ = merged_of(confide, shards)
    for shard in shards[:3]:
        confide("pack", shard.path)
    again, _ = merged_of(confide, shards, out="again")
    assert all_words(again) == all_words(merged)
    kept = [merged.final(each.id).stat().st_mtime_ns for each in merged.planned()]
    assert [again.final(each.id).stat().st_mtime_ns for each in again.planned()] == kept


def test_without_hard_links_logs_are_copied(confide, shards, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    merged, _ = merged_of(confide, shards)
    must_be_whole(merged)


def test_notes_of_all_shards_are_kept(confide, shards):
    for shard in shards[:2]:
        save_note(shard, shard.finished()[0].stem, NoteDraft(key="k", reader="ada", transcript="t", turn=1, text="Hm.", tags=(), strategies=None, blind=False))  # fmt: skip
    with (shards[0].path / FOLDER / "ada.jsonl").open("ab") as torn:
        torn.write(b'{"torn')
    merged, _ = merged_of(confide, shards)
    assert len(read_notes(merged)) == 2


def test_what_is_asked_of_profiles_is_asked_once(confide):
    ask = ("--model", "scripted", "--with", "traits-markers", "--reader", "scripted")
    for number in (1, 2):
        code, out, err = confide("run", "exam-panic", "--n", 2, "--turns", 4, *ask, "--shard", f"{number}/2")
        assert code == 0, err
        profiles = list(Path(out.strip()).glob("measures/*profiles*/*.jsonl"))
        assert bool(profiles) is (number == 1)
    code, out, err = confide("merge", *Path("runs").iterdir(), "--out", "whole")
    assert code == 0, err
    assert confide("traits", "whole")[0] == 0


# --- what does not belong together ------------------------------------------------------------------------------------


def must_refuse(confide, runs, why, out="whole"):
    code, printed, err = confide("merge", *runs, "--out", out)
    assert (code, printed) == (2, "")
    assert why in err
    assert err.count("\n") == 1
    assert out != "whole" or not Path("whole").exists()
    assert not list(Path().glob(".whole*"))


def changed(shard, change):
    """A copy of a shard whose record says something else."""
    copy = Path(shutil.copytree(shard.path, f"{shard.path}-changed"))
    data = json.loads((copy / "run.json").read_text())
    change(data)
    (copy / "run.json").write_text(json.dumps(data))
    return copy


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda data: data.update(seed=9), "another seed"),
        (lambda data: data.update(replicates=4), "another replicates"),
        (lambda data: data["shard"].update(of=5), "another number of shards"),
        (lambda data: data["models"]["scripted"].update(latency_ms=1), "another models.scripted.latency_ms"),
        (lambda data: data["models"].update(other=data["models"]["scripted"]), "another models"),
        (lambda data: data["software"].update(confide="9"), "another software.confide"),
        (lambda data: data["scenarios"][0]["prompts"].update(seeker="x"), "another scenarios.0.prompts.seeker"),
        (lambda data: data["conditions"].pop(), "another conditions"),
    ],
)
def test_shards_of_another_run_are_refused(confide, run_of, change, where):
    one, two = run_of("--shard", "1/4"), run_of("--shard", "2/4")
    other = changed(two, change)
    must_refuse(confide, [one.path, other], f"{other} is no shard of the same run as {one.path}: {where}")


def test_shards_of_other_machines_and_endpoints_are_not(confide, run_of):
    one, two = run_of("--shard", "1/2"), run_of("--shard", "2/2")

    def elsewhere(data):
        data["software"].update(platform="another")
        data["models"]["scripted"].update(concurrency=3)

    merged, _ = merged_of(confide, [one, RunFolder.open(changed(two, elsewhere))])
    must_be_whole(merged)


def test_other_strangers_are_refused(confide, run_of, shards):
    whole = run_of()
    must_refuse(confide, [shards[0].path, whole.path], f"{whole.path} is a whole run: only runs of --shard")
    twin = run_of("--shard", "1/4")
    must_refuse(confide, [shards[0].path, shards[1].path, twin.path], "are the same shard, 1/4")
    must_refuse(confide, [Path("nowhere")], "nowhere/run.json:1:1: there is no such file")
    Path("there").mkdir()
    must_refuse(confide, [shards[0].path], "there is there already", out="there")


def test_a_conversation_in_two_shards_with_other_words_is_refused(confide, shards):
    log = shards[0].finished()[0]
    shutil.copy(log, shards[1].path / "conversations")
    merged, _ = merged_of(confide, shards, out="same")
    assert len(merged.finished()) == 12
    (shards[1].path / "conversations" / log.name).write_bytes(b"other words\n")
    must_refuse(
        confide, [shard.path for shard in shards], f"{log.name} is in another shard, too, with other words in it"
    )


def test_shards_that_were_read_otherwise_are_refused(confide, shards):
    file = next(shards[1].path.glob("measures/*/measure.json"))
    file.write_text(json.dumps({**json.loads(file.read_text()), "repeats": 2}))
    must_refuse(confide, [shard.path for shard in shards], "another shard was read otherwise under this name")


def test_a_merge_that_fails_leaves_nothing(confide, shards, monkeypatch):
    from confide.simulator import merging

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(merging, "write_new", full)
    must_refuse(confide, [shard.path for shard in shards], "cannot write whole: No space left on device")


# --- the parts --------------------------------------------------------------------------------------------------------


def test_shards_have_all_conversations_between_them():
    for whole in range(12):
        for of in range(1, 14):
            assert sum(ShardRecord(number=number, of=of).size(whole) for number in range(1, of + 1)) == whole


@pytest.mark.parametrize("text", ["0/4", "5/4", "x", "1", "/", "1/", "-1/4", "1/4/2", "1.0/4", "٢/٣", "", "1 / 4", "9999999/9999999"])  # fmt: skip
def test_no_shard(text):
    with pytest.raises(ConfideError, match="expected i/n with i from 1 to n"):
        parse_shard(text)


def test_a_shard_may_cost_its_part(tmp_path, monkeypatch):
    from confide.scenarios.experiments import read_experiment

    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(
        "id: small\ntitle: Small\nquestion: Does it run?\nscenarios: [exam-panic]\nconditions: [partial]\n"
        "replicates: 8\nbudget: {tokens: 1000, usd: 2, minutes: 5}\n"
    )
    loaded = read_experiment(Path("mine.yaml"))
    wishes = Wishes("scripted", 8, conditions=loaded.conditions, experiment=loaded)
    from confide.agents.models import known_models

    record, _ = plan_run(read_scenarios(["exam-panic"]), known_models(), wishes)
    budget = budget_of(record.part(ShardRecord(number=2, of=4)))
    assert (budget.tokens, budget.usd, budget.minutes) == (250, 0.5, 5)


def test_merging_nothing_is_refused(tmp_path):
    with pytest.raises(ConfideError, match="no run is given"):
        merge([], tmp_path / "out")
