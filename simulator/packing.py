"""Packs the finished logs of a folder into segments, and takes them out again; see :mod:`confide.simulator.packed`.

Law: a log's file is removed only when its bytes are in a segment, on disk, compared, and in the index; a segment is
removed only when no index names it. Whatever is left of a killed attempt is tidied up by the next one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from confide.scenarios import ConfideError
from confide.simulator.packed import FOLDER, INDEX, SUFFIX, Place, places, read_packed

PACK_ABOVE: Final = 100_000
"""Conversations above which a run is packed when it is done."""
LOCK: Final = "lock"
SEGMENT_BYTES: Final = 1 << 28
"""A segment is closed when it holds this many bytes."""


class Packed(NamedTuple):
    """What was done."""

    logs: int
    """Logs that were packed, or taken out."""
    segments: int
    """Segments that there are now."""


def log_folders(run: Path) -> list[Path]:
    """The folders of a run that hold finished logs: its conversations, and what was read of them."""
    sides = sorted(file.parent for kind in ("measures", "judgements") for file in run.glob(f"{kind}/*/measure.json"))
    return [run / "conversations", *sides]


def pack(folder: Path, segment_bytes: int = SEGMENT_BYTES) -> Packed:
    """Pack the finished logs of a folder. Others may read and write there meanwhile.

    Args:
        folder: holds the logs.
        segment_bytes: a segment is closed when it holds this many.

    Raises:
        ConfideError: the disk refuses, somebody else is packing, or a packed log is there as another file too.
    """
    with _held(folder) as target:
        packed = {place.name: place for place in places(folder)}
        _tidy(target, packed.values())
        for place in packed.values():  # a killed attempt may have come as far as that
            if (folder / f"{place.name}{SUFFIX}").exists():
                _must_be_same(folder, place)
                _remove_files(folder, [place])
        count = 0
        while batch := _batch(folder, packed, segment_bytes):
            found = _write_segment(folder, _next_name(packed.values()), batch)
            packed.update((place.name, place) for place in found)
            _write_index(target, packed.values())
            _remove_files(folder, found)
            count += len(found)
        return Packed(count, len({place.segment for place in packed.values()}))


def unpack(folder: Path) -> Packed:
    """Take all logs of a folder out of their segments.

    Raises:
        ConfideError: the disk refuses, or somebody else is packing.
        InputFileError: the index or a segment is damaged.
    """
    if not (folder / FOLDER).is_dir():
        return Packed(0, 0)
    with _held(folder) as target:
        packed = places(folder)
        draft = target / "log.draft"
        for place in packed:
            draft.unlink(missing_ok=True)
            _write(draft, read_packed(target, place))
            os.utime(draft, ns=(place.mtime_ns, place.mtime_ns))
            try:
                os.link(draft, folder / f"{place.name}{SUFFIX}")
            except FileExistsError:  # an earlier attempt came as far as here
                _must_be_same(folder, place)
        _sync(folder)
        (target / INDEX).unlink(missing_ok=True)
        _sync(target)
        _tidy(target, ())
        (target / LOCK).unlink()
        target.rmdir()
        return Packed(len(packed), 0)


@contextmanager
def _held(folder: Path) -> Iterator[Path]:
    """The folder of segments, held against others who pack."""
    target = folder / FOLDER
    try:
        target.mkdir(exist_ok=True)
        with (target / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(lock.fileno()), (target / LOCK).stat()):  # unpacked and removed meanwhile
                raise BlockingIOError
            yield target
    except BlockingIOError:
        raise ConfideError(f"{folder} is being packed or unpacked by another process") from None
    except OSError as error:
        raise ConfideError(f"cannot pack {folder}: {error.strerror or error}") from None


def _tidy(target: Path, packed: Iterable[Place]) -> None:
    """Remove what a killed attempt left: segments that no index names, and drafts."""
    named = {place.segment for place in packed}
    for file in (*target.glob("*.logs"), *target.glob("*.draft")):
        if file.name not in named:
            file.unlink()


def _remove_files(folder: Path, packed: Iterable[Place]) -> None:
    for place in packed:
        (folder / f"{place.name}{SUFFIX}").unlink()
    _sync(folder)


def _must_be_same(folder: Path, place: Place) -> None:
    log = folder / f"{place.name}{SUFFIX}"
    if log.read_bytes() != read_packed(folder / FOLDER, place):
        raise ConfideError(f"{log} is not what is packed under its name in {folder / FOLDER}: move one of them away")


class _Log(NamedTuple):
    name: str
    size: int
    mtime_ns: int


def _batch(folder: Path, packed: Container[str], segment_bytes: int) -> list[_Log]:
    """The next logs to pack: by name, about as many bytes as a segment is to have."""
    found: list[_Log] = []
    size = 0
    for log in sorted(folder.glob(f"*{SUFFIX}")):
        name = log.name.removesuffix(SUFFIX)
        if name in packed or "\t" in name or "\n" in name:  # such a name would not fit into the index
            continue
        facts = log.stat()
        found.append(_Log(name, facts.st_size, facts.st_mtime_ns))
        size += facts.st_size
        if size >= segment_bytes:
            break
    return found


def _next_name(packed: Iterable[Place]) -> str:
    last = max((int(place.segment.partition(".")[0]) for place in packed), default=0)
    return f"{last + 1:06d}.logs"


def _write_segment(folder: Path, segment: str, batch: Sequence[_Log]) -> list[Place]:
    """Write logs into a new segment, and compare what came to lie on the disk with what they hold."""
    target = folder / FOLDER
    draft = target / f"{segment}.draft"
    found: list[Place] = []
    with draft.open("wb") as out:
        for log in batch:
            data = (folder / f"{log.name}{SUFFIX}").read_bytes()
            found.append(Place(log.name, segment, out.tell(), len(data), log.mtime_ns))
            out.write(data)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(target / segment)
    _sync(target)
    for place in found:
        _must_be_same(folder, place)
    return found


def _write_index(target: Path, packed: Iterable[Place]) -> None:
    """Put a new index in the place of the old one, at once."""
    draft = target / f"{INDEX}.draft"
    by_name = sorted(packed, key=lambda place: place.name.encode())
    _write(draft, b"".join("\t".join(map(str, place)).encode() + b"\n" for place in by_name))
    draft.rename(target / INDEX)
    _sync(target)


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _sync(folder: Path) -> None:
    """Make names that were given or taken in a folder last."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
