"""Commands that print figures of runs: ``profile``, ``disclosure``, ``scores``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from confide.commands import tables
from confide.commands.tables import NONE, agreement, between, estimate, number, percent, plain, table
from confide.evaluators import derived
from confide.evaluators.disclosure import Share, disclosure, facts_told
from confide.evaluators.human import HumanFigures, human_figures
from confide.evaluators.profiles import Profile, profile
from confide.evaluators.readings import ItemFigures, Readings, differences, figures, read_readings, talks_of
from confide.evaluators.talks import Talk, events_of, talk_of
from confide.scenarios import ConfideError
from confide.simulator import Imported, RunFolder, Started, measure_folders


def profiles(paths: list[Path], *, as_json: bool) -> None:
    """Print what the supporters of runs do, by condition, beside what people do."""
    groups: dict[str, list[Talk]] = {}
    labels: tuple[str, ...] = ()
    for path in paths:
        for events in events_of(RunFolder.open(path)):
            opening = events[0]
            if not isinstance(opening, Started | Imported):
                raise ConfideError(f"{path}: a log begins with its 'started' event")
            if labels and opening.taxonomy.labels != labels:
                raise ConfideError(f"{path}: its strategies are others than those of the conversations before it")
            labels = opening.taxonomy.labels
            talk = talk_of(events)
            groups.setdefault(talk.condition, []).append(talk)
    if not groups:
        raise ConfideError(f"{', '.join(map(str, paths))}: no finished conversation")
    human = human_figures()
    found = {condition: profile(talks, labels, human) for condition, talks in groups.items()}
    if as_json:
        typer.echo(json.dumps(plain(found), ensure_ascii=False, indent=2))
        return
    console = tables.console()
    _print_shares(console, found, human)
    _print_fifths(console, found, human)
    _print_course(console, found, human)
    _print_preferences(console, [RunFolder.open(path) for path in paths])


def _print_preferences(console: Console, runs: list[RunFolder]) -> None:
    """What models would rather do themselves, where they were asked: read an effect of personas beside it."""
    for run in runs:
        for folder in measure_folders(run):
            if folder.record.measure == "next-strategy":
                console.print(Text(f"\n{run.path}: strategies that {folder.record.model} would choose itself"))
                _print_derived(console, _derived(read_readings(folder, talks_of(run)), run))


def _print_shares(console: Console, found: dict[str, Profile], human: HumanFigures) -> None:
    shown = table(
        "share of strategies, % [95 % interval over conversations]", ["strategy"], [*found, "people (ESConv)"]
    )
    total = sum(human.labels.values())
    first = next(iter(found.values()))
    for index, label in enumerate(first.labels):
        people = percent(human.labels[label] / total) if first.human_distance else NONE
        shown.add_row(Text(label), *(estimate(each.shares[index], 1, 100) for each in found.values()), people)
    rows = {
        "conversations": [str(each.conversations) for each in found.values()],
        "supporter turns (without a label)": [f"{each.supporter_turns} ({each.unlabelled})" for each in found.values()],
    }
    for name, cells in rows.items():
        shown.add_row(name, *cells, str(human.conversations) if name == "conversations" else "")
    console.print(shown)


def _print_fifths(console: Console, found: dict[str, Profile], human: HumanFigures) -> None:
    for condition, each in found.items():
        shown = table(f"\n{condition}: share by fifth of the talk, % (people, ESConv)", ["strategy"], list("12345"))
        for index, label in enumerate(each.labels):
            cells = []
            for fifth in range(5):
                people = f" ({percent(human.fifths[fifth][label])})" if each.human_distance else ""
                cells.append(percent(each.by_fifth[fifth][index]) + people)
            shown.add_row(Text(label), *cells)
        if each.human_distance_by_fifth:
            shown.add_row("distance to people", *(estimate(one) for one in each.human_distance_by_fifth))
        console.print(shown)


def _print_course(console: Console, found: dict[str, Profile], human: HumanFigures) -> None:
    shown = table("\ncourse of the talk [95 % interval over conversations]", ["figure"], [*found, "people (ESConv)"])
    rows: tuple[tuple[str, Callable[[Profile], str], str], ...] = (
        ("distance to people (Jensen-Shannon, 0 to 1)", _distance, ""),
        ("entropy of strategies in a talk, bits", lambda p: estimate(p.entropy), f"{human.entropy.mean:.2f}"),
        ("first suggestion, % of the talk", lambda p: estimate(p.first_suggestion, 1, 100), ""),
        ("talks without a suggestion", lambda p: str(p.no_suggestion), ""),
        ("supporter turns with a question mark, %", lambda p: estimate(p.questions, 1, 100), ""),
        ("words per supporter turn", lambda p: estimate(p.supporter_words, 1), ""),
        ("words per seeker turn", lambda p: estimate(p.seeker_words, 1), ""),
        ("supporter's part of the words, %", lambda p: estimate(p.supporter_part, 1, 100), ""),
        ("turns per talk", lambda p: estimate(p.turns, 1), ""),
    )  # fmt: skip
    for name, cell, people in rows:
        shown.add_row(name, *(cell(each) for each in found.values()), people)
    console.print(shown)
    for condition, each in found.items():
        steps = sorted(each.transitions.edges(data=True), key=lambda edge: -edge[2]["count"])[:5]
        words = "; ".join(f"{a} → {b} {percent(data['share'])} %" for a, b, data in steps)
        console.print(Text(f"{condition}: most frequent steps: {words or 'none'}"), soft_wrap=True)


def _distance(found: Profile) -> str:
    return estimate(found.human_distance) if found.human_distance else NONE


def tellings(path: Path, *, as_json: bool) -> None:
    """Print when and how facts were told."""
    run = RunFolder.open(path)
    run.must_be_simulated()
    rows = [row for events in events_of(run) for row in facts_told(events)]
    if not rows:
        raise ConfideError(f"{path}: no finished conversation with facts")
    found = disclosure(rows)
    if as_json:
        typer.echo(json.dumps(plain({"facts": rows, "disclosure": found}), ensure_ascii=False, indent=2))
        return

    def cell(share: Share) -> str:
        return between(share.value, share.interval, 1, 100)

    console = tables.console()
    shown = table(
        "telling, % [95 % interval over conversations]",
        ["condition", "whose"],
        ["facts", "told", "of these asked for", "undeclared", "against their rule", "spoken of untold", "median at"],
    )
    for each in found:
        cells = [cell(share) for share in (each.told, each.asked, each.noticed, each.against_rule, each.foreknown)]
        shown.add_row(each.condition, each.role, str(each.told.n), *cells, percent(each.median_position))
    console.print(shown)
    curve = table("\nfacts told by the end of each fifth of the talk, %", ["condition", "whose"], list("12345"))
    for each in found:
        curve.add_row(each.condition, each.role, *(percent(share.value) for share in each.by_fifth))
    console.print(curve)
    console.print(
        "whether words tell a fact is read by words alone; docs/conditions.md says how well. Under partial, speaking "
        "of what was not told is a guess.",
        style="dim",
    )


def scores(path: Path, *, as_json: bool) -> None:
    """Print what readers found in a run."""
    run = RunFolder.open(path)
    folders = [folder for folder in measure_folders(run) if not folder.record.files]  # else of a trait plan
    if not folders:
        raise ConfideError(f"{path} was not read yet: confide score {path} --with strategies")
    talks = talks_of(run)
    found = [read_readings(folder, talks) for folder in folders]
    if as_json:
        report = [
            {"measure": each.rubric.id, "model": each.model, "unread": each.unread, "items": plain(figures(each)),
             **{name: plain(value) for name, value in _derived(each, run).items()}}
            for each in found
        ]  # fmt: skip
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    console = tables.console()
    for readings in found:
        _print_readings(console, readings)
        _print_derived(console, _derived(readings, run))
    for caveat in dict.fromkeys(each.caveat for each in found if each.caveat):
        console.print(Text(f"note: {caveat}", style="yellow"))


def _print_readings(console: Console, readings: Readings) -> None:
    title = f"\n{readings.rubric.id}, read by {readings.model}: {readings.rubric.title}"
    shown = table(title, ["item", "condition", "whose", "found"], ["answers", "missing", "repeats agree", "words"])
    for each in figures(readings):
        role = each.role or ""
        missing = str(sum(each.missing.values()))
        repeats = agreement(each.repeats) if each.repeats else NONE
        cells = (
            each.item,
            each.condition,
            role,
            _found(each),
            str(each.answers),
            missing,
            repeats,
            number(each.words, 0),
        )
        shown.add_row(*(Text(cell) for cell in cells))
        for reason, count in each.missing.items():
            shown.add_row("", "", "", Text(f"{count} missing: {reason}", style="dim"))
    console.print(shown)
    if readings.unread:
        console.print(f"{readings.unread} conversations are not read yet; confide score goes on")


def _found(each: ItemFigures) -> str:
    if each.shares is not None:
        return ", ".join(f"{name} {percent(share)} %" for name, share in each.shares.items())
    return between(each.mean, each.interval)


def _derived(readings: Readings, run: RunFolder) -> dict[str, object]:
    """Further figures of the shipped rubrics, by what they are."""
    rubric = readings.rubric
    labels = _labels(run)
    items = {item.id for item in rubric.items}
    if rubric.unit != "turn":
        return {"differences": differences(readings)}
    if "strategies" in items and rubric.line == "hidden":
        return {"preference": derived.preferred(readings, labels)}
    if "strategies" in items:
        return {"agreement": derived.declared_and_read(readings, labels)}
    trends = {
        "fits": derived.prompt_to_line, "contradicts": derived.line_to_line, "sounds_like": derived.own_role,
        "distress": derived.observed_distress,
    }  # fmt: skip
    found = [trend for name, of in trends.items() if name in items for trend in of(readings)]
    if "distress" in items:
        talks = [talk_of(events) for events in events_of(run)]
        found += [*derived.reported_distress(talks), *derived.reported_distress(talks, 10)]
    return {"trends": found}


def _labels(run: RunFolder) -> tuple[str, ...]:
    for events in events_of(run):
        opening = events[0]
        if isinstance(opening, Started | Imported):
            return opening.taxonomy.labels
    return ()


def _print_derived(console: Console, found: dict[str, object]) -> None:
    for each in found.get("agreement", []):  # type: ignore[attr-defined]
        console.print(
            f"{each.condition}: declared against read, {each.kappa.n} turns ({each.kappa.missing} left out): "
            f"Cohen's kappa {agreement(each.kappa)}, Krippendorff's alpha (MASI) {agreement(each.alpha)}"
        )
        shown = table("rows declared, columns read", [""], [label[:12] for label in each.confusion.labels])
        for label, row in zip(each.confusion.labels, each.confusion.counts, strict=True):
            shown.add_row(label, *(f"{count:g}" if count == int(count) else f"{count:.1f}" for count in row))
        console.print(shown)
    for each in found.get("preference", []):  # type: ignore[attr-defined]
        said = f"first choice is what was done in {percent(each.accuracy)} % of {each.turns} turns"
        if each.preference.values is None:
            console.print(f"{each.condition}: {said}; no preference: {each.preference.reason}")
            continue
        values = ", ".join(f"{label} {value:.2f}" for label, value in each.preference.values.items())
        console.print(f"{each.condition}: {said}; preference (1 is none): {values}; bias {each.preference.bias:.2f}")
    compared = found.get("differences")
    if compared:
        shown = table("within pair keys", ["item", "difference of"], ["pairs", "as it is", "at equal length"])
        for each in compared:  # type: ignore[attr-defined]
            made = each.difference
            equal = between(made.equal, made.equal_interval) if made.reason is None else f"- ({made.reason})"
            cells = (str(made.pairs), between(made.raw, made.raw_interval), equal)
            shown.add_row(each.item, f"{each.one} - {each.other}", *cells)
        console.print(shown)
    trends = found.get("trends")
    if trends:
        shown = table("over the talk, by fifth", ["figure", "condition", "whose"], ["overall", *"12345"])
        for each in trends:  # type: ignore[attr-defined]
            fifths = (number(value) for value in each.by_fifth)
            shown.add_row(each.measure, each.condition, each.role, between(each.overall, each.interval), *fifths)
        console.print(shown)
