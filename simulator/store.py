"""The runs folder: what a run is made of, and where its conversations lie.

::

    runs/<run>/run.json                   the run, resolved: scenarios, models, prompts, seed, versions
    runs/<run>/conversations/<id>.jsonl   finished conversations; of large runs, packed: confide.simulator.packed
    runs/<run>/live/<id>.jsonl            conversations under way, or interrupted

Law: run.json is written once, before the first conversation, and everything that a resumed run needs is in it.
"""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, ValidationError

from confide.agents import AUTHOR, text_hash
from confide.agents.models import AnySpec, Price
from confide.scenarios import Condition, ConfideError, InputFileError, Problem, Role, Scenario, Taxonomy
from confide.scenarios.experiments import Cell, Experiment, is_run
from confide.scenarios.personas import ListedPersona
from confide.scenarios.schema import Frozen
from confide.simulator import packed
from confide.simulator.cast import PerRole
from confide.simulator.events import Parent
from confide.simulator.log import LogWriter
from confide.simulator.shards import ShardRecord

PACKAGES: Final = ("autogen-agentchat", "autogen-core", "openai", "pydantic", "xllamacpp")
"""Packages whose versions a run keeps."""


class PerWriter(PerRole):
    """One text per role, and one for an author."""

    author: str | None
    """For the author; None if no condition of the run has one."""

    def of_writer(self, writer: str) -> str:
        """The text for a role or for the author.

        Raises:
            ValueError: there is no author.
        """
        if writer != AUTHOR:
            return self.of(Role(writer))
        if self.author is None:
            raise ValueError("the run has no author")
        return self.author


class RunScenario(Frozen):
    """A scenario of a run, with everything that it refers to."""

    file: str
    """Where it was read from; a shipped scenario's is its name alone."""
    scenario: Scenario
    """The scenario, as it is run: with the run's own limits."""
    taxonomy: Taxonomy
    """Its strategies."""
    prompts: PerWriter
    """The text of each prompt file."""
    models: PerWriter
    """The name of the model that plays each role, and of the one that writes both."""
    listed: ListedPersona | None = None
    """The listed persona that took the place of a role's own; None where each scenario has its own."""
    cast: str | None = None
    """What the experiment calls the models; None where it has one cast."""

    @property
    def label(self) -> str:
        """The scenario's id, with the persona's and the cast's where there are such: unique in its run."""
        return ".".join(part for part in (self.scenario.id, self.persona, self.cast) if part)

    @property
    def persona(self) -> str | None:
        """Id of the listed persona, if there is one."""
        return self.listed.id if self.listed else None

    @cached_property
    def pair_prefix(self) -> str:
        """The part of the pair key that all replicates share: the scenario, and the personas by content address.

        A listed persona has the same address in every scenario, so that scenarios and personas cross.
        """
        if self.listed is not None:
            return f"{self.scenario.id}/{text_hash(self.listed.model_dump_json())[:8]}"
        personas = [self.scenario.role(role).persona.model_dump_json() for role in Role]
        return f"{self.scenario.id}/{text_hash(''.join(personas))[:8]}"


class Software(Frozen):
    """What a run was made with."""

    confide: str
    """Version of confide."""
    python: str
    """Version of Python."""
    platform: str
    """Operating system and processor."""
    packages: dict[str, str]
    """Versions of the packages that matter."""
    git: str | None
    """Revision of the working folder's git repository, with ``+changes`` if it was not clean; None outside of one."""


class ForkRecord(Frozen):
    """A run of one conversation that branches off from another."""

    parent: Parent
    """Where it branches off."""
    pair_key: str
    """The parent's pair key: parent and fork are compared within it, and share their seeds."""


class ImportRecord(Frozen):
    """A run of conversations that people held, read from a file."""

    source: str
    """Name of the file."""
    sha256: str
    """SHA-256 of its bytes, in hex."""
    format: Literal["esconv", "jsonl", "tsv"]
    """Which form of the data it is in."""
    conversations: Annotated[int, Field(ge=1)]
    """Conversations in it."""
    labels: dict[str, str | None]
    """What each label in the file was taken for; null: for no strategy, as the user said."""


class ExperimentRecord(Frozen):
    """The experiment that a run is."""

    file: str
    """A shipped one's id, or the whole path of its file."""
    text: str
    """Its file, exactly as it was when the run began."""
    sha256: str
    """SHA-256 of that, in hex: tells whether an analysis was changed after the run."""
    resolved: Experiment
    """The same, read."""


class RunRecord(Frozen):
    """``run.json``: a run, resolved."""

    v: Literal[1] = 1
    """Version of this file's schema."""
    id: str
    """Name of the run's folder."""
    created: str
    """When, in ISO 8601 (UTC)."""
    seed: int
    """The run's seed; all others derive from it."""
    replicates: Annotated[int, Field(ge=1)]
    """Conversations per scenario and condition."""
    conditions: tuple[Condition, ...]
    """The conditions; none for imported conversations."""
    scenarios: tuple[RunScenario, ...]
    """The scenarios; none for imported conversations."""
    models: dict[str, AnySpec]
    """The models that play, by name. No keys: only the names of the variables that hold them."""
    prices: dict[str, Price | None]
    """Their prices when the run began; None where unknown."""
    software: Software
    """What it was made with."""
    command: tuple[str, ...]
    """The command line."""
    fork: ForkRecord | None = None
    """For a fork: where it branches off."""
    imported: ImportRecord | None = None
    """For conversations that people held: where they come from."""
    experiment: ExperimentRecord | None = None
    """For a run of an experiment's file: the experiment."""
    shard: ShardRecord | None = None
    """For a part of a run: which part. What stands above is that of the whole run."""
    merged: tuple[str, ...] = ()
    """For a run that was merged from shards: their ids."""

    @property
    def size(self) -> int:
        """Conversations in all; of a shard, its own."""
        if self.imported:
            return self.imported.conversations
        cells = sum(self.runs(item, condition) for item in self.scenarios for condition in self.conditions)
        whole = cells * self.replicates
        return self.shard.size(whole) if self.shard else whole

    def part(self, shard: ShardRecord) -> RunRecord:
        """The record of one part of this run.

        Raises:
            ConfideError: there are not as many conversations.
        """
        if not shard.size(self.size):
            raise ConfideError(f"--shard {shard}: the run has {self.size} conversations, so this shard would have none")
        return self.model_copy(update={"shard": shard, "id": f"{self.id}-{shard.number}of{shard.of}"})

    def runs(self, item: RunScenario, condition: Condition) -> bool:
        """Whether a scenario is run under a condition: an experiment may leave cells out."""
        if self.experiment is None:
            return True
        return is_run(self.experiment.resolved, Cell(item.scenario.id, item.persona, condition.id, item.cast))


class Planned(NamedTuple):
    """A conversation that a run is to have."""

    id: str
    pair_key: str
    scenario: RunScenario
    condition: Condition


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path, record: RunRecord) -> None:
        """A run that is there; see :meth:`create` and :meth:`open`."""
        self.path = path
        self.record = record
        self.conversations = path / "conversations"
        """Where the logs of finished conversations lie."""
        self.under_way = path / "live"
        """Where the logs of conversations lie while they are under way."""

    @classmethod
    def create(cls, runs: Path, record: RunRecord) -> RunFolder:
        """Make the folder of a new run, with its run.json.

        Raises:
            ConfideError: the runs folder cannot be written.
        """
        run = cls(runs / record.id, record)
        try:
            for folder in (run.conversations, run.under_way):
                folder.mkdir(parents=True)
            write_new(run.path / "run.json", record.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise ConfideError(f"cannot write the run's folder {run.path}: {error.strerror or error}") from None
        return run

    @classmethod
    def open(cls, folder: str | Path) -> RunFolder:
        """Open a run.

        Raises:
            InputFileError: the folder holds no readable run.json.
        """
        path = Path(folder)
        file = path / "run.json"
        try:
            record = RunRecord.model_validate_json(file.read_bytes())
        except OSError:
            raise InputFileError([Problem(file, 1, 1, "", "there is no such file: is the folder a run's?")]) from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputFileError(
                [Problem(file, 1, 1, where, f"not a run of this version of confide: {first['msg']}")]
            ) from None
        return cls(path, record)

    def must_be_simulated(self) -> None:
        """See to it that models spoke here, and not people.

        Raises:
            ConfideError: people did.
        """
        if self.record.imported:
            raise ConfideError(f"{self.path} holds conversations of people's: there are no prompts and no model calls")

    def planned(self) -> Iterator[Planned]:
        """All conversations that are simulated, replicate by replicate; none where people held them."""
        shard = self.record.shard
        return islice(self._plan(), shard.number - 1, None, shard.of) if shard else self._plan()

    def _plan(self) -> Iterator[Planned]:
        record = self.record
        for replicate in range(record.replicates):
            for scenario in record.scenarios:
                key = record.fork.pair_key if record.fork else f"{scenario.pair_prefix}/{replicate}"
                for condition in record.conditions:
                    if record.runs(scenario, condition):
                        yield Planned(f"{scenario.label}.{condition.id}.{replicate:04d}", key, scenario, condition)

    def left(self) -> Iterator[Planned]:
        """The planned conversations that are not finished now."""
        done = {log.stem for log in self.finished()}
        return (planned for planned in self.planned() if planned.id not in done)

    def final(self, conversation: str) -> Path:
        """The name of a finished conversation's log: its file, unless it is packed; ``read_log`` reads both."""
        return self.conversations / f"{conversation}.jsonl"

    def live(self, conversation: str) -> Path:
        """Where a conversation lies while it is under way."""
        return self.under_way / f"{conversation}.jsonl"

    def writer(self, conversation: str) -> LogWriter:
        """A writer for the conversation's log.

        Raises:
            LogBusyError: another process is writing it.
            ConfideError: it cannot be written.
        """
        return LogWriter(self.live(conversation), self.final(conversation))

    def is_finished(self, conversation: str) -> bool:
        """Whether a conversation is finished: whether its log is in its final place, or packed."""
        return packed.is_there(self.final(conversation))

    def finished(self) -> list[Path]:
        """The logs of all finished conversations, by name; a packed one has the name that it had before."""
        return packed.finished(self.conversations)

    def logs(self) -> list[Path]:
        """All logs that are there, finished ones first."""
        finished = self.finished()
        done = {file.name for file in finished}
        return finished + [file for file in sorted(self.under_way.glob("*.jsonl")) if file.name not in done]


def write_new(file: Path, text: str) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    draft = file.with_name(file.name + ".draft")
    with draft.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)


def new_run_id(now: datetime, label: str) -> str:
    """A name for a run's folder: time, label, and four random letters so that runs of one second differ."""
    return f"{now:%Y%m%d-%H%M%S}-{label}-{secrets.token_hex(2)}"


def software() -> Software:
    """What this process runs on."""
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    try:
        ours = version("confide")
    except PackageNotFoundError:  # run from a folder that was never installed
        ours = "unknown"
    return Software(
        confide=ours,
        python=platform.python_version(),
        platform=f"{sys.platform} {platform.machine()}",
        packages=packages,
        git=_git_revision(),
    )


def _git_revision() -> str | None:
    try:
        revision, changes = (
            subprocess.run(["git", *args], capture_output=True, text=True, timeout=5, check=True).stdout.strip()  # noqa: S603, S607
            for args in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return revision + ("+changes" if changes else "")


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)
