"""Prices of hosted models, from a data file that travels with a package: no network. Unknown is None, never 0."""

from __future__ import annotations

from decimal import Decimal

from confide.agents.models.spec import Price


def look_up_price(model: str) -> Price | None:
    """What ``model`` costs, by its name; None where the data has no such model."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415  (slow to import; only hosted models need it)

    try:
        found = calc_price(Usage(input_tokens=1, output_tokens=1), model_ref=model).model_price
    except LookupError:
        return None
    prompt, cached, completion = (_base(p) for p in (found.input_mtok, found.cache_read_mtok, found.output_mtok))
    if prompt is None or completion is None:
        return None
    return Price(prompt=prompt, cached=cached, completion=completion)


def _base(price: object) -> float | None:
    """The price of short prompts, where it depends on their length."""
    base = getattr(price, "base", price)
    return float(base) if isinstance(base, Decimal | int | float) else None
