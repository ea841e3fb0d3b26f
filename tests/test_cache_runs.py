"""Runs and readings with the cache of answers: hits in logs, what they cost, and what is never answered by one."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from confide.commands.budget import BudgetReachedError, Spending
from confide.commands.progress import RunProgress
from confide.evaluators.audit import audit_log
from confide.evaluators.tabular import tables
from confide.scenarios.experiments import Budget
from confide.scenarios.library import LIBRARY
from confide.simulator import Called, RunFolder, read_log, replay
from tests.helpers import only_run
from tests.test_cli_score import far
from tests.trait_helpers import INSTRUMENT, PLAN

__all__ = ["far"]  # a fixture
RUN = ("run", "shared-dog", "--model", "far", "--turns", 4)
FREE = "price: {prompt: 1, completion: 1}"


def add(line):
    """Another field for the model ``far``."""
    file = Path("models.yaml")
    file.write_text(file.read_text().replace("key_env: null", f"key_env: null, {line}"))


def started(confide, *args):
    """Run; gives the run's folder, and what was said on standard error."""
    code, out, err = confide(*args)
    assert code == 0, err
    return RunFolder.open(Path(out.splitlines()[-1])), err


def calls_in(run, pattern="conversations/*.jsonl"):
    return [event for log in sorted(run.path.glob(pattern)) for event in read_log(log).events if event.kind == "called"]


def without_time(run):
    told = ("at", "hit", "seconds", "cost", "digest")
    return [
        [{name: value for name, value in event.model_dump(mode="json").items() if name not in told} for event in events]
        for events in (read_log(log).events for log in run.logs())
    ]


def test_the_same_run_again_is_answered_by_the_cache(confide, far):
    add(FREE)
    first, _ = started(confide, *RUN, "--n", 2)
    asked = len(far.chats)
    assert not any(call.hit for call in calls_in(first)), "replicates share no answer"
    second, err = started(confide, *RUN, "--n", 2)
    assert len(far.chats) == asked == 8
    assert without_time(first) == without_time(second)
    hits = calls_in(second)
    assert {(call.hit, call.cost, call.seconds, call.attempts) for call in hits} == {(True, 0.0, 0.0, ())}
    assert sum(call.cost for call in calls_in(first)) > 0
    assert "0 tokens/s, $0.0000, 8 answers from the cache" in err


def test_a_log_with_hits_replays_and_stands_the_audit(confide, far):
    started(confide, *RUN)
    run, _ = started(confide, *RUN, "--turns", 8)
    assert [call.hit for call in calls_in(run)] == [True] * 4 + [False] * 4
    (log,) = run.logs()
    replay(read_log(log).events)
    assert audit_log(log).breaches == ()
    assert confide("replay", run.path)[0] == 0


def test_a_log_from_before_there_were_hits_is_read_and_replays(confide, far):
    run, _ = started(confide, *RUN)
    (log,) = run.logs()
    old = log.read_text().replace(',"hit":false', "")
    assert old.count("hit") == 0
    log.write_text(old)
    events = read_log(log).events
    assert [event.hit for event in events if event.kind == "called"] == [False] * 4
    replay(events)


def test_a_run_that_was_interrupted_between_hits_is_resumed(confide, far):
    started(confide, *RUN)
    run, _ = started(confide, *RUN, "--turns", 6)
    (log,) = run.logs()
    lines = log.read_text().splitlines(keepends=True)
    second = next(number for number, line in enumerate(lines) if '"turn":3' in line)
    run.live(log.stem).write_text("".join(lines[:second]))
    log.unlink()
    asked = len(far.chats)
    assert confide("resume", run.path, "--cache-only")[0] == 0
    assert len(far.chats) == asked
    assert [call.hit for call in calls_in(run)] == [True] * 6
    replay(read_log(log).events)


def test_without_the_cache_all_is_asked_and_nothing_is_kept(confide, far, own_answers):
    for _ in range(2):
        run, _ = started(confide, *RUN, "--no-cache")
        assert not any(call.hit for call in calls_in(run))
    assert len(far.chats) == 8
    assert not own_answers.exists()
    started(confide, *RUN)
    started(confide, *RUN, "--no-cache")
    assert len(far.chats) == 16


def test_the_cache_alone_ends_the_command_with_one_line_where_it_has_nothing(confide, far, own_answers):
    code, out, err = confide(*RUN, "--cache-only")
    assert (code, out, far.got) == (2, "", [])
    first, last = err.splitlines()[-2:]
    assert f"{own_answers} has no answer to a call" in first
    assert last == f"confide: what was answered is kept; go on with: confide resume {only_run().path}"
    assert [event.kind for log in only_run().logs() for event in read_log(log).events] == ["started"]
    assert confide("resume", only_run().path)[0] == 0
    assert len(far.chats) == 4


@pytest.mark.parametrize(
    "command",
    [("score", "--with", "strategies", "--model", "far"), ("judge", "--with", "support", "--model", "far")],
    ids=["score", "judge"],
)
def test_readers_are_answered_by_the_cache_and_by_it_alone(confide, far, command):
    run, _ = started(confide, "run", "shared-dog", "--model", "scripted", "--turns", 4, "--condition", "presets")
    name, *options = command
    code, _, err = confide(name, run.path, *options, "--cache-only")
    assert code == 2
    assert "leave --cache-only out" in err.splitlines()[-1]
    assert far.got == []
    assert confide(name, run.path, *options)[0] == 0
    asked = len(far.chats)
    assert asked
    for log in [*run.path.glob("measures/*/*.jsonl"), *run.path.glob("judgements/*/*.jsonl")]:
        log.unlink()
    assert confide(name, run.path, *options, "--cache-only")[0] == 0
    assert len(far.chats) == asked
    calls = calls_in(run, "measures/*/*.jsonl") + calls_in(run, "judgements/*/*.jsonl")
    assert len(calls) >= asked  # what was said alike in two conditions is read once
    assert all(call.hit for call in calls)


@pytest.mark.parametrize("seed", ["true", "false"])
def test_askings_anew_are_never_answered_by_the_cache(confide, far, seed):
    """The noise floor is what the model says when it is asked again, not what was kept of the first time."""
    add(f"seed: {seed}")
    Path("little.yaml").write_text(INSTRUMENT)
    Path("small.yaml").write_text(PLAN + "administration: item\nretests: 2\nlines: 1\nsources: [self, observer]\n")
    run, _ = started(confide, "run", "shared-dog", "--model", "far", "--turns", 4, "--n", 2)
    for what in (("small.yaml",), ("strategies", "--repeats", 3)):
        started(confide, "score", run.path, "--model", "far", "--with", *what)
    for pattern in ("measures/small-self*/*.jsonl", "measures/small-observer*/*.jsonl", "measures/strat*/*.jsonl"):
        calls = calls_in(run, pattern)
        assert max(Counter(call.prompt for call in calls).values()) >= 3, "the same words are put again"
        assert not any(call.hit for call in calls)
    assert ({"seed"} <= far.chats[0].body.keys()) is (seed == "true")


def test_tables_say_which_answers_were_hits(confide, far):
    started(confide, *RUN)
    run, _ = started(confide, *RUN, "--turns", 6)
    assert tables(run.path, "calls")["hit"].tolist() == [True] * 4 + [False] * 2


def called(**fields):
    base = dict.fromkeys(Called.model_fields)
    given = {"kind": "called", "v": 1, "seq": 0, "turn": 0, "purpose": "speak", "kept": 0, "segments": (), "texts": {}}
    figures = {"prompt": "", "seed": 0, "reply": "", "finish_reason": "stop", "attempts": (), "hit": False}
    return Called(**{**base, **given, **figures, **fields})


def test_a_hit_takes_nothing_of_a_budget():
    spent = Spending(Budget(tokens=100, usd=1))
    for _ in range(10):
        spent.see(called(hit=True, prompt_tokens=50, completion_tokens=20, cost=0.0))
        spent.see(called(hit=True))  # nobody knows what it took, and it does not matter
    spent.see(called(prompt_tokens=50, completion_tokens=20, cost=0.5))
    with pytest.raises(BudgetReachedError):
        spent.see(called(prompt_tokens=50, completion_tokens=20, cost=0.4))


def test_progress_does_not_count_a_hits_tokens_as_spoken():
    progress = RunProgress(1, 0, quiet=True)
    progress.see(called(hit=True, completion_tokens=1000, cost=0.0))
    assert progress._counts().endswith("0 tokens/s, $0.0000, 1 answers from the cache")


def test_a_conversations_own_limit_of_tokens_counts_hits_as_it_counted_the_answers(confide, far):
    file = Path("talk.yaml")
    file.write_text(
        re.sub("limits:.*", "limits: {turns: 8, tokens: 500}", (LIBRARY / "shared-dog.yaml").read_text(), flags=re.S)
    )
    first, _ = started(confide, "run", file, "--model", "far")
    second, _ = started(confide, "run", file, "--model", "far")
    ends = [read_log(log).events[-1] for run in (first, second) for log in run.logs()]
    assert [(end.reason, end.turns) for end in ends] == [("budget", 4)] * 2
    assert len(far.chats) == 4


def test_no_key_is_in_the_cache(confide, far, own_answers, monkeypatch):
    monkeypatch.setenv("FAR_KEY", "sk-very-secret")
    file = Path("models.yaml")
    file.write_text(file.read_text().replace("key_env: null", "key_env: FAR_KEY"))
    started(confide, *RUN)
    assert "sk-very-secret" in json.dumps([dict(got.headers) for got in far.chats])
    stored = b"".join(path.read_bytes() for path in own_answers.parent.iterdir())
    assert b"sk-very-secret" not in stored
