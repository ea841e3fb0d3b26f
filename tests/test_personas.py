"""Lists of personas: drawn from norms, imported, and with traits that a model infers."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confide.agents import Fault, ModelError
from confide.agents.models import draw_reply
from confide.agents.models import scripted as scripted_module
from confide.evaluators.traits import read_instrument, read_plan, sampled_personas
from confide.evaluators.traits.instrument import Instrument
from confide.evaluators.traits.profiles import known_score
from confide.scenarios import CSI, HEXACO, ConfideError, InputFileError, Style, Traits
from confide.scenarios.personas import ListedPersona, PersonaList, import_personas, personas_text, read_personas
from tests.helpers import hostile_text

OWN = read_instrument("hexaco-confide").instrument
TEXTS = {text: item for item in OWN.items for text in (item.text, item.other)}


def changed(instrument=OWN, **norms):
    """An instrument with other norms."""
    data = instrument.model_dump()
    return Instrument.model_validate(data | {"norms": data["norms"] | norms})


def scores_of(personas, factor):
    return np.array([getattr(persona.traits, factor) for persona in personas.personas])


# Drawn from norms


def test_a_draw_is_as_the_norms_say_and_repeats_by_its_seed():
    drawn = sampled_personas(OWN, 3000, 4)
    assert sampled_personas(OWN, 3000, 4) == drawn
    assert sampled_personas(OWN, 3000, 5).personas != drawn.personas
    assert len({persona.id for persona in drawn.personas}) == 3000
    assert "as if independent, since no correlations are known, seed 4" in drawn.source
    for factor in HEXACO:
        found, norm = scores_of(drawn, factor), OWN.norms.factors[factor]
        assert found.mean() == pytest.approx(norm.mean, abs=4 * norm.sd / 3000**0.5)
        assert found.std() == pytest.approx(norm.sd, abs=0.04)
        assert (np.round(found, 2) == found).all()
    assert abs(np.corrcoef(scores_of(drawn, "openness"), scores_of(drawn, "emotionality"))[0, 1]) < 0.08
    assert all(persona.style == Style() for persona in drawn.personas), "what is not measured is unset"


def test_a_draw_is_held_to_the_scale_of_a_persona():
    wide = changed(factors={factor: {"mean": 4.5, "sd": 3} for factor in HEXACO})
    found = scores_of(sampled_personas(wide, 300, 0), "openness")
    assert (found.min(), found.max()) == (1, 5)


def test_correlations_are_honoured_where_they_are_known():
    related = changed(correlations={"openness": {"extraversion": 0.6}, "emotionality": {"openness": -0.5}})
    drawn = sampled_personas(related, 3000, 1)
    assert "with seed 1" in drawn.source
    for one, two, value in (
        ("openness", "extraversion", 0.6),
        ("openness", "emotionality", -0.5),
        ("openness", "agreeableness", 0),
    ):
        found = np.corrcoef(scores_of(drawn, one), scores_of(drawn, two))[0, 1]
        assert found == pytest.approx(value, abs=0.06)


def test_norms_that_nobody_can_have_or_that_are_missing_are_refused():
    three = {"openness": {"extraversion": 0.9, "emotionality": 0.9}, "extraversion": {"emotionality": -0.9}}
    with pytest.raises(ConfideError, match="no people can have its norms' correlations"):
        sampled_personas(changed(correlations=three), 5, 0)
    some = {factor: {"mean": 3, "sd": 1} for factor in HEXACO[:5]}
    for instrument in (changed(factors=some), read_instrument("csi-confide").instrument):
        with pytest.raises(ConfideError, match="has no norms for its factors: nothing to draw from"):
            sampled_personas(instrument, 5, 0)


def test_scores_and_norms_of_another_scale_are_stretched():
    """On 0 to 6, a norm of 4.5 is three quarters up the scale, which is 4 of 1 to 5; and a persona's 4 is 4.5."""
    data = OWN.model_dump() | {"scale": {point: str(point) for point in range(7)}}
    data["norms"] = {"source": "s", "factors": {factor: {"mean": 4.5, "sd": 0.3} for factor in HEXACO}}
    other = Instrument.model_validate(data)
    found = scores_of(sampled_personas(other, 2000, 0), "openness")
    assert (found.mean(), found.std()) == (pytest.approx(4, abs=0.02), pytest.approx(0.2, abs=0.02))
    persona = ListedPersona(id="a", traits={"openness": 4})
    assert known_score(persona, other, "openness") == 4.5
    assert known_score(persona, OWN, "openness") == 4
    assert known_score(persona, OWN, "emotionality") is None


# Files

SCORE = st.none() | st.floats(1, 5)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,59}", fullmatch=True)
ANY_TEXT = hostile_text() | st.sampled_from(["08", "1e5", "null", "yes", "12:30"])
STYLES = st.fixed_dictionaries({}, optional=dict.fromkeys(CSI, SCORE))
ANY_TRAITS = st.fixed_dictionaries({}, optional=dict.fromkeys(HEXACO, SCORE))
SET = st.fixed_dictionaries({"openness": st.floats(1, 5)}, optional=dict.fromkeys(HEXACO[:5], SCORE))
LISTED = st.builds(ListedPersona, id=NAMES, background=ANY_TEXT, traits=ANY_TRAITS, style=STYLES) | st.builds(
    ListedPersona, id=NAMES, background=st.none(), traits=SET, style=STYLES
)


@settings(deadline=None)
@given(st.lists(LISTED, min_size=1, max_size=4, unique_by=lambda persona: persona.id), hostile_text())
def test_a_list_that_was_written_is_read_as_it_was(tmp_path_factory, personas, source):
    file = tmp_path_factory.mktemp("list") / "personas.yaml"
    listed = PersonaList(source=source, personas=tuple(personas))
    file.write_text(personas_text(listed), encoding="utf-8")
    assert read_personas(file) == listed
    assert "null" not in personas_text(PersonaList(source="s", personas=(ListedPersona(id="a", background="b"),)))


def mistakes(call, *args):
    with pytest.raises(InputFileError) as error:
        call(*args)
    return [f"{p.line}: {p.where}: {p.what}" for p in error.value.problems]


def test_mistakes_of_a_list_are_named_by_line(tmp_path):
    file = tmp_path / "personas.yaml"
    file.write_text("source: s\npersonas:\n  - {id: a, traits: {openness: 9}}\n  - {id: A}\n  - {id: b, trait: {}}\n")
    first, second, third = mistakes(read_personas, file)
    assert first == "3: personas[0].traits.openness: must be at most 5, not 9"
    assert second.startswith("4: personas[1].id: ")
    assert third == "5: personas[2].trait: there is no field 'trait'; did you mean 'traits'?"
    file.write_text(
        "source: s\npersonas:\n  - {id: a, background: x}\n  - {id: b, background: y}\n  - {id: a, background: z}\n"
    )
    assert mistakes(read_personas, file) == ["1: : two personas have the id 'a'"]
    file.write_text("source: s\npersonas:\n  - {id: a}\n")
    assert mistakes(read_personas, file) == ["3: personas[0]: persona 'a' says nothing about anybody"]


def test_texts_and_json_lines_are_imported(tmp_path):
    lines = [
        "A retired baker who paints.",
        "",
        '{"persona": " A nurse on nights. ", "id": 7}',
        '{"input persona": "A pilot."}',
        "08",
        '{"text": "", "description": "A clerk."}',
    ]
    file = tmp_path / "hub.jsonl"
    file.write_text("\r\n".join(lines), encoding="utf-8-sig")
    found = import_personas(file)
    backgrounds = ["A retired baker who paints.", "A nurse on nights.", "A pilot.", "08", "A clerk."]
    assert [persona.background for persona in found.personas] == backgrounds
    assert [persona.id for persona in found.personas] == [f"p{n:05d}" for n in range(1, 6)]
    assert all(persona.traits == Traits() for persona in found.personas), "no score is made up"
    assert found.source == "imported from hub.jsonl"
    assert len(import_personas(file, 3).personas) == 3


def test_lines_without_a_persona_are_named(tmp_path):
    file = tmp_path / "hub.jsonl"
    bad = ['{"persona": 5}', '{"name": "x"}', '{"persona": "a"', '{"persona": "  "}', '{"persona": "a\\ud800"}']
    file.write_text("\n".join(["A baker.", *bad, "A pilot."]), encoding="utf-8")
    what = "expected plain text, or a JSON object with one of the fields persona, input persona, text, description"
    assert mistakes(import_personas, file) == [f"{line}: : {what}" for line in range(2, 7)]
    assert len(import_personas(file, 1).personas) == 1, "what is not taken need not be right"
    file.write_text("\n \n")
    assert mistakes(import_personas, file) == ["1: : the file holds no persona"]
    file.write_bytes(b"a\nb\xff\n")
    assert mistakes(import_personas, file) == ["2: : not UTF-8 text: save the file as UTF-8"]


# The command line


def test_personas_are_sampled_into_a_new_file(confide, tmp_path):
    code, out, err = confide("personas", "sample", "--n", 4, "--seed", 3, "--out", "some.yaml")
    assert (code, err) == (0, "")
    assert out.startswith("wrote some.yaml: 4 personas, drawn from norms")
    assert read_personas(tmp_path / "some.yaml") == sampled_personas(OWN, 4, 3)
    before = (tmp_path / "some.yaml").read_bytes()
    code, out, err = confide("personas", "sample", "--n", 4, "--out", "some.yaml")
    assert (code, out) == (2, "")
    assert "some.yaml is there already" in err
    assert (tmp_path / "some.yaml").read_bytes() == before
    assert confide("personas", "sample", "--n", 0)[0] == 2
    assert confide("personas", "sample", "--n", 4, "--instrument", "csi-confide")[0] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["some.yaml"]


def test_personas_are_imported_into_a_new_file(confide, tmp_path):
    (tmp_path / "hub.txt").write_text("A baker.\nA pilot.\n{}\n")
    code, _, err = confide("personas", "import", "hub.txt")
    assert code == 2
    assert "hub.txt:3:1: expected plain text" in err
    assert not (tmp_path / "personas.yaml").exists()
    code, out, _ = confide("personas", "import", "hub.txt", "--first", 2)
    assert (code, out) == (0, "wrote personas.yaml: 2 personas, imported from hub.txt\n")
    assert [each.background for each in read_personas(tmp_path / "personas.yaml").personas] == ["A baker.", "A pilot."]


PEOPLE = 12


@pytest.fixture
def people(confide, tmp_path):
    """Twelve personas whose texts say at which level they answer; the first half has a score to hold it against."""
    listed = [
        ListedPersona(id=f"p{n}", background=f"At level {1 + n % 5}.", traits={"openness": 1 + n % 5} if n < 6 else {})
        for n in range(PEOPLE)
    ]
    (tmp_path / "people.yaml").write_text(personas_text(PersonaList(source="here", personas=tuple(listed))))
    return listed


class Answering:
    """Answers items by the level that the prompt names, turned round where the key is; counts what it was asked."""

    def __init__(self, monkeypatch, trouble=None, at=None):
        self.asked = []
        self.trouble, self.at = trouble, at
        monkeypatch.setattr(scripted_module, "draw_reply", self)

    def __call__(self, request):
        if len(self.asked) == self.at:
            raise self.trouble
        words = "\n".join(str(message.content) for message in request.messages)
        level = int(found[1]) if (found := re.search(r"At level (\d)", words)) else 3
        self.asked.append(words)
        lines = re.findall(r"^(q\d+): (.*)$", words, re.MULTILINE)
        return json.dumps({name: level if TEXTS[text].key == 1 else 6 - level for name, text in lines})


def infer(confide, *more):
    return confide("personas", "infer", "people.yaml", "--model", "scripted", "--out", "out", *more)


def rows(out):
    with Path(out.splitlines()[-1]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_traits_are_inferred_as_each_persona_and_about_its_text(confide, people, monkeypatch):
    model = Answering(monkeypatch)
    code, out, _ = infer(confide)
    assert code == 0
    assert len(model.asked) == len(set(model.asked)) == 2 * PEOPLE + 1
    assert sum("You are Sam" in words for words in model.asked) == PEOPLE
    assert sum("Above, a person is described" in words for words in model.asked) == PEOPLE
    (nobody,) = [words for words in model.asked if "At level" not in words]
    assert "You answer a questionnaire." in nobody
    found = rows(out)
    assert len(found) == 2 * 6 * PEOPLE
    for n, person in enumerate(people):
        for mode in ("self", "observer"):
            own = {row["factor"]: row for row in found if (row["persona"], row["mode"]) == (person.id, mode)}
            assert {float(row["score"]) for row in own.values()} == {1 + n % 5}
            assert own["openness"]["known"] == (str(float(1 + n % 5)) if n < 6 else "")
            assert own["emotionality"]["known"] == ""
            assert {row["missing"] for row in own.values()} == {""}


def test_below_the_floor_there_are_no_scores(confide, people):
    code, out, _ = infer(confide)
    assert code == 0
    assert "no scores: self, openness: alpha " in out
    assert "no model spoke here" in out
    found = rows(out)
    assert len(found) == 2 * 6 * PEOPLE
    for row in found:
        assert (row["score"] == "") == (row["missing"] != ""), "null goes with its reason"
    assert sum(re.fullmatch(r"alpha -?\d\.\d\d < 0\.70", row["missing"]) is not None for row in found) > PEOPLE


@pytest.mark.parametrize(("floor", "shown"), [(0.7, False), (0, True)])
def test_of_too_few_personas_the_reliability_is_unknown(confide, people, tmp_path, floor, shown):
    few = PersonaList(source="few", personas=tuple(people[:3]))
    (tmp_path / "people.yaml").write_text(personas_text(few))
    (tmp_path / "plan.yaml").write_text(read_plan("traits").text.replace("floor: 0.7", f"floor: {floor}"))
    code, out, _ = infer(confide, "--with", "plan.yaml")
    assert code == 0
    for row in rows(out):
        assert (row["score"] != "") is shown
        assert row["missing"] == (
            "" if shown else "reliability unknown: 3 respondents answered every item, and it needs 10"
        )


def as_left(tmp_path):
    return {path.name: path.read_bytes() for path in tmp_path.glob("out/*/*.jsonl")}


@pytest.mark.parametrize(
    ("trouble", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted; the same command goes on from here"),
        (ModelError(Fault.SERVER_ERROR, "overloaded"), 1, "overloaded"),
        (ModelError(Fault.DENIED, "the key is refused"), 2, "the key is refused"),
    ],
)
def test_what_was_interrupted_goes_on_and_asks_nothing_twice(
    confide, people, monkeypatch, tmp_path, trouble, code, said
):
    broken = Answering(monkeypatch, trouble, at=9)
    ended, _, err = infer(confide)
    assert ended == code
    assert said in err
    there = as_left(tmp_path)
    rest = Answering(monkeypatch)
    code, out, _ = infer(confide)
    assert code == 0
    assert len(broken.asked) == 9
    assert sorted(broken.asked + rest.asked) == sorted({*broken.asked, *rest.asked})
    assert len(broken.asked) + len(rest.asked) == 2 * PEOPLE + 1
    assert there.items() <= as_left(tmp_path).items(), "what was complete is as it was"
    assert len(rows(out)) == 2 * 6 * PEOPLE
    again = Answering(monkeypatch)
    assert infer(confide)[:2] == (0, out)
    assert again.asked == []


def test_a_call_that_fails_for_good_is_missing_and_the_others_count(confide, people, monkeypatch):
    def answer(request):
        if "At level 2" in str(request.messages):
            raise ModelError(Fault.FILTERED, "withheld")
        return draw_reply(request)

    monkeypatch.setattr(scripted_module, "draw_reply", answer)
    code, out, _ = infer(confide)
    assert code == 0
    of_two = {person.id for person in people if "level 2" in person.background}
    assert {row["score"] for row in rows(out) if row["persona"] in of_two} == {""}
    assert {row["persona"] for row in rows(out)} == {person.id for person in people}


def test_answers_for_other_personas_are_not_mixed_in(confide, people, tmp_path):
    assert infer(confide)[0] == 0
    (tmp_path / "people.yaml").write_text(personas_text(PersonaList(source="here", personas=tuple(people[:-1]))))
    code, _, err = infer(confide)
    assert code == 2
    assert "holds answers for other personas: delete it" in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["none.yaml", "--model", "scripted"], "there is no such file"),
        (["people.yaml", "--model", "gpt"], "no model is called 'gpt'"),
        (["people.yaml", "--model", "scripted", "--with", "trait"], "did you mean 'traits'?"),
    ],
)
def test_what_cannot_be_asked_is_one_line(confide, people, tmp_path, args, said):
    code, out, err = confide("personas", "infer", *args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not (tmp_path / "inferred").exists()
