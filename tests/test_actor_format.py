"""The embedded actor is played in the words that it was trained with.

The golden files hold what the adapter read and wrote in training. They are not to be brought up to date with a changed
prompt file: an adapter that was trained on the new words comes first.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.actor.dialogues import Dialogue, read_dialogues
from confide.agents import TAGGED, ReplyRules, read_prompt, render, shipped_prompt
from confide.scenarios import Role, Taxonomy, read_scenario, shipped_scenarios
from confide.simulator import State, ViewBuilder, frame_of
from tests.helpers import PARTIAL

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "actor"
CASES = sorted(file.name.removesuffix("-system.txt") for file in GOLDEN.glob("*-system.txt"))
"""``157-supporter`` is the supporter of the dialogue on line 157. Between them they have every kind of line."""

TRAINED_ON = "4bdc4a2bfc46a987d187f146ae01ad935f3e73b9d196c53d318ffca1aaaa73d4"
"""SHA-256 of the training sequences: every prompt of every dialogue is in them."""


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    return list(read_dialogues())


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return read_scenario(shipped_scenarios()[0]).taxonomy


def dialogue_of(case: str, dialogues: list[Dialogue]) -> tuple[Dialogue, Role]:
    number, role = case.split("-")
    return dialogues[int(number) - 1], Role(role)


def messages_of(dialogue: Dialogue, role: Role, taxonomy: Taxonomy, turns: int) -> list[Any]:
    prompt = read_prompt(shipped_prompt(role, "tagged"), role)
    views = ViewBuilder(frame_of(dialogue.scenario, taxonomy, role, prompt, TAGGED, PARTIAL))
    return render(views.view(State(turns=dialogue.turns[:turns]))).messages


def golden(case: str, what: str) -> str:
    return (GOLDEN / f"{case}-{what}.txt").read_text(encoding="utf-8")


def test_there_are_golden_files_for_both_roles() -> None:
    assert {case.split("-")[1] for case in CASES} == set(Role)


@pytest.mark.parametrize("case", CASES)
def test_system_prompt_is_the_one_of_the_training(case: str, dialogues: list[Dialogue], taxonomy: Taxonomy) -> None:
    dialogue, role = dialogue_of(case, dialogues)
    system = messages_of(dialogue, role, taxonomy, turns=0)[0]
    assert system.type == "SystemMessage"
    assert system.content + "\n" == golden(case, "system")


@pytest.mark.parametrize("case", CASES)
def test_own_replies_stand_in_the_history_as_in_the_training(
    case: str, dialogues: list[Dialogue], taxonomy: Taxonomy
) -> None:
    dialogue, role = dialogue_of(case, dialogues)
    messages = messages_of(dialogue, role, taxonomy, turns=len(dialogue.turns))
    own = [message.content for message in messages if message.type == "AssistantMessage"]
    assert "".join(f"{reply}\n" for reply in own) == golden(case, "replies")


@pytest.mark.parametrize("case", CASES)
def test_replies_are_written_as_in_the_training(case: str, dialogues: list[Dialogue]) -> None:
    dialogue, role = dialogue_of(case, dialogues)
    written = [TAGGED.write(spoke.reply) for spoke in dialogue.turns if spoke.role is role]
    assert written == golden(case, "replies").splitlines()


@pytest.mark.parametrize("role", Role)
def test_nothing_but_the_opening_stands_between_the_system_prompt_and_the_talk(
    role: Role, dialogues: list[Dialogue], taxonomy: Taxonomy
) -> None:
    dialogue = dialogues[0]
    messages = messages_of(dialogue, role, taxonomy, turns=1)
    kinds = [message.type for message in messages]
    if role is Role.SUPPORTER:
        assert kinds == ["SystemMessage", "UserMessage", "AssistantMessage"]
        assert messages[1].content == "(the chat opens)"
    else:
        assert kinds == ["SystemMessage", "UserMessage"]
        assert messages[1].content == dialogue.turns[0].reply.utterance


def test_every_reply_of_the_training_is_read_back_as_it_was_written(
    dialogues: list[Dialogue], taxonomy: Taxonomy
) -> None:
    count = 0
    for dialogue in dialogues:
        for role in Role:
            facts = tuple(fact.id for fact in dialogue.scenario.role(role).facts)
            rules = ReplyRules(role=role, facts=facts, taxonomy=taxonomy)
            for spoke in dialogue.turns:
                if spoke.role is role:
                    assert TAGGED.parse(TAGGED.write(spoke.reply), rules) == spoke.reply
                    count += 1
    assert count == 6110


def test_every_strategy_of_the_training_is_a_label_of_the_shipped_taxonomy(
    dialogues: list[Dialogue], taxonomy: Taxonomy
) -> None:
    declared = {
        label
        for dialogue in dialogues
        for spoke in dialogue.turns
        if spoke.reply.role is Role.SUPPORTER
        for label in spoke.reply.strategies
    }
    assert declared == set(taxonomy.labels)


def test_training_sequences_are_those_of_the_shipped_adapter(tmp_path: Path) -> None:
    out = tmp_path / "sequences.json"
    subprocess.run([sys.executable, "-m", "benchmarks.actor.prepare", str(out)], cwd=ROOT, check=True)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == TRAINED_ON


def test_dialogues_have_no_fault() -> None:
    command = [sys.executable, "-m", "benchmarks.actor.validate"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert "400 dialogues, 0 faults, 6110 turns" in result.stdout
