"""Who knows what: a networkx graph, folded from a log. Law: every edge comes from an event and says of which turn.

Nodes: the two roles, every fact, every utterance. Edges, each with ``kind`` and ``turn``:

========== ==================== ============================================================================
kind       from, to             meaning
========== ==================== ============================================================================
owns       role, fact           the fact is the role's own; turn -1, before the talk
sees       role, fact           the fact stood in the role's prompt from this turn on (gating, conditions)
said       role, utterance      it spoke
heard      role, utterance      the other spoke, and this role heard it
tells      utterance, fact      the utterance tells the fact; ``how`` is ``told`` (declared) or ``noticed``
learned    role, fact           the role came to know the other's fact by that utterance; ``how`` as above
asked      role, fact           the role asked about the other's fact
inferred   role, fact           the role stated a fact of the other's that it was not told
========== ==================== ============================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import networkx as nx

from confide.agents import AUTHOR
from confide.scenarios import ConfideError, Role, Writer
from confide.simulator.events import AnyEvent, Called, Learned, Noticed, Spoke, Started

BEFORE: Final = -1
"""The turn of what was so before the talk."""
Graph: TypeAlias = "nx.MultiDiGraph[str]"


class Knowledge(NamedTuple):
    """That a role knows a fact."""

    fact: str
    """Id of the fact."""
    since: int
    """Turn from which on it is known; -1 where it was known before the talk."""
    how: Literal["owns", "sees", "told", "noticed"]
    """``owns``: it is the role's own. ``sees``: the condition put it into the role's prompt. ``told`` and ``noticed``:
    the other told it, declared or not."""
    source: str
    """Where it comes from: ``scenario``, ``prompt`` or an utterance such as ``utterance:7``."""


def information(events: Iterable[AnyEvent]) -> Graph:
    """The information states of a conversation, finished or not, as one graph.

    Raises:
        ValueError: the log does not begin with its ``started`` event.
    """
    graph: Graph = nx.MultiDiGraph()
    prompts: dict[str, tuple[str, ...]] = {}
    one_writer = False
    for event in events:
        if isinstance(event, Started):
            _begin(graph, event)
            one_writer = event.condition.writer is not Writer.TWO_AGENTS
        elif not graph:
            raise ValueError("a log begins with its 'started' event")
        elif isinstance(event, Called):
            _sees(graph, event, prompts, AUTHOR if one_writer or event.role is None else event.role.value)
        elif isinstance(event, Spoke):
            node = f"utterance:{event.turn}"
            graph.add_node(node, kind="utterance", turn=event.turn, role=event.role.value, text=event.reply.utterance)
            _edge(graph, event.role, node, "said", event.turn)
            _edge(graph, event.role.other, node, "heard", event.turn)
        elif isinstance(event, Learned):
            _edge(graph, f"utterance:{event.turn}", f"fact:{event.fact}", "tells", event.turn, how=event.how)
            _edge(graph, event.by, f"fact:{event.fact}", "learned", event.turn, how=event.how)
        elif isinstance(event, Noticed) and event.what in ("asked", "inferred"):
            _edge(graph, event.role, f"fact:{event.fact}", event.what, event.turn)
    return graph


def _begin(graph: Graph, event: Started) -> None:
    for role in Role:
        side = event.scenario.role(role)
        graph.add_node(role.value, kind="role", name=side.persona.name)
        for fact in side.facts:
            node = f"fact:{fact.id}"
            graph.add_node(node, kind="fact", owner=role.value, reveal=fact.reveal.value, text=fact.text)
            _edge(graph, role, node, "owns", BEFORE)


def _sees(graph: Graph, event: Called, prompts: dict[str, tuple[str, ...]], writer: str) -> None:
    """The facts in a prompt, those too that stood in the writer's last one: an author's goes on for both roles.

    Args:
        graph: takes the edges.
        event: the call.
        prompts: the sources of each writer's last prompt; kept up here.
        writer: whose prompt it is: the role's, or the author's.
    """
    before = prompts.get(writer, ())[: event.kept]
    prompts[writer] = sources = (*before, *(segment["source"] for segment in event.segments))
    for role in Role if event.role is None else (event.role,):
        for source in sources:
            if source.startswith("fact:") and not graph.has_edge(role.value, source, "sees"):
                _edge(graph, role, source, "sees", event.turn)


def _edge(graph: Graph, start: str, end: str, kind: str, turn: int, **more: str) -> None:
    start = str(start)
    key = kind if kind in ("owns", "sees") else f"{kind}:{turn}"
    graph.add_edge(start, end, key=key, kind=kind, turn=turn, **more)


def knowledge(graph: Graph, role: Role, turn: int | None = None) -> tuple[Knowledge, ...]:
    """What ``role`` knows when ``turn`` begins, since when and from where, by the time it came to know it.

    Args:
        graph: what :func:`information` gives.
        role: who.
        turn: the turn, from 0; None for the end of the log.
    """
    best: dict[str, Knowledge] = {}
    for _, node, edge in graph.out_edges(role.value, data=True):
        known = _known(node, edge)
        if known is None:
            continue
        # What stands in the prompt of a turn is known when it begins; what is said in it, only afterwards.
        if turn is not None and known.since > (turn if known.how == "sees" else turn - 1):
            continue
        before = best.get(known.fact)
        if before is None or known.since < before.since:
            best[known.fact] = known
    return tuple(sorted(best.values(), key=lambda known: (known.since, known.fact)))


def _known(node: str, edge: dict[str, Any]) -> Knowledge | None:
    fact, since = node.removeprefix("fact:"), edge["turn"]
    if edge["kind"] == "owns":
        return Knowledge(fact, since, "owns", "scenario")
    if edge["kind"] == "sees":
        return Knowledge(fact, since, "sees", "prompt")
    if edge["kind"] == "learned":
        return Knowledge(fact, since, edge["how"], f"utterance:{since}")
    return None


def asked_about(graph: Graph, role: Role, fact: str) -> tuple[int, ...]:
    """The turns in which ``role`` asked about ``fact``, in order."""
    edges = (graph.get_edge_data(role.value, f"fact:{fact}") or {}).values()
    return tuple(sorted(edge["turn"] for edge in edges if edge["kind"] == "asked"))


def write_graph(graph: Graph, file: Path) -> None:
    """Write the graph: node-link JSON for a name that ends in ``.json``, GraphML for ``.graphml``.

    Raises:
        ConfideError: the name ends in neither, or the file cannot be written.
    """
    if file.suffix not in (".json", ".graphml"):
        raise ConfideError(f"{file}: the name must end in .json (node-link) or .graphml")
    try:
        if file.suffix == ".json":
            data = json.dumps(nx.node_link_data(graph, edges="edges"), ensure_ascii=False, indent=1)
            file.write_text(data + "\n", encoding="utf-8")
        else:
            nx.write_graphml(_for_xml(graph), file)
    except OSError as error:
        raise ConfideError(f"cannot write {file}: {error.strerror or error}") from None


def _for_xml(graph: Graph) -> Graph:
    """The graph with those signs replaced that XML cannot hold. Node-link JSON keeps all."""
    clean: Graph = nx.MultiDiGraph()
    for node, data in graph.nodes(data=True):
        clean.add_node(node, **{name: _xml(value) for name, value in data.items()})
    for start, end, key, data in graph.edges(keys=True, data=True):
        clean.add_edge(start, end, key=key, **data)
    return clean


def _xml(value: object) -> object:
    if not isinstance(value, str):
        return value
    return "".join(sign if sign in "\t\n\r" or " " <= sign not in "\ufffe\uffff" else "\ufffd" for sign in value)
