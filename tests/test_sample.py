"""The sample run in the repository: logs that were written before stay readable, and replay to the same events."""

import asyncio
from pathlib import Path

import confide
from confide.simulator import replay

SAMPLE = Path(__file__).parent.parent / "runs" / "sample"


def test_the_sample_run_is_whole_and_replays():
    (log,) = confide.RunFolder.open(SAMPLE).logs()
    events = confide.read_log(log).events
    asyncio.run(replay(events))
    summary = confide.summarise(events)
    assert summary.turns == 12
    assert summary.unreadable == 0
    assert summary.told


def test_the_public_names_are_there():
    for name in confide.__all__:
        assert getattr(confide, name).__doc__ or name == "Setup"
