"""Runs on Ray. Needs the extra: it is not among what tests install by themselves; ``.ci/ray`` runs these."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from confide.scenarios import ConfideError
from confide.simulator import RunFolder
from confide.simulator.executors.rays import Ray
from tests.helpers import only_run
from tests.scale_helpers import MODELS, all_words, must_be_whole, nothing, planned, staff_of

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
ray = pytest.importorskip("ray", reason="the extra [ray] is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """One cluster of a head and one more node, for all of these tests, as it takes long to start."""
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False, "object_store_memory": 10**8})  # fmt: skip
    ray.init(address=found.address, log_to_driver=False, logging_level="error")
    yield found
    ray.shutdown()
    found.shutdown()


def quiet_words(tmp_path):
    from tests.test_executors import in_one_process

    run = planned(tmp_path, "quiet")
    in_one_process(run, staff_of(run, ("identity",)))
    return all_words(run)


async def beside(executor, run, disturb):
    """Runs, and disturbs it once conversations are under way."""
    going = asyncio.create_task(executor.run(run))
    while not going.done() and not list((run.path / "live").glob("*.jsonl")):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await disturb(going)
    return await going


def holders(run):
    """Processes that have a live log of the run open."""
    found = set()
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(run.path.resolve() / "live") in str(fd.readlink()):
                found.add(int(fd.parts[2]))
        except OSError:
            continue
    return found


def test_the_same_conversations_as_in_one_process(tmp_path):
    run = planned(tmp_path, "ray")
    reports = []
    executor = Ray(staff_of(run, ("identity",)), reports.append, 3, reads=True)
    outcome = asyncio.run(executor.run(run))
    assert (outcome.finished, outcome.unfinished, outcome.unread) == (24, {}, {})
    must_be_whole(run)
    assert all_words(run) == quiet_words(tmp_path)
    assert sum(report.said.ended for report in reports) == 24
    assert sum(report.read.ended for report in reports) == 24


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's /proc")
def test_actors_whose_processes_are_killed_leave_exactly_what_was_planned(tmp_path):
    run = planned(tmp_path, "killed", latency_ms=60)

    async def kill(going):
        for _ in range(3):
            for pid in holders(run):
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(2)

    executor = Ray(staff_of(run, ("identity",)), nothing, 2, reads=True)
    outcome = asyncio.run(asyncio.wait_for(beside(executor, run, kill), 180))
    assert (outcome.unfinished, outcome.unread) == ({}, {})
    must_be_whole(run)
    assert all_words(run) == quiet_words(tmp_path)


def test_a_node_that_is_lost_leaves_exactly_what_was_planned(tmp_path, cluster):
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    run = planned(tmp_path, "lost", latency_ms=60, n=12)

    async def lose(going):
        await asyncio.sleep(1)
        assert not going.done()
        cluster.remove_node(node, allow_graceful=False)

    executor = Ray(staff_of(run), nothing, 4)
    outcome = asyncio.run(asyncio.wait_for(beside(executor, run, lose), 180))
    assert outcome.unfinished == {}
    must_be_whole(run)


def test_what_refuses_everything_ends_the_run(tmp_path):
    from tests.test_executors import refuse

    with pytest.raises(ConfideError, match=r"^the key is wrong$"):
        asyncio.run(Ray(refuse, nothing, 2).run(planned(tmp_path, n=1)))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's /proc")
def test_cancelled_it_ends_all_actors(tmp_path):
    run = planned(tmp_path, latency_ms=60, n=12)

    async def cancel(going):
        going.cancel()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(beside(Ray(staff_of(run), nothing, 2), run, cancel))
    assert not holders(run)
    assert len(run.finished()) < run.record.size


def test_the_command(confide, cluster):
    Path("models.yaml").write_text(MODELS)
    args = ("exam-panic", "--n", 4, "--turns", 6, "--model", "slow", "--executor", "ray", "--workers", 2)
    code, out, err = confide("run", *args, "--address", cluster.address)
    assert code == 0, err
    run = RunFolder.open(out.split()[-1])
    assert run.path == only_run().path
    must_be_whole(run)
    assert "4/4 conversations" in err
    assert confide("resume", run.path, "--executor", "ray", "--workers", 2)[0] == 0
