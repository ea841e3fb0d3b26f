"""Who is asked in a run by a plan: its agents, an observer, and models for profiles of known traits.

Law: who is asked follows from the plan and the run; nobody is asked about themselves where people spoke.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from confide.agents import Model
from confide.agents.models import AnySpec
from confide.evaluators.traits.asking import Examiner
from confide.evaluators.traits.plan import PROFILES, LoadedPlan
from confide.evaluators.traits.probes import ObserverReport, SelfReport
from confide.evaluators.traits.profiles import Asked, Respondent, ask_respondents, drawn_profiles
from confide.evaluators.traits.results import PROFILES_FILE
from confide.scenarios import ConfideError
from confide.scenarios.personas import PersonaList, personas_text
from confide.simulator import MeasureFolder, MeasureRecord, Reader, RunFolder
from confide.simulator.log import Sink
from confide.simulator.store import write_new

Record = Callable[[str, str, Mapping[str, str], Model | None, AnySpec | None, int], MeasureRecord]
"""Makes the record of a reader: measure, text, files, model, its description, repeats."""


def trait_readers(
    run: RunFolder, plan: LoadedPlan, playing: Mapping[str, Model], reading: Model, record: Record
) -> list[Reader]:
    """The readers that a plan sets on a run: nobody is asked about themselves where people spoke."""
    found = []
    for source in plan.plan.sources:
        name = f"{plan.plan.id}-{source}"
        if source == "observer":
            folder = MeasureFolder.create(run, record(name, plan.text, plan.files, reading, None, 1))
            found.append(Reader(folder, ObserverReport(plan, reading), (reading,)))
        elif not run.record.imported:
            folder = MeasureFolder.create(run, record(name, plan.text, plan.files, None, None, 1))
            asked = SelfReport(plan, playing, bare=source == "bare")
            found.append(Reader(folder, asked, tuple(playing.values())))
    return found


class Respondents(NamedTuple):
    """The profiles that one model is to answer for."""

    folder: MeasureFolder
    examiner: Examiner
    respondents: tuple[Respondent, ...]

    async def ask(self, seed: int, also: Sink | None) -> Asked:
        """Ask what was not asked yet."""
        return await ask_respondents(self.folder, self.examiner, self.respondents, seed, also)


def respondents_of(
    run: RunFolder,
    plan: LoadedPlan,
    playing: Mapping[str, Model],
    reading: Model,
    specs: Mapping[str, AnySpec],
    record: Record,
) -> Iterator[Respondents]:
    """For each model that a plan asks in a run: the profiles that it is to answer for."""
    if not plan.plan.profiles:
        return
    profiles = drawn_profiles(plan.instrument, plan.plan.profiles, run.record.seed)
    asks_agents = not run.record.imported and "self" in plan.plan.sources
    observes = "observer" in plan.plan.sources
    models = {**(playing if asks_agents else {}), **({reading.name: reading} if observes else {})}
    for name, model in models.items():
        found = [Respondent("nobody", None)]
        if asks_agents and name in playing:
            found += [Respondent("self", persona) for persona in profiles.personas]
        if name == reading.name and observes:
            found += [Respondent("observer", persona) for persona in profiles.personas]
        made = record(f"{plan.plan.id}-{PROFILES}", plan.text, plan.files, model, specs[name], 1)
        folder = respondents_folder(run.path / "measures", made, profiles)
        yield Respondents(folder, Examiner(plan, model), tuple(found))


def respondents_folder(place: Path, record: MeasureRecord, profiles: PersonaList) -> MeasureFolder:
    """The folder of a model's answers for profiles, with the profiles in it.

    Raises:
        ConfideError: it cannot be written, or holds others.
    """
    folder = MeasureFolder.at(place / record.key, record)
    file = folder.path / PROFILES_FILE
    text = personas_text(profiles)
    try:
        if not file.exists():
            write_new(file, text)
        elif file.read_text(encoding="utf-8") != text:
            raise ConfideError(f"{folder.path} holds answers for other personas: delete it")
    except OSError as error:
        raise ConfideError(f"cannot write {file}: {error.strerror or error}") from None
    return folder
