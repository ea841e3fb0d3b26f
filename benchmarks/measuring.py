"""What measuring costs: importing people's conversations, profiles of many, and a blind annotator's prompts.

.venv/bin/python -m benchmarks.measuring             # everything; the last part runs the embedded model
.venv/bin/python -m benchmarks.measuring --no-model  # without it
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.spine import Row, machine, show_rows
from confide.evaluators.exchange import import_esconv
from confide.evaluators.human import human_figures
from confide.evaluators.profiles import profile
from confide.evaluators.talks import Talk, TalkTurn, events_of, talk_of
from confide.scenarios import Role
from confide.simulator import Called, Measured, RunFolder, measure_folders, read_log

SAMPLE = Path(__file__).parents[1] / "runs" / "sample"
"""A finished conversation of the embedded model's."""


MODELS = "models: {json-reader: {provider: local, format: json, temperature: 0}}"
"""The embedded model asked as a large one is: the whole transcript, and an answer in JSON."""


def drawn_file(conversations: int, messages: int, seed: int = 0) -> str:
    """A file in ESConv's form with words drawn at random."""
    draw = random.Random(seed)
    labels = list(human_figures().labels)
    found = []
    for _ in range(conversations):
        dialog = []
        for _ in range(messages):
            text = " ".join(f"word{draw.randrange(2000)}" for _ in range(draw.randint(3, 30)))
            if draw.random() < 0.5:
                dialog.append({"speaker": "seeker", "annotation": {}, "content": text})
            else:
                dialog.append(
                    {"speaker": "supporter", "annotation": {"strategy": draw.choice(labels)}, "content": text}
                )
        found.append({"problem_type": "job crisis", "emotion_type": "fear", "situation": "drawn", "dialog": dialog})
    return json.dumps(found)


def drawn_talks(count: int, turns: int, seed: int = 0) -> list[Talk]:
    """Talks with strategies drawn at random."""
    draw = random.Random(seed)
    labels = list(human_figures().labels)
    found = []
    for index in range(count):
        spoken = []
        for turn in range(turns):
            role = Role.SEEKER if turn % 2 else Role.SUPPORTER
            strategies = (draw.choice(labels),) if role is Role.SUPPORTER else None
            spoken.append(TalkTurn(turn, role, draw.randint(3, 30), draw.random() < 0.3, strategies))
        found.append(Talk(f"talk-{index}", "drawn", "partial", f"pair-{index}", tuple(spoken)))
    return found


def time_import(folder: Path) -> list[Row]:
    file = folder / "drawn.json"
    file.write_text(drawn_file(1300, 30), encoding="utf-8")
    start = time.perf_counter()
    found = import_esconv(file, folder / "runs", None, ())
    seconds = time.perf_counter() - start
    what = f"import of 1,300 conversations, {found.messages:,} messages"
    rows = [Row(what, f"{seconds:.2f} s", "less than 5 s", seconds < 5)]
    start = time.perf_counter()
    talks = [talk_of(events) for events in events_of(found.run)]
    reading = time.perf_counter() - start
    rows.append(Row("reading their logs", f"{len(talks) / reading:,.0f} conversations/s", "", None))
    return rows


def time_profile() -> list[Row]:
    talks = drawn_talks(10_000, 20)
    start = time.perf_counter()
    profile(talks, list(human_figures().labels), human_figures())
    seconds = time.perf_counter() - start
    what = "profile of 10,000 conversations of 20 turns, intervals included"
    return [Row(what, f"{seconds:.2f} s", "less than 30 s with reading", seconds < 30)]


def cost_of_reading(folder: Path, model: str) -> list[Row]:
    """How many calls an annotator makes, and how much of its prompts the embedded server had in its cache."""
    run = folder / f"sample-{model}"
    shutil.copytree(SAMPLE, run)
    models = folder / "models.yaml"
    models.write_text(MODELS, encoding="utf-8")
    command = ["score", str(run), "--with", "strategies", "--model", model, "--models", str(models)]
    subprocess.run([sys.executable, "-m", "confide", *command], check=True, stdout=subprocess.DEVNULL)
    calls, turns, prompt, cached = 0, 0, 0, 0
    for reader in measure_folders(RunFolder.open(run)):
        for log in reader.logs():
            for event in read_log(log).events:
                if isinstance(event, Called):
                    calls += 1
                    prompt += event.prompt_tokens or 0
                    cached += event.cached_tokens or 0
                turns += isinstance(event, Measured)
    return [
        Row(f"{model}: annotator's calls per supporter turn", f"{calls / turns:.2f}", "at most 1", calls <= turns),
        Row(f"{model}: its prompt tokens from the prefix cache", f"{cached / prompt:.0%} of {prompt:,}", "", None),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what measuring costs.")
    parser.add_argument("--no-model", action="store_true", help="leave out what runs the embedded model")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = time_import(Path(folder)) + time_profile()
        if not arguments.no_model:
            for model in ("json-reader", "local-reader"):
                rows += cost_of_reading(Path(folder), model)
    show_rows(rows, machine(), markdown=arguments.markdown)


if __name__ == "__main__":
    main()
