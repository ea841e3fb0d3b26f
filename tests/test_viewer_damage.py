"""Logs that are cut, altered or written by others. Law: the turns before the damage are shown, with one clear line."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confide.simulator import RunFolder, read_log
from confide.viewer.indexing import Indexer
from confide.viewer.shown import GoneError
from confide.viewer.talk import ALTERED, CUT, open_log
from tests.condition_helpers import GIVEN
from tests.viewer_helpers import (
    called,
    copy_of,
    hand_run,
    key,
    lab,
    row,
    rows,
    show,
    words,
)

__all__ = ["lab"]  # fixtures
ONE = "shared-dog.partial.0000"
OTHER = "shared-dog.omniscient.0000"


@pytest.fixture
def run(lab, tmp_path):
    """One of the lab's conversations alone, read by nobody."""
    copy = RunFolder.create(tmp_path / "runs", lab.record)
    shutil.copy(lab.final(ONE), copy.final(ONE))
    return copy


@pytest.fixture
def studied(lab, tmp_path):
    """The lab's conversations, two alone, with all that readers found."""
    copy = copy_of(lab, tmp_path / "runs" / "copy")
    for log in copy.path.rglob("*.jsonl"):
        if log.stem not in (ONE, OTHER) and "profiles" not in log.parent.name:
            log.unlink()
    return copy


@pytest.fixture
def log(run):
    return run.final(ONE)


def look(run, conversation=ONE):
    """The document and the row of a conversation, through an index that is made for it."""
    folder = run.path.parent / "looked"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shown = show(folder, run)
    found = row(shown, conversation)
    talk = shown.talk(found.key)
    assert (found.state, found.turns) == (talk.state, len(talk.turns))
    assert talk.damage is None or ("\n" not in talk.damage and len(talk.damage) < 300)
    assert (talk.damage is not None) == (talk.state == "damaged")
    assert shown.talk(found.key, blind=True).turns or not talk.turns
    assert len(rows(shown)) == len(run.logs())
    return talk


def whole(log):
    return log.read_bytes().splitlines(keepends=True)


def turns_in(lines):
    return sum(b'"kind":"spoke"' in line for line in lines)


def is_part(talk, before):
    assert [turn.utterance for turn in talk.turns] == [turn.utterance for turn in before.turns[: len(talk.turns)]]


def test_a_log_that_is_cut_in_the_middle_of_a_line(run, log):
    before, data = look(run), log.read_bytes()
    assert before.state == "finished"
    for cut in (len(data) - 1, len(data) - 30, len(data) // 2, len(data) // 3, 20):
        log.write_bytes(data[:cut])
        found = look(run)
        assert (found.state, found.damage) == ("damaged", CUT)
        assert len(found.turns) == data[:cut].count(b'"kind":"spoke"', 0, data[:cut].rfind(b"\n") + 1)
        is_part(found, before)


def test_whole_lines_that_are_missing_at_the_end(run, log):
    before, lines = look(run), whole(log)
    for kept in range(1, len(lines)):
        log.write_bytes(b"".join(lines[:kept]))
        found = look(run) if kept in (1, len(lines) // 2, len(lines) - 1) else None
        opened = open_log(run, ONE)
        assert (opened.state, opened.damage, len(opened.events)) == ("damaged", CUT, kept)
        if found:
            assert len(found.turns) == turns_in(lines[:kept])
            is_part(found, before)


def test_one_byte_of_what_was_said_that_was_altered(run, log):
    before = look(run)
    text = before.turns[2].utterance
    altered = log.read_bytes().replace(json.dumps(text)[1:-1].encode(), text.swapcase().encode())
    log.write_bytes(altered)
    found = look(run)
    assert (found.state, found.damage) == ("damaged", ALTERED)
    assert found.turns[2].utterance == text.swapcase()
    assert len(found.turns) == len(before.turns)
    assert (found.measures, found.drift, found.annotators) == ((), (), ()), "figures are of what was written"


@settings(max_examples=30, **GIVEN)
@given(st.data())
def test_any_byte_that_is_altered_is_seen_and_nothing_raises(lab, tmp_path_factory, data):
    run = RunFolder.open(lab.path)
    log = bytearray(run.final(ONE).read_bytes())
    end = bytes(log).rfind(b"\n", 0, -1)
    at = data.draw(st.integers(0, end))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != log[at]))
    log[at] = byte
    copy = hand_run(tmp_path_factory.mktemp("altered"), **{ONE: words(ONE, "x"), "whole": words("whole", "y")})
    copy.final(ONE).write_bytes(log)
    found = look(copy)
    assert found.state == "damaged"
    assert found.damage


@pytest.mark.parametrize(
    "other", [b"garbage\n", b"\n", b"{}\n", b"\xff\xfe\n", b"[1]\n", b'{"v":1,"kind":"sang"}\n', b"null\n"]
)
def test_a_line_in_the_middle_that_is_no_event(run, log, other):
    before, lines = look(run), whole(log)
    at = len(lines) // 2
    log.write_bytes(b"".join([*lines[:at], other, *lines[at:]]))
    found = look(run)
    assert found.state == "damaged"
    assert found.damage.startswith(f"line {at + 1}: ")
    assert len(found.turns) == turns_in(lines[:at])
    assert len(found.calls) == sum(b'"kind":"called"' in line for line in lines[:at])
    is_part(found, before)


@pytest.mark.parametrize("content", [b"", b"\n", b"garbage\n", b"garbage", b'{"v":1,"se', b"\x00" * 500])
def test_a_file_of_nothing_that_can_be_read(run, log, content):
    log.write_bytes(content)
    found = look(run)
    assert (found.state, found.turns, found.calls, found.setting) == ("damaged", (), (), None)


def test_a_first_line_that_is_not_the_beginning(run, log):
    lines = [json.loads(line) for line in whole(log)][1:]
    log.write_text("".join(json.dumps({**line, "seq": seq}) + "\n" for seq, line in enumerate(lines)))
    found = look(run)
    assert (found.state, found.turns) == ("damaged", ())
    assert "'started'" in found.damage
    assert found.damage.startswith("line 1: ")


@pytest.mark.parametrize("at", [0, 5])
def test_a_line_of_a_newer_version(run, log, at):
    lines = whole(log)
    lines[at] = lines[at].replace(b'{"v":1,', b'{"v":2,')
    log.write_bytes(b"".join(lines))
    found = look(run)
    assert found.damage == f"line {at + 1}: written by another version of confide (this one reads version 1)"
    assert len(found.turns) == turns_in(lines[:at])


def test_a_line_twice_or_one_too_few(run, log):
    lines = whole(log)
    for changed, wrong in (
        (lines[:4] + lines[3:], "expected event 4, not 3"),
        (lines[:3] + lines[4:], "expected event 3, not 4"),
    ):
        log.write_bytes(b"".join(changed))
        found = look(run)
        assert found.state == "damaged"
        assert wrong in found.damage


def test_lines_after_the_end(run, log):
    lines = whole(log)
    for more in (b"x", b"{", lines[1], lines[-1]):
        log.write_bytes(b"".join(lines) + more)
        assert look(run).state == "damaged"


def test_a_live_log_is_open_as_far_as_it_goes(run, log):
    lines = whole(log)
    log.unlink()
    live = run.live(ONE)
    for kept, torn in ((0, b""), (1, b""), (5, lines[5][:40]), (len(lines) - 1, b""), (len(lines) - 1, lines[-1][:-1])):
        live.write_bytes(b"".join(lines[:kept]) + torn)
        found = look(run)
        assert (found.state, found.damage, found.end) == ("open", None, None)
        assert len(found.turns) == turns_in(lines[:kept])
    live.write_bytes(b"".join(lines[:5]) + b"garbage\n" + lines[5])
    found = look(run)
    assert found.state == "damaged"
    assert len(found.turns) == turns_in(lines[:5])


def test_a_conversation_of_no_turns(tmp_path):
    run = hand_run(tmp_path, hand=words("hand"))
    found = look(run, "hand")
    assert (found.state, found.turns, found.end) == ("finished", (), "turn_limit")
    assert {each.how for each in found.knows} == {"owns"}


@pytest.mark.parametrize("number", [1, 2, -1, 2**23, 2**70, -(2**70)])
def test_turns_with_numbers_that_no_talk_has(run, log, number):
    """An altered log may number two turns alike, or say anything."""
    data = log.read_bytes()
    at = data.index(b'"kind":"spoke","turn":3,')
    log.write_bytes(data[:at] + data[at:].replace(b'"turn":3,', f'"turn":{number},'.encode(), 1))
    found = look(run)
    assert (found.state, found.damage) == ("damaged", ALTERED)
    assert [turn.turn for turn in found.turns] == [0, 1, 2, number, 4, 5]


def test_a_log_that_moves_to_its_final_place_while_it_is_read(run, log, monkeypatch):
    """It is read to its end in ``live``, and is gone from there when its digest is looked at."""
    from confide.viewer import talk as module

    real, moved = module.salvage, []

    def salvage(file):
        found = real(file)
        if not moved:
            moved.append(file)
            run.live(ONE).rename(log)
        return found

    log.rename(run.live(ONE))
    monkeypatch.setattr(module, "salvage", salvage)
    assert open_log(run, ONE).state == "finished"
    assert moved == [run.live(ONE)]


def test_a_log_that_is_gone_is_said_to_be_gone(run, tmp_path):
    shown = show(tmp_path, run)
    gone = key(shown, ONE)
    run.final(ONE).unlink()
    with pytest.raises(GoneError, match="moved or deleted"):
        shown.talk(gone)
    with pytest.raises(GoneError):
        shown.talk(gone, blind=True)


# Side logs


def test_a_damaged_side_log_is_a_problem_of_its_reader_alone(studied):
    before = look(studied)
    for measure in before.measures:
        side = studied.path / "measures" / measure.key / f"{ONE}.jsonl"
        data = side.read_bytes()
        side.write_bytes(data[:200] + b"\ngarbage\n")
        found = look(studied)
        assert found.state == "finished"
        assert {each.key: each.problem is None for each in found.measures} == {
            each.key: each.key != measure.key for each in before.measures
        }
        (bad,) = [each for each in found.measures if each.key == measure.key]
        assert "\n" not in bad.problem
        assert (bad.answers, [each for each in found.annotators if each.name == bad.key]) == ((), [])
        assert all(each.problem is None for each in look(studied, OTHER).measures)
        side.write_bytes(data)


def test_a_reader_whose_record_cannot_be_read_hides_no_conversation(studied, tmp_path):
    (studied.path / "measures" / "identity.scripted" / "measure.json").write_text("{")
    found = look(studied)
    assert found.state == "finished"
    assert len(found.turns) == 6
    (info,) = show(tmp_path, studied).home().runs
    assert "measure.json" in info.problem


def test_a_reader_with_a_rubric_that_cannot_be_read_hides_no_conversation(studied):
    file = studied.path / "measures" / "strategies.scripted" / "measure.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "rubric": "- nonsense"}))
    found = look(studied)
    assert found.state == "finished"
    assert "identity.scripted" in {measure.key for measure in found.measures}


def test_readings_of_another_transcript_are_refused_with_why(studied, tmp_path):
    log = studied.final(ONE)
    data = log.read_bytes().splitlines(keepends=True)
    talk = look(studied)
    said = json.dumps(talk.turns[0].utterance).encode()
    events = read_log(log).events
    log.unlink()
    changed = [
        event.model_copy(update={"reply": event.reply.model_copy(update={"utterance": "Something else."})})
        if event.kind == "spoke" and event.turn == 0 else event for event in events
    ]  # fmt: skip
    with studied.writer(ONE) as writer:
        writer.write(*(event.model_copy(update={"digest": None, "at": None}) if event.kind == "ended"
                       else event.model_copy(update={"at": None}) for event in changed))  # fmt: skip
        writer.commit()
    assert said in b"".join(data)
    found = look(studied)
    assert found.state == "finished"
    assert all("another transcript" in each.problem for each in found.measures)
    assert len(found.measures) == 5
    assert (found.drift, found.annotators) == ((), ())
    shown = show(tmp_path, studied)
    assert (row(shown, ONE).agreement, row(shown, ONE).drift) == (None, None)
    assert "another transcript" in row(shown, ONE).agreement_note


def test_a_reading_under_way_has_no_answers_yet_but_its_calls(studied, tmp_path):
    folder = studied.path / "measures" / "strategies.scripted"
    side = folder / f"{ONE}.jsonl"
    expected = called(side)
    lines = whole(side)
    side.unlink()
    (folder / "live" / side.name).write_bytes(b"".join(lines[:4]) + lines[4][:20])
    found = look(studied)
    (open_one,) = [each for each in found.measures if each.key == "strategies.scripted"]
    assert (open_one.answers, open_one.problem) == ((), "it was not read to its end")
    shown = show(tmp_path, studied)
    calls = shown.calls(key(shown, ONE), "strategies.scripted").calls
    assert [call.prompt for call in calls] == [call.prompt for call in expected][: len(calls)] != []


def test_an_index_that_meets_damage_goes_on_with_the_rest(studied, tmp_path):
    studied.final(ONE).write_bytes(b"\xff\n")
    (studied.path / "measures" / "traits-markers-self.roles" / f"{OTHER}.jsonl").write_bytes(b"\xff\n")
    shown = show(tmp_path, studied)
    assert {each.conversation: each.state for each in rows(shown)} == {ONE: "damaged", OTHER: "finished"}
    assert row(shown, OTHER).agreement is not None
    assert ".jsonl:1:1: not an event" in row(shown, OTHER).drift_note
    again = Indexer(shown.index)
    again.refresh(shown.runs)
    assert again.waiting == 0
