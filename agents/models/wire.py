"""One endpoint over HTTP: a request in, the decoded body or a :class:`ModelError` out.

It goes through aiohttp itself. An SDK's layers between (requests and headers as objects, addresses parsed anew at each
call) took more of the processor than all of confide's own work on a turn (docs/decisions/0003-lean-client.md).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from confide.agents.completion import Fault, ModelError
from confide.agents.models.keys import one_line

CONNECT_TIMEOUT_S: Final = 30.0
"""A short one fires when a thousand calls keep the event loop busy."""
_STATUS_FAULTS: Final = {
    401: Fault.DENIED,
    402: Fault.DENIED,  # the credit is used up
    403: Fault.DENIED,
    404: Fault.NOT_FOUND,
    408: Fault.TIMEOUT,
    409: Fault.SERVER_ERROR,
    429: Fault.RATE_LIMITED,
}


class Wire:
    """The connections to one endpoint. They are opened when they are needed, and belong to one event loop."""

    def __init__(self, name: str, base_url: str, key: str | None, headers: Mapping[str, str]) -> None:
        """Describe the endpoint; nothing is opened yet.

        Args:
            name: what the user calls the model; for error messages.
            base_url: the endpoint.
            key: the key; None for a server that wants none.
            headers: further headers of every request.
        """
        self._key = key
        self._where = f"model '{name}' at {base_url}"
        self._base_url = base_url.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": "confide", **headers}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._proxy = _proxy_for(base_url)
        self._session: aiohttp.ClientSession | None = None

    @property
    def is_open(self) -> bool:
        """Whether it holds connections."""
        return self._session is not None

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get(self, path: str, timeout_s: float) -> object:
        """What the endpoint has at ``path``; raises as :meth:`post` does."""
        return await self._asked("GET", path, None, timeout_s)

    async def post(self, path: str, body: Mapping[str, Any], timeout_s: float) -> object:
        """The answer to ``body``.

        Raises:
            ModelError: there was none within ``timeout_s`` seconds, or the endpoint refused, or it is no JSON.
        """
        return await self._asked("POST", path, body, timeout_s)

    async def _asked(self, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float) -> object:
        try:
            data = None if body is None else _json(body)
            async with asyncio.timeout(timeout_s):
                status, headers, raw = await self._exchange(method, path, data)
        except TimeoutError:
            raise ModelError(Fault.TIMEOUT, f"{self._where}: no answer in {timeout_s:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise self._error(Fault.UNREACHABLE, "cannot be reached", error) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._error(Fault.UNREACHABLE, "cannot be talked to", error) from None
        except (ValueError, RecursionError) as error:
            raise self._error(Fault.BAD_REQUEST, "the request cannot be sent", error) from None
        if status >= 400:
            raise self._refusal(status, headers, raw)
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            text = raw.decode(errors="replace") or f"nothing, with status {status}"
            raise self._error(Fault.SERVER_ERROR, "the answer cannot be read", text) from None

    async def _exchange(self, method: str, path: str, data: bytes | None) -> tuple[int, Mapping[str, str], bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                headers=self._headers,
            )
        headers = None if data is None else {"Content-Type": "application/json"}
        url = f"{self._base_url}{path}"
        async with self._session.request(method, url, data=data, headers=headers, proxy=self._proxy) as answer:
            return answer.status, answer.headers, await answer.read()

    def _refusal(self, status: int, headers: Mapping[str, str], raw: bytes) -> ModelError:
        fault = _STATUS_FAULTS.get(status, Fault.SERVER_ERROR if status >= 500 else Fault.BAD_REQUEST)
        error = self._error(fault, f"error code {status}", _reason(raw))
        error.retry_after, error.status = _seconds(headers.get("Retry-After")), status
        return error

    def _error(self, fault: Fault, what: str, said: object) -> ModelError:
        return ModelError(fault, f"{self._where}: {what}: {one_line(said, self._key)}")


def _reason(raw: bytes) -> str:
    """What a server says of its refusal: its message, where it words it as OpenAI does, else all of the body."""
    with suppress(ValueError, RecursionError):
        body = json.loads(raw)
        error = body.get("error") if isinstance(body, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        return message if isinstance(message, str) and message else str(body)
    return raw.decode(errors="replace")


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _proxy_for(base_url: str) -> str | None:
    """The proxy that the environment names for an address."""
    address, proxies = urlsplit(base_url), getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if not proxy or not address.hostname or proxy_bypass(address.hostname):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _seconds(header: str | None) -> float | None:
    """The seconds of a Retry-After header, which may be a date too. None for one that has passed."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        pass
    try:
        left = parsedate_to_datetime(header or "").timestamp() - time.time()
    except ValueError:
        return None
    return left if left > 0 else None
