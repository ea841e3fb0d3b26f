"""Makes one run of its shards.

Laws: what is merged was planned as one run: the records differ in nothing that a conversation depends on; the merged
run appears whole or not at all; the shards stay as they are.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from confide.agents.models import changed_fields
from confide.scenarios import ConfideError
from confide.simulator import packed
from confide.simulator.measures import MeasureFolder, measure_folders
from confide.simulator.shards import ShardRecord
from confide.simulator.store import RunFolder, RunRecord, write_new
from confide.simulator.usage import FOLDER as USAGE

MAY_DIFFER: Final[Mapping[str, bool | set[str]]] = {
    "id": True,
    "created": True,
    "command": True,
    "shard": True,
    "models": True,  # compared by what they are, not by where they are reached
    "software": {"platform"},
}
"""What of two shards' records may differ."""
NOTES: Final = "notes"
"""Folder of what readers wrote by hand, a file per person, to which lines are appended."""


class Merged(NamedTuple):
    """What came of merging."""

    run: RunFolder
    missing: tuple[ShardRecord, ...]
    """Shards that were not given."""
    unfinished: int
    """Conversations that are not finished, those of missing shards among them."""


def merge(paths: Sequence[Path], out: Path) -> Merged:
    """Make one run of shards.

    Args:
        paths: the shards' folders.
        out: the new run's folder, which must not be there yet.

    Raises:
        InputFileError: a folder holds no run.
        ConfideError: the shards do not belong together, or the disk refuses.
    """
    shards = sorted((RunFolder.open(path) for path in paths), key=lambda run: _shard(run).number)
    if not shards:
        raise ConfideError("no run is given")
    if out.exists():
        raise ConfideError(f"{out} is there already: choose another name for the merged run")
    _must_belong_together(shards)
    first = shards[0].record
    record = first.model_copy(
        update={
            "id": out.name,
            "created": min(shard.record.created for shard in shards),
            "command": _without_shard(first.command),
            "shard": None,
            "merged": tuple(shard.record.id for shard in shards),
        }
    )
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        _fill(RunFolder(draft, record), shards)
        write_new(draft / "run.json", record.model_dump_json(indent=1) + "\n")
        draft.rename(out)
    except OSError as error:
        raise ConfideError(f"cannot write {out}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    run = RunFolder(out, record)
    there = {_shard(shard).number for shard in shards}
    all_shards = [ShardRecord(number=number, of=_shard(shards[0]).of) for number in range(1, _shard(shards[0]).of + 1)]
    missing = tuple(each for each in all_shards if each.number not in there and each.size(record.size))
    return Merged(run, missing, sum(1 for _ in run.left()))


def _shard(run: RunFolder) -> ShardRecord:
    if run.record.shard is None:
        raise ConfideError(f"{run.path} is a whole run: only runs of --shard can be merged")
    return run.record.shard


def _must_belong_together(shards: Sequence[RunFolder]) -> None:
    first = shards[0]
    ours = first.record.model_dump(mode="json", exclude=MAY_DIFFER)
    for before, shard in pairwise(shards):
        where = _difference(ours, shard.record.model_dump(mode="json", exclude=MAY_DIFFER))
        where = where or _other_model(first.record, shard.record)
        if where is None and _shard(shard).of != _shard(first).of:
            where = "number of shards"
        if where is not None:
            raise ConfideError(f"{shard.path} is no shard of the same run as {first.path}: another {where}")
        if _shard(shard).number == _shard(before).number:
            raise ConfideError(f"{before.path} and {shard.path} are the same shard, {_shard(shard)}")


def _difference(one: Any, other: Any, where: str = "") -> str | None:
    """Where two records differ first; None if they do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one | other:
            found = _difference(one.get(name), other.get(name), f"{where}.{name}" if where else name)
            if found is not None:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (ours, theirs) in enumerate(zip(one, other, strict=True)):
            found = _difference(ours, theirs, f"{where}.{number}")
            if found is not None:
                return found
        return None
    return None if one == other else where


def _other_model(one: RunRecord, other: RunRecord) -> str | None:
    if one.models.keys() != other.models.keys():
        return "models"
    for name, spec in one.models.items():
        for field in changed_fields(spec, other.models[name]):
            return f"models.{name}.{field}"
    return None


def _without_shard(command: Sequence[str]) -> tuple[str, ...]:
    """The command line of the whole run."""
    kept = [part for part in command if not part.startswith("--shard=")]
    if "--shard" in kept:
        at = kept.index("--shard")
        del kept[at : at + 2]
    return tuple(kept)


def _fill(target: RunFolder, shards: Sequence[RunFolder]) -> None:
    draft, planned = target.path, {each.id for each in target.planned()}
    target.conversations.mkdir(parents=True)
    target.under_way.mkdir()
    for shard in shards:
        for log in shard.finished():
            _take(log, target.final(log.stem))
        for log in shard.under_way.glob("*.jsonl"):
            if not shard.is_finished(log.stem):
                _copy(log.read_bytes(), log, target.live(log.stem))
        for kind in ("measures", "judgements"):
            for folder in measure_folders(shard, kind):
                _take_readings(folder, draft / kind / folder.record.key, planned)
        for file in sorted((shard.path / NOTES).glob("*.jsonl")):
            _append(file, draft / NOTES / file.name)
        for file in sorted((shard.path / USAGE).glob("*.json")):  # named by machine, process and time
            (draft / USAGE).mkdir(exist_ok=True)
            _copy(file.read_bytes(), file, draft / USAGE / file.name)


def _take_readings(folder: MeasureFolder, target: Path, planned: set[str]) -> None:
    try:
        MeasureFolder.at(target, folder.record)
    except ConfideError:
        raise ConfideError(f"{folder.path}: another shard was read otherwise under this name") from None
    for log in folder.logs():
        copy = target / log.name
        # What is asked for profiles, and not of conversations, every shard may have asked; once is enough.
        if log.stem in planned or not copy.exists():
            _take(log, copy)
    for log in (folder.path / "live").glob("*.jsonl"):
        if not folder.is_finished(log.stem):
            _copy(log.read_bytes(), log, target / "live" / log.name)
    for file in folder.path.iterdir():
        if file.is_file() and file.suffix != ".jsonl" and not (target / file.name).exists():
            _copy(file.read_bytes(), file, target / file.name)


def _take(log: Path, target: Path) -> None:
    """Put a finished log into the merged run: the same file where that is possible, else a copy."""
    try:
        os.link(log, target)
    except FileExistsError:
        if packed.read_bytes(log) != packed.read_bytes(target):
            raise ConfideError(f"{log} is in another shard, too, with other words in it") from None
    except OSError:  # it is packed, or on another file system, or there are no hard links
        _copy(packed.read_bytes(log), log, target)


def _copy(data: bytes, source: Path, target: Path) -> None:
    target.write_bytes(data)
    place = packed.find(source)
    when = source.stat().st_mtime_ns if place is None else place.mtime_ns
    os.utime(target, ns=(when, when))


def _append(file: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    data = file.read_bytes()
    with target.open("ab") as out:
        out.write(data[: data.rfind(b"\n") + 1])
