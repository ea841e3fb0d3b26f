"""A mixed model of conversations. Law: a fit that did not converge has no estimate; the model's name in R is given."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from confide.evaluators.statistics.clustered import ONE_CLUSTER
from confide.evaluators.statistics.resampling import LEVEL
from confide.evaluators.statistics.student import t_above, t_quantile

if TYPE_CHECKING:
    import pandas as pd

FORMULA: Final = "outcome ~ code + (1 | scenario) + (1 | personas)"
"""For R's lme4, with random intercepts; ``code`` is -0.5 for the reference and 0.5 for the other condition."""
SLOPES: Final = "outcome ~ code + (1 | scenario) + (0 + code | scenario) + (1 | personas) + (0 + code | personas)"
"""For R's lme4, with random slopes too."""


class MixedEffect(NamedTuple):
    """What a condition changes, by a linear mixed model."""

    estimate: float | None
    """The other condition less the reference, in the outcome's unit. None where the fit did not converge."""
    se: float | None
    """Its standard error."""
    low: float | None
    """Lower end of the 95 % interval: t with (fewest clusters - 1) degrees of freedom."""
    high: float | None
    """Its upper end."""
    p: float | None
    """Two-sided, by the same t."""
    variances: dict[str, float]
    """Variance components by name, and ``residual``; empty where the fit did not converge."""
    converged: bool
    """Whether the optimiser says that it found the maximum."""
    n: int
    """Conversations."""
    missing: int
    """Conversations that were left out because the outcome is missing."""
    formula: str
    """The same model for lme4 in R."""
    warnings: tuple[str, ...]
    """What statsmodels said while it fitted, such as that a component is at its boundary of 0."""
    reason: str | None
    """Why there is no estimate."""


def mixed_effect(
    outcome: Sequence[float | None],
    condition: Sequence[str],
    scenario: Sequence[str],
    personas: Sequence[str],
    *,
    reference: str,
    slopes: bool,
) -> MixedEffect:
    """Fit outcome by condition with random effects of scenario and of personas that cross (Baayen et al., 2008).

    By restricted maximum likelihood, in statsmodels, with normal random effects, independent of one another. Without
    ``slopes`` the model takes a condition to change every scenario and every persona alike; where it does not, its
    intervals are too short (Barr et al., 2013). With ``slopes``, what the condition changes may differ between
    scenarios and between personas. Nothing is assumed about pairs beyond that; conversations of one arm alone count.

    Args:
        outcome: one per conversation; None or NaN where it is missing.
        condition: each conversation's condition; two different ones in all.
        scenario: each one's scenario.
        personas: each one's personas.
        reference: the condition that the other one is compared with.
        slopes: whether the condition's effect may differ between clusters.

    Returns:
        No estimate where the fit did not converge, where there are not two conditions, or with one cluster of a kind.

    Raises:
        ValueError: the sequences differ in length, or the reference is none of the conditions.
    """
    import pandas as pd  # noqa: PLC0415  (large; only this module needs it)

    if reference not in condition:
        raise ValueError(f"{reference} is none of the conditions")
    table = pd.DataFrame(
        {
            "outcome": np.array([np.nan if value is None else value for value in outcome], dtype=np.float64),
            "code": [-0.5 if name == reference else 0.5 for name in condition],
            "scenario": list(scenario),
            "personas": list(personas),
        }
    )
    whole = table.dropna()
    nothing = MixedEffect(
        **dict.fromkeys(("estimate", "se", "low", "high", "p")),
        variances={},
        converged=False,
        n=len(whole),
        missing=len(table) - len(whole),
        formula=SLOPES if slopes else FORMULA,
        warnings=(),
        reason=None,
    )
    if len(set(condition)) != 2 or whole["code"].nunique() != 2:
        return nothing._replace(reason="not two conditions with an outcome")
    if min(whole["scenario"].nunique(), whole["personas"].nunique()) < 2:
        return nothing._replace(reason=ONE_CLUSTER)
    return _fitted(whole, nothing, slopes=slopes)


def _fitted(whole: pd.DataFrame, nothing: MixedEffect, *, slopes: bool) -> MixedEffect:
    from statsmodels.regression.mixed_linear_model import MixedLM  # noqa: PLC0415  (slow to import)

    components = {"scenario": "0 + C(scenario)", "personas": "0 + C(personas)"}
    if slopes:
        components |= {f"{kind}:code": f"0 + C({kind}):code" for kind in tuple(components)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # Effects that cross need one group that holds all conversations, with the clusters as variance components.
        model = MixedLM.from_formula("outcome ~ code", whole, groups=np.ones(len(whole)), vc_formula=components)
        try:
            fit = model.fit(reml=True, method=["lbfgs", "powell"])
        except np.linalg.LinAlgError as error:
            return nothing._replace(reason=f"the fit failed: {error}")
        estimate, se = float(fit.params["code"]), float(fit.bse["code"])
    said = tuple(dict.fromkeys(str(item.message) for item in caught))
    if not fit.converged or not se > 0:
        return nothing._replace(warnings=said, reason="the fit did not converge")
    freedom = int(min(whole["scenario"].nunique(), whole["personas"].nunique())) - 1
    reach = t_quantile((1 + LEVEL) / 2, freedom) * se
    parts = dict(zip(model.exog_vc.names, map(float, fit.vcomp), strict=True))
    return nothing._replace(
        estimate=estimate,
        se=se,
        low=estimate - reach,
        high=estimate + reach,
        p=float(2 * t_above(abs(estimate) / se, freedom)),
        variances=parts | {"residual": float(fit.scale)},
        converged=True,
        warnings=said,
    )
