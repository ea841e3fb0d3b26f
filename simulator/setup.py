"""What a conversation is made from, and what of it all conversations of a scenario under one condition share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from confide.agents import (
    AUTHOR,
    Model,
    Prompt,
    ReplyRules,
    RoleAgent,
    ScriptAgent,
    ScriptRules,
    read_prompt,
    shipped_prompt,
)
from confide.scenarios import (
    Condition,
    ConfideError,
    LoadedScenario,
    Role,
    Scenario,
    Sight,
    Taxonomy,
    TellingPolicy,
    Writer,
    read_conditions,
)
from confide.simulator import events as ev
from confide.simulator.authorship import AuthorFrame, AuthorViews, author_frame_of
from confide.simulator.cast import Cast, ModelCard, PerRole
from confide.simulator.reading import Met
from confide.simulator.telling import FactDetector
from confide.simulator.views import Frame, ViewBuilder, Views, frame_of


class Stage(NamedTuple):
    """A scenario under a condition, made ready: what does not change between its conversations."""

    agents: Mapping[Role, RoleAgent]
    """Who writes each role's turns."""
    script: ScriptAgent | None
    """Who writes the whole conversation at once, where the condition has it so."""
    frames: Mapping[Role, Frame] | AuthorFrame
    """What each role's views begin with, or the author's."""
    met: Met
    """Tells whether words are of facts, with what recognises each role's facts in them."""
    started: ev.Started
    """How each of its conversations begins, but for what is its own."""

    def views(self) -> Mapping[Role, Views]:
        """New view builders for one conversation: one per role, or the author's for both."""
        if isinstance(self.frames, AuthorFrame):
            return dict.fromkeys(Role, AuthorViews(self.frames))
        return {role: ViewBuilder(frame) for role, frame in self.frames.items()}


class Setup(NamedTuple):
    """What a conversation is made from."""

    conversation: str
    """Its id."""
    pair_key: str
    """What conditions are compared within."""
    seed: int
    """The run's seed."""
    scenario: Scenario
    taxonomy: Taxonomy
    condition: Condition
    prompts: Mapping[Role, Prompt]
    """The prompt files from which each role's turns are written; the author's for both, where one writes both."""
    models: Mapping[Role, Model]
    """What writes each role's turns; the same for both where one writes both."""
    parent: ev.Parent | None = None
    """For a fork: where it branches off."""
    cast: str | None = None
    """What the experiment calls the models, where it has several casts."""

    @classmethod
    def of(
        cls, loaded: LoadedScenario, models: Mapping[Role, Model], seed: int = 0, condition: Condition | None = None
    ) -> Setup:
        """A single conversation of a scenario, with the scenario's own prompt files or the shipped ones.

        Args:
            loaded: the scenario.
            models: what writes each role's turns; an author's must be the same for both.
            seed: the run's seed.
            condition: the condition; ``partial`` if none is given.

        Raises:
            InputFileError: a prompt file is wrong.
            ConfideError: a prompt file lacks a block that the condition needs, or one author is two models.
        """
        condition = condition or read_conditions(["partial"])[0]
        if condition.writer is not Writer.TWO_AGENTS and models[Role.SEEKER] != models[Role.SUPPORTER]:
            raise ConfideError(f"condition '{condition.id}' has one writer: give the same model for both roles")
        prompts = {}
        for role in Role:
            writer = writer_of(condition, role)
            file = prompt_file(loaded, writer, models[role].format.name)
            prompts[role] = read_prompt(file, writer)
            must_have_blocks(prompts[role], condition, file)
        name = loaded.scenario.id
        return cls(name, f"{name}/0", seed, loaded.scenario, loaded.taxonomy, condition, prompts, models)

    def prepare(self) -> Stage:
        """The scenario under its condition, made ready."""
        scenario, condition = self.scenario, self.condition
        rules = {
            role: ReplyRules(
                role=role, facts=tuple(fact.id for fact in scenario.role(role).facts), taxonomy=self.taxonomy
            )
            for role in Role
        }
        agents = {role: RoleAgent(rules[role], self.models[role], self.prompts[role]) for role in Role}
        public = f"{scenario.situation} {scenario.seeker.persona.name} {scenario.supporter.persona.name}"
        met = Met({role: FactDetector(scenario.role(role).facts, public) for role in Role})
        script = None
        if condition.writer is Writer.TWO_AGENTS:
            frames: Mapping[Role, Frame] | AuthorFrame = {
                role: frame_of(scenario, self.taxonomy, role, self.prompts[role], self.models[role].format, condition)
                for role in Role
            }
        else:
            model, prompt = self.models[Role.SUPPORTER], self.prompts[Role.SUPPORTER]
            frames = author_frame_of(scenario, self.taxonomy, prompt, model.format, condition)
            if condition.writer is Writer.SCRIPT:
                script = ScriptAgent(ScriptRules(rules, scenario.opens, scenario.limits.turns), model, prompt)
        return Stage(agents, script, frames, met, self._started())

    def _started(self) -> ev.Started:
        return ev.Started(
            seq=0,
            conversation=self.conversation,
            pair_key=self.pair_key,
            seed=self.seed,
            scenario=self.scenario,
            taxonomy=self.taxonomy,
            condition=self.condition,
            prompts=PerRole(**{role.value: prompt.text for role, prompt in self.prompts.items()}),
            prompt_hashes=PerRole(**{role.value: prompt.hash for role, prompt in self.prompts.items()}),
            cast=Cast(
                seeker=card_of(self.models[Role.SEEKER]), supporter=card_of(self.models[Role.SUPPORTER]), name=self.cast
            ),
            parent=self.parent,
        )


def card_of(model: Model) -> ModelCard:
    """What the log needs of a model."""
    return ModelCard(
        name=model.name,
        format=model.format.name,
        structured=model.structured,
        sends_seed=model.sends_seed,
        price=model.price,
        caveat=model.caveat,
    )


def writer_of(condition: Condition, role: Role) -> str:
    """Whose prompt file and model write the turns of ``role``: its own, or the author's."""
    return role.value if condition.writer is Writer.TWO_AGENTS else AUTHOR


def prompt_file(loaded: LoadedScenario, writer: str, reply_format: str) -> Path:
    """The prompt file of a role or of the author: the scenario's own, or the shipped one for the reply format."""
    own = loaded.scenario.prompts.of(writer)
    return loaded.file.parent / own if own else shipped_prompt(writer, reply_format)


def must_have_blocks(prompt: Prompt, condition: Condition, file: Path) -> None:
    """See to it that a role's prompt file can show all that a condition shows.

    Raises:
        ConfideError: it lacks a block.
    """
    if prompt.role == AUTHOR:
        return
    role = Role(prompt.role)
    sees = condition.sees(role)
    needed = [
        *(["other persona"] if Sight.OTHER_PERSONA in sees and condition.shows_persona(role.other) else []),
        *(["other fact"] if Sight.OTHER_FACTS in sees else []),
        *(["other now"] if Sight.OTHER_INNER in sees else []),
        *(["unlocked"] if condition.telling is TellingPolicy.GATED and role is Role.SEEKER else []),
    ]
    for block in needed:
        if block not in prompt.blocks:
            raise ConfideError(f"{file}: the block [[{block}]] is missing, and condition '{condition.id}' needs it")
