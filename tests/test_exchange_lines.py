"""DialoGPT's lines: they overlap, and every message is read once, in its conversation and in its place."""

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from confide.evaluators.exchange import export_run, import_esconv, read_human
from confide.evaluators.exchange.found import ABSENT
from confide.scenarios import InputFileError, Role
from confide.simulator import Imported, Spoke, read_log
from tests.helpers import ESCONV, hostile_text
from tests.test_exchange import REAL, as_said, real_file

SEEKS, SUPPORTS = "0", "1"


def words_of(text):
    """Words that a line can hold: no line feed, and nothing that is the form's own."""
    return (
        not f" {text}".endswith((" EOS", " EOS ", "\r"))
        and "\n" not in text
        and not any(sign.isdigit() for sign in text)
        and not text.startswith("[")
    )


WORDS = st.one_of(
    hostile_text(),
    st.sampled_from(
        ["an EOS in it", "EOS x", "x EOS EOS x", "a\tb\t", " [not] a [label", "two  spaces ", "a\rb", "a\u2028b"]
    ),
).filter(words_of)


@st.composite
def conversations(draw):
    """Conversations as lists of (role, label, words); no two messages of a file are the same."""
    found = []
    for index in range(draw(st.integers(1, 3))):
        roles = [*draw(st.lists(st.sampled_from("00011"), max_size=11)), SUPPORTS]
        labels = [draw(st.sampled_from([*ESCONV.labels, None])) if role == SUPPORTS else None for role in roles]
        found.append(
            [
                (role, label, f"{'x' * index}:{'y' * number} {draw(WORDS)}")
                for number, (role, label) in enumerate(zip(roles, labels, strict=True))
            ]
        )
    return found


def part(number, role, label, words, weight="0.0"):
    return f"{weight} {role} {number} {'' if label is None else f'[{label}] '}{words}"


def windows(talk, size, ends):
    """One line for each message that ends one, with those before it."""
    for end in ends:
        numbers = range(max(0, end - size + 1), end + 1)
        yield " EOS ".join(part(n, *talk[n], weight="1.0" if n == end else "0.0") for n in numbers)


def of_supporter(talk):
    """Where the lines of the release end."""
    return [n for n, (role, *_) in enumerate(talk) if role == SUPPORTS and (n or len(talk) == 1)]


def lines_file(folder, *lines, end="\n", name="t.tsv"):
    file = folder / name
    file.write_bytes("".join(line + end for line in lines).encode())
    return file


def read(folder, *lines, **how):
    return read_human(lines_file(folder, *lines, **how)).talks


def as_given(message):
    (label,) = message.labels or (None,)
    return (SUPPORTS if message.role is Role.SUPPORTER else SEEKS, label, message.text)


@settings(max_examples=80, deadline=None)
@given(conversations(), st.integers(2, 7), st.sampled_from(["\n", "\r\n"]))
def test_windows_of_all_messages_give_every_message_once(tmp_path_factory, talks, size, end):
    lines = [line for talk in talks for line in windows(talk, size, range(len(talk)))]
    found = read(tmp_path_factory.mktemp("lines"), *lines, end=end)
    assert [[as_given(each) for each in talk.messages] for talk in found] == talks
    assert [[each.about for each in talk.messages] for talk in found] == [
        [{"number": n} for n in range(len(talk))] for talk in talks
    ]
    assert all(talk.record == {} for talk in found)


@settings(max_examples=80, deadline=None)
@given(conversations(), st.integers(2, 7))
def test_windows_of_the_supporters_messages_name_what_stands_in_none(tmp_path_factory, talks, size):
    ends = [of_supporter(talk) for talk in talks]
    # Where a conversation's first line begins past 0, it is told from the one before by a number that is no higher.
    assume(all(mine[0] < size or mine[0] <= before[-1] for before, mine in pairwise(ends)))
    lines = [line for talk, last in zip(talks, ends, strict=True) for line in windows(talk, size, last)]
    found = read(tmp_path_factory.mktemp("lines"), *lines)
    for talk, last, each in zip(talks, ends, found, strict=True):
        there = sorted({n for end in last for n in range(max(0, end - size + 1), end + 1)})
        assert [as_given(message) for message in each.messages] == [talk[n] for n in there]
        absent = sorted(set(range(last[-1])) - set(there))
        assert each.record == ({ABSENT: absent} if absent else {})
        assert each.absent == len(absent)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conversations(), st.integers(2, 4))
def test_lines_come_round_by_way_of_json(tmp_path_factory, talks, size):
    folder = tmp_path_factory.mktemp("round")
    first = talks[:1]
    file = lines_file(folder, *(line for talk in first for line in windows(talk, size, of_supporter(talk))))
    one = import_esconv(file, folder / "runs", None, ())
    export_run(one.run, "esconv", folder / "out.json")
    other = import_esconv(folder / "out.json", folder / "runs", None, ())
    assert as_said(one.run) == as_said(other.run)
    assert (one.absent, one.messages, one.labels) == (other.absent, other.messages, other.labels)


@real_file
def test_people_s_conversations_as_the_release_writes_them(tmp_path):
    """Written as the release does, with five messages a line: what the lines do not hold is counted, to the message."""
    data = json.loads(REAL.read_text(encoding="utf-8"))
    talks = [
        [
            (SUPPORTS if strategy else SEEKS, strategy, " ".join(each["content"].split("\n")))
            for each in record["dialog"]
            for strategy in [each["annotation"].get("strategy")]
        ]
        for record in data
    ]
    lines = [line for talk in talks for line in windows(talk, 5, of_supporter(talk))]
    found = import_esconv(lines_file(tmp_path, *lines), tmp_path / "runs", None, ())
    last = [max(n for n, (role, *_) in enumerate(talk) if role == SUPPORTS) for talk in talks]
    after = sum(len(talk) - 1 - end for talk, end in zip(talks, last, strict=True))
    assert found.run.record.size == len(talks) == 196
    assert found.messages + found.absent + after == sum(map(len, talks)) == 5230
    assert found.labels == Counter(label for talk in talks for _, label, _ in talk if label)


RELEASE = (
    "1.0 0 0 Hello  EOS 1.0 1 1 [Other] Hi ",
    "1.0 0 0 Hello  EOS 1.0 1 1 [Other] Hi  EOS 1.0 1 2 [Questions] How are you?",
    "0.0 1 1 [Other] Hi  EOS 0.0 1 2 [Questions] How are you? EOS 0.0 0 3 Low. EOS 1.0 1 4 [Other] Oh. ",
)


def test_lines_that_grow_and_then_move_on_are_one_conversation(tmp_path):
    (talk,) = read(tmp_path, *RELEASE)
    assert [as_given(each) for each in talk.messages] == [
        (SEEKS, None, "Hello "),
        (SUPPORTS, "Other", "Hi "),
        (SUPPORTS, "Questions", "How are you?"),
        (SEEKS, None, "Low."),
        (SUPPORTS, "Other", "Oh. "),
    ]
    assert talk.messages[0].about == {"number": 0}, "weights are how a model is trained"
    assert [len(talk.messages) for talk in read(tmp_path, *RELEASE, *RELEASE)] == [5, 5]


def test_conversations_that_begin_alike_are_told_apart(tmp_path):
    other = "1.0 0 0 Hello  EOS 1.0 1 1 [Other] Hi  EOS 1.0 0 2 I am sad. EOS 1.0 1 3 [Questions] Why?"
    assert [len(talk.messages) for talk in read(tmp_path, *RELEASE, other)] == [5, 4]
    assert [len(talk.messages) for talk in read(tmp_path, other, *RELEASE)] == [4, 5]
    longer = other.replace("Why?", "Since when?") + " EOS 1.0 0 4 May."
    assert [len(talk.messages) for talk in read(tmp_path, other, longer)] == [4, 5]


def test_one_line_for_a_whole_conversation_and_one_for_a_file(tmp_path):
    whole = "3 0 0 Hi EOS 3 1 1 [Questions] What? EOS 3 0 2 I quit. EOS"
    talks = read(tmp_path, whole, whole)
    assert [[each.text for each in talk.messages] for talk in talks] == [["Hi", "What?", "I quit."]] * 2
    assert talks[0].messages[1].about == {"number": 1, "emotion": 3}
    (talk,) = read(tmp_path, whole, end="")
    assert len(talk.messages) == 3
    (talk,) = read(tmp_path, "1.0 1 0 [Other] Hello", end="")
    assert as_given(talk.messages[0]) == (SUPPORTS, "Other", "Hello")


def test_a_long_run_of_the_seeker_s_leaves_a_gap_that_is_named(tmp_path):
    opening = "0.0 0 2 c EOS 0.0 0 3 d EOS 1.0 1 4 [Other] e"
    later = "0.0 0 9 j EOS 0.0 0 10 k EOS 1.0 1 11 [Other] l"
    (talk,) = read(tmp_path, opening, later)
    assert talk.record == {ABSENT: [0, 1, 5, 6, 7, 8]}
    one, other = read(tmp_path, *RELEASE, opening, later)
    assert (one.record, other.absent) == ({}, 6)
    (gap,) = read(tmp_path, "1.0 0 0 a EOS 1.0 1 2 [Other] c")
    assert gap.record == {ABSENT: [1]}


def test_words_may_look_like_the_form(tmp_path):
    line = "1.0 0 0 [sic] an EOS\tand [so] on EOS 1.0 1 1 [Other] [no] EOS, no EOS"
    (talk,) = read(tmp_path, line)
    assert [as_given(each) for each in talk.messages] == [
        (SEEKS, None, "[sic] an EOS\tand [so] on"),
        (SUPPORTS, "Other", "[no] EOS, no"),
    ]


def test_windows_line_ends_are_none_of_the_words(tmp_path):
    (talk,) = read(tmp_path, *RELEASE, end="\r\n")
    assert talk.messages[2].text == "How are you?"
    file = lines_file(tmp_path, *RELEASE[:2], end="\r\n")
    file.write_bytes(file.read_bytes().removesuffix(b"\r\n"))
    assert read_human(file).talks[0].messages[2].text == "How are you?"
    (talk,) = read(tmp_path, "1.0 0 0 a\rb\r EOS 1.0 1 1 [Other] c")
    assert talk.messages[0].text == "a\rb\r"


def test_the_bare_kind(tmp_path):
    talks = read(tmp_path, "I feel\tlow EOS [Other] Hello EOS so", "[Question]Why? EOS EOSIN EOS ")
    assert [[as_given(each) for each in talk.messages] for talk in talks] == [
        [(SEEKS, None, "I feel\tlow"), (SUPPORTS, "Other", "Hello"), (SEEKS, None, "so")],
        [(SUPPORTS, "Question", "Why?"), (SEEKS, None, "EOSIN")],
    ]


DIFFERS = "it differs from its copy in an earlier line"
NUMBERS = "expected 'weight role number words'"
LEAD = "and the lines before it do not lead up to it"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([*RELEASE[:2], RELEASE[2].replace("How are", "Where are")], [f"3:1: message 2: {DIFFERS}"]),
        ([*RELEASE[:2], RELEASE[2].replace("[Other] Hi", "[Question] Hi")], [f"3:1: message 1: {DIFFERS}"]),
        ([*RELEASE[:2], RELEASE[2].replace("0.0 1 1 [", "0.0 0 1 [")], [f"3:1: message 1: {DIFFERS}"]),
        ([RELEASE[0], RELEASE[1].replace("Hello ", "Hallo ")], [f"2:1: message 0: {DIFFERS}"]),
        ([RELEASE[0], "a line without numbers", *RELEASE[1:]], [f"2:1: {NUMBERS}"]),
        ([RELEASE[0].replace("1.0 1 1", "1.0 2 1")], [f"1:1: {NUMBERS}"]),
        ([RELEASE[0].replace("1.0 1 1", "1 1")], [f"1:1: {NUMBERS}"]),
        (["1.0 0 0 Hello EOS 1.0 1"], [f"1:1: {NUMBERS}"]),
        (["1.0 0 0 Hello EOS 1.0"], [f"1:1: {NUMBERS}"]),
        (["1.0 0 0 a EOS 1.0 1 0 [Other] b"], ["1:1: message 0: the numbers in a line must rise"]),
        ([RELEASE[2]], [f"1:1: the line begins with message 1, {LEAD}"]),
        ([*RELEASE, RELEASE[2].replace("Low", "Down")], [f"4:1: the line begins with message 1, {LEAD}"]),
        ([*RELEASE, "0.0 0 6 a EOS 0.0 1 7 [Other] b EOS 1.0 1 8 [Other] c"], [f"4:1: the line begins with message 6, {LEAD}"]),
        (["a EOS b", "c EOS [Other] d"], ["1:1: no message has a label such as [Question] before its words"]),
    ],
)  # fmt: skip
def test_a_broken_line_is_named(tmp_path, lines, said):
    file = lines_file(tmp_path, *lines)
    with pytest.raises(InputFileError) as error:
        read_human(file)
    found = str(error.value).splitlines()
    assert len(found) == len(said)
    for ours, theirs in zip(found, said, strict=True):
        assert ours.startswith(f"{file}:{theirs}")


def test_lines_in_another_order_are_refused(tmp_path):
    """Some go round with their lines shuffled: whose conversation a line is of cannot be told any more."""
    talk = [(SUPPORTS if n % 2 else SEEKS, "Other" if n % 2 else None, f"m{n}") for n in range(20)]
    lines = list(windows(talk, 8, of_supporter(talk)))
    with pytest.raises(InputFileError, match="or in another order"):
        read(tmp_path, *lines[5:], *lines[:5])
    with pytest.raises(InputFileError, match="or in another order"):
        read(tmp_path, *lines[:1], *lines[8:])


def test_what_is_missing_is_said_when_it_is_imported(confide, tmp_path):
    opening = "0.0 0 2 c EOS 0.0 0 3 d EOS 1.0 1 4 [Other] e"
    lines_file(tmp_path, opening)
    code, out, _ = confide("import", "esconv", "t.tsv")
    assert code == 0
    assert "1 conversations, 2 turns, 3 messages" in out
    assert "2 more messages stand in no line of the file" in out
    assert json.loads(confide("import", "esconv", "t.tsv", "--json")[1])["absent"] == 2


def test_turns_are_made_of_messages_that_are_read_once(tmp_path):
    found = import_esconv(lines_file(tmp_path, *RELEASE), tmp_path / "runs", None, ())
    (events,) = [read_log(log).events for log in found.run.logs()]
    assert isinstance(events[0], Imported)
    assert [len(each.messages) for each in events if isinstance(each, Spoke)] == [1, 2, 1, 1]
    assert found.labels == Counter({"Other": 2, "Questions": 1})
