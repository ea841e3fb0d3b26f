"""Scripts: a whole conversation in one answer, read as single turns are, with nothing filled in."""

import json

import pytest

from confide.agents import ReplyError, ReplyRules
from confide.agents.formats import JSON, TAGGED
from confide.agents.scripts import ScriptRules, read_script, script_grammar, script_schema
from confide.scenarios import Role
from confide.simulator import Called, Ended, EndReason, Failed, Spoke, replay
from tests.helpers import CONDITIONS, ESCONV, make_setup, scripted, talk

FACTS = {Role.SEEKER: ("lost-job", "borrowed"), Role.SUPPORTER: ("own-loss",)}
TURNS = 4


def rules(opens=Role.SEEKER, turns=TURNS):
    per_role = {role: ReplyRules(role=role, facts=FACTS[role], taxonomy=ESCONV) for role in Role}
    return ScriptRules(per_role, opens, turns)


def message(role, utterance, **fields):
    inner = (
        {"thoughts": "t", "emotion": 60, "trust": 30}
        if role is Role.SEEKER
        else {"notes": "n", "strategies": ["Question"]}
    )
    return {"role": role.value, **inner, "told": [], "utterance": utterance, "wants_to_end": False, **fields}


def line(role, utterance):
    bracket = "emotion 60, trust 30, told nothing" if role is Role.SEEKER else "Question"
    return f"[{bracket}] {utterance}"


def written(count, form="json", opens=Role.SEEKER, **last):
    """A script of ``count`` messages; ``last`` are fields of the last one."""
    order = [opens if turn % 2 == 0 else opens.other for turn in range(count)]
    if form == "tagged":
        return "\n".join(line(role, f"Line {turn}.") for turn, role in enumerate(order))
    turns = [message(role, f"Line {turn}.") for turn, role in enumerate(order)]
    turns[-1] |= last
    return json.dumps({"turns": turns})


def read(text, form="json", **about):
    return read_script(text, rules(**about), JSON if form == "json" else TAGGED)


@pytest.mark.parametrize("form", ["json", "tagged"])
@pytest.mark.parametrize("opens", list(Role))
@pytest.mark.parametrize(("count", "kept"), [(1, 1), (3, 3), (4, 4), (7, 4)])
def test_a_script_is_read_in_turn_and_up_to_its_most_turns(form, opens, count, kept):
    replies = read(written(count, form, opens), form, opens=opens)
    assert [reply.utterance for reply in replies] == [f"Line {turn}." for turn in range(kept)]
    assert [reply.role for reply in replies] == [rules(opens).role(turn) for turn in range(kept)]


def test_what_is_beyond_the_most_turns_is_not_read():
    data = json.loads(written(4))
    data["turns"].append({"role": "nobody"})
    assert len(read(json.dumps(data))) == 4


@pytest.mark.parametrize("turns", [[], {}, {"0": 1}, "text", 3, None])
def test_turns_must_be_a_list_with_a_message(turns):
    with pytest.raises(ReplyError, match="'turns' must be a list with at least one message"):
        read(json.dumps({"turns": turns}))


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "[1, 2]"])
def test_a_json_script_must_be_an_object(text):
    with pytest.raises(ReplyError, match="JSON object"):
        read(text)


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_a_tagged_script_must_have_a_line(text):
    with pytest.raises(ReplyError, match="at least one message"):
        read(text, "tagged")


def test_the_roles_must_take_turns():
    wrong = json.dumps({"turns": [message(Role.SEEKER, "a"), message(Role.SEEKER, "b")]})
    with pytest.raises(ReplyError, match=r"message 2, of the supporter: its role must be 'supporter'.*the seeker"):
        read(wrong)
    with pytest.raises(ReplyError, match="message 1, of the supporter"):
        read(written(2), opens=Role.SUPPORTER)
    with pytest.raises(ReplyError, match="message 2, of the supporter"):
        read(f"{line(Role.SEEKER, 'a')}\n{line(Role.SEEKER, 'b')}", "tagged")


BROKEN = {
    "no object": 7,
    "no role": {key: value for key, value in message(Role.SEEKER, "x").items() if key != "role"},
    "no trust": {key: value for key, value in message(Role.SEEKER, "x").items() if key != "trust"},
    "empty": message(Role.SEEKER, "  "),
    "too much": message(Role.SEEKER, "x", trust=101),
    "no number": message(Role.SEEKER, "x", trust="40"),
    "no bool": message(Role.SEEKER, "x", wants_to_end="no"),
    "unknown fact": message(Role.SEEKER, "x", told=["own-loss"]),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_an_unreadable_message_is_named_by_its_number(broken):
    turns = [message(Role.SEEKER, "a"), message(Role.SUPPORTER, "b"), broken, message(Role.SUPPORTER, "c")]
    with pytest.raises(ReplyError, match="message 3, of the seeker: "):
        read(json.dumps({"turns": turns}))


@pytest.mark.parametrize("bad", ["no bracket", "[Nonsense] hm", "[Question]", "", "[Question]   "])
def test_an_unreadable_line_is_named_by_its_number(bad):
    text = "\n".join([line(Role.SEEKER, "a"), bad, line(Role.SEEKER, "c")])
    with pytest.raises(ReplyError, match="message 2, of the supporter: "):
        read(text, "tagged")


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_line_of_a_script_ends_where_a_single_line_ends(mark):
    words = f"one{mark}two"
    rule = rules().rules[Role.SEEKER]
    assert TAGGED.parse(line(Role.SEEKER, words), rule).utterance == words
    assert read(line(Role.SEEKER, words), "tagged")[0].utterance == words


def test_two_scripts_in_one_answer_are_refused():
    """A draft and a script: as with single replies, the draft must not be taken for it."""
    with pytest.raises(ReplyError):
        read(written(2) + "\nBetter:\n" + written(4))


@pytest.mark.parametrize("missing", [3, 300])
def test_a_script_that_breaks_off_is_called_no_whole_object(missing):
    with pytest.raises(ReplyError, match="no whole JSON object found"):
        read(written(4)[:-missing])


def test_a_message_that_is_a_string_is_no_message():
    wrong = message(Role.SEEKER, "x") | {"role": "supporter"}
    with pytest.raises(ReplyError, match="message 1, of the seeker"):
        read(json.dumps({"turns": [json.dumps(wrong)]}))


def objects(schema):
    """Every object schema inside ``schema``."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


@pytest.mark.parametrize("opens", list(Role))
def test_the_schema_is_strict(opens):
    schema = script_schema(rules(opens))
    found = list(objects(schema))
    assert len(found) == 3
    for each in found:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])
    turns = schema["properties"]["turns"]
    assert (turns["minItems"], turns["maxItems"]) == (1, TURNS)
    kinds = {kind["properties"]["role"]["enum"][0]: kind["properties"] for kind in turns["items"]["anyOf"]}
    assert list(kinds) == [opens.value, opens.other.value]
    for role in Role:
        assert kinds[role.value]["told"]["items"]["enum"] == list(FACTS[role])


@pytest.mark.parametrize("opens", list(Role))
@pytest.mark.parametrize("turns", [1, 2, 5, 20])
def test_the_grammar_has_exactly_the_turns_lines(opens, turns):
    rows = script_grammar(rules(opens, turns)).split("\n")
    named = dict(row.split(" ::= ", 1) for row in rows)
    assert len(named) == len(rows), "no rule is given twice"
    assert named["root"].split(' "\\n" ') == [rules(opens, turns).role(turn).value for turn in range(turns)]
    assert {"seeker", "supporter", "told", "id", "name", "number", "words"} <= set(named)
    assert "own-loss" not in named["id"], "lines of the supporter declare no facts"


def run(answers, form="json", turns=TURNS):
    """A script conversation over these answers, the last one again and again."""
    given = iter(answers)
    model, client = scripted(lambda request: next(given), reply=form)
    if form == "tagged":
        model = model._replace(structured="grammar")
    setup = make_setup("awake-at-three", model, condition=CONDITIONS["script"])
    limits = setup.scenario.limits.model_copy(update={"turns": turns})
    changed = setup.scenario.model_copy(update={"limits": limits, "opens": Role.SEEKER})
    events = talk(setup._replace(scenario=changed))
    replay(events)
    return events, client


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("form", ["json", "tagged"])
@pytest.mark.parametrize(("count", "reason"), [(TURNS, EndReason.TURN_LIMIT), (3, EndReason.SCRIPT_ENDED)])
def test_a_script_ends_at_the_limit_or_where_it_is_over(form, count, reason):
    events, client = run([written(count, form)], form)
    assert len(client.received) == 1
    assert [event.turn for event in of(Spoke, events)] == list(range(count))
    assert (of(Ended, events)[0].reason, of(Ended, events)[0].turns) == (reason, count)
    assert [(call.purpose, call.turn, call.role) for call in of(Called, events)] == [("script", 0, None)]


@pytest.mark.parametrize(("count", "reason"), [(3, EndReason.SEEKER_ENDED), (2, EndReason.SUPPORTER_ENDED)])
def test_a_script_ends_where_one_of_them_leaves(count, reason):
    data = json.loads(written(count, wants_to_end=True))
    data["turns"].append(message(Role.SEEKER if count % 2 == 0 else Role.SUPPORTER, "Said to nobody."))
    events, _ = run([json.dumps(data)])
    assert len(of(Spoke, events)) == count
    assert of(Ended, events)[0].reason is reason
    assert "Said to nobody." in of(Called, events)[0].reply


@pytest.mark.parametrize("form", ["json", "tagged"])
def test_turns_beyond_the_limit_are_not_spoken_but_stay_in_the_answer(form):
    text = written(6, form)
    events, _ = run([text], form)
    assert [event.reply.utterance for event in of(Spoke, events)] == [f"Line {turn}." for turn in range(TURNS)]
    assert of(Called, events)[0].reply == text
    assert of(Ended, events)[0].reason is EndReason.TURN_LIMIT


@pytest.mark.parametrize("form", ["json", "tagged"])
def test_an_unreadable_script_is_mended_once(form):
    events, client = run(["nothing of use", written(TURNS, form)], form)
    assert [call.purpose for call in of(Called, events)] == ["script", "repair"]
    assert [(bad.stage, bad.purpose, bad.role) for bad in of(Failed, events)] == [("read", "script", None)]
    assert len(of(Spoke, events)) == TURNS
    if form == "json":
        first, second = client.received
        assert list(second.messages[: len(first.messages)]) == list(first.messages)
        assert second.messages[-2].content == "nothing of use"
        assert "no whole JSON object found" in second.messages[-1].content


@pytest.mark.parametrize("form", ["json", "tagged"])
def test_a_script_that_stays_unreadable_ends_in_error_and_nothing_is_spoken(form):
    half = written(3, form).replace("Line 2.", "  ")  # two good messages, and an empty one
    events, client = run([half, half], form)
    assert len(client.received) == 2
    assert not of(Spoke, events)
    assert [bad.purpose for bad in of(Failed, events)] == ["script", "repair"]
    end = of(Ended, events)[0]
    assert (end.reason, end.turns) == (EndReason.ERROR, 0)
    assert "message 3, of the seeker" in end.detail
