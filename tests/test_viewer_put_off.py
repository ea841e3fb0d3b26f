"""Reliability that was put off while readings came in. Law: it is not forgotten, whoever opens the index next."""

import shutil

import pytest

from confide.viewer import reading
from confide.viewer.indexing import Indexer
from tests.test_viewer_figures import asked, figures, run, shown  # noqa: F401  (fixtures, but for figures)
from tests.viewer_helpers import rows, show


@pytest.fixture
def put_off(run, tmp_path, monkeypatch):  # noqa: F811
    """The run, whose reliability was worked out over a part of it and is not yet over all; and its indexer."""
    monkeypatch.setattr(reading, "AGAIN_S", 1000.0)
    aside = tmp_path / "aside"
    shutil.move(run.path / "measures", aside)
    mine = show(tmp_path, run)
    indexer = Indexer(mine.index)
    for part in ("dog-0.", "dog-"):
        for log in aside.rglob(f"{part}*.jsonl"):
            to = run.path / "measures" / log.relative_to(aside)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(log, to)
            shutil.copy(log.parent / "measure.json", to.parent)
        indexer.refresh(mine.runs)
    assert {row.drift for row in rows(mine)} == {None}
    return mine, indexer


def test_reliability_that_was_put_off_is_worked_out_later(put_off, shown, monkeypatch):  # noqa: F811
    mine, indexer = put_off
    monkeypatch.setattr(reading, "AGAIN_S", 0.0)
    told = []
    indexer._told = lambda keys, waiting: told.append(keys)
    assert indexer.refresh(mine.runs)
    assert figures(mine) == figures(shown)
    assert told, "whoever looks at the grid is told"


def test_reliability_that_was_put_off_is_worked_out_by_whoever_comes_next(put_off, shown):  # noqa: F811
    mine, _ = put_off
    assert Indexer(mine.index, again_s=0).refresh(mine.runs)
    assert figures(mine) == figures(shown)
