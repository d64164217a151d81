"""What an answer of a registry means when it is not the one that was hoped for."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any, Final

import aiohttp

from pycontainerd.errors import AccessDenied, RegistryRefused, SupervisorError
from pycontainerd.registry.backoff import Transient

_EXCERPT: Final = 4096
_MOST_TEXT: Final = 300
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


async def problem(response: aiohttp.ClientResponse) -> str:
    """The status, and the registry's own words for it (distribution-spec, "Error Codes")."""
    text = f"{response.status} {response.reason or ''}".strip()
    data = b""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
        data = await response.content.read(_EXCERPT)
    said = _words(data)
    return f"{text}: {said}" if said else text


def _words(data: bytes) -> str:
    try:
        found = json.loads(data)
        errors = found["errors"]
        said = "; ".join(_one(error) for error in errors if isinstance(error, dict))
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return printable(said)


def _one(error: dict[str, Any]) -> str:
    return ": ".join(str(error[name]) for name in ("code", "message") if error.get(name)).lower()


def printable(text: str) -> str:
    """A text of somebody else, fit for a terminal and short."""
    return _UNPRINTABLE.sub(" ", text)[:_MOST_TEXT]


async def failure(response: aiohttp.ClientResponse, host: str, what: str) -> SupervisorError | Transient:
    """The exception for an answer that was not hoped for: Transient for one that may pass."""
    status, text = response.status, await problem(response)
    if status in (408, 429) or status >= 500:
        return Transient(f"the answer was {text}", _retry_after(response))
    if status in (401, 403):
        return AccessDenied(host, f"{what}: the answer was {text}; log in with an account that may do this")
    return RegistryRefused(host, f"{what}: the answer was {text}")


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds. The form with a date is not used by registries."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
