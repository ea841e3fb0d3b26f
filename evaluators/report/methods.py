"""What was done, in sentences made from run.json. Law: it claims nothing, and says what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from confide.agents import text_hash
from confide.agents.models import AnySpec
from confide.evaluators.report.gather import Material, RunMaterial
from confide.evaluators.report.parts import Note, Section, Table, counted_as
from confide.evaluators.statistics.resampling import DRAWS, FEWEST
from confide.scenarios.experiments import Analysis
from confide.simulator import MeasureFolder, RunFolder, measure_folders
from confide.simulator.store import Software, software

_OPERATION: Final = {"concurrency", "price", "timeout_s", "tries", "key_env", "threads", "latency_ms"}
"""Fields of a model's description that do not bear on what it writes."""
_SHOWN: Final = 12
"""Characters of a hash that are shown."""


def methods(material: Material) -> Section:
    """What was run and how it is analysed, run by run."""
    parts: list[Note | Table] = []
    for each in material.runs:
        lead = f"Run {each.name}: {each.run.record.id}. " if each.name else ""
        parts += [Note(lead + " ".join(_conversations(each)))]
        told = (_models(each.run), _served(each), _prompts(each.run), _measures(each.run))
        parts += [Note(text) for text in told if text]
        parts.append(Note(" ".join(_statistics(each))))
        parts.append(Note(_software(each.run.record.software)))
    ours = software()
    parts.append(Note(f"This report was made with confide {ours.confide} on Python {ours.python}."))
    return Section("methods", "What was run", parts)


def paragraph(each: RunMaterial) -> str:
    """All that is said of one run, as one text."""
    found = [" ".join(_conversations(each)), _models(each.run), _served(each), _prompts(each.run), _measures(each.run)]
    return " ".join([*(text for text in found if text), *_statistics(each), _software(each.run.record.software)])


def _conversations(each: RunMaterial) -> list[str]:
    record = each.run.record
    if record.imported:
        made = record.imported
        ignored = [label for label, meaning in made.labels.items() if meaning is None]
        return [
            f"{made.conversations:,} conversations that people held were imported from {made.source} "
            f"(format {made.format}, SHA-256 {made.sha256[:_SHOWN]}).",
            f"Labels taken for no strategy: {', '.join(ignored)}." if ignored else "All labels were taken over.",
        ]
    ids = _unique(item.scenario.id for item in record.scenarios)
    personas = _unique(item.persona for item in record.scenarios if item.persona)
    axes = [f"{counted_as(len(ids), 'scenario')} ({', '.join(ids)})"]
    axes += [f"{counted_as(len(personas), 'listed persona')} ({_some(personas)})"] if personas else []
    axes.append(f"{counted_as(len(record.conditions), 'condition')} ({', '.join(one.id for one in record.conditions)})")
    casts = _unique(item.cast for item in record.scenarios if item.cast)
    axes += [f"{counted_as(len(casts), 'cast')} ({', '.join(casts)})"] if casts else []
    limits = _unique(str(item.scenario.limits.turns) for item in record.scenarios)
    ends = ", ".join(f"{reason} {count}" for reason, count in sorted(each.ends.items()))
    said = [f"Conversations were simulated in {_joined(axes)}, {counted_as(record.replicates, 'replicate')} of each"]
    said[0] += "; cells that the experiment leaves out were not run." if _leaves_out(each.run) else "."
    if record.fork:
        said.append(
            f"The run is a fork of conversation {record.fork.parent.conversation} of run {record.fork.parent.run}."
        )
    said += [
        f"Conversations planned: {record.size:,}; finished: {len(each.talks):,} (ended by: {ends or 'none'}); "
        f"under way or interrupted: {each.unfinished:,}.",
        f"A conversation has at most {_joined(limits)} turns, both roles counted.",
        f"The run's seed is {record.seed}; all others derive from it and from the pair key, so that conversations that "
        "differ in the condition or the cast alone share theirs.",
    ]
    said += [f"Condition {one.id}: {one.title.rstrip('.')}." for one in record.conditions]
    if record.experiment:
        found = record.experiment
        said.append(f"The experiment is {found.resolved.id} (file's SHA-256 {found.sha256[:_SHOWN]}).")
    return said


def _leaves_out(run: RunFolder) -> bool:
    found = run.record.experiment
    return bool(found and (found.resolved.include or found.resolved.exclude))


def _models(run: RunFolder) -> str:
    record = run.record
    if record.imported:
        return ""
    players: dict[str, list[str]] = {}
    for item in record.scenarios:
        for role, name in item.models.model_dump(exclude_none=True).items():
            players.setdefault(name, []).append(role)
    said = [
        f"{name} plays {_joined(_unique(roles))} ({describe(record.models[name])})" for name, roles in players.items()
        if name in record.models
    ]  # fmt: skip
    return f"Models: {'; '.join(said)}." if said else ""


def describe(spec: AnySpec | None) -> str:
    """A model's description: all that bears on what it writes, defaults too."""
    if spec is None:
        return "each role's own model"
    given = spec.model_dump(exclude=_OPERATION)
    first = [str(given.pop(name)) for name in ("provider", "model") if name in given]
    if given.get("temperature", 0) is None:
        given["temperature"] = "the server's own"
    rest = [f"{name} {value}" for name, value in given.items() if value not in ({}, None)]
    return ", ".join([" ".join(first), *rest])


def _served(each: RunMaterial) -> str:
    """What servers called the models that answered, where they said so."""
    names = sorted({name for made in each.calls.values() for name in made.served})
    return f"Servers called the models that answered: {', '.join(names)}." if names else ""


def _prompts(run: RunFolder) -> str:
    found: dict[str, None] = {}
    for item in run.record.scenarios:
        for writer, text in item.prompts.model_dump(exclude_none=True).items():
            found[f"{writer} {text_hash(text)[:_SHOWN]}"] = None
    taxonomies = _unique(f"{item.taxonomy.id} ({len(item.taxonomy.labels)})" for item in run.record.scenarios)
    if not found:
        return ""
    hashes = f"Prompt files by the first characters of their SHA-256: {', '.join(found)}."
    return f"{hashes} Strategies: {', '.join(taxonomies)}."


def _measures(run: RunFolder) -> str:
    folders = [*measure_folders(run), *measure_folders(run, "judgements")]
    if not folders:
        return "Nothing was read beside the conversations." if not run.record.imported else ""
    return f"Measures: {'; '.join(_measure(folder) for folder in folders)}."


def _measure(folder: MeasureFolder) -> str:
    record = folder.record
    how = "compared in pairs, in both orders, by" if record.pairwise else "answered by" if record.files else "read by"
    model = record.model if record.spec is None else f"{record.model} ({describe(record.spec)})"
    kind = "plan" if record.files else "rubric"
    times = f", each question {counted_as(record.repeats, 'time')}" if record.repeats > 1 else ""
    return f"{record.measure} {how} {model}{times}, {kind} {text_hash(record.rubric)[:_SHOWN]}"


def _statistics(each: RunMaterial) -> list[str]:
    said = [
        "Means are over conversations, never over turns. "
        f"Intervals are 95 % percentile intervals of {DRAWS:,} resamples of whole conversations, and "
        f"there is none with fewer than {FEWEST}.",
        "What is missing is counted with its reason and enters nothing.",
    ]
    if each.traits:
        said.append(
            "Intervals of trait drift are robust to clusters of scenarios and of personas "
            "(Cameron, Gelbach and Miller, 2011), with t on the fewest clusters less one."
        )
    if len(each.arms) > 1:
        said.append(
            "Contrasts are means of differences within pair keys, with t intervals robust to clusters of scenarios and "
            "of personas (Cameron, Gelbach and Miller, 2011), effect sizes d_z and d_av, and permutation tests by "
            "flipping signs."
        )
    if each.run.record.imported:
        return said
    found = each.run.record.experiment
    analysis = found.resolved.analysis if found else None
    return [*said, *(_analysis(analysis) if analysis else ["No analysis was written down before the run."])]


def _analysis(analysis: Analysis) -> list[str]:
    contrasts = "; ".join(f"{one.id} ({one.axis} {one.one} less {one.other})" for one in analysis.contrasts)
    families: dict[str, list[str]] = {}
    for one in analysis.outcomes:
        bound = f", equivalence within ±{one.equivalence:g}" if one.equivalence else ""
        families.setdefault(one.family, []).append(f"{one.id} ({one.of}{bound})")
    outcomes = "; ".join(f"family {name}: {', '.join(these)}" for name, these in families.items())
    said = [
        "The analysis was written down before the run.",
        f"Contrasts, within pair keys: {contrasts}. Outcomes: {outcomes}.",
        f"p values of one family are corrected after Holm, at alpha {analysis.alpha:g}.",
    ]
    if any(one.equivalence for one in analysis.outcomes):
        said.append("Equivalence is tested by two one-sided tests.")
    ends = ", ".join(analysis.exclude_ends)
    said.append(
        f"Excluded from contrasts, and counted: conversations that ended by {ends}." if ends else "None are excluded."
    )
    return said


def _software(found: Software) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in found.packages.items())
    git = f", git {found.git[:_SHOWN]}{'+changes' if found.git.endswith('+changes') else ''}" if found.git else ""
    return f"The run was made with confide {found.confide}{git}, Python {found.python} on {found.platform}; {packages}."


def _unique(names: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(str(name) for name in names))


def _some(names: Sequence[str], most: int = 12) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
