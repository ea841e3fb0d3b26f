"""Instruments: the shipped ones, every mistake in a file, and the items that researchers bring."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confide.evaluators.traits import doubts, read_instrument, shipped_instruments
from confide.evaluators.traits.instrument import Instrument, parse_instrument
from confide.evaluators.traits.supply import import_items, instrument_text, with_items
from confide.scenarios import CSI, HEXACO, ConfideError, InputFileError
from tests.helpers import one_line

REAL = Path(__file__).parents[2] / "shared" / "data" / "ipip_hexaco_240.json"
KEYS_ONLY = {"hexaco-60": 60, "hexaco-100": 100, "csi-96": 96}
GOOD = """\
id: mine
title: Mine
measures: hexaco
source: ours
licence: free
form: statements
scale: {1: no, 2: partly, 3: yes}
short: [a, b]
norms:
  source: somebody
  factors: {openness: {mean: 2.5, sd: 0.5}}
items:
  - {id: a, factor: openness, key: 1, text: I like art.}
  - {id: b, factor: openness, key: -1, text: I avoid art.}
  - {id: c, factor: emotionality, key: 1, text: I cry.}
  - {id: d, factor: emotionality, key: -1, text: I never cry.}
"""


def instrument(name):
    return read_instrument(name).instrument


def mistakes(call, *args):
    """What is wrong, each problem as ``line: field: words``."""
    with pytest.raises(InputFileError) as error:
        call(*args)
    return [f"{p.line}: {p.where}: {p.what}" for p in error.value.problems]


def written(folder, text, name="list.txt"):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


# What is shipped


def test_all_shipped_instruments_load():
    assert {*KEYS_ONLY, "hexaco-confide", "hexaco-markers", "csi-confide"} == set(shipped_instruments())
    for name in shipped_instruments():
        assert instrument(name).id == name
        assert (instrument(name).low, instrument(name).high) == (1, 5), "as a persona's scores are"


@pytest.mark.parametrize(("name", "factors"), [("hexaco-confide", HEXACO), ("csi-confide", CSI)])
def test_our_statements_have_one_of_either_key_for_each_of_24_facets(name, factors):
    found = instrument(name)
    assert found.factors == tuple(factors)
    assert len(found.items) == 48
    assert len({(item.factor, item.facet) for item in found.items}) == 24
    for factor in factors:
        keys = [(item.facet, item.key) for item in found.by_factor[factor]]
        assert len(set(keys)) == len(keys) == 8
        assert sorted(item.key for item in found.short_items if item.factor == factor) == [-1, 1]
    for texts in ([item.text for item in found.items], [item.other for item in found.items]):
        assert len({text.casefold() for text in texts}) == 48
    assert all("his person" in item.other for item in found.items)
    assert found.has_texts
    assert doubts(found) == []


def test_the_adjectives_are_balanced_and_no_sentences():
    found = instrument("hexaco-markers")
    assert doubts(found) == []
    assert len(found.items) == 48
    assert all(item.text.islower() and " " not in item.text for item in found.items)
    assert [len(found.by_factor[factor]) for factor in found.factors] == [8] * 6


@pytest.mark.parametrize(("name", "size"), KEYS_ONLY.items())
def test_what_is_not_ours_is_a_key_without_items(name, size):
    found = instrument(name)
    assert [item.id for item in found.items] == [str(number) for number in range(1, size + 1)]
    assert [item.text for item in found.items] == [None] * size
    assert not found.has_texts


def test_the_key_of_hexaco_60_is_the_published_one():
    """The items that Ashton and Lee (2009) score in reverse."""
    turned = [1, 9, 10, 12, 14, 15, 19, 20, 21, 24, 26, 28, 30, 31, 32, 35, 41, 42, 44, 46, 48, 49, 52, 53, 55, 56, 57, 59, 60]  # fmt: skip
    assert [int(item.id) for item in instrument("hexaco-60").items if item.key == -1] == turned


def test_names_that_stand_for_nothing_are_told_what_there_is():
    with pytest.raises(ConfideError, match="did you mean 'hexaco-60'"):
        read_instrument("hexaco-06")
    with pytest.raises(ConfideError, match="shipped: csi-96, "):
        read_instrument("zzz")


# Files


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: b,", "id: a,", "1: : two items share the id 'a'"),
        ("I avoid art.", "I  LIKE art.", "1: : two items share the text 'i like art.'"),
        ("key: -1, text: I avoid", "key: 7, text: I avoid", "14: items[1].key: \"7\" is not allowed here"),
        ("key: -1, text: I avoid", "text: I avoid", "14: items[1].key: 'key' is missing"),
        ("{1: no, 2: partly, 3: yes}", "{1: no, 3: yes}", "1: : the scale leaves a point out"),
        ("{1: no, 2: partly, 3: yes}", "{1: no}", "7: scale"),
        ("{1: no, 2: partly, 3: yes}", "{1: no, 10: yes}", "7: scale.10"),
        ("short: [a, b]", "short: [a, z]", "1: : short names 'z', and there is no such item"),
        ("short: [a, b]", "short: [a, a]", "1: : two items share the short 'a'"),
        ("mean: 2.5", "mean: 3.5", "1: : the norm of 'openness' lies beyond the scale from 1 to 3"),
        ("sd: 0.5", "sd: 0", "11: norms.factors.openness.sd: must be more than 0"),
        ("{openness: {mean", "{agreeableness: {mean", "1: : norms name 'agreeableness', which no item measures"),
        ("source: somebody", "source: s\n  correlations: {openness: {emotion: .1}}", "1: : correlations name 'emotion', which no item measures"),
        ("source: somebody", "source: s\n  correlations: {openness: {openness: .1}}", "1: : correlations: give two factors, and each pair once, not 'openness' with 'openness'"),
        ("source: somebody", "source: s\n  correlations: {openness: {emotionality: .1}, emotionality: {openness: .2}}", "1: : correlations: give two factors, and each pair once, not 'emotionality' with 'openness'"),
        ("source: somebody", "source: s\n  correlations: {openness: {emotionality: 1}}", "11: norms.correlations.openness.emotionality: must be less than 1"),
        ("measures: hexaco", "measures: csi", "1: : 'openness' is no factor of csi; its factors: expressiveness"),
        ("measures: hexaco", "measures: big5", "3: measures: \"big5\" is not allowed here"),
        ("factor: emotionality, key: 1", "factor: Emotionality, key: 1", "15: items[2].factor"),
        ("id: c,", "id: 3,", "15: items[2].id: expected text (put it in quotes), not 3"),
        ("licence: free\n", "", "1: licence: 'licence' is missing"),
        ("form: statements", "form: statements\nshrot: [a]", "7: shrot: there is no field 'shrot'; did you mean 'short'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_line_and_words(tmp_path, old, new, said):
    assert GOOD.count(old) == 1
    file = written(tmp_path, GOOD.replace(old, new), "mine.yaml")
    (found,) = mistakes(read_instrument, file)
    assert found.startswith(said)


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path):
    text = GOOD.replace("key: -1, text: I avoid", "key: 0, text: I avoid").replace("id: c,", "id: C,")
    assert [line.split(":")[0] for line in mistakes(read_instrument, written(tmp_path, text))] == ["14", "15"]


def with_rows(short, *rows):
    """An instrument with items of these factors, facets and keys."""
    items = [
        {"id": str(n), "factor": factor, "facet": facet, "key": key} for n, (factor, facet, key) in enumerate(rows)
    ]
    data = parse_instrument(Path("x"), GOOD).instrument.model_dump()
    return Instrument.model_validate(data | {"items": items, "short": short, "norms": None})


def test_doubts_are_about_keys_out_of_balance_and_single_items():
    rows = [*[("openness", "a", 1)] * 2, ("openness", "b", -1), *[("emotionality", None, -1)] * 2]
    uneven, facets, single = doubts(with_rows(["0", "2", "3"], *rows))
    assert uneven.startswith("factors out of balance")
    assert uneven.endswith(": emotionality 0/2"), "two and one is as even as three can be"
    assert facets.endswith(": openness/a 2/0")
    assert single == "the short form has fewer than two items of emotionality"


def test_a_short_form_is_doubted_by_itself():
    rows = [("openness", None, 1), ("openness", None, 1), ("openness", None, -1), ("openness", None, -1)]
    assert doubts(with_rows([], *rows)) == doubts(with_rows(["0", "2"], *rows)) == []
    (uneven,) = doubts(with_rows(["0", "1"], *rows))
    assert uneven.startswith("factors of the short form out of balance")
    assert doubts(parse_instrument(Path("x"), GOOD).instrument) == [
        "the short form has fewer than two items of emotionality"
    ]


@given(answer=st.floats(1, 5), item=st.sampled_from(instrument("csi-confide").items))
def test_turning_an_answer_round_twice_is_no_turn(answer, item):
    csi = instrument("csi-confide")
    once = csi.keyed(item.id, answer)
    assert csi.low <= once <= csi.high
    assert csi.keyed(item.id, once) == pytest.approx(answer)
    assert once == answer if item.key == 1 else once == pytest.approx(6 - answer)


# The researcher's own copy of the items

COPY = [f"I do thing number {number}." for number in range(1, 61)]


@pytest.mark.parametrize(
    "form", ["{text}", "{n}. {text}", "{n}\t{text}", "{n} {text}", " {n})  {text} ", "{n}: {text}\n"]
)
def test_a_right_copy_fills_the_key(tmp_path, form):
    file = written(tmp_path, "\n".join(form.format(n=n, text=text) for n, text in enumerate(COPY, start=1)))
    key, found = instrument("hexaco-60"), with_items(instrument("hexaco-60"), file)
    assert [item.text for item in found.items] == COPY
    assert found.has_texts
    assert [(i.id, i.factor, i.facet, i.key) for i in found.items] == [
        (i.id, i.factor, i.facet, i.key) for i in key.items
    ]
    assert parse_instrument(file, instrument_text(found)).instrument == found


def test_an_item_of_an_unnumbered_list_may_begin_with_a_number(tmp_path):
    lines = ["10:30 is too early for me.", "2 friends are enough.", *COPY[2:]]
    assert [
        item.text for item in with_items(instrument("hexaco-60"), written(tmp_path, "\n".join(lines))).items
    ] == lines


def numbered(lines):
    return [f"{number}. {line}" for number, line in enumerate(lines, start=1)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (COPY[:-1], ["1: : expected the 60 items of hexaco-60, one per line, and found 59"]),
        ([*COPY, "One more."], ["1: : expected the 60 items of hexaco-60, one per line, and found 61"]),
        ([], ["1: : expected the 60 items of hexaco-60, one per line, and found 0"]),
        ([*COPY[:-1], COPY[0]], ["60: : item 1 has the same words"]),
        ([*COPY[:-1], COPY[0].upper()], ["60: : item 1 has the same words"]),
        ([*numbered(COPY)[:-1], "61. Last."], ["60: : expected item 60 here, not 61"]),
        ([*numbered(COPY)[:-1], "Last."], ["60: : expected item 60 here, not a line without a number"]),
        ([*numbered(COPY)[:5], "", *numbered(COPY)[6:], "6. Six."], [f"{n + 1}: : expected item {n} here, not {n + 1}" for n in range(6, 60)] + ["61: : expected item 60 here, not 6"]),
    ],
)  # fmt: skip
def test_a_copy_that_is_not_right_is_refused_line_by_line(tmp_path, lines, said):
    assert mistakes(with_items, instrument("hexaco-60"), written(tmp_path, "\n".join(lines))) == said


# Lists of items

ROWS = [
    {"n": "08", "text": "Flatter people.", "factor": "H", "facet": "Sincerity", "key": -1},
    {"n": "09", "text": "Am, as they say, plain.", "factor": "honesty-humility", "facet": "Sincerity", "key": "+"},
    {"n": "10", "text": "Worry.", "factor": "E", "facet": "Anxiety", "key": 1},
    {"n": "1e1", "text": "1e5", "factor": "E", "facet": "Anxiety", "key": "-1"},
]


@pytest.mark.parametrize("name", ["list.json", "items.json", "table.csv"])
def test_a_list_of_items_becomes_an_instrument(tmp_path, name):
    lines = ["n,text,factor,facet,key", *(",".join(f'"{value}"' for value in row.values()) for row in ROWS)]
    text = {"list.json": json.dumps(ROWS), "items.json": json.dumps({"items": ROWS}), "table.csv": "\n".join(lines)}[
        name
    ]
    found = import_items(written(tmp_path, text, name), "mine", None, 0)
    assert [(i.id, i.text, i.factor, i.facet, i.key) for i in found.items] == [
        ("08", "Flatter people.", "honesty_humility", "sincerity", -1),
        ("09", "Am, as they say, plain.", "honesty_humility", "sincerity", 1),
        ("10", "Worry.", "emotionality", "anxiety", 1),
        ("1e1", "1e5", "emotionality", "anxiety", -1),
    ]
    assert (found.measures, found.form, found.norms) == ("hexaco", "statements", None)
    assert parse_instrument(Path("x"), instrument_text(found)).instrument == found


def test_factors_of_no_known_inventory_are_others(tmp_path):
    rows = [{**ROWS[0], "factor": "Neuroticism"}, ROWS[1]]
    assert import_items(written(tmp_path, json.dumps(rows)), "mine", None, 0).measures == "other"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": 0}, "1: item 08: key: expected 1 or -1, not 0"),
        ({"key": True}, "1: item 08: key: expected 1 or -1, not true"),
        ({"key": 1.0}, "1: item 08: key: expected 1 or -1, not 1.0"),
        ({"key": [1]}, "1: item 08: key: expected 1 or -1, not [1]"),
        ({"key": None}, "1: item 08: 'key' is missing"),
        ({"text": ""}, "1: item 08: 'text' is missing"),
        ({"text": 5}, "1: item 08: text: Input should be a valid string"),
        ({"text": "a\nb"}, "1: item 08: text: "),
        ({"text": "a\ud800"}, "1: item 08: text: "),
        ({"factor": "?"}, "1: item 08: factor: "),
        ({"n": "a b"}, "1: item a b: id: "),
        ({"n": "09"}, "1: : two items share the id '09'"),
        ({"text": "worry. "}, "1: : two items share the text 'worry.'"),
    ],
)
def test_an_item_that_cannot_be_read_is_named(tmp_path, change, said):
    rows = [{**ROWS[0], **change}, *ROWS[1:]]
    (found,) = mistakes(import_items, written(tmp_path, json.dumps(rows)), "mine", None, 0)
    assert found.startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: : neither JSON nor a table whose first line names text, factor, key"),
        ("text;factor;key\n", "1: : neither JSON nor a table"),
        ("text,factor,key\n", "1: : the table holds no item"),
        ("text,factor,key\nWorry.,E,1\nCry.,E\n", "3: item 2: 'key' is missing"),
        ("factor,key,text\nE,1,I cry, a lot\n", "2: item 1: more cells than the first line names"),
        (f"text,factor,key\n{'x' * 200_000},E,1\n", "1: : not a table: field larger than field limit"),
        ("[]", "1: items: expected a list of items, an object each"),
        ('{"items": [1]}', "1: items: expected a list of items, an object each"),
        ('[{"text": 1},\n{]', "2: : not valid JSON"),
        ("[" * 100_000, "1: : not valid JSON"),
    ],
)
def test_what_is_no_list_is_one_line(tmp_path, text, said):
    (found,) = mistakes(import_items, written(tmp_path, text), "mine", None, 0)
    assert found.startswith(said)


def test_an_id_that_no_instrument_can_have_is_named_as_such(tmp_path):
    (found,) = mistakes(import_items, written(tmp_path, json.dumps(ROWS)), "My List", None, 0)
    assert found.startswith("1: id: ")


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(one_line(), min_size=1, max_size=5, unique_by=lambda text: " ".join(text.casefold().split())))
def test_what_is_imported_is_read_back_as_it_was(tmp_path_factory, texts):
    rows = [{"text": text, "factor": "X", "key": 1} for text in texts]
    found = import_items(written(tmp_path_factory.mktemp("list"), json.dumps(rows)), "mine", None, 0)
    assert [item.text for item in found.items] == [text.strip() for text in texts]
    assert parse_instrument(Path("x"), instrument_text(found)).instrument == found


@pytest.mark.skipif(not REAL.is_file(), reason="the data are not here")
def test_the_ipip_list_is_imported_and_drawn_from():
    whole = import_items(REAL, "ipip", None, 0)
    assert len(whole.items) == 240
    assert whole.factors == tuple(HEXACO)
    assert len(whole.short_items) == 12
    drawn = import_items(REAL, "ipip", 4, 7)
    assert drawn == import_items(REAL, "ipip", 4, 7)
    assert drawn.items != import_items(REAL, "ipip", 4, 8).items
    assert len(drawn.items) == 96
    for facet in {item.facet for item in whole.items}:
        there = [item.key for item in whole.items if item.facet == facet]
        kept = [item.key for item in drawn.items if item.facet == facet]
        assert len(kept) == 4
        assert kept.count(1) == min(max(2, 4 - there.count(-1)), there.count(1)), "two of either key where there are"
    for factor in HEXACO:
        assert sorted(item.key for item in [item for item in drawn.short_items if item.factor == factor]) == [-1, 1]


# The command line


def test_instruments_are_listed_and_shown(confide):
    code, out, err = confide("instruments")
    assert (code, err) == (0, "")
    assert all(name in out for name in shipped_instruments())
    code, out, err = confide("instruments", "show", "hexaco-confide")
    assert (code, err) == (0, "")
    assert all(part in out for part in ("honesty_humility", "social self esteem", "3.19", "5 very well"))
    assert confide("instruments", "show", "hexaco")[0] == 2


def test_a_copy_is_added_once_and_never_over_a_file(confide, tmp_path):
    written(tmp_path, "\n".join(COPY), "copy.txt")
    code, out, err = confide("instruments", "add", "copy.txt", "--key", "hexaco-60")
    assert (code, out) == (0, "wrote hexaco-60.yaml: 60 items, 60 in the short form\n")
    assert instrument(tmp_path / "hexaco-60.yaml").has_texts
    before = Path("hexaco-60.yaml").read_bytes()
    code, out, err = confide("instruments", "add", "copy.txt", "--key", "hexaco-60")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is there already" in err
    assert Path("hexaco-60.yaml").read_bytes() == before


def test_a_wrong_copy_leaves_no_file(confide, tmp_path):
    written(tmp_path, "\n".join(COPY[:-1]), "copy.txt")
    code, _, err = confide("instruments", "add", "copy.txt", "--key", "hexaco-60", "--out", "mine.yaml")
    assert code == 2
    assert "copy.txt:1:1: expected the 60 items" in err
    assert confide("instruments", "add", "copy.txt", "--key", "hexaco-confide")[0] == 2
    assert confide("instruments", "add", "none.txt", "--key", "hexaco-60")[0] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.txt"]


def test_a_list_is_imported_with_its_doubts(confide, tmp_path):
    written(tmp_path, json.dumps(ROWS[:3]), "list.json")
    code, out, err = confide("instruments", "import", "list.json", "--id", "mine")
    assert (code, out) == (0, "wrote mine.yaml: 3 items, 3 in the short form\n")
    assert err == "confide: warning: the short form has fewer than two items of emotionality\n"
    assert confide("instruments", "show", "mine.yaml")[::2] == (0, err)
    assert confide("instruments", "import", "list.json", "--id", "mine")[0] == 2
    assert confide("instruments", "import", "list.json", "--id", "other", "--out", "no/such/folder.yaml")[0] == 2
