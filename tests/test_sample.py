"""The sample run in the repository: logs that were written before stay readable, and replay to the same events."""

import asyncio
from pathlib import Path

import confide
from confide.agents import ScriptedClient
from confide.simulator import replay

SAMPLE = Path(__file__).parent.parent / "runs" / "sample"


def test_the_sample_run_is_whole_and_replays():
    (log,) = confide.RunFolder.open(SAMPLE).logs()
    events = confide.read_log(log).events
    replay(events)
    summary = confide.summarise(events)
    assert summary.turns == 12
    assert summary.unreadable == 0
    assert summary.told


def test_the_public_names_are_there():
    for name in confide.__all__:
        assert getattr(confide, name).__doc__ or name == "Setup"


def test_a_talk_from_python_as_the_guide_shows_it():
    model = confide.wrap_client(ScriptedClient(), name="mine")
    loaded = confide.read_scenario("exam-panic")
    setup = confide.Setup.of(loaded, dict.fromkeys(confide.Role, model), seed=7)
    moderator = confide.Moderator(setup)
    asyncio.run(moderator.run())
    assert confide.summarise(moderator.events).turns == loaded.scenario.limits.turns
