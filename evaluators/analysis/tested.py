"""One contrast by one outcome: estimates, tests, and families of them. Law: no test leaves its family."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from confide.evaluators.analysis.arms import Match, Matched, Reasoned, pairs_of
from confide.evaluators.outcomes import TalkOutcomes
from confide.evaluators.statistics import (
    Adjusted,
    Contrast,
    Equivalence,
    MixedEffect,
    Permutation,
    equivalence,
    holm,
    mixed_effect,
    paired_contrast,
    sign_flip_test,
)
from confide.scenarios.experiments import Outcome

KINDS = ("scenarios", "personas")


class Tested(NamedTuple):
    """One contrast by one outcome."""

    contrast: str
    outcome: str
    of: str
    """What the outcome is."""
    family: str
    figures: Contrast
    """Means, difference with its interval over scenarios and personas, effect sizes, p by t."""
    permutation: Permutation
    """By flipping signs; see ``swapped``."""
    swapped: str
    """What is flipped as a whole, and so what the permutation's p is about."""
    adjusted: Adjusted
    """The p by t, by Holm's method over all contrasts and outcomes of the family."""
    bound: float | None
    """A difference of less than this, either way, counts as none; None: not tested."""
    equivalence: Equivalence | None
    """Two one-sided tests against the bound; None without one."""
    equivalent: Adjusted | None
    """Their p, by Holm's method over all such tests of the family; None without a bound."""
    missing: dict[str, int]
    """Pair keys without a pair, by reason."""
    mixed: MixedEffect | None
    """A mixed model of the same; None where it was not asked for."""

    @property
    def pairs(self) -> int:
        """Pairs that were compared."""
        return self.figures.difference.n


class FamilyState(NamedTuple):
    """What came of a family."""

    family: str
    size: int
    """Tests that were declared: what is corrected for."""
    missing: int
    """Tests that could not be done; they stay in the family."""
    significant: int
    """Tests whose adjusted p is at most alpha."""
    alpha: float


class Swapping(NamedTuple):
    """What a permutation test may exchange."""

    swap: Sequence[Hashable] | None
    clusters: tuple[Sequence[Hashable], ...] | None
    words: str


def swapping(clusters: Sequence[Sequence[Hashable]]) -> Swapping:
    """What to exchange, of pairs in these scenarios and with these personas.

    The kind that has fewest clusters moves together, and the statistic is divided by its clustered error, so that a
    difference may vary between scenarios and between personas. With one cluster of each kind only single pairs are left
    to exchange: the test is then about this one scenario with these personas.
    """
    kinds = {name: kind for name, kind in zip(KINDS, clusters, strict=True) if len(set(kind)) > 1}
    if not kinds:
        return Swapping(None, None, "single pairs: about this scenario and these personas alone")
    fewest = min(kinds, key=lambda name: len(set(kinds[name])))
    return Swapping(kinds[fewest], tuple(kinds.values()), fewest)


def compare_sides(
    contrast: str, found: Match, outcomes: Sequence[Outcome], *, alpha: float, seed: int, mixed: bool
) -> list[Tested]:
    """One contrast by every outcome, not adjusted yet: see :func:`adjust`.

    Args:
        contrast: its id.
        found: the conversations of its two sides.
        outcomes: what they are compared by.
        alpha: size of the equivalence tests.
        seed: of random permutations.
        mixed: whether a mixed model is fitted too.
    """
    return [_tested(contrast, found, outcome, alpha=alpha, seed=seed, mixed=mixed) for outcome in outcomes]


def adjust(tests: Sequence[Tested], alpha: float) -> tuple[list[Tested], list[FamilyState]]:
    """Adjust the p values of all tests within their families."""
    families: dict[str, list[Tested]] = {}
    for test in tests:
        families.setdefault(test.family, []).append(test)
    adjusted: dict[str, Adjusted] = {}
    equivalent: dict[str, Adjusted] = {}
    states = []
    for name, members in families.items():
        differences = holm({_name(test): test.figures.p for test in members}, alpha)
        alike = holm({_name(test): test.equivalence.p for test in members if test.equivalence}, alpha)
        adjusted |= differences.tests
        equivalent |= alike.tests
        found = sum(bool(test.significant) for test in differences.tests.values())
        states.append(FamilyState(name, differences.size, differences.missing, found, alpha))
    done = [test._replace(adjusted=adjusted[_name(test)], equivalent=equivalent.get(_name(test))) for test in tests]
    return done, states


def _name(test: Tested) -> str:
    return f"{test.contrast}/{test.outcome}"


def _tested(contrast: str, found: Match, outcome: Outcome, *, alpha: float, seed: int, mixed: bool) -> Tested:
    def figure(talk: TalkOutcomes) -> Reasoned[float]:
        return Reasoned(*talk.values[outcome.of])

    matched: Matched[float] = pairs_of(found, figure)
    pairing = matched.pairing
    differences = [one - other for one, other in zip(pairing.one, pairing.other, strict=True)]
    how = swapping(pairing.clusters)
    bound = outcome.equivalence
    alike = None
    if bound is not None:
        alike = equivalence(differences, pairing.clusters, lower=-bound, upper=bound, alpha=alpha)
    return Tested(
        contrast=contrast,
        outcome=outcome.id,
        of=outcome.of,
        family=outcome.family,
        figures=paired_contrast(pairing.one, pairing.other, pairing.clusters),
        permutation=sign_flip_test(differences, how.swap, seed, clusters=how.clusters),
        swapped=how.words,
        adjusted=Adjusted(None, None, None),
        bound=bound,
        equivalence=alike,
        equivalent=None,
        missing=matched.missing,
        mixed=_mixed(found, outcome) if mixed else None,
    )


def _mixed(found: Match, outcome: Outcome) -> MixedEffect | None:
    """A mixed model of all conversations of both sides, paired or not; None where a side has none."""
    values: list[float | None] = []
    sides: list[str] = []
    kinds: tuple[list[str], list[str]] = ([], [])
    for side, talks in (("one", found.one), ("other", found.other)):
        for key, talk in talks.items():
            kept = talk.finished and talk.end not in found.excluded
            values.append(talk.values[outcome.of].value if kept else None)
            sides.append(side)
            scenario, personas, _ = key.rsplit("/", 2)
            kinds[0].append(scenario)
            kinds[1].append(personas)
    if len(set(sides)) < 2:
        return None
    return mixed_effect(values, sides, *kinds, reference="other", slopes=True)
