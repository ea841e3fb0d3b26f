"""The commands ``instruments``: list, show, add one's own copy of items, import a list."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import typer

from confide.commands import tables
from confide.commands.tables import NONE, number, table
from confide.evaluators.traits import doubts, read_instrument, shipped_instruments
from confide.evaluators.traits.instrument import Instrument
from confide.evaluators.traits.supply import import_items, instrument_text, with_items
from confide.scenarios import ConfideError


def list_instruments() -> None:
    """Print the shipped instruments."""
    shown = table("", ["instrument", "title", "may be asked"], ["items", "short form"])
    for name in shipped_instruments():
        each = read_instrument(name).instrument
        short = str(len(each.short)) if each.short else NONE
        asked = "yes" if each.has_texts else "with your own copy of the items"
        shown.add_row(each.id, each.title, asked, str(len(each.items)), short)
    tables.console().print(shown)


def show(name: str) -> None:
    """Print what an instrument holds, and what weakens it."""
    instrument = read_instrument(name).instrument
    console = tables.console()
    console.print(f"{instrument.id}: {instrument.title}", style="bold", markup=False)
    console.print(f"source: {instrument.source}\nlicence: {instrument.licence}", markup=False)
    points = ", ".join(f"{point} {words}" for point, words in sorted(instrument.scale.items()))
    console.print(f"scale: {points}", markup=False)
    shown = table("", ["factor", "facets"], ["items", "keyed 1", "keyed -1", "short form", "norm", "sd"])
    for factor in instrument.factors:
        items = instrument.by_factor[factor]
        keys = Counter(item.key for item in items)
        norm = instrument.norms.factors.get(factor) if instrument.norms else None
        facets = ", ".join(dict.fromkeys(item.facet for item in items if item.facet))
        short = sum(item.id in instrument.short for item in items)
        cells = [str(len(items)), str(keys[1]), str(keys[-1]), str(short) if instrument.short else NONE]
        norms = [number(norm.mean), number(norm.sd)] if norm else [NONE, NONE]
        shown.add_row(factor, facets.replace("_", " "), *cells, *norms)
    console.print(shown)
    warn(instrument)


def warn(instrument: Instrument) -> None:
    """Say on standard error what weakens an instrument."""
    for doubt in doubts(instrument):
        sys.stderr.write(f"confide: warning: {doubt}\n")


def add(file: Path, key: str, out: Path | None) -> None:
    """Put the researcher's own copy of the items into a shipped key."""
    instrument = read_instrument(key).instrument
    if instrument.has_texts:
        raise ConfideError(f"instrument '{key}' has its items already; only a key without items takes them")
    _write(with_items(instrument, file), out or Path(f"{instrument.id}.yaml"))


def bring_in(file: Path, name: str, per_facet: int | None, seed: int, out: Path | None) -> None:
    """Make an instrument of a list of items."""
    _write(import_items(file, name, per_facet, seed), out or Path(f"{name}.yaml"))


def _write(instrument: Instrument, out: Path) -> None:
    write_text(out, instrument_text(instrument))
    warn(instrument)
    typer.echo(f"wrote {out}: {len(instrument.items)} items, {len(instrument.short_items)} in the short form")


def write_text(out: Path, text: str) -> None:
    """Write a file that must not be there.

    Raises:
        ConfideError: it is there, or cannot be written.
    """
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfideError(f"{out} is there already: give another name") from None
    except OSError as error:
        raise ConfideError(f"cannot write {out}: {error.strerror}") from None
