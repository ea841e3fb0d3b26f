"""Finished logs in few large files, since a folder of 100,000 small ones is slow to list and to copy.

::

    <folder>/<id>.jsonl            a finished log
    <folder>/packed/000001.logs    segments: finished logs, one after the other, their bytes unchanged
    <folder>/packed/index          which logs are in them, and where: a line each, sorted by id

Laws: a log keeps its name, ``<folder>/<id>.jsonl``, whether it is packed or not, and this module is the one place that
knows; at every moment, a kill included, each finished log can be read, and is listed once.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from confide.scenarios import InputFileError, Problem

FOLDER: Final = "packed"
"""Name of the folder of segments, in the folder of the logs."""
INDEX: Final = "index"
SUFFIX: Final = ".jsonl"


class Place(NamedTuple):
    """Where a packed log lies. Its fields, joined by tabs, are a line of the index."""

    name: str
    """The conversation's id."""
    segment: str
    """File name of the segment."""
    offset: int
    """Bytes before it in the segment."""
    length: int
    """Its bytes."""
    mtime_ns: int
    """When the log was last written, in nanoseconds since 1970: packing does not make it another one."""


class Stamp(NamedTuple):
    """A finished log, and what changes whenever it does."""

    name: str
    size: int
    mtime_ns: int


def read_bytes(log: Path) -> bytes:
    """The bytes of a log, packed or not.

    Raises:
        OSError: it cannot be read; ``FileNotFoundError`` if there is none.
        InputFileError: the index or the segment is damaged.
    """
    tries = 3  # it may be packed or unpacked between two looks
    while True:
        tries -= 1
        try:
            return log.read_bytes()
        except FileNotFoundError:
            place = find(log)
            if place is not None:
                try:
                    return read_packed(log.parent / FOLDER, place)
                except FileNotFoundError:
                    if not tries:
                        raise
            elif not tries:
                raise


def read_packed(folder: Path, place: Place) -> bytes:
    """The bytes at a place.

    Raises:
        OSError: the segment cannot be read.
        InputFileError: it is cut off.
    """
    file = folder / place.segment
    with file.open("rb") as segment:
        segment.seek(place.offset)
        data = segment.read(place.length)
    if len(data) != place.length:
        raise InputFileError([Problem(file, 1, 1, "", f"it is cut off: it should hold '{place.name}'")])
    return data


def is_there(log: Path) -> bool:
    """Whether a finished log is there, packed or not.

    Raises:
        InputFileError: the index is damaged.
    """
    return log.is_file() or find(log) is not None or log.is_file()  # it may be unpacked between the first two


def find(log: Path) -> Place | None:
    """Where a log is packed; None if it is not.

    Raises:
        InputFileError: the index is damaged.
    """
    file = _index(log.parent)
    if not file.exists():  # as most often, and each conversation of a run is looked for twice
        return None
    wanted = log.name.removesuffix(SUFFIX).encode()
    try:
        with file.open("rb") as index, mmap.mmap(index.fileno(), 0, access=mmap.ACCESS_READ) as lines:
            low, high = 0, len(lines)
            while low < high:
                start = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
                end = lines.find(b"\n", start, high)
                name, tab, _ = lines[start:end].partition(b"\t")
                if end < 0 or not tab:
                    raise ValueError
                if name == wanted:
                    return _place(lines[start:end])
                low, high = (end + 1, high) if name < wanted else (low, start)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:  # an empty file, too, which cannot be mapped
        raise _damaged(file) from None
    return None


@lru_cache(maxsize=16)
def _index(folder: Path) -> Path:
    return folder / FOLDER / INDEX


def places(folder: Path) -> list[Place]:
    """The logs that are packed in a folder of logs, in the order of the index.

    Raises:
        InputFileError: the index is damaged.
    """
    file = _index(folder)
    try:
        lines = file.read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return []
    try:
        if lines.pop():
            raise ValueError
        return [_place(line) for line in lines]
    except ValueError:
        raise _damaged(file) from None


def _place(line: bytes) -> Place:
    """A line of the index; a ``ValueError`` if it is none."""
    name, segment, offset, length, mtime = line.decode().split("\t")
    return Place(name, segment, int(offset), int(length), int(mtime))


def _damaged(file: Path) -> InputFileError:
    what = "the index of packed logs is damaged: a line is id, segment, offset, length and time, with tabs between them"
    return InputFileError([Problem(file, 1, 1, "", what)])


def finished(folder: Path) -> list[Path]:
    """All finished logs of a folder, packed or not, by name.

    Raises:
        InputFileError: the index is damaged.
    """
    was_packed = _index(folder).exists()
    names = set(_file_names(folder))
    packed = places(folder)
    if was_packed and not packed:  # unpacked between the two looks
        names.update(_file_names(folder))
    names.update(place.name + SUFFIX for place in packed)
    return [folder / name for name in sorted(names)]


def _file_names(folder: Path) -> Iterator[str]:
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                yield entry.name


def stamps(folder: Path) -> list[Stamp]:
    """All finished logs of a folder, by name, each with what changes whenever it does; none where there is no folder.

    Raises:
        InputFileError: the index is damaged.
    """
    found = {place.name: Stamp(place.name, place.length, place.mtime_ns) for place in places(folder)}
    for file in _file_names(folder):
        try:
            facts = (folder / file).stat()
        except OSError:  # it was packed, or deleted, meanwhile
            continue
        name = file.removesuffix(SUFFIX)
        found[name] = Stamp(name, facts.st_size, facts.st_mtime_ns)
    # A log that was packed while the files were looked through is in the new index.
    found.update({place.name: Stamp(place.name, place.length, place.mtime_ns) for place in places(folder)})
    return sorted(found.values())
