"""What if: a conversation that shares another's first turns. Law: it shares its pair key, and so its seeds, too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from confide.agents import (
    AUTHOR,
    Model,
    SupporterReply,
    find_model,
    read_prompt,
    shipped_prompt,
)
from confide.agents.models import AnySpec, Endpoints, build_models
from confide.agents.reply import Reply
from confide.scenarios import Condition, ConfideError, Role, Scenario, Taxonomy, Writer, read_conditions
from confide.simulator.events import Parent, Started
from confide.simulator.log import read_log
from confide.simulator.setup import must_have_blocks, writer_of
from confide.simulator.state import State, fold
from confide.simulator.store import (
    ForkRecord,
    PerWriter,
    RunFolder,
    RunRecord,
    RunScenario,
    new_run_id,
    software,
    utc_now,
)


class Fork(NamedTuple):
    """What a fork is to be."""

    log: Path
    """The parent's log, in its run's folder."""
    at: int
    """The first turn that is the fork's own."""
    changes: Mapping[str, str]
    """What is set, as it was given; see :func:`plan_fork`."""
    command: tuple[str, ...] = ()


def plan_fork(
    fork: Fork, specs: Mapping[str, AnySpec], endpoints: Endpoints | None = None
) -> tuple[RunRecord, dict[str, Model]]:
    """Resolve a fork: a run of one conversation. Nothing is written.

    What may be set: ``condition`` (a name or a file), ``model``, ``seeker.model``, ``supporter.model``, ``utterance``
    (what is said at the fork's first turn; a supporter's needs ``strategies`` too), ``fact.ID.text`` and a fact's other
    fields, and any other field of the scenario by its path, such as ``seeker.persona.traits.emotionality`` or
    ``limits.turns``.

    Args:
        fork: what it is to be.
        specs: models by name, besides those of the parent's run.
        endpoints: what its models share; None for endpoints of its own, without a cache.

    Raises:
        ConfideError: the turn is not there, or something that is set does not exist or does not fit.
    """
    run, state, started = _parent(fork)
    changes = dict(fork.changes)
    condition = read_conditions([changes.pop("condition")])[0] if "condition" in changes else started.condition
    if condition.writer is Writer.SCRIPT and fork.at > 0:
        raise ConfideError("a script is written whole and cannot be gone on with: set another condition, or fork at 0")
    names = {role: changes.pop(f"{role}.model", changes.get("model", started.cast.of(role).name)) for role in Role}
    changes.pop("model", None)
    imposed = _imposed(changes, state, fork.at, started.taxonomy)
    scenario = changed_scenario(started.scenario, changes)
    if scenario.limits.turns <= fork.at:
        raise ConfideError(f"the talk ends after {scenario.limits.turns} turns: raise it with --set limits.turns=N")
    if condition.writer is not Writer.TWO_AGENTS and names[Role.SEEKER] != names[Role.SUPPORTER]:
        raise ConfideError(f"condition '{condition.id}' has one writer: set model")
    used = {name: find_model(name, {**specs, **run.record.models}) for name in names.values()}
    models = build_models(used, endpoints)
    prompts = {role: _prompt_text(started, role, condition, models[names[role]].format.name) for role in Role}
    now = utc_now()
    author = names[Role.SEEKER] if condition.writer is not Writer.TWO_AGENTS else None
    record = RunRecord(
        id=new_run_id(now, f"{scenario.id}-fork"),
        created=now.isoformat(timespec="seconds"),
        seed=started.seed,
        replicates=1,
        scenarios=(
            RunScenario(
                file=_file_of(run.record, scenario.id),
                scenario=scenario,
                taxonomy=started.taxonomy,
                prompts=PerWriter(**prompts, author=prompts[Role.SEEKER] if author else None),
                models=PerWriter(**names, author=author),
            ),
        ),
        conditions=(condition,),
        models=used,
        prices={name: model.price for name, model in models.items()},
        software=software(),
        command=fork.command,
        fork=ForkRecord(parent=_branch(fork, run, state, started, imposed), pair_key=started.pair_key),
    )
    return record, models


def _branch(fork: Fork, run: RunFolder, state: State, started: Started, imposed: Reply | None) -> Parent:
    """Where the fork branches off."""
    return Parent(
        run=run.record.id,
        conversation=started.conversation,
        at=fork.at,
        changed=dict(fork.changes),
        replies=tuple(spoke.reply for spoke in state.turns[: fork.at]),
        imposed=imposed,
    )


class _Parent(NamedTuple):
    run: RunFolder
    state: State
    started: Started


def _parent(fork: Fork) -> _Parent:
    """The conversation that is branched off from.

    Raises:
        ConfideError: people held it, or it has no such turn.
    """
    run, state = RunFolder.open(fork.log.parent.parent), fold(read_log(fork.log).events)
    run.must_be_simulated()
    if state.started is None or not 0 <= fork.at <= len(state.turns):
        raise ConfideError(f"{fork.log} has {len(state.turns)} turns: --at must be from 0 to {len(state.turns)}")
    return _Parent(run, state, state.started)


def _file_of(record: RunRecord, scenario: str) -> str:
    return next(item.file for item in record.scenarios if item.scenario.id == scenario)


def _prompt_text(started: Started, role: Role, condition: Condition, reply_format: str) -> str:
    """The parent's prompt file where it can serve the fork too, else the shipped one."""
    writer = writer_of(condition, role)
    same = writer == writer_of(started.condition, role) and reply_format == started.cast.of(role).format
    if same:
        return started.prompts.of(role)
    file = shipped_prompt(writer, reply_format)
    prompt = read_prompt(file, writer)
    if writer != AUTHOR:
        must_have_blocks(prompt, condition, file)
    return prompt.text


def _imposed(changes: dict[str, str], state: State, at: int, taxonomy: Taxonomy) -> Reply | None:
    """The reply with the words that were set; the rest of it is the parent's at that turn, or at the turn before."""
    words, named = changes.pop("utterance", None), changes.pop("strategies", None)
    if words is None:
        if named is not None:
            raise ConfideError("strategies goes with utterance: set both")
        return None
    if not words.strip():
        raise ConfideError("utterance must not be empty")
    role = state.turns[at - 1].role.other if at else (state.started.scenario.opens if state.started else Role.SUPPORTER)
    own = [spoke.reply for spoke in state.turns[: at + 1] if spoke.role is role]
    if not own:
        raise ConfideError(f"the {role} has not spoken up to turn {at}: there is no private state to go with utterance")
    update: dict[str, Any] = {"utterance": words, "told": ()}
    if isinstance(own[-1], SupporterReply):
        if named is None:
            raise ConfideError("turn is the supporter's: set strategies too, such as --set strategies=Question")
        labels = [taxonomy.resolve(name) for name in named.split(",")]
        if None in labels:
            raise ConfideError(f"strategies: '{named}': the strategies are {', '.join(taxonomy.labels)}")
        update["strategies"] = tuple(labels)
    return own[-1].model_copy(update=update)


def changed_scenario(scenario: Scenario, changes: Mapping[str, str]) -> Scenario:
    """``scenario`` with fields set by path.

    Raises:
        ConfideError: a path leads nowhere, or a value does not fit.
    """
    data = scenario.model_dump(mode="json")
    for path, text in changes.items():
        parts = path.split(".")
        if parts[0] in _NOT_HERE:
            raise ConfideError(f"--set {path}: {_NOT_HERE[parts[0]]}")
        place: Any = data
        if parts[0] == "fact" and len(parts) > 1:
            place, parts = _fact(data, parts[1], path), parts[2:]
        for part in parts[:-1]:
            place = place.get(part) if isinstance(place, dict) else None
        if not parts or not isinstance(place, dict) or parts[-1] not in place:
            known = ", ".join(place) if isinstance(place, dict) else ", ".join(data)
            raise ConfideError(f"--set {path}: there is no such field; here are: {known}")
        place[parts[-1]] = _value(text, path)
    try:
        return Scenario.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfideError(f"--set does not fit: {where}: {first['msg']}") from None


_NOT_HERE = {
    "id": "a fork keeps its scenario's id, by which it is compared",
    "prompts": "a fork keeps the parent's prompt files",
    "strategies": "a fork keeps the parent's strategies",
    "models": "set model, seeker.model or supporter.model",
}


def _fact(data: dict[str, Any], fact_id: str, path: str) -> dict[str, Any]:
    facts: Sequence[dict[str, Any]] = [fact for role in Role for fact in data[role.value]["facts"]]
    for fact in facts:
        if fact["id"] == fact_id:
            return fact
    raise ConfideError(f"--set {path}: there is no fact '{fact_id}'; the facts: {', '.join(f['id'] for f in facts)}")


def _value(text: str, path: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfideError(f"--set {path}: cannot be read: put the text in quotes") from None
