"""From answers to figures: drift, retest, noise, and what is missing, reckoned by hand from side logs made by hand."""

import pytest

from confide.agents import text_hash
from confide.evaluators.readings import Talked
from confide.evaluators.talks import Talk
from confide.evaluators.traits import drift, read_source
from confide.evaluators.traits.drift import answering
from confide.evaluators.traits.results import RespondentResults
from confide.evaluators.traits.scores import Sheet
from confide.scenarios import Role
from confide.scenarios.personas import ListedPersona, PersonaList
from confide.simulator import MeasureFolder, Reading, SideLog
from confide.simulator.observing import Answer, Key, address_of
from tests.trait_helpers import TEXTS, a_plan, asked_model, measure_record

SEEKER = Role.SEEKER
TEN = 10
START = -1
WHOLE = {"calm": 3, "brave": 3, "fair": 3, "sly": 3}

# Who answered what: by talk, then by turn and repeat. Both items of emotionality are keyed -1: 2 speaks for 4.
FIRST = {
    (START, 0): WHOLE | {"calm": 2, "brave": 3},  # 3.5
    (START, 1): WHOLE | {"calm": 2, "brave": 2},  # calm +0, brave +1
    (2, 0): {"calm": 1, "fair": 3},  # calm +1
    (4, 0): WHOLE | {"calm": 1, "brave": 2},  # 4.5: +1
}
SECOND = {
    (START, 0): WHOLE | {"calm": 4, "brave": 4},  # 2
    (START, 1): WHOLE | {"calm": 5, "brave": 4},  # calm -1, brave +0
    (2, 0): {"calm": 4, "fair": 3},  # +0
    (4, 0): WHOLE | {"calm": 4, "brave": 5},  # 1.5: -0.5
}
BARE = [{(START, 0): WHOLE, (4, 0): WHOLE | {"brave": 2}}, {(START, 0): WHOLE, (4, 0): WHOLE}]  # +0.5 and 0


@pytest.fixture
def results(tmp_path):
    """Makes what a source answered, from side logs."""

    def made(source, *talks, unread=0, model=None, weights=(), note=None):
        plan = a_plan()
        measure = f"{plan.plan.id}-{source}"
        place = tmp_path / f"{measure}{len(list(tmp_path.iterdir()))}"
        folder = MeasureFolder.at(place, measure_record(plan, measure, plan.text, plan.files, model, None, 1))
        found = {}
        for number, answers in enumerate([*talks, *[None] * unread]):
            name = f"talk-{number}"
            talk = Talk(name, f"scene-{number}", "partial", f"scene-{number}/persona/0", ())
            found[name] = Talked(talk, address_of(()))
            if answers is not None:
                write(folder, name, measure, answers, weights, note)
        return read_source(folder, found, dict.fromkeys(Role, ("scripted",)), [])

    return made


def write(folder, name, measure, answers, weights, note):
    with folder.writer(name) as writer:
        log = SideLog(writer)
        log.begin(
            Reading(seq=0, conversation=name, measure=measure, rubric=text_hash(""), card=None, seed=1, repeats=1)
        )
        for (turn, repeat), given in answers.items():
            for part, form in zip(
                ("short", "long") if isinstance(given, list) else ("long",),
                given if isinstance(given, list) else [given],
                strict=False,
            ):
                missing = {item: str(value) for item, value in form.items() if not isinstance(value, int)}
                values = {item: None if item in missing else value for item, value in form.items()}
                mass = dict.fromkeys(weights, (0.2,) * 5)
                log.take(Answer(Key(turn, SEEKER, repeat, part), None, None, values, missing, None, mass, note), 0)
        log.end(())
        writer.commit()


def figures(*sources, profiles=(), floor=0.0, factor="emotionality", source="self"):
    (found,) = [x for x in drift(sources, profiles, floor) if (x.factor, x.source) == (factor, source)]
    return found


def test_drift_and_what_stands_beside_it(results):
    found = figures(results("self", FIRST, SECOND), results("bare", *BARE))
    assert found[:6] == ("partial", SEEKER, "self", "roles", "emotionality", None)
    assert (found.start, found.end) == (2.75, 3.0)
    assert (found.drift.mean, found.drift.n, found.drift.clusters) == (0.25, 2, 2)
    assert found.drift.low == pytest.approx(0.25 - 12.7062 * 0.75, abs=1e-3)  # t with 1 degree of freedom
    assert found.drift.high == pytest.approx(0.25 + 12.7062 * 0.75, abs=1e-3)
    assert (found.retest.mean, found.retest.n) == (0.0, 2)  # +0.5 and -0.5
    assert found.noise == pytest.approx(0.5)
    assert found.beyond == 0.5  # 1 is beyond 1.96 * 0.5, and 0.5 is not
    assert (found.bare.mean, found.bare.n) == (0.25, 2)
    assert (found.net.mean, found.net.n) == (0.0, 2)  # 1 - 0.5 and -0.5 - 0
    assert found.series == ((2, 0.5, 2), (4, 0.25, 2))
    assert found.missing == {}


def test_a_factor_that_is_keyed_both_ways(results):
    more = {(START, 0): WHOLE, (4, 0): WHOLE | {"fair": 5, "sly": 2}}  # +2 and +1
    found = figures(results("self", more), factor="honesty_humility")
    assert (found.start, found.end, found.drift.mean) == (3.0, 4.5, 1.5)
    assert (found.drift.low, found.drift.reason) == (None, "one cluster only: nothing says how clusters differ")
    assert found.bare is found.net is None
    assert (found.noise, found.beyond, found.retest.n) == (None, None, 0)


def test_an_observer_is_held_against_no_bare_model(results):
    found = figures(results("observer", FIRST, SECOND), results("bare", *BARE), source="observer")
    assert found.drift.mean == 0.25
    assert found.bare is found.net is None


def test_several_retests_of_a_talk_are_averaged_and_their_noise_is_not(results):
    again = {(START, 1): WHOLE | {"calm": 1, "brave": 1}, (START, 2): WHOLE | {"calm": 5, "brave": 5}}  # +2 and -2
    found = figures(results("self", {(START, 0): WHOLE, **again, (4, 0): WHOLE}))
    assert (found.retest.mean, found.retest.n, found.noise, found.beyond) == (0.0, 1, 2.0, 0.0)


def test_what_has_no_drift_is_counted_with_the_reason_and_enters_no_mean(results):
    why = dict.fromkeys(TEXTS, "nobody can be asked")
    half = {(START, 0): WHOLE, (4, 0): WHOLE | {"calm": "it was cut off"}}
    short_of_one = {(START, 0): WHOLE}
    unasked = {(START, 0): why}
    found = figures(results("self", FIRST, half, short_of_one, unasked, SECOND))
    assert found.missing == {"too few items were answered": 1, "no second long form": 1, "nobody can be asked": 1}
    assert (found.drift.n, found.drift.mean, found.start, found.end) == (2, 0.25, 2.75, 3.0)
    other = figures(results("self", FIRST, half, short_of_one, unasked, SECOND), factor="honesty_humility")
    assert other.missing == {"no second long form": 1, "nobody can be asked": 1}
    assert other.drift.n == 3


def test_a_baseline_that_could_not_be_read_is_not_replaced_by_a_later_answer(results):
    lost = {(START, 0): dict.fromkeys(TEXTS, "unreadable"), (2, 0): {"calm": 1, "fair": 3}, (4, 0): WHOLE}
    found = figures(results("self", FIRST, lost, SECOND))
    assert found.missing == {"unreadable": 1}
    assert (found.drift.n, found.start) == (2, 2.75)
    assert found.series == ((2, 0.5, 2), (4, 0.25, 2))


def test_where_both_forms_were_asked_after_one_turn_the_long_one_counts(results):
    short, long = {"calm": 5, "fair": 1}, WHOLE | {"calm": 1, "brave": 2}
    one = figures(results("self", {(START, 0): WHOLE, (4, 0): [short, long]}))
    assert (one.end, one.drift.mean, one.series) == (4.5, 1.5, ((4, 1.5, 1),))


# The floor


def profile_sheets(answer):
    names = [f"p{number}" for number in range(TEN)]
    personas = PersonaList(source="Ours.", personas=tuple(ListedPersona(id=name, background=name) for name in names))
    sheets = {
        (name, mode): Sheet({item: answer(number, item) for item in TEXTS}, {}, 0)
        for number, name in enumerate(names)
        for mode in ("self", "observer")
    }
    return RespondentResults(a_plan(), "scripted", personas, sheets)


def assert_null(found, why):
    assert found.null == why
    assert [found.start, found.end, found.noise, found.beyond, found.drift.mean, found.retest.mean] == [None] * 6
    assert (found.series, found.drift.n) == ((), 0)
    for each in (found.bare, found.net):
        assert each is None or each.mean is None


def test_unknown_reliability_has_no_scores(results):
    sources = results("self", FIRST, SECOND), results("bare", *BARE)
    found = figures(*sources, floor=0.7)
    assert_null(found, "reliability unknown: 2 respondents answered every item, and it needs 10")
    assert found.missing == {}
    assert figures(*sources, floor=0.0).drift.mean == 0.25


def test_reliability_below_the_floor_has_no_scores(results):
    def person(number):  # the two items of emotionality say the opposite of one another, more or less
        calm = 1 + number % 5
        return {(START, 0): WHOLE | {"calm": calm, "brave": 6 - calm if number < 9 else calm}, (4, 0): WHOLE}

    talks = [person(number) for number in range(TEN)]
    found = figures(results("self", *talks), floor=0.7)
    assert found.reliability.alpha < 0
    assert_null(found, f"alpha {found.reliability.alpha:.2f} < 0.70 (10 personas of the run)")
    shown = figures(results("self", *talks), floor=0.0)
    assert (shown.null, shown.drift.n) == (None, TEN)


def test_a_run_of_few_personas_is_as_reliable_as_the_models_are_over_profiles(results):
    steady = profile_sheets(lambda number, item: 1 + number % 5)
    shaky = profile_sheets(lambda number, item: 1 + (number * (2 if item == "calm" else 3) + number // 5) % 5)
    found = figures(results("self", FIRST, SECOND), profiles=[steady], floor=0.7)
    assert (found.null, found.sample, found.drift.mean) == (None, "10 profiles, an upper bound", 0.25)
    assert found.reliability.alpha == pytest.approx(1)
    found = figures(results("self", FIRST, SECOND), profiles=[shaky], floor=0.7)
    assert found.null == f"alpha {found.reliability.alpha:.2f} < 0.70 (10 profiles, an upper bound)"
    seen = results("observer", FIRST, SECOND, model=asked_model(name="another")[0])
    found = figures(seen, profiles=[steady], floor=0.7, source="observer")
    assert found.null.startswith("reliability unknown"), "the profiles are another model's"


# How it was answered


def test_what_was_answered_and_how_is_counted(results):
    talk = {(START, 0): {"calm": 5, "brave": "no", "fair": 5, "sly": 5}, (4, 0): {"calm": 1, "fair": "no"}}
    found = results("self", talk, unread=2, weights=("calm",), note="as it was drawn")
    assert (found.unread, found.unweighted, len(found.points)) == (2, {"as it was drawn": 2}, 2)
    (row,) = answering([found])
    assert (row.administrations, row.valid, row.weighted) == (2, 4 / 6, 2 / 4)
    assert row.acquiescence == 2.0  # fair and sly, 5 each, less 3; nothing is keyed 1 in emotionality
    assert [point.sheet.missing for point in found.points] == [{"brave": "no"}, {"fair": "no"}]


def test_an_answer_says_which_of_several_questions_it_is_to(results):
    found = results("self", {(START, 0): WHOLE, (START, 1): WHOLE, (3, 0): {"calm": 1}})
    assert [(point.turn, point.repeat, dict(point.sheet.answers)) for point in found.points] == [
        (START, 0, WHOLE), (START, 1, WHOLE), (3, 0, {"calm": 1}),
    ]  # fmt: skip
