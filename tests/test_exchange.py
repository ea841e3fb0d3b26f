"""People's conversations in and out: every message accounted for, nothing lost on the way round, mistakes named."""

import csv
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from confide.evaluators.exchange import export_run, import_esconv, read_human
from confide.scenarios import Role
from confide.simulator import Called, Imported, RunFolder, Spoke, Started, read_log
from tests.helpers import ESCONV, hostile_text, only_run

REAL = Path(__file__).parents[2] / "shared" / "data" / "FailedESConv.json"
real_file = pytest.mark.skipif(not REAL.is_file(), reason="the data are not here")


def message(speaker, text, **annotation):
    return {"speaker": speaker, "annotation": annotation, "content": text}


TALK = {
    "experience_type": "Current Experience",
    "emotion_type": "fear",
    "problem_type": "job crisis",
    "situation": "I lost my job.",
    "survey_score": {"seeker": {"initial_emotion_intensity": "5"}, "supporter": {}},
    "dialog": [
        message("seeker", "Hello "),
        message("seeker", "I lost my job\n"),
        message("supporter", "Oh no.", strategy="Reflection of feelings"),
        message("supporter", "When?", strategy="Question"),
        message("supporter", "Today?", strategy="Questions"),
        message("seeker", "Yesterday.", feedback="4"),
    ],
}


def write(tmp_path, data, name="people.json"):
    file = tmp_path / name
    file.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return file


def bring(file, runs, labels=None):
    return import_esconv(file, runs, labels, ())


def events_of(run):
    return [read_log(log).events for log in run.logs()]


def as_said(run):
    """All that is in the logs, but for when and from which file it came."""
    found = []
    for events in events_of(run):
        for event in events:
            data = json.loads(event.model_dump_json(exclude={"at", "digest", "source", "conversation", "pair_key"}))
            found.append(data)
    return found


def test_a_turn_is_what_one_speaker_says_in_a_row(tmp_path):
    found = bring(write(tmp_path, [TALK]), tmp_path / "runs")
    (events,) = events_of(found.run)
    opening, first, second, third, end = events
    assert isinstance(opening, Imported)
    assert (opening.problem, opening.emotion, opening.situation) == ("job crisis", "fear", "I lost my job.")
    assert opening.record == {name: value for name, value in TALK.items() if name != "dialog"}
    assert first.reply.utterance == "Hello \nI lost my job\n"
    assert (first.reply.emotion, first.reply.trust, first.reply.told) == (None, None, None)
    assert second.role is Role.SUPPORTER
    assert second.reply.strategies == ("Reflection of feelings", "Question")
    assert [each.labels for each in second.messages] == [("Reflection of feelings",), ("Question",), ("Questions",)]
    assert third.messages[0].about == {"feedback": "4"}
    assert (end.reason, end.turns) == ("unknown", 3)
    assert (found.turns, found.messages) == (3, 6)
    assert found.labels == Counter({"Reflection of feelings": 1, "Question": 1, "Questions": 1})


def test_files_of_one_name_share_no_pair_key(tmp_path):
    """Else two runs of different data would be judged against one another, conversation by conversation."""
    one = bring(write(tmp_path, [TALK]), tmp_path / "runs")
    again = bring(write(tmp_path, [TALK]), tmp_path / "again")
    other = bring(write(tmp_path, [{**TALK, "situation": "Another one."}]), tmp_path / "other")
    keys = [events_of(found.run)[0][0].pair_key for found in (one, again, other)]
    assert keys[0] == keys[1] != keys[2]


def test_json_lines_and_their_speakers(tmp_path):
    talk = {"emotion_type": "anger", "problem_type": "x", "situation": "s", "dialog": [
        {"text": "Hi", "speaker": "usr"}, {"text": "Why?", "speaker": "sys", "strategy": "Question"},
        {"text": "So", "speaker": "sys", "strategy": None},
    ]}  # fmt: skip
    file = write(
        tmp_path, json.dumps(talk) + "\n\n" + json.dumps({**talk, "situation": "a\u2028b"}, ensure_ascii=False) + "\n"
    )
    found = bring(file, tmp_path / "runs")
    assert found.run.record.imported.format == "jsonl"
    one, other = events_of(found.run)
    assert one[2].reply.strategies == ("Question",)
    assert one[2].reply.utterance == "Why?\nSo"
    assert other[0].situation == "a\u2028b"
    assert bring(write(tmp_path, [talk], "list.json"), tmp_path / "runs").run.record.imported.format == "jsonl"


def test_lines_of_dialogpt(tmp_path):
    file = write(
        tmp_path, "3 0 0 Hi [there], help?  EOS 3 1 1 [Questions] Of course. What?  EOS 3 0 2 I quit.  EOS\n", "t.tsv"
    )
    (talk,) = read_human(file).talks
    assert [(m.role.value, m.text, m.labels) for m in talk.messages] == [
        ("seeker", "Hi [there], help? ", ()),
        ("supporter", "Of course. What? ", ("Questions",)),
        ("seeker", "I quit. ", ()),
    ]
    assert talk.messages[1].about == {"emotion": 3, "number": 1}
    bare = write(tmp_path, "I feel low EOS [Other] Hello EOS", "bare.tsv")
    assert [(m.role.value, m.text) for m in read_human(bare).talks[0].messages] == [
        ("seeker", "I feel low"),
        ("supporter", "Hello"),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "people.json:1:1: the file is empty"),
        ("hello", "no form of ESConv"),
        (json.dumps([TALK], indent=1)[:-40], "the JSON breaks off: is the file whole?"),
        ('[{"dialog": [], "dialog": []}]', "dialog: 'dialog' is given twice in one object"),
        ([{"situation": "s"}], "conversation 0, dialog: 'dialog' is missing, or no list of messages"),
        ([TALK, {**TALK, "dialog": []}], "conversation 1, dialog: it holds no message"),
        ([{"dialog": [message("robot", "x")]}], "conversation 0, dialog.0.speaker: 'robot' is no speaker"),
        ([{"dialog": [{"speaker": "seeker"}]}], "dialog.0.content: 'content' (or 'text') is missing"),
        ([{"dialog": [message("seeker", "x", strategy="Question")]}], "a message of the seeker's has a strategy"),
        ([{"dialog": [message("supporter", "x", strategy=3)]}], "expected a label"),
        ('[{"dialog": [{"speaker": "seeker", "content": "\\ud800"}]}]', "half a character"),
        ("[[1]]", "conversation 0: expected an object"),
        ('[{"dialog": [{"speaker": "seeker", "content": "x", "feedback": NaN}]}]', "conversation 0: it holds a number"),
        ('[{"score": 1e999, "dialog": [{"speaker": "seeker", "content": "x"}]}]', "conversation 0: it holds a number"),
        ('[{"score": ' + "1" * 5000 + "}]", "a number is too long"),
        (
            [{"dialog": [message("supporter", "x", strategy="Question", strategies=["Others"])]}],
            "dialog.0.strategies: 'strategy' and 'strategies' are both given",
        ),
        ([{"dialog": [{**message("seeker", "x"), "text": "y"}]}], "dialog.0.text: 'content' says something else"),
        ("[]", "expected a list with at least one conversation"),
    ],
)
def test_a_file_with_a_mistake_is_told_where(confide, tmp_path, data, said):
    write(tmp_path, data)
    code, out, err = confide("import", "esconv", "people.json")
    assert code == 2
    assert said in err
    assert err.startswith("confide: people.json:")
    assert out == ""
    assert not Path("runs").exists()


def test_a_file_of_another_encoding_is_refused(confide, tmp_path):
    (tmp_path / "people.json").write_bytes("[{}]".encode("utf-16"))
    code, _, err = confide("import", "esconv", "people.json")
    assert (code, "not UTF-8 text" in err) == (2, True)
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + json.dumps([TALK]).encode())
    assert confide("import", "esconv", "bom.json")[0] == 0


def test_all_mistakes_are_told_up_to_twenty(tmp_path, confide):
    write(tmp_path, [{"dialog": []}] * 30)
    _, _, err = confide("import", "esconv", "people.json")
    assert len(err.splitlines()) == 21
    assert "and 10 more conversations" in err


def strange(tmp_path, *labels):
    return write(tmp_path, [{"dialog": [message("supporter", "x", strategy=label) for label in labels]}])


def test_labels_that_nothing_is_known_of_are_listed_and_can_be_mapped(confide, tmp_path):
    strange(tmp_path, "Joke", "Joke", "Noise", "Question")
    code, _, err = confide("import", "esconv", "people.json")
    assert code == 2
    assert "'Joke' (2), 'Noise' (1)" in err
    assert "--labels" in err
    (tmp_path / "map.yaml").write_text("labels:\n  Joke: Others\n  Noise: null\n")
    code, out, _ = confide("import", "esconv", "people.json", "--labels", "map.yaml", "--json")
    assert code == 0
    assert json.loads(out)["taken_for"] == {"Joke": "Others", "Noise": None, "Question": "Question"}
    (events,) = events_of(only_run())
    assert events[1].reply.strategies == ("Others", "Question")
    assert [each.labels[0] for each in events[1].messages] == ["Joke", "Joke", "Noise", "Question"]


def test_a_map_to_what_is_no_strategy_is_refused_by_line(confide, tmp_path):
    strange(tmp_path, "Joke")
    (tmp_path / "map.yaml").write_text("labels:\n  Joke: Humour\n")
    code, _, err = confide("import", "esconv", "people.json", "--labels", "map.yaml")
    assert code == 2
    assert "map.yaml:2:1: labels: 'Humour' is no strategy" in err


LABEL = st.sampled_from([*ESCONV.labels, "Questions", "Other", "Direct Guidance"])
ABOUT = st.dictionaries(st.sampled_from(["feedback", "note"]), hostile_text(), max_size=2)


@st.composite
def human_talks(draw):
    def one():
        if draw(st.booleans()):
            return message("seeker", draw(hostile_text()), **draw(ABOUT))
        strategy = draw(st.one_of(st.none(), LABEL, st.lists(LABEL, min_size=2, max_size=3)))
        labels = {} if strategy is None else {"strategies" if isinstance(strategy, list) else "strategy": strategy}
        return message("supporter", draw(hostile_text()), **labels, **draw(ABOUT))

    record = draw(st.dictionaries(st.sampled_from(["situation", "emotion_type", "x"]), hostile_text()))
    return [
        {**record, "dialog": [one() for _ in range(draw(st.integers(1, 6)))]} for _ in range(draw(st.integers(1, 3)))
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(human_talks())
def test_nothing_is_lost_on_the_way_round(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("round")
    one = bring(write(folder, data), folder / "runs").run
    export_run(one, "esconv", folder / "out.json")
    other = bring(folder / "out.json", folder / "runs").run
    assert as_said(one) == as_said(other)
    texts = [each["content"] for talk in data for each in talk["dialog"]]
    assert [m.text for events in events_of(one) for e in events if isinstance(e, Spoke) for m in e.messages] == texts


@real_file
def test_the_real_file_is_accounted_for_and_comes_round(tmp_path):
    data = json.loads(REAL.read_text(encoding="utf-8"))
    found = bring(REAL, tmp_path / "runs")
    messages = [m for events in events_of(found.run) for e in events if isinstance(e, Spoke) for m in e.messages]
    assert [m.text for m in messages] == [each["content"] for talk in data for each in talk["dialog"]]
    assert (found.run.record.size, found.messages, sum(found.labels.values())) == (196, 5230, 2377)
    assert found.labels["Questions"] == 520
    export_run(found.run, "esconv", tmp_path / "out.json")
    again = bring(tmp_path / "out.json", tmp_path / "more").run
    assert as_said(again) == as_said(found.run)


@pytest.fixture
def run(confide):
    assert confide("run", "awake-at-three", "--model", "scripted", "--turns", "6", "--condition", "presets")[0] == 0
    return only_run()


def test_a_simulated_run_as_esconv_and_back(run, tmp_path):
    export_run(run, "esconv", tmp_path / "out.json")
    records = json.loads((tmp_path / "out.json").read_text())
    assert [record["confide"]["condition"] for record in records] == ["author", "omniscient", "partial", "script"]
    assert records[0]["survey_score"]["seeker"] == {"initial_emotion_intensity": "3"}
    back = bring(tmp_path / "out.json", tmp_path / "more").run
    for ours, theirs in zip(events_of(run), events_of(back), strict=True):
        spoken = [[e.reply for e in events if isinstance(e, Spoke)] for events in (ours, theirs)]
        assert [r.utterance for r in spoken[0]] == [r.utterance for r in spoken[1]]
        assert [getattr(r, "strategies", None) for r in spoken[0]] == [
            getattr(r, "strategies", None) for r in spoken[1]
        ]


@pytest.mark.parametrize("role", list(Role))
def test_chats_hold_what_the_role_could_see(run, tmp_path, role):
    out = tmp_path / "out.jsonl"
    export_run(run, "chat", out, role)
    chats = [json.loads(line)["messages"] for line in out.read_text().splitlines()]
    by_condition = dict(zip(["author", "omniscient", "partial", "script"], chats, strict=True))
    (events,) = [e for e in events_of(run) if isinstance(e[0], Started) and e[0].condition.id == "partial"]
    scenario = events[0].scenario
    system, *said = by_condition["partial"]
    assert system["role"] == "system"
    assert scenario.role(role).persona.background in system["content"]
    assert all(fact.text not in json.dumps(by_condition["partial"]) for fact in scenario.role(role.other).facts)
    first = next(e for e in events if isinstance(e, Called) and e.role is role)
    assert system["content"].startswith(first.texts[first.segments[0]["hash"]])
    assert [each["role"] for each in said] == [
        "assistant" if role is Role.SUPPORTER else "user",
        "user" if role is Role.SUPPORTER else "assistant",
    ] * 3
    assert by_condition["author"][0]["role"] != "system", "an author's prompt is no role's"


@settings(max_examples=15, deadline=None)
@given(human_talks())
def test_tables_hold_every_turn_exactly(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("tables")
    run = bring(write(folder, data), folder / "runs").run
    spoken = [e for events in events_of(run) for e in events if isinstance(e, Spoke)]
    export_run(run, "csv", folder / "t.csv")
    with (folder / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["utterance"] for row in rows] == [e.reply.utterance for e in spoken]
    export_run(run, "parquet", folder / "t.parquet")
    table = pq.read_table(folder / "t.parquet").to_pylist()
    assert [row["utterance"] for row in table] == [e.reply.utterance for e in spoken]
    assert [row["strategies"] for row in table] == [
        list(getattr(e.reply, "strategies", None) or []) or None for e in spoken
    ]
    assert {row["emotion"] for row in table} == {None}


def test_an_export_never_writes_over_a_file(confide, run, tmp_path):
    (tmp_path / "there.csv").write_text("mine")
    code, _, err = confide("export", run.path, "--to", "csv", "--out", "there.csv")
    assert (code, "is there already" in err) == (2, True)
    assert (tmp_path / "there.csv").read_text() == "mine"
    assert confide("export", run.path, "--to", "xml", "--out", "x.xml")[0] == 2
    assert confide("export", run.path, "--to", "chat", "--role", "robot", "--out", "x.xml")[0] == 2
    assert confide("export", run.path, "--to", "csv", "--out", "no/such/x.csv")[0] == 2
    assert confide("export", run.path, "--to", "csv", "--out", "new.csv")[0] == 0


def test_commands_for_simulated_runs_refuse_people(confide, tmp_path):
    write(tmp_path, [TALK])
    assert confide("import", "esconv", "people.json")[0] == 0
    path = only_run().path
    log = RunFolder.open(path).logs()[0]
    for command in (
        ["audit", path],
        ["replay", path],
        ["resume", path],
        ["knows", path],
        ["disclosure", path],
        ["fork", log, "--at", "1"],
    ):
        code, _, err = confide(*command)
        assert code == 2, command
        assert "Traceback" not in err
        assert len(err.splitlines()) == 1, (command, err)
    for command in (["show", path], ["ls"], ["profile", path]):
        assert confide(*command)[0] == 0, command
