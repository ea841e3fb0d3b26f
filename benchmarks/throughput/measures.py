"""What is measured, and the rows of the table that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

from benchmarks.spine import PROGRESS, Row
from benchmarks.throughput.arena import Arena, Bout, UnavailableError
from benchmarks.throughput.material import write_replies, write_requests
from benchmarks.throughput.server import Served, serving

LATENCY_S: Final = 0.2
SHORT_S: Final = 0.02
TURNS: Final = 20
LEAST_SHARE: Final = 0.85
MOST_CPU_MS: Final = 1.5
LEAST_SPEED: Final = 500
LEAST_OVER_AUTOGEN: Final = 5.0
MOST_MB: Final = 300
MOST_GROWTH: Final = 1.1
CACHED: Final = "confide, cache"
NAMES: Final = {
    "bare": "a bare loop of aiohttp",
    "confide": "confide, logs committed",
    CACHED: "confide with the cache of answers, all new",
    "autogen": "AutoGen's RoundRobinGroupChat and client",
    "inspect": "inspect_ai",
    "sotopia": "sotopia",
}
Measured = dict[str, list[Bout]]


class Sizes(NamedTuple):
    """How much is measured."""

    rounds: int = 3
    """Rounds of 100 talks at once."""
    large_rounds: int = 2
    """Rounds of 1,000 talks at once."""
    many: int = 1_000
    """Talks at once there."""
    queued: int = 10_000
    """The most talks of a run."""
    longest: int = 200
    """The most turns."""


QUICK: Final = Sizes(rounds=1, large_rounds=1, many=100, queued=1000, longest=50)


def shown(figures: Sequence[float], form: str) -> str:
    """The median, and the range where there are several."""
    middle = format(median(figures), form)
    return middle if len(figures) < 2 else f"{middle} ({min(figures):{form}} to {max(figures):{form}})"


class Measures:
    """One run of the benchmark."""

    def __init__(self, arena: Arena, sizes: Sizes, absent: Mapping[str, str]) -> None:
        """Prepare what the contenders are answered with.

        Args:
            arena: where they meet.
            sizes: how much is measured.
            absent: contenders that cannot take part, with the reason.
        """
        self._arena = arena
        self._sizes = sizes
        self._absent = dict(absent)
        self._replies = arena.folder / "replies.json"
        write_replies(self._replies)

    def _requests(self, turns: int) -> str:
        file = self._arena.folder / f"requests-{turns}.json"
        if not file.exists():
            write_requests(file, self._replies, turns)
        return str(file)

    def _hold(self, server: Served, kind: str, talks: int, turns: int, at_once: int, **more: object) -> Bout:
        fields = {"talks": talks, "turns": turns, "at_once": at_once, **more}
        if kind == "bare":
            fields["requests"] = self._requests(turns)
        if kind == CACHED:
            fields["cache"] = True
        bout = self._arena.hold(server, kind.partition(",")[0], **fields)
        PROGRESS.print(
            f"{kind}: {talks} talks of {turns} turns, {at_once} at once: {bout.speed:,.0f} calls/s, "
            f"{bout.cpu_ms:.2f} ms, {bout.told.peak_mb:.0f} MB, {bout.told.failed} failed"
        )
        if bout.told.failed and kind in ("bare", "confide", "unwired", CACHED):
            raise SystemExit(f"benchmark: {kind}: {bout.told.failed} talks failed: {bout.told.error}")
        return bout

    def _tried(self, found: Measured, server: Served, kind: str, talks: int, turns: int, limit_s: float) -> None:
        """A contender that may be absent: it is left out from then on."""
        if kind in self._absent:
            return
        try:
            bout = self._hold(server, kind, talks, turns, talks, limit_s=limit_s)
            found.setdefault(kind, []).append(bout)
        except UnavailableError as error:
            self._absent[kind] = str(error)

    def hundred(self) -> list[Row]:
        """100 talks of 20 turns at once: everybody, in turn."""
        found: Measured = {}
        with serving(self._replies, LATENCY_S) as server:
            for _ in range(self._sizes.rounds):
                for kind in ("bare", "confide", CACHED):
                    found.setdefault(kind, []).append(self._hold(server, kind, 100, TURNS, 100))
                for kind in ("autogen", "inspect", "sotopia"):
                    self._tried(found, server, kind, 100, TURNS, 60.0)
            longer = [self._hold(server, "confide", 500, TURNS, 100)]
        ideal = 100 / LATENCY_S
        rows = _speeds(found, self._absent, f"100 talks of {TURNS} turns")
        share = [bout.speed / ideal for bout in found["confide"]]
        cpu = [bout.cpu_ms for bout in found["confide"]]
        own = [ours.cpu_ms - bare.cpu_ms for ours, bare in zip(found["confide"], found["bare"], strict=True)]
        return [
            *rows,
            Row(
                "100 at once: confide's share of the ideal rate, from the first call to the last commit",
                shown(share, ".1%"),
                f"at least {LEAST_SHARE:.0%}",
                median(share) >= LEAST_SHARE,
            ),
            Row("the same for a run of 500 talks, 100 at once", shown([bout.speed / ideal for bout in longer], ".1%")),
            Row("100 at once: the bare loop's share", shown([bout.speed / ideal for bout in found["bare"]], ".1%")),
            Row(
                "100 at once: confide's CPU per call, all included",
                f"{shown(cpu, '.2f')} ms",
                f"at most {MOST_CPU_MS} ms",
                median(cpu) <= MOST_CPU_MS,
            ),
            Row("the same, over the bare loop's", f"{shown(own, '.2f')} ms"),
            *_over(found, "autogen", 100),
        ]

    def thousand(self) -> list[Row]:
        """1,000 talks at once in one process."""
        found: Measured = {}
        many = self._sizes.many
        with serving(self._replies, LATENCY_S) as server:
            for _ in range(self._sizes.large_rounds):
                for kind in ("bare", "confide"):
                    found.setdefault(kind, []).append(self._hold(server, kind, many, TURNS, many))
                self._tried(found, server, "autogen", many, 2, 60.0)
        rows = _speeds(found, {}, f"{many:,} talks of {TURNS} turns (AutoGen: 2)")
        speeds = [bout.speed for bout in found["confide"]]
        peaks = [bout.told.peak_mb for bout in found["confide"]]
        return [
            *rows,
            Row(
                f"{many:,} at once, one process: confide, no errors",
                f"{shown(speeds, ',.0f')} calls/s",
                f"at least {LEAST_SPEED}",
                median(speeds) >= LEAST_SPEED,
            ),
            *_over(found, "autogen", many),
            Row(
                f"{many:,} at once: peak of confide's memory",
                f"{shown(peaks, '.0f')} MB, of which {median(b.told.start_mb for b in found['confide']):.0f} MB before",
                f"at most {MOST_MB} MB",
                median(peaks) <= MOST_MB,
            ),
        ]

    def turns(self) -> list[Row]:
        """CPU per turn of ever longer talks: without an endpoint, with it, and the bare loop's with the same bytes."""
        rows, alone = [], {}
        with serving(self._replies, SHORT_S) as server:
            for turns in (10, 50, 100, 200):
                if turns > self._sizes.longest:
                    break
                talks = max(20, 2000 // turns)
                ours, bare, own = [], [], []
                for _ in range(self._sizes.rounds):
                    ours.append(self._hold(server, "confide", talks, turns, talks))
                    bare.append(self._hold(server, "bare", talks, turns, talks))
                    unwired = self._hold(server, "unwired", talks, turns, talks, requests=str(self._replies))
                    own.append(unwired.told.cpu_s / talks / turns * 1000)
                alone[turns] = median(own)
                measured = (
                    f"{shown(own, '.3f')} ms without an endpoint, {shown([bout.cpu_ms for bout in ours], '.2f')} ms "
                    f"with it, {median(bout.bytes_per_call for bout in ours):,.0f} bytes; a bare loop of "
                    f"{median(bout.bytes_per_call for bout in bare):,.0f} bytes: "
                    f"{shown([bout.cpu_ms for bout in bare], '.2f')} ms"
                )
                rows.append(Row(f"talks of {turns} turns: confide's CPU per turn, bytes of the request", measured))
        shortest, longest = min(alone), max(alone)
        growth = alone[longest] / alone[shortest]
        rows.append(
            Row(
                f"CPU per turn without an endpoint: {longest} turns over {shortest}",
                f"{growth:.2f} times",
                f"at most {MOST_GROWTH} times",
                growth <= MOST_GROWTH,
            )
        )
        return rows

    def conversations(self) -> list[Row]:
        """Ever more talks, 1,000 at once at most: speed and memory."""
        rows = []
        bouts: dict[int, Bout] = {}
        with serving(self._replies, SHORT_S) as server:
            for talks in (10, 100, 1_000, 5_000, 10_000):
                if talks > self._sizes.queued:
                    break
                bouts[talks] = self._hold(server, "confide", talks, 4, min(talks, self._sizes.many))
                bout = bouts[talks]
                measured = f"{bout.speed:,.0f} calls/s, {bout.cpu_ms:.2f} ms CPU per call, {bout.told.peak_mb:.0f} MB"
                rows.append(Row(f"{talks:,} talks of 4 turns, {SHORT_S * 1000:.0f} ms", measured))
        most, live = max(bouts), self._sizes.many
        if most > live in bouts:
            growth = bouts[most].told.peak_mb / bouts[live].told.peak_mb
            rows.append(
                Row(
                    f"memory with {live:,} talks live: {most:,} planned over {live:,} planned",
                    f"{growth:.2f} times ({bouts[live].told.peak_mb:.0f} to {bouts[most].told.peak_mb:.0f} MB)",
                    f"at most {MOST_GROWTH} times",
                    growth <= MOST_GROWTH,
                )
            )
        return rows

    def processes(self) -> list[Row]:
        """One process of confide's, then workers."""
        many = self._sizes.many
        kinds: Mapping[str, Callable[[Served], Bout]] = {
            "local": lambda server: self._hold(server, "confide", many, 10, many),
            "processes, 1 worker": lambda server: self._hold(server, "confide", many, 10, many, workers=1),
            "processes, 2 workers": lambda server: self._hold(server, "confide", many, 10, many, workers=2),
        }
        found: Measured = {kind: [] for kind in kinds}
        with serving(self._replies, LATENCY_S) as server:
            for _ in range(self._sizes.large_rounds):
                for kind, measure in kinds.items():
                    found[kind].append(measure(server))
        rows = []
        for kind, bouts in found.items():
            ratios = [bout.speed / local.speed for bout, local in zip(bouts, found["local"], strict=True)]
            measured = (
                f"{shown([b.speed for b in bouts], ',.0f')} calls/s, {median(b.cpu_ms for b in bouts):.2f} ms CPU per "
                f"call, {shown(ratios, '.2f')} times local"
            )
            rows.append(Row(f"{many:,} talks of 10 turns at once: {kind}", measured))
        return rows


def _speeds(found: Measured, absent: Mapping[str, str], what: str) -> list[Row]:
    rows = []
    for kind, bouts in found.items():
        failed = sum(bout.told.failed for bout in bouts)
        why = next((bout.told.error for bout in bouts if bout.told.error), "")
        measured = (
            f"{shown([bout.speed for bout in bouts], ',.0f')} calls/s, "
            f"{shown([bout.cpu_ms for bout in bouts], '.2f')} ms CPU per call, "
            f"{median(bout.bytes_per_call for bout in bouts):,.0f} bytes per request, "
            f"{median(bout.told.peak_mb for bout in bouts):.0f} MB"
        )
        if kind == "bare":
            server = median(bout.server_s / bout.told.wall_s for bout in bouts)
            measured += f" (the server took {server:.0%} of a core)"
        if failed:
            measured += f"; {failed} talks failed: {why}"
        rows.append(Row(f"{what}: {NAMES[kind]}", measured))
    rows += [Row(f"{what}: {NAMES[kind]}", f"not measured: {why}") for kind, why in absent.items()]
    return rows


def _over(found: Measured, kind: str, at_once: int) -> list[Row]:
    """Confide over another, within each round."""
    if kind not in found:
        return []
    pairs = list(zip(found["confide"], found[kind], strict=False))
    speed = [ours.speed / theirs.speed for ours, theirs in pairs]
    ceiling = [at_once / LATENCY_S / theirs.speed for _, theirs in pairs]
    cpu = [theirs.cpu_ms / ours.cpu_ms for ours, theirs in pairs]
    # With few talks nobody could be so much faster: AutoGen waits for the server most of the time, too.
    asked = median(ceiling) >= LEAST_OVER_AUTOGEN
    target = f"at least {LEAST_OVER_AUTOGEN:.0f} times" if asked else ""
    return [
        Row(
            f"{at_once:,} at once: confide's calls/s over AutoGen's",
            f"{shown(speed, '.1f')} times; the ideal rate would be {median(ceiling):.1f} times",
            target,
            median(speed) >= LEAST_OVER_AUTOGEN if asked else None,
        ),
        Row(f"{at_once:,} at once: AutoGen's CPU per call over confide's", f"{shown(cpu, '.1f')} times"),
    ]
