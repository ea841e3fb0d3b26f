"""Tables: what a log says comes out, cell by cell; what it does not say is missing; files are whole and agree."""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import confide as api
from confide.agents import Attempt, Fault
from confide.agents.reply import SeekerReply, SupporterReply
from confide.cli import main
from confide.evaluators.disclosure import facts_told
from confide.evaluators.exchange import import_esconv
from confide.evaluators.tabular import TABLES, columns_of, describe
from confide.evaluators.traits import trait_reports
from confide.scenarios import Role
from confide.simulator import Called, Ended, EndReason, Failed, Learned, Measured, Noticed, Spoke, read_log
from confide.simulator.store import RunFolder
from tests.test_exchange import TALK
from tests.test_sample import SAMPLE

DOCS = Path(__file__).parent.parent / "docs" / "tables.md"
ID = "awake-at-three.partial.0000"
BLANK = dict.fromkeys(Called.model_fields)


def frame(run, table):
    return api.tables(run if isinstance(run, str | Path | list) else run.path, table)


def row(found, index=0):
    """One row, with None for all that is missing."""
    values = found.iloc[index].to_dict()
    return {name: None if not isinstance(each, list) and pd.isna(each) else each for name, each in values.items()}


def called(seq, turn, role, **fields):
    given = {"purpose": "speak", "kept": 0, "segments": (), "texts": {}, "prompt": "p", "seed": 1, "reply": "r",
             "finish_reason": "stop", "attempts": (), "hit": False, **fields}  # fmt: skip
    base = {name: None for name in BLANK if name not in ("v", "kind")}
    return Called(**{**base, "seq": seq, "at": 10.0, "turn": turn, "role": role, **given})


def hand_made():
    """Three turns: a fact asked for and told, one told against the rule, one spoken of untold, failures on the way."""
    started = read_log(SAMPLE / "conversations" / f"{ID}.jsonl").events[0]
    first, second = (fact.id for fact in started.scenario.seeker.facts[:2])
    own = started.scenario.supporter.facts[0].id
    tries = (Attempt(fault=Fault.TIMEOUT, message="late", seconds=2.5),)
    seeker, supporter = Role.SEEKER, Role.SUPPORTER
    return [
        started,
        called(1, 0, supporter, prompt_tokens=10, cached_tokens=0, completion_tokens=5, cost=0.5, seconds=1.0, attempts=tries),
        Failed(seq=2, turn=0, role=supporter, stage="read", purpose="speak", fault="unreadable", message="no JSON"),
        called(3, 0, supporter, purpose="repair", prompt_tokens=20, cached_tokens=10, completion_tokens=5, cost=0.25, seconds=2.0),
        Spoke(seq=4, turn=0, role=supporter, reply=SupporterReply(utterance="How do  you\nsleep?", strategies=("Question", "Others"), told=())),
        Noticed(seq=5, turn=0, role=supporter, fact=first, what="asked", detector="d", score=None),
        called(6, 1, seeker, prompt_tokens=30, cached_tokens=0, completion_tokens=6, cost=0.25, seconds=None),
        Spoke(seq=7, turn=1, role=seeker, reply=SeekerReply(utterance="Badly.", thoughts="", emotion=0, trust=40, told=(first,))),
        Learned(seq=8, turn=1, fact=first, by=supporter),
        Noticed(seq=9, turn=1, role=seeker, fact=own, what="inferred", detector="d", score=0.7),
        Spoke(seq=10, turn=2, role=supporter, reply=SupporterReply(utterance="Try tea.", strategies=("Providing Suggestions",), told=(own,))),
        Noticed(seq=11, turn=2, role=supporter, fact=second, what="inferred", detector="d", score=0.9),
        Failed(seq=12, turn=3, role=seeker, stage="call", purpose=None, fault="refused", message="no", attempts=tries),
        Ended(seq=13, reason=EndReason.ERROR, turns=3, detail="no"),
    ]  # fmt: skip


def written(tmp_path, events, *, finished=True, torn=b""):
    record = RunFolder.open(SAMPLE).record.model_copy(update={"id": "hand"})
    run = RunFolder.create(tmp_path, record)
    with run.writer(ID) as writer:
        writer.write(*events)
        if finished:
            writer.commit()
    if torn:
        with run.live(ID).open("ab") as file:
            file.write(torn)
    return run


def test_a_hand_made_log_cell_by_cell(tmp_path):
    run = written(tmp_path, hand_made())
    talk = row(frame(run, "conversations"))
    expected = {
        "run": "hand", "conversation": ID, "scenario": "awake-at-three", "condition": "partial", "replicate": 0,
        "writer": "two_agents", "seeker_sees": ["own"], "seeker_persona": True, "finished": True, "end_reason": "error",
        "end_detail": "no", "turns": 3, "seeker_turns": 1, "supporter_turns": 2, "seeker_words": 1, "supporter_words": 6,
        "supporter_questions": 1, "unlabelled": 0, "first_suggestion": 2, "first_suggestion_position": 2 / 3,
        "distress_first": 0, "distress_last": 0, "trust_last": 40, "seeker_facts_told": 1, "seeker_facts_spoken_untold": 1,
        "supporter_facts_told": 0, "supporter_facts_spoken_untold": 1, "calls": 3, "unreadable": 1, "failed_calls": 1,
        "failed_tries": 2, "prompt_tokens": 60, "cached_tokens": 10, "completion_tokens": 16, "cost": 1.0,
        "seconds": None, "parent": None, "forked_at": None,
    }  # fmt: skip
    assert {name: talk[name] for name in expected} == expected
    assert talk["strategies_entropy"] == pytest.approx(1.584962500721156)
    assert talk["persona_key"] == talk["pair_key"].split("/")[1]
    turns = [row(frame(run, "turns"), index) for index in range(3)]
    facts = run.record.scenarios[0].scenario.seeker.facts
    assert [turn["strategies"] for turn in turns] == [["Question", "Others"], None, ["Providing Suggestions"]]
    assert [(turn["words"], turn["question"], turn["distress"], turn["trust"]) for turn in turns] == [
        (4, True, None, None), (1, False, 0, 40), (2, False, None, None),
    ]  # fmt: skip
    assert [(turn["asked"], turn["learned"], turn["noticed"]) for turn in turns[:2]] == [
        ([facts[0].id], [], []), ([], [facts[0].id], []),
    ]  # fmt: skip
    assert (turns[2]["spoken_untold"], turns[0]["utterance"]) == ([facts[1].id], "How do  you\nsleep?")
    assert (turns[1]["private"], turns[0]["private"]) == ("", None), "an empty text is not a missing one"
    calls = frame(run, "calls")
    assert calls["purpose"].astype(object).where(calls["purpose"].notna(), None).tolist() == [
        "speak",
        "repair",
        "speak",
        None,
    ]
    assert calls["readable"].tolist() == [False, True, True, pd.NA]
    assert calls["seconds"].isna().tolist() == [False, False, True, True]
    assert (row(calls)["failed_tries"], row(calls)["failed_seconds"], row(calls)["message"]) == (1, 2.5, "no JSON")
    assert (row(calls, 3)["answered"], row(calls, 3)["prompt_tokens"], row(calls, 3)["fault"]) == (
        False,
        None,
        "refused",
    )


def test_facts_of_a_hand_made_log(tmp_path):
    run = written(tmp_path, hand_made())
    facts = frame(run, "facts")
    first, second = row(facts), row(facts, 1)
    assert (first["owner"], first["told_at"], first["how"], first["asked_at"]) == ("seeker", 1, "declared", 0)
    assert (first["asked_before"], first["told_position"], first["spoken_untold_at"]) == (True, 1 / 3, None)
    assert (second["told_at"], second["how"], second["asked_before"], second["spoken_untold_at"]) == (
        None,
        None,
        None,
        2,
    )
    assert set(facts["owner"]) == {"seeker", "supporter"}
    assert len(facts) == len(facts_told(hand_made()))


def test_an_unfinished_and_torn_log_has_rows_as_far_as_it_goes(tmp_path):
    run = written(tmp_path, hand_made()[:8], finished=False, torn=b'{"v":1,"seq":8,"at"')
    talk = row(frame(run, "conversations"))
    assert (talk["finished"], talk["end_reason"], talk["turns"], talk["calls"]) == (False, None, 2, 3)
    assert frame(run, "turns")["finished"].tolist() == [False, False]
    run.live(ID).write_bytes(b'{"v":1,"se')
    assert [len(frame(run, name)) for name in TABLES] == [0] * 5


def test_the_shipped_sample():
    events = read_log(SAMPLE / "conversations" / f"{ID}.jsonl").events
    talk, summary = row(frame(SAMPLE, "conversations")), api.summarise(events)
    assert (talk["turns"], talk["prompt_tokens"], talk["cost"]) == (12, summary.prompt_tokens, summary.cost)
    assert talk["seeker_facts_told"] + talk["supporter_facts_told"] == len({*summary.told, *summary.noticed})
    assert [each["utterance"] for _, each in frame(SAMPLE, "turns").iterrows()] == [
        event.reply.utterance for event in events if isinstance(event, Spoke)
    ]
    measures = frame(SAMPLE, "measures")
    sides = {log: read_log(log).events for log in SAMPLE.glob("measures/*/*.jsonl")}
    traits = measures["measure"].astype(str).str.startswith("traits")
    assert set(measures[traits]["source"]) == {"self", "bare", "observer", "nobody"}
    measures = measures[~traits]
    read = [side for log, side in sides.items() if "traits" not in str(log)]
    assert len(measures) == sum(len(e.values) for side in read for e in side if isinstance(e, Measured))
    kinds = measures.groupby("measure", observed=True)[["source", "model"]].agg(
        lambda each: "+".join(sorted(set(each)))
    )
    assert kinds["source"].to_dict() == {"distress": "observer", "identity": "annotator", "strategies": "annotator"}
    assert set(kinds["model"]) == {"local-reader"}
    calls = frame(SAMPLE, "calls")
    answered = [e for side in [events, *sides.values()] for e in side if isinstance(e, Called)]
    assert calls["answered"].sum() == len(answered)
    assert calls["prompt_tokens"].sum() == sum(event.prompt_tokens for event in answered)


def test_what_people_were_not_asked_is_missing(tmp_path):
    (tmp_path / "people.json").write_text(json.dumps([TALK, TALK]))
    run = import_esconv(tmp_path / "people.json", tmp_path / "runs", None, ()).run
    talks, turns = frame(run, "conversations"), frame(run, "turns")
    assert (len(talks), talks["condition"].unique().tolist()) == (2, ["human"])
    talk = row(talks)
    assert (talk["turns"], talk["problem"], talk["seeker_model"], talk["finished"]) == (3, "job crisis", None, True)
    for name in ("calls", "cost", "prompt_tokens", "failed_tries", "seconds", "seeker_facts", "seeker_facts_told",
                 "seeker_facts_spoken_untold", "distress_last", "replicate", "writer", "seeker_sees", "began"):  # fmt: skip
        assert talks[name].isna().all(), name
    assert talk["unlabelled"] == 0
    for name in ("distress", "trust", "told", "noticed", "asked", "learned", "spoken_untold", "model", "private"):
        assert turns[name].isna().all(), name
    assert turns["messages"].tolist() == [2, 3, 1] * 2
    assert turns["strategies"][1] == ["Reflection of feelings", "Question"]
    assert turns["strategies"].isna().tolist() == [True, False, True] * 2
    assert [len(frame(run, name)) for name in ("facts", "calls", "measures")] == [0, 0, 0]
    stacked = frame([SAMPLE, run.path], "conversations")
    assert stacked["run"].tolist() == [RunFolder.open(SAMPLE).record.id] + [run.record.id] * 2
    assert stacked["calls"].isna().tolist() == [False, True, True]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Four conversations with readers, questionnaires and a judge, all scripted."""
    folder = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in (
            "run shared-dog --model scripted --turns 8 --condition partial --condition script --n 2 --with traits "
            "--with strategies --with self-consistency --with empathy --reader scripted",
            "judge RUN --with empathy --model scripted",
        ):
            (path,) = [*folder.glob("runs/*")] or [None]
            patch.setattr(sys, "argv", ["confide", *command.replace("RUN", str(path)).split()])
            with pytest.raises(SystemExit) as ended:
                main()
            assert not ended.value.code
    return RunFolder.open(next(folder.glob("runs/*")))


def test_readers_and_questionnaires(measured):
    found = frame(measured, "measures")
    assert found["complete"].all()
    assert set(found["source"]) == {"self", "bare", "nobody", "observer", "annotator", "judge"}
    said = found[["value", "label"]].notna().any(axis=1)
    assert (said == found["missing"].isna()).all(), "each row has an answer or a reason"
    assert found.loc[~said, "weighted"].isna().all()
    assert found.loc[found["measure"] == "self-consistency", "value"].notna().all()
    traits = found[found["measure"] == "traits"]
    report = next(iter(trait_reports(measured, floor=0)))
    starts = traits[(traits["source"] == "self") & (traits["kind"] == "factor") & (traits["turn"] == -1)]
    for each in (each for each in report.drift if each.source == "self" and each.condition == "partial"):
        mine = starts[(starts["role"] == each.role) & (starts["factor"] == each.factor) & (starts["repeat"] == 0)]
        assert mine[mine["condition"] == "partial"]["value"].mean() == pytest.approx(each.start)
        alphas = [] if each.reliability.alpha is None else [each.reliability.alpha]
        assert mine["alpha"].dropna().unique().tolist() == pytest.approx(alphas)
        assert (mine["floor"] == report.plan.plan.floor).all()
    items = traits[traits["kind"] == "answer"]
    assert items["facet"].notna().all()
    turned = items["keyed"].dropna() != items["value"].dropna()
    assert turned.any()
    assert traits.loc[traits["kind"] == "facet", "alpha"].isna().all()
    profiles = traits[traits["profile"].notna()]
    assert profiles["conversation"].isna().all()
    assert profiles.loc[(profiles["kind"] == "factor") & (profiles["source"] == "self"), "known"].between(1, 5).all()


def test_judges_answers_stand_in_both_orders(measured):
    judged = frame(measured, "measures").query("source == 'judge'")
    assert len(judged) == 2 * 2 * 2, "two pairs, two orders, two items"
    worth = {("FIRST", 0): 1, ("SECOND", 0): 0, ("FIRST", 1): 0, ("SECOND", 1): 1, ("TIE", 0): 0.5, ("TIE", 1): 0.5}
    assert judged["value"].tolist() == [worth[key] for key in zip(judged["label"], judged["order"], strict=True)]
    assert (judged["conversation"] != judged["other"]).all()


def test_calls_of_all_logs(measured):
    calls = frame(measured, "calls")
    logs = measured.path.rglob("*.jsonl")
    assert len(calls) == sum(isinstance(event, Called) for log in logs for event in read_log(log).events)
    assert set(calls["log"]) == {"conversation", "measure", "profile", "judgement"}
    script = calls[(calls["log"] == "conversation") & (calls["condition"] == "script")]
    assert (len(script), script["role"].isna().all(), set(script["purpose"])) == (2, True, {"script"})


def test_an_answer_to_another_transcript_is_refused(measured, tmp_path):
    copy = RunFolder.open(shutil.copytree(measured.path, tmp_path / "copy"))
    log = next((copy.path / "measures" / "empathy.scripted").glob("*.jsonl"))
    log.write_text(log.read_text().replace('"transcript":"', '"transcript":"0'))
    with pytest.raises(api.ConfideError, match="another transcript"):
        frame(copy, "measures")
    assert len(frame(copy, "turns")) == 32, "whoever wants turns does not read side logs"


def test_a_reading_that_broke_off_is_marked(measured, tmp_path):
    copy = RunFolder.open(shutil.copytree(measured.path, tmp_path / "copy"))
    folder = copy.path / "measures" / "traits-self.roles"
    log = next(folder.glob("*partial.0000.jsonl"))
    lines = log.read_bytes().splitlines(keepends=True)
    log.unlink()
    half = next(i for i, line in enumerate(lines) if b'"kind":"measured"' in line)
    cut = json.loads(lines[half])
    for part in ("values", "missing"):
        cut[part] = dict(list(cut[part].items())[:10])
    (folder / "live" / log.name).write_bytes(b"".join(lines[:half]) + json.dumps(cut).encode() + b"\n" + b'{"v":1,')
    found = frame(copy, "measures").query("source == 'self' and conversation == 'shared-dog.partial.0000'")
    assert not found["complete"].any()
    assert (found["kind"] == "answer").sum() == 10
    scores = found[found["kind"] == "factor"]
    assert scores["value"].isna().all()
    assert set(scores["missing"]) == {"the form was not asked to its end"}


def test_files_agree_with_pandas_and_with_one_another(confide, measured, tmp_path):
    code, out, _ = confide("tables", measured.path, SAMPLE, "--out", "made", "--csv")
    assert (code, out.splitlines()[-1]) == (0, "made")
    assert sorted(each.name for each in Path("made").iterdir()) == sorted(
        f"{n}.{e}" for n in TABLES for e in ("csv", "parquet")
    )
    assert [each.name for each in tmp_path.iterdir()] == ["made"], "no draft is left"
    for name, kind in TABLES.items():
        ours, stored = frame([measured.path, SAMPLE], name), pd.read_parquet(f"made/{name}.parquet")
        for column in columns_of(kind):
            values = stored[column.name]
            if column.kind == "list":
                values = values.map(lambda each: None if each is None else list(each)).astype(object)
            assert values.dtype == ours[column.name].dtype or column.kind == "name", column.name
            assert values.isna().tolist() == ours[column.name].isna().tolist(), column.name
            assert values.dropna().tolist() == ours[column.name].dropna().tolist(), column.name
            assert column.optional or not values.isna().any(), column.name
        read = pd.read_csv(f"made/{name}.csv", dtype=str, keep_default_na=False)
        assert list(read.columns) == list(ours.columns)
        for column in columns_of(kind):
            whole = {
                "whole number": str,
                "text": str,
                "name": str,
                "true or false": lambda v: str(v).lower(),
                "list": " + ".join,
            }
            if column.kind in whole:
                expected = ["" if missing else whole[column.kind](value) for value, missing in
                            zip(ours[column.name], ours[column.name].isna(), strict=True)]  # fmt: skip
            else:
                read[column.name] = read[column.name].replace("", "nan")
                if column.kind == "time":
                    continue
                read[column.name], expected = (
                    read[column.name].astype(float).fillna(-9).tolist(),
                    ours[column.name].fillna(-9).tolist(),
                )
            assert list(read[column.name]) == expected, (name, column.name)


def test_mistakes_are_one_line_and_leave_nothing(confide, tmp_path):
    copy = shutil.copytree(SAMPLE, tmp_path / "run")
    Path("there").mkdir()
    Path("there/mine.txt").write_text("mine")
    Path("file").write_text("mine")
    Path("empty").mkdir()
    for command in (
        ["tables", "nowhere", "--out", "out"],
        ["tables", copy, "--out", "there"],
        ["tables", copy, "--out", "file"],
        ["tables", copy, "--out", "file/out"],
        ["tables", copy, copy, "--out", "out"],
        ["tables", copy, SAMPLE, "--out", "out"],
    ):
        code, _, err = confide(*command)
        assert (code, len(err.splitlines()), "Traceback" in err) == (2, 1, False), (command, err)
    log = next((copy / "conversations").iterdir())
    whole = log.read_text()
    log.write_text(whole.replace('"kind":"spoke"', '"kind":"sang"', 1))
    code, _, err = confide("tables", copy, "--out", "out")
    assert (code, len(err.splitlines()), log.name in err) == (2, 1, True)
    assert not [each.name for each in tmp_path.iterdir() if "out" in each.name], "neither the folder nor a draft"
    log.write_text(whole)
    assert confide("tables", copy, "--out", "empty")[0] == 0
    with pytest.raises(api.ConfideError, match="there is no table 'talks'"):
        api.tables(copy, "talks")


def test_a_fork_says_where_it_comes_from(confide):
    log = SAMPLE / "conversations" / f"{ID}.jsonl"
    code, _, err = confide("fork", log, "--at", "3", "--set", "model=scripted")
    assert code == 0, err
    (run,) = Path("runs").iterdir()
    talk, turns = row(frame(run, "conversations")), frame(run, "turns")
    assert (talk["parent"], talk["forked_at"], talk["pair_key"]) == (
        ID,
        3,
        row(frame(SAMPLE, "conversations"))["pair_key"],
    )
    assert turns["taken_over"].tolist() == [True] * 3 + [False] * (len(turns) - 3)
    assert (turns["model"].isna() == turns["taken_over"]).all()


def test_every_column_is_described_and_the_docs_are_in_step():
    for name, kind in TABLES.items():
        assert all(column.about for column in columns_of(kind)), name
    assert describe(TABLES) in DOCS.read_text(encoding="utf-8"), "docs/tables.md must end with describe(TABLES)"


def test_parquet_files_describe_themselves(confide):
    assert confide("tables", SAMPLE, "--out", "made")[0] == 0
    field = pq.read_schema("made/turns.parquet").field("words")
    assert field.metadata[b"description"] == b"Words in it, as white space parts them."
    assert not field.nullable


def test_a_log_that_does_not_begin_is_named(tmp_path):
    run = written(tmp_path, hand_made())
    run.final(ID).write_text(
        run.final(ID).read_text().split("\n", 1)[1].replace('"seq":1,', '"seq":0,', 1).split("\n")[0] + "\n"
    )
    with pytest.raises(api.ConfideError, match=r"0000\.jsonl: a log begins"):
        frame(run, "turns")
