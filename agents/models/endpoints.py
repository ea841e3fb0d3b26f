"""What the models of one command share: a gate for each endpoint, and the cache of answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confide.agents.models.base import BaseClient, Retry
from confide.agents.models.cache import Answers, Cached, Unasked
from confide.agents.models.limits import Gate, Limit
from confide.agents.models.spec import OpenAISpec


class Endpoints:
    """Endpoints that models are built at. Who builds several models hands the same one to each of them."""

    def __init__(self, answers: Answers | None = None, *, only_kept: bool = False) -> None:
        """Without a gate so far.

        Args:
            answers: the cache for hosted models; None for none.
            only_kept: whether the cache alone answers for them, and nothing is sent.
        """
        self._answers = answers
        self._only_kept = only_kept
        self._gates: dict[tuple[str, str | None], Gate] = {}

    def __getstate__(self) -> dict[str, Any]:
        """For another process: the same cache, and gates of its own."""
        return {**self.__dict__, "_gates": {}}

    @property
    def gates(self) -> Mapping[tuple[str, str | None], Gate]:
        """The gates, by address and the name of the key's variable."""
        return self._gates

    def asks(self) -> bool:
        """Whether anything may be sent to a hosted model."""
        return self._answers is None or not self._only_kept

    def gate(self, base_url: str, spec: OpenAISpec) -> Gate:
        """The gate of the endpoint at ``base_url``, wide and strict enough for ``spec`` too."""
        at = (base_url.rstrip("/"), spec.key_env)
        if at in self._gates:
            self._gates[at].share(spec.concurrency, spec.requests_per_minute, spec.tokens_per_minute)
        else:
            self._gates[at] = Gate(
                spec.concurrency,
                adapts=True,
                requests_per_minute=spec.requests_per_minute,
                tokens_per_minute=spec.tokens_per_minute,
            )
        return self._gates[at]

    def kept(self, name: str, client: BaseClient, identity: Mapping[str, Any]) -> BaseClient:
        """``client`` behind the cache, if there is one.

        Args:
            name: what the user calls the model.
            client: makes the calls, with its tries and its limit.
            identity: see :class:`~confide.agents.models.cache.Cached`.
        """
        if self._answers is None:
            return client
        inner = client if self.asks() else Unasked(client, name, self._answers.path)
        return Cached(inner, self._answers, identity)


def limited(client: BaseClient, gate: Gate, tries: int) -> BaseClient:
    """``client`` with ``tries`` tries, each of which passes ``gate``."""
    return Retry(Limit(client, gate), tries)
