"""Facts refer to one another by id. This module holds that the references make sense, before and after validation.

The check reads plain mappings, not models, so that the reader can report a wrong reference together with every
other mistake in a file that does not validate yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from confide.scenarios.vocabulary import Role


class FactProblem(NamedTuple):
    """One wrong reference."""

    path: tuple[str | int, ...]
    """Where, from the top of the scenario."""
    what: str
    """What is wrong and what would be right."""


def fact_problems(facts: Mapping[Role, Sequence[Any]]) -> list[FactProblem]:
    """Duplicate ids, references to unknown facts, and cycles, over the raw facts of both roles."""
    problems: list[FactProblem] = []
    seen: dict[str, Role] = {}
    for role, entries in facts.items():
        graph: dict[str, list[str]] = {}
        where: dict[str, int] = {}
        for index, entry in enumerate(entries):
            fact_id = entry.get("id") if isinstance(entry, Mapping) else None
            if not isinstance(fact_id, str):
                continue
            if fact_id in seen:
                problems.append(
                    FactProblem(
                        (role.value, "facts", index, "id"), f"two facts are called '{fact_id}': rename one of them"
                    )
                )
                continue
            seen[fact_id] = role
            where[fact_id] = index
            after = entry.get("after") or ()
            graph[fact_id] = [a for a in after if isinstance(a, str)] if isinstance(after, list | tuple) else []
        problems += _unknown(role, graph, where)
        problems += _cycles(role, graph, where)
    return problems


def _unknown(role: Role, graph: Mapping[str, list[str]], where: Mapping[str, int]) -> list[FactProblem]:
    found = []
    for fact_id, after in graph.items():
        for position, earlier in enumerate(after):
            if earlier in graph:
                continue
            near = get_close_matches(earlier, [g for g in graph if g != fact_id], n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"facts of the {role}: {', '.join(graph)}"
            path = (role.value, "facts", where[fact_id], "after", position)
            found.append(FactProblem(path, f"the {role} has no fact '{earlier}'; {hint}"))
    return found


def _cycles(role: Role, graph: Mapping[str, list[str]], where: Mapping[str, int]) -> list[FactProblem]:
    edges = [(f, a) for f, after in graph.items() for a in after if a in graph]
    if not edges:
        return []
    import networkx as nx  # noqa: PLC0415  (slow to import)

    found = []
    component: set[str]
    for component in nx.strongly_connected_components(nx.DiGraph(edges)):
        ring: list[str] = sorted(component, key=lambda f: where[f])
        if len(ring) > 1 or (ring[0], ring[0]) in edges:
            path = (role.value, "facts", where[ring[0]], "after")
            names = ", ".join(f"'{f}'" for f in ring)
            found.append(
                FactProblem(path, f"no fact of this circle could ever be told first: {names}; remove one 'after'")
            )
    return found
