"""Golden files: what a model reads, and what a log holds, to the byte. A change here is a change in what is measured.

To accept one: GOLDEN=write make test, and read the diff.
"""

import json
import os
from pathlib import Path

import pytest

from confide.agents.models import draw_reply
from confide.scenarios import Role
from tests.helpers import by_role, make_setup, prompts_of, scripted, seeker_json, supporter_json, talk

GOLDEN = Path(__file__).parent / "golden"


def compare(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text)
    assert file.read_text() == text, f"{name} has changed; if that is meant: GOLDEN=write"


def in_words(prompt: list[tuple[str, str]]) -> str:
    return "\n".join(f"=== {kind}\n{content}" for kind, content in prompt) + "\n"


@pytest.mark.parametrize("reply_format", ["json", "tagged"])
def test_the_prompts_of_a_talk(reply_format):
    if reply_format == "json":
        model, client = scripted(
            by_role(
                lambda n: seeker_json(f"Seeker line {n}.", emotion=70 - n),
                lambda n: supporter_json(f"Supporter line {n}.", notes=f"Note {n}."),
            )
        )
    else:
        model, client = scripted(
            lambda request: (
                "[emotion 60, trust 30, told nothing] A line."
                if "the seeker in a support chat with" in str(request.messages[0].content).split("\n")[0]
                else "[Question + Reflection of feelings] A line?"
            ),
            reply="tagged",
        )
        model = model._replace(structured="none")
    setup = make_setup("awake-at-three", model)
    limits = setup.scenario.limits.model_copy(update={"turns": 4})
    talk(setup._replace(scenario=setup.scenario.model_copy(update={"limits": limits})))
    last = dict(zip((Role.SUPPORTER, Role.SEEKER) * 2, prompts_of(client), strict=True))
    for role in Role:
        compare(f"prompt.{reply_format}.{role}.txt", in_words(last[role]))


def test_the_events_of_a_talk():
    def script(request):
        return "unreadable" if len(request.messages) == 4 else draw_reply(request)

    model, _ = scripted(script)
    setup = make_setup("awake-at-three", model)
    limits = setup.scenario.limits.model_copy(update={"turns": 4})
    events = talk(setup._replace(scenario=setup.scenario.model_copy(update={"limits": limits})))
    lines = [
        json.dumps(event.model_dump(mode="json", exclude={"scenario", "taxonomy"}), ensure_ascii=False)
        for event in events
    ]
    short = [line if len(line) < 2000 else line[:2000] + "..." for line in lines]
    compare("events.jsonl", "\n".join(short) + "\n")
