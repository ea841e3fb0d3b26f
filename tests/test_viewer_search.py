"""The grid's questions: search, sorting, filters, pages. Laws: no query fails; what is marked is what was said."""

import sqlite3
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from confide.simulator import Ended, EndReason
from confide.viewer.grid import FILTERS, MOST, SORTS, Query
from confide.viewer.index import LINE_BITS, MOST_TURNS, LineOf
from tests.condition_helpers import GIVEN
from tests.helpers import HOSTILE, hostile_text
from tests.viewer_helpers import (
    SEEKER,
    SUPPORTER,
    begun,
    copy_of,
    fork,
    hand_run,
    lab,
    numbered,
    people,
    put,
    rows,
    show,
    spoke,
    words,
)

__all__ = ["fork", "lab", "people"]  # fixtures
TEXTS = {
    "cafe": "We met at the Café Zoë, near the river.",
    "upper": "THE RIVER IS LOUD TODAY",
    "far": "The river. Nobody else was near.",
    "chinese": "我今天很难过,昨天也是。",
    "japanese": "昨日は眠れなかった。",
    "thai": "ฉันนอนไม่หลับ",
    "korean": "오늘 잠을 못 잤어요",
    "russian": "Мне очень грустно сегодня",
    "german": "Ich weiß, dass die Straße naß ist 😀 100% ?!",
    "arabic": "لا أستطيع النوم",
    "hindi": "मुझे नींद नहीं आती",
    "quotes": 'He said "leave me" AND left. NEAR(it)* -- a:b ^c OR {d}',
    "wild": "50% of a_b is c\\d",
    "null": "zero\0width null",
    "markup": "</script><b>&amp;</b>",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """One conversation for each text: a plain first turn, then the text."""
    folder = tmp_path_factory.mktemp("said")
    run = hand_run(folder, **{name: words(name, "Hello there.", text) for name, text in TEXTS.items()})
    return show(folder, run)


def found(shown, query, **more):
    return {row.conversation for row in rows(shown, words=query, **more)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("river", {"cafe", "upper", "far"}),
        ("RIVER near", {"cafe", "far"}),
        ("near river", {"cafe", "far"}),
        ("riv", {"cafe", "upper", "far"}),
        ("riv near", set()),
        ("near riv", {"cafe", "far"}),
        ("cafe", {"cafe"}),
        ("café", {"cafe"}),
        ("CAFE\u0301", {"cafe"}),
        ("zoe", {"cafe"}),
        ("  river   loud ", {"upper"}),
        ("river absent", set()),
        ("我今天", {"chinese"}),
        ("难过", {"chinese"}),
        ("昨", {"chinese", "japanese"}),
        ("难过 昨天", {"chinese"}),
        ("难过 明天", set()),
        ("眠れ", {"japanese"}),
        ("นอน", {"thai"}),
        ("잠을", {"korean"}),
        ("грустно", {"russian"}),
        ("ГРУСТНО сег", {"russian"}),  # noqa: RUF001
        ("strasse", set()),
        ("straße", {"german"}),
        ("النوم", {"arabic"}),
        ("नींद", {"hindi"}),
        ("😀", {"german"}),
        ("?!", {"german"}),
        ("AND", {"quotes"}),
        ("OR", {"quotes"}),
        ("NOT", set()),
        ("NEAR(it)", {"quotes"}),
        ("NEAR(river, loud)", set()),
        ('"leave', {"quotes"}),
        ('"leave me"', {"quotes"}),
        ('say" OR "river', set()),
        ("text:river", set()),
        ("a:b", {"quotes", "wild"}),
        ("-", {"quotes"}),
        ("--", {"quotes"}),
        ("^c", {"quotes", "wild", "cafe"}),
        ("{d}", {"quotes", "wild", "german"}),
        ("river*", {"cafe", "upper", "far"}),
        ("*", {"quotes"}),
        ("%", {"german", "wild"}),
        ("_", {"wild"}),
        ("\\", {"wild"}),
        ("100%", {"german"}),
        ("a_b", {"wild", "quotes"}),
        ("a b", {"wild", "quotes"}),
        ("</script>", {"markup"}),
        ("zero", {"null"}),
        ("width null", {"null"}),
        ("zero\0width", {"null"}),
        ("\0", set(TEXTS)),
        ("", set(TEXTS)),
        ("   ", set(TEXTS)),
    ],
)  # fmt: skip
def test_what_is_found(said, query, expected):
    assert found(said, query) == expected


def marked(hit, text):
    """The hit's words stand in the text as it says."""
    before, after = hit.before.removeprefix("…"), hit.after.removesuffix("…")
    assert before + hit.match + after in text.replace("\0", " ")
    assert len(hit.before) <= 61
    assert len(hit.after) <= 121


@pytest.mark.parametrize(
    ("name", "query", "match"),
    [
        ("cafe", "cafe", "Café"), ("cafe", "riv", "river"), ("upper", "loud river", "RIVER"), ("chinese", "难过", "难过"),
        ("german", "😀", "😀"), ("german", "?!", "?!"), ("german", "%", "%"), ("null", "width", "width"),
        ("null", "null", "null"), ("wild", "_", "_"), ("quotes", '"leave', "leave"), ("korean", "잠을", "잠을"),
        ("markup", "script", "script"),
    ],
)  # fmt: skip
def test_what_is_marked(said, name, query, match):
    (hit,) = [row.hit for row in rows(said, words=query) if row.conversation == name]
    assert (hit.turn, hit.role, hit.private, hit.match) == (1, SEEKER, False, match)
    marked(hit, TEXTS[name])


def test_the_first_line_that_has_all_the_words_is_the_hit(tmp_path):
    turns = [
        spoke(0, SUPPORTER, "heron", notes="otter and heron"),
        spoke(1, SEEKER, "an otter", thoughts="no heron"),
        spoke(2, SUPPORTER, "heron, otter " + "x " * 200),
        spoke(3, SEEKER, "bittern", thoughts="bittern"),
    ]
    run = hand_run(tmp_path)
    put(run, "a", numbered([begun("a"), *turns, Ended(seq=0, reason=EndReason.TURN_LIMIT, turns=4)]))
    shown = show(tmp_path, run)

    def hit(query, **more):
        (row,) = rows(shown, words=query, **more)
        return row.hit.turn, row.hit.role, row.hit.private

    assert hit("heron") == (0, SUPPORTER, False)
    assert hit("heron otter") == (0, SUPPORTER, True)
    assert hit("heron otter", blind=True) == (2, SUPPORTER, False)
    assert hit("no heron") == (1, SEEKER, True)
    assert hit("bittern") == (3, SEEKER, False)
    (row,) = rows(shown, words="otter x")
    assert (row.hit.turn, row.hit.after.endswith("…")) == (2, True)
    assert rows(shown, words="heron")[0].hit.before == ""


def test_blind_readers_find_no_private_words(lab, tmp_path):
    run = copy_of(lab, tmp_path / "runs")
    turns = [spoke(0, SUPPORTER, "said", notes="zqnote 私"), spoke(1, SEEKER, "heard", thoughts="zqthought")]
    put(run, "a", numbered([begun("a"), *turns, Ended(seq=0, reason=EndReason.TURN_LIMIT, turns=2)]))
    shown = show(tmp_path, run)
    for query in ("zqnote", "zqthought", "私", "zq"):
        assert found(shown, query) == {"a"}
        assert rows(shown, words=query, blind=True) == ()
    (row,) = rows(shown, words="heard", blind=True)
    assert (row.hit.match, row.hit.private, row.conversation) == ("heard", False, None)
    for each in rows(shown, words="tired", blind=True):
        assert not each.hit.private


def test_numbers_of_lines_are_their_places():
    for talk, turn in ((1, 0), (77, 5), (2**30, MOST_TURNS - 1)):
        for role in (SEEKER, SUPPORTER):
            for private in (False, True):
                line = LineOf(talk, turn, role, private)
                assert LineOf.of(line.number) == line
                assert line.number >> LINE_BITS == talk


# Any query


FREE = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PIECES = st.lists(
    st.one_of(
        st.sampled_from([*'"*-:^(){}+%_\\\0', "AND", "OR", "NOT", "NEAR", "river", "昨", "caf", " ", "\u0301", "😀"]),
        FREE,
    ),
    max_size=6,
).map("".join)


@settings(max_examples=150, **GIVEN)
@given(st.one_of(FREE, PIECES, st.sampled_from(HOSTILE)), st.booleans())
@example("a\0b", False)
@example("a " * 200, False)
@example("é", True)
@example('"', False)
@example("\u0600", False)
def test_no_query_fails_and_each_hit_is_in_its_text(said, query, blind):
    for row in rows(said, words=query, blind=blind):
        if query.replace("\0", " ").strip():
            turn = said.talk(row.key).turns[row.hit.turn]
            assert (turn.role, row.hit.private) == (row.hit.role, False)
            marked(row.hit, turn.utterance)
        else:
            assert row.hit is None


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return show(tmp_path_factory.mktemp("one"), hand_run(tmp_path_factory.mktemp("runs"), a=words("a", "x")))


def plain(text):
    """What a word is compared by, as far as there is a simple rule."""
    return "".join(sign for sign in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(sign))


@settings(max_examples=30, **GIVEN)
@given(hostile_text(), st.data())
def test_a_word_of_what_was_said_is_found(index, text, data):
    run = index.runs[0]
    names = [part for part in text.replace("\0", " ").split() if part.isascii() and part.isalnum()]
    with sqlite3.connect(index.index) as db:
        db.execute("DELETE FROM words")
        (talk,) = db.execute("SELECT no FROM talks").fetchone()
        db.execute(
            "INSERT INTO words(rowid, text) VALUES (?, ?)",
            (LineOf(talk, 0, SUPPORTER, False).number, text.replace("\0", " ")),
        )
    db.close()
    assert run
    if names:
        word = data.draw(st.sampled_from(names))
        (row,) = rows(index, words=word)
        assert plain(row.hit.match).startswith(plain(word)) or plain(word) in plain(row.hit.match)
        marked(row.hit, text)
        assert len(rows(index, words=word[:1])) == 1, "a word that is not finished"


# Sorting, filtering, paging


@pytest.fixture(scope="module")
def mixed(lab, people, fork, tmp_path_factory):
    """Conversations of all kinds, some of them damaged, open or without figures."""
    folder = tmp_path_factory.mktemp("mixed")
    hand = hand_run(folder, open=words("open", "a", "b", "c", ended=False), zero=words("zero"), bad=words("bad", "x"))
    hand.final("bad").write_bytes(b"garbage\n")
    return show(folder, lab, people, fork, hand)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", SORTS)
def test_every_column_sorts_with_what_is_missing_last(mixed, sort, descending):
    order = rows(mixed, sort=sort, descending=descending)
    assert len(order) == 16
    assert {row.key for row in order} == {row.key for row in rows(mixed)}
    created = {run.record.id: (run.record.created, run.record.id) for run in mixed.runs}
    values = [created[row.run] if sort == "run" else getattr(row, sort) for row in order]
    if sort == "end":
        values = [row.end or row.state for row in order]
    known = [value for value in values if value is not None]
    assert values == [*sorted(known, reverse=descending), *[None] * (len(values) - len(known))]
    assert order == rows(mixed, sort=sort, descending=descending), "and always in the same order"


def test_filters_of_several_values(mixed):
    every = rows(mixed)
    facets = mixed.facets()
    for name in FILTERS:
        values = getattr(facets, name)
        assert [facet.value for facet in values] == sorted(facet.value for facet in values)
        for facet in values:
            mine = rows(mixed, filters={name: [facet.value]})
            assert len(mine) == facet.count == total(mixed, filters={name: [facet.value]})
            assert {(row.end or row.state) if name == "end" else getattr(row, name) for row in mine} == {facet.value}
        some = [facet.value for facet in values[:2]]
        assert len(rows(mixed, filters={name: some})) == sum(facet.count for facet in values[:2])
        assert rows(mixed, filters={name: []}) == every
        assert rows(mixed, filters={name: ["nothing' OR 1=1 --", "%"]}) == ()
    run = mixed.runs[0].record.id
    both = rows(mixed, filters={"condition": ["partial", "script"], "run": [run]})
    assert {(row.condition, row.run) for row in both} == {("partial", run), ("script", run)}
    assert {facet.value: facet.count for facet in facets.end}["damaged"] == 1


def total(shown, **query):
    return shown.rows(Query(runs=(), **query)).total


def test_pages_add_up(mixed):
    whole = rows(mixed, sort="turns")
    pages = [mixed.rows(Query(runs=(), sort="turns", offset=offset, limit=3)) for offset in range(0, 18, 3)]
    assert [row for page in pages for row in page.rows] == list(whole)
    assert {page.total for page in pages} == {16}
    assert [page.offset for page in pages] == [*range(0, 18, 3)]
    assert mixed.rows(Query(runs=(), offset=10**9)).rows == ()
    assert len(mixed.rows(Query(runs=(), limit=10**9)).rows) == 16 < MOST
    assert mixed.rows(Query(runs=(), limit=0)).total == 16
    searched = mixed.rows(Query(runs=(), words="the", limit=1))
    assert (len(searched.rows), searched.total) == (1, len(rows(mixed, words="the")))


def test_a_page_has_no_more_than_the_most(tmp_path):
    run = hand_run(tmp_path, many=words("many", "x"))
    shown = show(tmp_path, run)
    with sqlite3.connect(shown.index) as db:
        names = [
            name for _, name, *_ in db.execute("PRAGMA table_info(talks)") if name not in ("no", "key", "conversation")
        ]
        columns = ", ".join(names)
        db.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MOST + 20}) "
            f"INSERT INTO talks(key, conversation, {columns}) SELECT 'k' || i, 'c' || i, {columns} FROM talks, n"
        )
    db.close()
    assert len(rows(shown, limit=10**6)) == MOST
    assert total(shown) == MOST + 21
