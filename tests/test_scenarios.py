"""The reader names every mistake of a file at once, by file, line, column and field. The library keeps its promises."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from confide.commands.author import SCHEMAS, schema_of
from confide.scenarios import (
    ConfideError,
    InputFileError,
    Reveal,
    Role,
    read_scenario,
    read_scenarios,
    shipped_scenarios,
)
from confide.scenarios.library import LIBRARY, STRATEGIES, TEMPLATE
from confide.scenarios.reader import read_taxonomy
from confide.scenarios.yamlfile import parse_yaml, yaml_text
from tests.helpers import scenario_from, scenarios

TEXT = TEMPLATE.read_text()


def mistakes(folder: Path, text: str) -> list[str]:
    file = folder / "s.yaml"
    file.write_text(text)
    with pytest.raises(InputFileError) as caught:
        read_scenario(file)
    return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_template_is_a_good_scenario():
    assert read_scenario(TEMPLATE).scenario.id == "my-scenario"


@pytest.mark.parametrize(
    ("old", "new", "marker", "expected"),
    [
        ("intensity: 4", "intensity: four", "intensity: four", 'seeker.intensity: expected a whole number, not "four"'),
        ("intensity: 4", "intensity: 4.5", "intensity: 4.5", "seeker.intensity: expected a whole number, not 4.5"),
        ("intensity: 4", "intensity: 6", "intensity: 6", "seeker.intensity: must be at most 5, not 6"),
        ("intensity: 4", "intensity: true", "intensity: true", "seeker.intensity: expected a whole number, not true"),
        ("emotionality: 4.2", "emotionality: .inf", "emotionality: .inf", 'expected a number, not ".inf"'),
        ("emotionality: 4.2", "emotionality: 0", "emotionality: 0", "must be at least 1, not 0"),
        ("emotionality: 4.2", "emotionalty: 4.2", "emotionalty", "there is no field 'emotionalty'; did you mean 'emotionality'?"),
        ("opens: supporter", "opens: suporter", "opens: sup", "\"suporter\" is not allowed here; did you mean 'supporter'?"),
        ("opens: supporter", "opens: no", "opens: no", '"no" is not allowed here; one of: seeker, supporter'),
        ("opens: supporter", "opens: supporter\nopens: seeker", "opens: seeker", "'opens' is given twice (first on line 12): keep one"),
        ("reveal: when_asked", "reveal: when_askd", "reveal: when_askd", "did you mean 'when_asked'?"),
        ("after: [shop-closing]", "after: [shop-closed]", "after: [shop-closed]", "the seeker has no fact 'shop-closed'; did you mean 'shop-closing'?"),
        ("after: [shop-closing]", "after: [own-closure]", "after: [own", "the seeker has no fact 'own-closure'"),
        ("after: [shop-closing]", "after: [signed-lease]", "after: [signed", "no fact of this circle could ever be told first: 'signed-lease'"),
        ("id: long-shift", "id: own-closure", "id: own-closure\n      text: Robin is at", "two facts are called 'own-closure'"),
        ("id: long-shift", "id: shop-closing", "id: shop-closing\n      text: Robin", "two facts are called 'shop-closing'"),
        ("id: long-shift", "id: nothing", "id: nothing", "'nothing' cannot be a fact's id"),
        ("id: long-shift", "id: Long Shift", "id: Long Shift", "has characters that are not allowed here"),
        ("      trust: 60", "      # trust", "id: borrowed-money", "reveal is when_trusting: add trust"),
        ("reveal: openly       # told whenever", "trust: 3\n      reveal: openly #", "id: shop-closing", "trust goes with reveal: when_trusting only"),
        ("name: Robin", "name: 12:30", "", None),
        ("name: Robin", "name: 12", "name: 12", "expected text (put it in quotes), not 12"),
        ("name: Robin", "name: ''", "name: ''", "must not be empty"),
        ("turns: 20", "turns: 0", "turns: 0", "limits.turns: must be at least 1, not 0"),
        ("title: A", "title: !!python/none A", "title: !!python", "the tag 'tag:yaml.org,2002:python/none' is not supported"),
        ("turns: 20", "turns: 20\n  <<: {a: 1}", "<<: {a", "there is no field '<<'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(tmp_path, old, new, marker, expected):
    text = TEXT.replace(old, new, 1) if "opens: seeker" not in new else TEXT.replace(old + " ", new + " ", 1)
    assert text != TEXT
    if expected is None:
        file = tmp_path / "s.yaml"
        file.write_text(text)
        assert read_scenario(file).scenario.supporter.persona.name == "12:30"
        return
    found = mistakes(tmp_path, text)
    assert len(found) == 1, found
    assert expected in found[0]
    assert int(found[0].split(":")[0]) == line_of(text, marker)


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path):
    text = TEXT.replace("intensity: 4", "intensity: four").replace("after: [shop-closing]", "after: [nobody]")
    text = text.replace("langu", "lange").replace("turns: 20", "turns: x").replace("id: long-shift", "id: own-closure")
    found = mistakes(tmp_path, text)
    assert len(found) == 5
    lines = [int(problem.split(":")[0]) for problem in found]
    assert lines == sorted(lines)


def test_a_cycle_of_several_facts_is_one_mistake_that_names_them(tmp_path):
    text = TEXT.replace("reveal: openly       # told whenever it fits", "reveal: openly\n      after: [signed-lease]")
    found = mistakes(tmp_path, text)
    assert len(found) == 1
    assert "'shop-closing', 'signed-lease'" in found[0]


def test_what_is_missing_is_named(tmp_path):
    assert mistakes(tmp_path, TEXT.replace("id: my-scenario", "# id"))[0].endswith("id: 'id' is missing")
    found = mistakes(tmp_path, "id: a\n")
    assert {problem.split(": ", 1)[1] for problem in found} == {
        f"{name}: '{name}' is missing" for name in ("title", "problem", "situation", "seeker", "supporter")
    } or len(found) == 5  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: [1,\nb: 2", "not valid YAML"),
        ("a: b: c", "not valid YAML: mapping values are not allowed here"),
        ("\ta: 1", "not valid YAML"),
        ("a: \x07", "is not allowed in YAML"),
        ("", "expected a scenario"),
        ("- a\n- b", "expected a scenario"),
        ("just words", "expected a scenario"),
        ("--- {}\n--- {}", "not valid YAML"),
        ("a: &x [*x]", "repeats itself without end"),
        ("? [a, b]\n: c", "a key must be a plain word"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_yaml_mapping_is_one_line(tmp_path, text, expected):
    found = mistakes(tmp_path, text)
    assert any(expected in problem for problem in found), found


def test_aliases_that_multiply_are_refused(tmp_path):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 8):
        bomb += f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n"
    assert "without end" in mistakes(tmp_path, bomb)[0]


def test_files_that_cannot_be_read(tmp_path):
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("id: a\ntitle: café".encode("latin-1"))
    with pytest.raises(InputFileError, match=r"latin\.yaml:2:1: not UTF-8"):
        read_scenario(latin)
    with pytest.raises(InputFileError, match="there is no such file"):
        read_scenario(tmp_path / "none.yaml")
    with pytest.raises(InputFileError, match="cannot be read: Is a directory"):
        read_scenario(tmp_path)
    with pytest.raises(ConfideError, match="did you mean 'exam-panic'"):
        read_scenario("exam-panik")


def test_problems_of_several_files_come_together(tmp_path):
    for name, text in (("a", "id: 1\n"), ("b", "id: [\n")):
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(InputFileError) as caught:
        read_scenarios([str(tmp_path / "a.yaml"), "exam-panic", str(tmp_path / "b.yaml")])
    assert {problem.file.name for problem in caught.value.problems} == {"a.yaml", "b.yaml"}


def test_two_files_with_one_id_are_refused_and_one_file_twice_is_one(tmp_path):
    (tmp_path / "copy.yaml").write_text((LIBRARY / "exam-panic.yaml").read_text())
    with pytest.raises(ConfideError, match="is also that of"):
        read_scenarios(["exam-panic", str(tmp_path / "copy.yaml")])
    assert len(read_scenarios(["exam-panic", "exam-panic"])) == 1


def test_the_own_taxonomy_of_a_scenario_is_read_beside_it(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "id: mine\ntitle: Mine\nsource: Ours\nstrategies:\n  - label: Listen\n    definition: Listens.\n"
    )
    file = tmp_path / "s.yaml"
    file.write_text(TEXT + "\nstrategies: mine.yaml\n")
    assert read_scenario(file).taxonomy.labels == ("Listen",)
    (tmp_path / "mine.yaml").write_text(
        "id: mine\ntitle: Mine\nsource: Ours\nstrategies:\n  - label: A+B\n    definition: x\n"
    )
    with pytest.raises(InputFileError, match=r"mine\.yaml:5:12: strategies\[0\]\.label"):
        read_scenario(file)


def test_a_label_may_mean_one_strategy_only(tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text(
        "id: t\ntitle: T\nsource: S\nstrategies:\n"
        "  - {label: Ask, definition: d, aliases: [Question]}\n  - {label: question, definition: d}\n"
    )
    with pytest.raises(InputFileError, match="names both 'Ask' and 'question'"):
        read_taxonomy(file)


@given(scenarios())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_what_was_written_as_yaml_is_read_as_it_was(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("yaml") / "s.yaml"
    file.write_text(yaml_text(data), encoding="utf-8")
    assert read_scenario(file).scenario == scenario_from(data)


LOOKALIKES = st.sampled_from(
    [
        "08",
        "1e5",
        ".5",
        "null",
        "~",
        "on",
        "0o7",
        "12:30",
        "true",
        "+1",
        "1_000",
        "=",
        "<<",
        "- a",
        "#",
        "a\x85b",
        "a\u2028b",
        " a\n\n b ",
    ]
)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), LOOKALIKES),
        lambda x: st.lists(x) | st.dictionaries(st.text(max_size=9), x),
        max_leaves=8,
    )
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_data_written_by_us_are_read_back_as_they_were(data):
    """Texts that look like numbers to our reader, which follows YAML 1.2, or to one of YAML 1.1, stay texts."""
    document = parse_yaml(Path("x.yaml"), yaml_text({"data": data}))
    assert document.problems == []
    assert document.data == {"data": data}
    assert yaml.safe_load(yaml_text({"data": data})) == {"data": data}


def test_a_file_may_be_long_and_only_repetition_is_refused(monkeypatch):
    monkeypatch.setattr("confide.scenarios.yamlfile.MAX_NODES", 500)
    assert parse_yaml(Path("x.yaml"), "a: [" + "1, " * 900 + "]").data == {"a": [1] * 900}
    ten = "[" + "*a, " * 10 + "]"
    with pytest.raises(InputFileError, match="repeats itself without end"):
        parse_yaml(Path("x.yaml"), f"a: &a [1]\nb: [{', '.join([ten] * 30)}]")


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
@settings(max_examples=100, deadline=None)
def test_no_yaml_makes_the_reader_fall_over(data):
    text = yaml.safe_dump({"id": data, "seeker": data, "supporter": {"facts": data}})
    try:
        parse_yaml(Path("x.yaml"), text)
    except InputFileError:
        return


# --- the library -------------------------------------------------------------------------------------------------------

ESCONV_PROBLEMS = {
    "ongoing depression", "job crisis", "breakup with partner", "problems with friends", "academic pressure", "sleep problems",
    "conflict with parents", "procrastination", "alcohol abuse", "appearance anxiety", "issues with children", "school bullying",
}  # fmt: skip


def test_the_library_covers_the_esconv_problems():
    loaded = read_scenarios(shipped_scenarios())
    assert len(loaded) >= 12
    assert {item.scenario.problem for item in loaded} >= ESCONV_PROBLEMS


@pytest.mark.parametrize("name", shipped_scenarios())
def test_a_shipped_scenario_has_facts_of_every_kind_and_tells_none_in_public(name):
    scenario = read_scenario(name).scenario
    assert scenario.id == name
    assert len(scenario.seeker.facts) >= 4
    assert {fact.reveal for fact in scenario.seeker.facts} == set(Reveal)
    assert len(scenario.supporter.facts) >= 2
    assert len({fact.reveal for fact in scenario.supporter.facts}) >= 2
    for role in Role:
        for fact in scenario.role(role).facts:
            assert fact.text not in scenario.situation


def test_the_shipped_taxonomy_is_esconvs_eight():
    taxonomy = read_taxonomy(STRATEGIES / "esconv.yaml")
    assert len(taxonomy.labels) == 8
    assert taxonomy.resolve(" approval AND  reassurance") == "Affirmation and Reassurance"
    assert taxonomy.resolve("Sarcasm") is None


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_committed_schemas_are_those_of_the_code(kind):

    committed = json.loads((Path(__file__).parent.parent / "docs" / "schema" / f"{kind}.json").read_text())
    assert committed == schema_of(kind), f"confide schema {kind} > docs/schema/{kind}.json"


@pytest.mark.parametrize(
    "kind", ["scenario", "taxonomy", "personas", "traits", "instrument", "wording", "models", "event", "run"]
)
def test_every_field_of_a_schema_is_described(kind):
    from confide.commands.author import schema_of

    schema = schema_of(kind)
    nodes = [("top", schema), *schema.get("$defs", {}).items()]
    bare = [
        f"{owner}.{name}"
        for owner, node in nodes
        for name, field in node.get("properties", {}).items()
        if "description" not in field
    ]
    assert not bare
