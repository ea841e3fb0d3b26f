"""Waiting for the disk in threads, without holding up the conversations that still talk.

Law: who waits goes on only when its file is on the disk, or when the disk has refused it.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

TOGETHER: Final = 16
"""Files that wait until a further thread is given them, while others are at work."""

_Waiting = tuple[int, asyncio.Future[None]]


async def synced(fd: int) -> None:
    """Wait until all that was written to an open file is on the disk.

    A task that is cancelled meanwhile ends once it is done: a thread works at the file, which the task may close.

    Raises:
        OSError: the disk refuses.
    """
    loop = asyncio.get_running_loop()
    disk = _DISKS.get(loop)
    if disk is None:
        disk = _DISKS[loop] = _Disk()
    done = disk.sync(fd)
    try:
        await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise


class _Disk:
    """Syncs files of one event loop. Those that come up while a thread is at work go to the next one together.

    Handing a file over, and hearing of it, costs the event loop time too, and talks that began together end together.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._at_work = 0

    def sync(self, fd: int) -> asyncio.Future[None]:
        """Have a file synced; tells when."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((fd, done))
        if not self._at_work or len(self._waiting) >= TOGETHER:
            self._hand_over()
        return done

    def _hand_over(self) -> None:
        some, self._waiting = self._waiting, []
        self._at_work += 1
        work = asyncio.get_running_loop().run_in_executor(None, _sync_each, [fd for fd, _ in some])
        work.add_done_callback(partial(self._synced, some))

    def _synced(self, some: list[_Waiting], work: asyncio.Future[list[OSError | None]]) -> None:
        self._at_work -= 1
        for (_, done), error in zip(some, work.result(), strict=True):
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
        if self._waiting:
            self._hand_over()


def _sync_each(fds: list[int]) -> list[OSError | None]:
    """What the disk says of each file; None for one that is on it."""
    found: list[OSError | None] = []
    for fd in fds:
        try:
            os.fsync(fd)
        except OSError as error:
            found.append(error)
        else:
            found.append(None)
    return found


_DISKS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _Disk]] = WeakKeyDictionary()
