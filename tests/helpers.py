"""Shared by the tests: setups over scripted models, and generated scenarios with hostile texts."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from confide.agents import Model, ScriptedClient, read_prompt, shipped_prompt, wrap_client
from confide.agents.models import Request
from confide.scenarios import (
    Condition,
    Role,
    Scenario,
    read_conditions,
    read_scenario,
    read_taxonomy,
    shipped_conditions,
)
from confide.scenarios.library import STRATEGIES
from confide.simulator import AnyEvent, Moderator, RunFolder, Setup
from confide.simulator.setup import writer_of

ESCONV = read_taxonomy(STRATEGIES / "esconv.yaml")
HOSTILE = (
    "{name}", "{{text}}", "{background}", "[[talk]]", "[[role]]", "]] [[", "[Question] hi", "\u202eevil", "a\u0000b", "\U0001f600",
    '"quoted" \\ back', "line\nbreak", "<b>&amp;</b> I <3 you", "%s %(x)s", "${HOME}", "\ufeff", "```json\n{}\n```", "''", "\x1b[31m",
)  # fmt: skip


def hostile_text(min_size: int = 1) -> st.SearchStrategy[str]:
    """Texts with everything that a renderer could trip over."""
    free = st.text(st.characters(exclude_categories=["Cs"]), min_size=min_size, max_size=40)
    return st.one_of(
        free, st.sampled_from(HOSTILE), st.builds("{0} {1}".format, st.sampled_from(HOSTILE), free)
    ).filter(lambda text: bool(text.strip()))


def one_line() -> st.SearchStrategy[str]:
    return hostile_text().map(lambda t: " ".join(t.replace("\r", " ").replace("\n", " ").split())).filter(bool)


SCORE = st.one_of(st.none(), st.floats(1, 5))


@st.composite
def personas(draw: st.DrawFn, name: str | None = None) -> dict[str, object]:
    traits = draw(st.dictionaries(st.sampled_from(["emotionality", "openness", "extraversion"]), st.floats(1, 5)))
    style = draw(st.dictionaries(st.sampled_from(["expressiveness", "emotionality"]), st.floats(1, 5)))
    return {"name": name or draw(one_line()), "background": draw(hostile_text()), "traits": traits, "style": style}


@st.composite
def facts(draw: st.DrawFn, prefix: str) -> list[dict[str, object]]:
    """Facts, some of which are substrings of one another."""
    base = draw(hostile_text())
    found = []
    for index in range(draw(st.integers(0, 4))):
        reveal = draw(st.sampled_from(["openly", "when_asked", "when_trusting", "never"]))
        fact: dict[str, object] = {
            "id": f"{prefix}-{index}",
            "text": draw(st.one_of(st.just(base), st.just(f"{base} {index}"), hostile_text())),
            "reveal": reveal,
        }
        if reveal == "when_trusting":
            fact["trust"] = draw(st.integers(0, 100))
        if index and draw(st.booleans()):
            fact["after"] = [f"{prefix}-{draw(st.integers(0, index - 1))}"]
        found.append(fact)
    return found


@st.composite
def sides(draw: st.DrawFn, role: Role, name: str) -> dict[str, object]:
    side: dict[str, object] = {
        "persona": draw(personas(name)),
        "goals": draw(st.lists(hostile_text(), max_size=2)),
        "facts": draw(facts(role.value[:3])),
    }
    if role is Role.SEEKER:
        side |= {"emotion": draw(one_line()), "intensity": draw(st.integers(1, 5))}
        side["trust"] = draw(st.one_of(st.none(), st.integers(0, 100)))
    return side


@st.composite
def scenarios(draw: st.DrawFn, turns: int = 6) -> dict[str, object]:
    """A scenario, as plain data."""
    names = {role: draw(one_line()) for role in Role}
    return {
        "id": "generated",
        "title": "Generated",
        "problem": "job crisis",
        "situation": draw(hostile_text()),
        "language": draw(st.sampled_from(["English", "Deutsch"])),
        "opens": draw(st.sampled_from(["seeker", "supporter"])),
        **{role.value: draw(sides(role, names[role])) for role in Role},
        "limits": {"turns": turns},
    }


def scenario_from(data: dict[str, object]) -> Scenario:
    return Scenario.model_validate_json(json.dumps(data), strict=True)


def seeker_json(utterance: object, **fields: object) -> str:
    reply = {
        "thoughts": "t",
        "emotion": 50,
        "trust": 40,
        "told": [],
        "utterance": utterance,
        "wants_to_end": False,
        **fields,
    }
    return json.dumps(reply)


def supporter_json(utterance: object, **fields: object) -> str:
    reply = {
        "notes": "n",
        "strategies": ["Question"],
        "told": [],
        "utterance": utterance,
        "wants_to_end": False,
        **fields,
    }
    return json.dumps(reply)


def by_role(seeker: Callable[[int], str], supporter: Callable[[int], str]) -> Callable[[Request], str]:
    """A script that gives the n-th reply of a role, n counted from the replies that stand in the request."""

    def script(request: Request) -> str:
        count = sum(message.type == "AssistantMessage" for message in request.messages)
        is_supporter = "strategies" in json.dumps(request.args) or "definitions" in request.args
        return (supporter if is_supporter else seeker)(count)

    return script


def scripted(script: Callable[[Request], str] | None = None, reply: str = "json") -> tuple[Model, ScriptedClient]:
    client = ScriptedClient(script)
    return wrap_client(client, "scripted", reply=reply), client  # type: ignore[arg-type]


CONDITIONS = {condition.id: condition for condition in read_conditions(shipped_conditions())}
PARTIAL = CONDITIONS["partial"]


def make_setup(
    scenario: Scenario | str, model: Model, other: Model | None = None, seed: int = 1, condition: Condition = PARTIAL
) -> Setup:
    """A setup in which ``model`` plays both roles, or the seeker alone if ``other`` plays the supporter."""
    if isinstance(scenario, str):
        scenario = read_scenario(scenario).scenario
    models = {Role.SEEKER: model, Role.SUPPORTER: other or model}
    writers = {role: writer_of(condition, role) for role in Role}
    prompts = {
        role: read_prompt(shipped_prompt(writers[role], models[role].format.name), writers[role]) for role in Role
    }
    return Setup("talk", "pair", seed, scenario, ESCONV, condition, prompts, models)


def talk(setup: Setup) -> tuple[AnyEvent, ...]:
    """Run a whole conversation; gives its events."""
    moderator = Moderator(setup)
    asyncio.run(moderator.run())
    return moderator.events


def prompts_of(client: ScriptedClient) -> list[list[tuple[str, str]]]:
    """What the client received: per call, type and text of each message."""
    return [[(message.type, str(message.content)) for message in request.messages] for request in client.received]


def only_run() -> RunFolder:
    (folder,) = Path("runs").iterdir()
    return RunFolder.open(folder)
