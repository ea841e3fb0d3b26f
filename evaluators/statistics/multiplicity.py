"""Many tests, one family. Law: what could not be tested stays in the family, is counted, and is never significant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Adjusted(NamedTuple):
    """One test of a family."""

    p: float | None
    """As it was; None where the test could not be done."""
    adjusted: float | None
    """By Holm's method; None as p."""
    significant: bool | None
    """Whether the adjusted p value is at most alpha; None as p."""


class Family(NamedTuple):
    """All tests of a family that was declared beforehand."""

    tests: dict[str, Adjusted]
    """By name, in the order given."""
    size: int
    """How many tests were declared: what the method corrects for."""
    missing: int
    """How many of them could not be done."""
    reason: str | None
    """Why there is no adjusted p value at all; None if there is one."""


def holm(p_values: Mapping[str, float | None], alpha: float = 0.05) -> Family:
    """Adjust p values so that any false rejection in the family has a chance of alpha at most (Holm, 1979, sec. 2).

    Assumes nothing about how the tests depend on one another. A test without a p value counts as one with p = 1: the
    family was declared before it was known which tests can be done, so the others are corrected for it as well.

    Args:
        p_values: by the tests' names; None where a test could not be done.
        alpha: of the family.

    Raises:
        ValueError: a p value is not between 0 and 1.
    """
    from statsmodels.stats.multitest import multipletests  # noqa: PLC0415  (slow to import)

    for name, p in p_values.items():
        if p is not None and not 0 <= p <= 1:
            raise ValueError(f"{name}: {p} is no p value")
    done = [p for p in p_values.values() if p is not None]
    missing = len(p_values) - len(done)
    if not done:
        tests = {name: Adjusted(None, None, None) for name in p_values}
        return Family(tests, len(p_values), missing, "no test could be done" if p_values else "no test")
    adjusted = multipletests([1.0 if p is None else p for p in p_values.values()], alpha, method="holm")[1]
    tests = {
        name: Adjusted(None, None, None) if p is None else Adjusted(p, float(a), bool(a <= alpha))
        for (name, p), a in zip(p_values.items(), adjusted, strict=True)
    }
    return Family(tests, len(p_values), missing, None)
