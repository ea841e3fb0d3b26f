"""What a log keeps of a model call: its prompt by content address, and each text once, where it first comes up."""

from __future__ import annotations

from typing import Any

from confide.agents import Called, Segment, View


class CallLog:
    """Turns calls into the fields of their ``called`` events. One per log."""

    def __init__(self) -> None:
        """Begin with a log that holds no text."""
        self._known: set[str] = set()
        self._views: dict[str, View] = {}  # the last call's, by writer

    def know(self, text: str) -> None:
        """``text`` stands in an event of the log: no call needs to repeat it."""
        self._known.add(text)

    def fields(self, writer: str, call: Called, cost: float | None) -> dict[str, Any]:
        """What a ``called`` event says of ``call``, but for its turn and role.

        Args:
            writer: whose calls share a history: a role, the author, or a reader.
            call: the call.
            cost: its price in US dollars; None if unknown.
        """
        view, last = call.view, self._views.get(writer)
        kept, new = _since(last, view)
        self._views[writer] = view
        answer = call.completion
        texts = self._new_texts(new)
        self._known.add(answer.content)
        return {
            "purpose": call.purpose,
            "kept": kept,
            "segments": tuple([{"source": s.source, "place": str(s.place), "hash": s.address} for s in new]),
            "texts": texts,
            "prompt": call.prompt_hash,
            "seed": call.seed,
            "reply": answer.content,
            "finish_reason": answer.finish_reason,
            "model": answer.model,
            "fingerprint": answer.fingerprint,
            "prompt_tokens": answer.prompt_tokens,
            "cached_tokens": answer.cached_tokens,
            "completion_tokens": answer.completion_tokens,
            "seconds": answer.seconds,
            "attempts": answer.attempts,
            "cost": cost,
            "hit": answer.cached,
        }

    def _new_texts(self, segments: tuple[Segment, ...]) -> dict[str, str]:
        """Texts that the log does not hold yet, by content address."""
        fresh = {}
        for segment in segments:
            if segment.text not in self._known:
                self._known.add(segment.text)
                fresh[segment.address] = segment.text
        return fresh


def _since(last: View | None, view: View) -> tuple[int, tuple[Segment, ...]]:
    """How many segments a view begins with in common with the last one, and the rest of its segments."""
    if last is None:
        return 0, view.segments
    grown = last.begun.same(view.begun)
    new, same = view.after(grown), 0
    for one, other in zip(last.after(grown), new, strict=False):
        if one is not other and one != other:
            break
        same += 1
    return grown + same, new[same:]
