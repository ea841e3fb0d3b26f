"""Small questionnaires and plans, and what is sent for them to whom."""

import asyncio
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from confide.agents import ScriptedClient, wrap_client
from confide.agents.models import ScriptedSpec
from confide.evaluators.traits.plan import WORDINGS, parse_plan
from confide.simulator import MeasureRecord, Memory, Reading, SideLog, Watch
from confide.simulator.store import software

TEXTS = {"calm": "I stay calm when others do not.", "brave": "Few things frighten me.",
         "fair": "I share what I get.", "sly": "I say what gets me what I want."}  # fmt: skip
INSTRUMENT = f"""\
id: little
title: Four statements
measures: hexaco
source: Ours.
licence: Ours.
form: statements
scale: {{1: not at all, 2: a little, 3: partly, 4: well, 5: very well}}
short: [calm, fair]
items:
  - {{id: calm, factor: emotionality, key: -1, text: "{TEXTS["calm"]}"}}
  - {{id: brave, factor: emotionality, key: -1, text: "{TEXTS["brave"]}"}}
  - {{id: fair, factor: honesty_humility, key: 1, text: "{TEXTS["fair"]}"}}
  - {{id: sly, factor: honesty_humility, key: -1, text: "{TEXTS["sly"]}"}}
"""
SINGLE = INSTRUMENT[: INSTRUMENT.index("short:")] + "".join(
    f"{line}\n" for line in INSTRUMENT.splitlines() if line == "items:" or "id: fair" in line
)
"""The same questionnaire of one item: no order can be drawn."""
PLAIN = (WORDINGS / "plain.yaml").read_text(encoding="utf-8")
PLAN = "id: small\ntitle: Small\nsource: Ours.\ninstrument: little.yaml\n"


def a_plan(instrument=INSTRUMENT, wording=PLAIN, **fields):
    """A plan over a questionnaire of four items; ``fields`` are the plan's."""
    text = PLAN + "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())
    return parse_plan(Path("small.yaml"), text, {"instrument": instrument, "wording": wording})


class Put(NamedTuple):
    """One question: what it is called, and all that the model's client received, to the byte."""

    turn: int | None
    role: str
    repeat: int
    part: str
    request: object

    @property
    def sent(self):
        """All that was sent, the seed too."""
        request = self.request
        messages = [message.model_dump(mode="json") for message in request.messages]
        return json.dumps([messages, dict(request.args), bool(request.json_output)]).encode()

    @property
    def texts(self):
        """The messages' kinds and texts."""
        return [(message.type, str(message.content)) for message in self.request.messages]


def points_for(request, point=lambda number: 3):
    """An answer that holds the form of any question; ``point`` gives the answer to its n-th item."""
    if "grammar" in request.args:
        count = request.args["grammar"].splitlines()[0].split().count("point")
        return " ".join(str(point(number)) for number in range(count))
    names = request.args["response_format"]["json_schema"]["schema"]["required"]
    return json.dumps({name: point(number) for number, name in enumerate(names)})


def asked_model(form="json", script=points_for, name="scripted", **fields):
    """A model that answers questionnaires, and its client."""
    client = ScriptedClient(script)
    model = wrap_client(client, name, reply=form, **fields)
    return (model._replace(structured="grammar") if form == "tagged" else model), client


def watch_through(events, observer, measure="small-self", memory=None, logged=()):
    """Tell an observer of a log's events, in order; gives what it wrote."""
    memory = memory or Memory()
    reading = Reading(seq=0, conversation="talk", measure=measure, rubric="x", card=None, seed=1, repeats=1)
    watch = Watch(observer, reading, SideLog(memory, logged))

    async def work():
        for event in events:
            await watch.see(event)

    asyncio.run(work())
    return [*logged, *memory.events]


def put_to(events, make_observer, form="json"):
    """What is put to a model about a talk: each question with what the client received."""
    model, client = asked_model(form)
    written = watch_through(events, make_observer(model))
    keys = [
        (after.turn, after.role, after.repeat, after.part)
        for before, after in zip(written, written[1:], strict=False)
        if before.kind == "called" and after.kind == "measured"
    ]
    return [Put(*key, request) for key, request in zip(keys, client.received, strict=True)]


versions = cache(software)


def measure_record(plan, measure, text, files, model, spec, repeats):
    """What is kept of who is asked by a plan."""
    return MeasureRecord(
        measure=measure, rubric=text, files=dict(files), model=model.name if model else "roles",
        spec=ScriptedSpec(provider="scripted") if model else None, price=None, repeats=repeats, created="2026-01-01",
        software=versions(), command=(),
    )  # fmt: skip
