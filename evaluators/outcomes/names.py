"""What outcomes are called. Law: the names are a closed set; any other is refused, and the nearest one is named."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple, get_args

from confide.evaluators.rubric import Choice, Item, Labels, Rubric, read_rubric, shipped_rubrics
from confide.evaluators.traits.plan import SOURCES, LoadedPlan, Source
from confide.scenarios import ConfideError, Role


class Form(NamedTuple):
    """One form of names; capitals stand for what is to be filled in."""

    name: str
    unit: str
    range: str
    what: str


FORMS: Final = (
    Form("talk.turns", "turns", "0 up", "Turns that were spoken, of both roles."),
    Form("talk.words.seeker", "words per turn", "0 up", "Words per turn of the seeker, as white space parts them."),
    Form("talk.words.supporter", "words per turn", "0 up", "The same of the supporter."),
    Form("talk.questions", "share", "0 to 1", "Supporter turns with a question mark."),
    Form("talk.entropy", "bits", "0 to log2 of their number", "Entropy of the supporter's strategies."),
    Form(
        "talk.first_suggestion", "share", "0 to 1",
        "Turn of the first Providing Suggestions over the number of turns. A talk without one is missing.",
    ),
    Form("talk.distress.first", "points", "0 to 100", "The seeker's distress by its own first report."),
    Form("talk.distress.last", "points", "0 to 100", "By its last report."),
    Form("talk.distress.change", "points", "-100 to 100", "The last less the first: below 0 is relief."),
    Form("share.LABEL", "share", "0 to 1", "Strategy LABEL among the talk's labels, such as `share.Question`."),
    Form("share.LABEL.fifthN", "share", "0 to 1", "The same among the labels of fifth N of the talk, N from 1 to 5."),
    Form(
        "distance.human", "none", "0 to 1",
        "Jensen-Shannon distance of the talk's strategies to people's (ESConv). Short talks are far off by chance.",
    ),
    Form("telling.ROLE.told", "share", "0 to 1", "Of ROLE's facts, those that were told."),
    Form("telling.ROLE.asked", "share", "0 to 1", "Of its facts that were told, those that the other had asked about."),
    Form("telling.ROLE.against_rule", "share", "0 to 1", "Of its facts that were told, those told against their rule."),
    Form("telling.ROLE.foreknown", "share", "0 to 1", "Of ROLE's facts, those that the other spoke of untold."),
    Form(
        "traits.PLAN.SOURCE.ROLE.FACTOR.start", "scale points", "the scale's",
        "FACTOR's score in the first long form, by SOURCE: self, bare or observer. Without PLAN: `traits`. "
        "Missing below the plan's reliability floor.",
    ),
    Form("traits.PLAN.SOURCE.ROLE.FACTOR.end", "scale points", "the scale's", "The same in the last long form."),
    Form(
        "traits.PLAN.SOURCE.ROLE.FACTOR.drift", "scale points", "± the scale's width",
        "The change from the first to the last long form, by the items that both asked.",
    ),
    Form(
        "traits.PLAN.SOURCE.ROLE.FACTOR.abs_drift", "scale points", "0 up",
        "The same without its sign; noise adds to it.",
    ),
    Form(
        "traits.PLAN.self.ROLE.FACTOR.net", "scale points", "± twice the width",
        "Drift less that of the same model without its persona, in the same talk.",
    ),
    Form(
        "reading.RUBRIC.ITEM", "the item's", "the item's",
        "Mean of the answers to ITEM that are there, over turns, roles and repeats; of lists of turns, their length.",
    ),
    Form("reading.RUBRIC.ITEM.ROLE", "the item's", "the item's", "The same of the answers about ROLE."),
    Form(
        "reading.RUBRIC.ITEM=WORD", "share", "0 to 1",
        "Answers that are WORD, where an item is answered by words; of several labels, each counts its part.",
    ),
    Form("reading.RUBRIC.ITEM.ROLE=WORD", "share", "0 to 1", "The same of the answers about ROLE."),
)  # fmt: skip
"""All forms of names."""

TELLINGS: Final = ("told", "asked", "against_rule", "foreknown")
SCORES: Final = ("start", "end", "drift", "abs_drift", "net")
_PLAIN: Final = tuple(form.name for form in FORMS if form.name == form.name.lower())
_FIXED: Final = (*_PLAIN, *(f"telling.{role}.{what}" for role in Role for what in TELLINGS))
_SHARE: Final = re.compile(r"share\.(?P<label>.+?)(?:\.fifth(?P<fifth>[1-5]))?")


class TalkFigure(NamedTuple):
    """A figure of the talk as it was spoken: a name without anything to fill in."""

    name: str


class StrategyShare(NamedTuple):
    """The share of one strategy."""

    label: str
    fifth: int | None
    """From 0; None for the whole talk."""


class Telling(NamedTuple):
    """A share of one role's facts."""

    role: Role
    what: str


class TraitScore(NamedTuple):
    """A score of one factor, or its change."""

    plan: str
    source: Source
    role: Role
    factor: str
    what: str


class Answer(NamedTuple):
    """A mean of a reader's answers, or the share of one word among them."""

    rubric: str
    item: str
    role: Role | None
    word: str | None


Parsed = TalkFigure | StrategyShare | Telling | TraitScore | Answer


class Known(NamedTuple):
    """What names may refer to, as far as it is known."""

    labels: Collection[str] = ()
    """Strategies; none: not checked."""
    rubrics: Mapping[str, Rubric] = {}
    """Rubrics by id, beside the shipped ones."""
    plans: Mapping[str, LoadedPlan] = {}
    """Trait plans by id."""
    complete: bool = False
    """Whether nothing else will be read or asked, as an experiment says: then what is not in there is refused."""


def outcome_of(name: str, known: Known | None = None) -> Parsed:
    """What an outcome's name says.

    Args:
        name: as in an experiment's ``of``.
        known: what it may refer to; what is not in there is taken as it is.

    Raises:
        ConfideError: there is no such outcome; the message names the nearest.
    """
    kind = name.partition(".")[0]
    if name in _PLAIN:
        return TalkFigure(name)
    if kind == "share" and (found := _SHARE.fullmatch(name)):
        fifth = found["fifth"]
        parsed: Parsed = StrategyShare(found["label"], None if fifth is None else int(fifth) - 1)
    elif kind == "telling" and name in _FIXED:
        _, role, what = name.split(".")
        return Telling(Role(role), what)
    elif kind == "traits":
        parsed = _trait(name)
    elif kind == "reading":
        parsed = _reading(name)
    else:
        raise _unknown(name)
    if not name.isprintable():  # a name is one line
        raise _unknown(name)
    _check(name, parsed, known or Known())
    return parsed


def describe_outcomes() -> str:
    """All forms of names as a Markdown table."""
    rows = [f"| `{form.name}` | {form.unit} | {form.range} | {form.what} |" for form in FORMS]
    return "\n".join(["| name | unit | range | what it is |", "| --- | --- | --- | --- |", *rows])


def _trait(name: str) -> TraitScore:
    parts = name.split(".")[1:]
    if len(parts) == 4:  # the shipped plan need not be named
        parts.insert(0, "traits")
    if len(parts) != 5:
        raise ConfideError(f"outcome '{name}': it is traits.PLAN.SOURCE.ROLE.FACTOR.{'|'.join(SCORES)}")
    plan, source, role, factor, what = parts
    one_of(name, "source", source, SOURCES)
    one_of(name, "role", role, [str(each) for each in Role])
    one_of(name, "figure", what, SCORES if source == "self" else SCORES[:-1])
    known: Source = next(each for each in get_args(Source) if each == source)
    return TraitScore(plan, known, Role(role), factor, what)


def _reading(name: str) -> Answer:
    path, equals, word = name.partition("=")
    parts = path.split(".")[1:]
    if len(parts) not in (2, 3) or not all(parts) or (equals and not word):
        raise ConfideError(f"outcome '{name}': it is reading.RUBRIC.ITEM, with .ROLE and =WORD where wanted")
    if len(parts) == 3:
        one_of(name, "role", parts[2], [str(each) for each in Role])
    return Answer(parts[0], parts[1], Role(parts[2]) if len(parts) == 3 else None, word or None)


def _check(name: str, parsed: Parsed, known: Known) -> None:
    if isinstance(parsed, StrategyShare) and known.labels:
        one_of(name, "strategy", parsed.label, known.labels)
    if isinstance(parsed, TraitScore) and (known.complete or parsed.plan in known.plans):
        one_of(name, "trait plan", parsed.plan, known.plans)
        plan = known.plans[parsed.plan]
        one_of(name, "factor", parsed.factor, plan.instrument.factors)
        one_of(name, "role", parsed.role, [str(each) for each in plan.plan.of])
        one_of(name, "source", parsed.source, plan.plan.sources)
        if parsed.what == "net":
            one_of(name, "source", "bare", plan.plan.sources)
    if isinstance(parsed, Answer):
        if known.complete:
            one_of(name, "rubric", parsed.rubric, known.rubrics)
        rubric = known.rubrics.get(parsed.rubric)
        if rubric is None and parsed.rubric in shipped_rubrics():
            rubric = read_rubric(parsed.rubric).rubric
        if rubric is not None:
            _check_item(name, parsed, rubric, known.labels)


def _check_item(name: str, answer: Answer, rubric: Rubric, labels: Collection[str]) -> None:
    one_of(name, "item", answer.item, [item.id for item in rubric.items])
    item: Item = next(each for each in rubric.items if each.id == answer.item)
    if answer.role is not None:
        one_of(name, "role", answer.role, [str(each) for each in rubric.of])
    worded = isinstance(item.answer, Choice | Labels)
    words = item.answer.words if isinstance(item.answer, Choice) else labels
    if worded and answer.word is None:
        listed = f", one of {', '.join(words)}" if words else ""
        raise ConfideError(f"outcome '{name}': '{item.id}' is answered by words: say whose share, by =WORD{listed}")
    if not worded and answer.word is not None:
        raise ConfideError(f"outcome '{name}': '{item.id}' is answered by numbers: leave out ={answer.word}")
    if answer.word is not None and words:
        one_of(name, "word", answer.word, words)


def one_of(name: str, what: str, given: str, allowed: Collection[str]) -> None:
    """See to it that a part of an outcome's name is one that there is.

    Raises:
        ConfideError: it is not.
    """
    if given not in allowed:
        listed = ", ".join(allowed) or "there is none"
        raise ConfideError(f"outcome '{name}': no {what} '{given}'{_nearest(given, allowed)}; {listed}")


def _unknown(name: str) -> ConfideError:
    near = get_close_matches(name, [*_FIXED, *(form.name for form in FORMS)], n=1)
    hint = f": did you mean '{near[0]}'?" if near else "."
    return ConfideError(f"no outcome '{name}'{hint} Outcomes: {', '.join(form.name for form in FORMS)}")


def _nearest(given: str, allowed: Collection[str]) -> str:
    near = get_close_matches(given, allowed, n=1)
    return f", did you mean '{near[0]}'?" if near else ""
