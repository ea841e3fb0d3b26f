"""Readers that go along with a conversation under way.

Laws: nothing of a reading comes back into the conversation, and one that fails harms nothing else; the conversation is
never more than a turn ahead of those who read it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from confide.scenarios import ConfideError
from confide.simulator import events as ev
from confide.simulator.log import Sink
from confide.simulator.measures import Reader
from confide.simulator.observing import Watch


class Alongside:
    """The readers of one conversation. A sink of its events."""

    def __init__(self, readers: Sequence[Reader], conversation: str, seed: int, also: Sink | None = None) -> None:
        """Start the readers.

        Args:
            readers: who reads.
            conversation: its id.
            seed: the run's seed.
            also: is told of every event of the side logs.
        """
        self._conversation = conversation
        self._over = False
        self._written = self._before = 0
        self.waited_s = 0.0
        """Seconds that the conversation waited for its readers, so as not to be further ahead."""
        self._along = [_Along(reader, conversation, seed, also) for reader in readers]

    def write(self, *events: ev.AnyEvent) -> None:
        """Hand ``events`` to the readers."""
        self._over = self._over or any(isinstance(event, ev.Ended) for event in events)
        self._written += len(events)
        for along in self._along:
            for event in events:
                along.events.put_nowait(event)

    async def keep_pace(self) -> None:
        """Wait until the readers have read all that was there when this was called last, or have given up.

        Called before each turn, it keeps them a turn behind: so each turn's figures are there while the talk goes on,
        and a role's probe comes before its next turn. The other way round, the server's cache of the talk would be cut
        back to the probe's shorter prompt, and most of the talk be read again.
        """
        wanted, self._before = self._before, self._written
        start = time.perf_counter()
        try:
            for along in self._along:
                await along.has_read(wanted)
        finally:
            self.waited_s += time.perf_counter() - start

    async def finish(self) -> dict[str, str]:
        """Wait until the readers have read the conversation; one that stays open they stop to read.

        Returns:
            Why side logs stay open, by reader and conversation.
        """
        if not self._over:
            for along in self._along:
                along.task.cancel()
        why = await asyncio.gather(*(along.task for along in self._along), return_exceptions=not self._over)
        found = zip(self._along, why, strict=True)
        return {f"{along.key}/{self._conversation}": reason for along, reason in found if isinstance(reason, str)}


class _Along:
    """One reader of a conversation."""

    def __init__(self, reader: Reader, conversation: str, seed: int, also: Sink | None) -> None:
        self.key = reader.folder.record.key
        self.events: asyncio.Queue[ev.AnyEvent] = asyncio.Queue()
        self._read = 0
        self._further = asyncio.Event()
        self.task = asyncio.create_task(self._go(reader, conversation, seed, also))
        self.task.add_done_callback(lambda _: self._further.set())

    async def has_read(self, wanted: int) -> None:
        """Wait until so many events are read, or no more will be."""
        while self._read < wanted and not self.task.done():
            self._further.clear()
            await self._further.wait()

    async def _go(self, reader: Reader, conversation: str, seed: int, also: Sink | None) -> str | None:
        """Read a conversation as it goes on; gives why the side log stays open, or None. It harms nothing else."""
        if reader.folder.is_finished(conversation):
            return None
        try:
            with reader.folder.writer(conversation) as writer:
                if reader.folder.is_finished(conversation):  # committed by another process meanwhile
                    writer.discard()
                    return None
                watch: Watch | None = None
                while True:
                    event = await self.events.get()
                    if watch is None:
                        if not isinstance(event, ev.Started | ev.Imported):
                            raise ValueError("a log begins with its 'started' event")
                        watch = reader.watch(event, seed, writer, also)
                    await watch.see(event)
                    self._read += 1
                    self._further.set()
                    if isinstance(event, ev.Ended):
                        await writer.committed()
                        return None
        except ConfideError as error:
            return str(error)
