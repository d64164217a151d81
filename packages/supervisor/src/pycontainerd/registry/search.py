"""Searching a registry by words: docker's old index protocol (``GET /v1/search``), which Docker Hub and some private registries answer.

It has no specification any more; the shape is that of moby's ``api/types/registry.SearchResults``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from attrs import frozen

from pycontainerd.errors import RegistryRefused

if TYPE_CHECKING:
    from pycontainerd.registry.connection import Connection  # brings aiohttp along

_LARGEST: Final = 4 << 20
"""Bytes of an answer: a hundred results with their descriptions are a tenth of it."""


@frozen(kw_only=True)
class SearchResult:
    """One repository, as the index describes it."""

    name: str
    description: str = ""
    stars: int = 0
    is_official: bool = False


async def search(connection: Connection, words: str, limit: int) -> list[SearchResult]:
    """At most ``limit`` repositories, best first. AccessDenied, RegistryUnavailable, RegistryRefused."""

    async def attempt() -> bytes:
        path = f"/v1/search?{urlencode({'q': words, 'n': limit})}"
        async with connection.request("GET", path, what=f"search for {words!r}") as answer:
            return await answer.whole(_LARGEST)

    return _results(await connection.retried(f"search for {words!r}", attempt), connection.host)[:limit]


def _results(data: bytes, host: str) -> list[SearchResult]:
    try:
        found = json.loads(data)["results"] or []
        return [_result(each) for each in found]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RegistryRefused(host, "search: the answer is not a list of results") from None


def _result(found: dict[str, Any]) -> SearchResult:
    return SearchResult(
        name=str(found["name"]),
        description=str(found.get("description") or ""),
        stars=int(found.get("star_count") or 0),
        is_official=bool(found.get("is_official")),
    )
