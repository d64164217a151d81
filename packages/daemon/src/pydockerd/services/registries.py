"""Registries for the API: whose credentials a request brings along, and pulls and pushes as streams of docker's messages."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from pycontainerd import Credentials, Step
from pycontainerd import Progress as Told
from pycontainerd.errors import AccessDenied, ImageNotFound
from pycontainerd.images.reference import Remote, remote
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest, NotFound
from pydockerd.filters import Filters
from pydockerd.models.image import Progress
from pydockerd.models.registry import AuthConfig, SearchItem
from pydockerd.models.wire import read
from pydockerd.views import progress as views

_PAUSE: Final = 0.1
"""Seconds between two messages about how far one layer is, as dockerd has it."""

_USUAL_RESULTS: Final = 25
_MOST_RESULTS: Final = 100
"""Of a search, as dockerd has it."""


def credentials(header: str) -> Credentials:
    """What the header X-Registry-Auth says: JSON in base64 of the kind for addresses. As with dockerd, nonsense is nobody.

    The daemon's own user has nothing to do with it: whoever sends no credentials has none.
    """
    try:
        decoded = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))) if header else {}
        return of_config(read(AuthConfig, decoded))
    except (ValueError, RecursionError, BadRequest):
        return Credentials()


def of_config(found: AuthConfig) -> Credentials:
    """The same from its decoded form."""
    username, password = found.username, found.password
    if found.auth and not username:
        try:
            username, _, password = base64.b64decode(found.auth, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise BadRequest("invalid auth configuration: auth: not base64") from None
    return Credentials(
        username=username,
        password=password,
        identity_token=found.identity_token,
        registry_token=found.registry_token,
    )


def wanted(name: str, tag: str) -> str:
    """``fromImage`` and ``tag`` together: a digest in the name wins, then the parameter, which may be a digest too."""
    found = remote(name)
    if found.digest or not tag:
        return name
    return f"{found.name}@{tag}" if ":" in tag else f"{found.name}:{tag}"


async def pull(engine: Engine, reference: str, platform: str, auth: Credentials) -> AsyncIterator[Progress]:
    """The messages of a pull; of a repository without a tag, of all its tags. What fails before the first message is raised from it."""
    found = remote(reference)
    single = found.tag or found.digest
    references = [reference] if single else [f"{found.name}:{tag}" for tag in await _tags(engine, found, auth)]
    before = [_id(engine, each) for each in references]
    for each in references:
        async for message in _pulled(engine, each, platform, auth):
            yield message
    newer = before != [_id(engine, each) for each in references]
    state = "Downloaded newer image for" if newer else "Image is up to date for"
    yield Progress(status=f"Status: {state} {found.familiar if single else found.name}")


async def _tags(engine: Engine, found: Remote, auth: Credentials) -> list[str]:
    try:
        return await engine.supervisor.registries.tags(found.name, auth=auth)
    except AccessDenied as error:
        raise _no_access(found, error) from error


async def _pulled(engine: Engine, reference: str, platform: str, auth: Credentials) -> AsyncIterator[Progress]:
    found = remote(reference)

    async def work(report: Callable[[Told], None]) -> None:
        try:
            await engine.supervisor.images.pull(reference, auth=auth, platform=platform or None, progress=report)
        except AccessDenied as error:
            raise _no_access(found, error) from error

    async for message in _messages(work, views.Pull(found)):
        yield message


def _no_access(found: Remote, error: AccessDenied) -> NotFound:
    """docker's words, which clients look for."""
    return NotFound(
        f"pull access denied for {found.name}, repository does not exist or may require 'docker login': {error}"
    )


def _id(engine: Engine, reference: str) -> str:
    try:
        return engine.supervisor.images.get(reference).id
    except ImageNotFound:
        return ""


async def search(engine: Engine, term: str, limit: int, filters: Filters, auth: Credentials) -> list[SearchItem]:
    """What an index knows by a term. Raises BadRequest for a limit or a filter that cannot be."""
    if not term:
        raise BadRequest("invalid value for term: a word to search for is needed")
    if not 0 <= limit <= _MOST_RESULTS:
        raise BadRequest(f"limit {limit} is outside the range of [1, {_MOST_RESULTS}]")
    stars = [_stars(text) for text in filters.get("stars")]
    official = filters.flag("is-official", False) if filters.get("is-official") else None
    if filters.flag("is-automated", False):
        return []  # no repository is any more
    found = await engine.supervisor.registries.search(term, limit=limit or _USUAL_RESULTS, auth=auth)
    return [
        SearchItem(name=each.name, description=each.description, star_count=each.stars, is_official=each.is_official)
        for each in found
        if all(each.stars >= least for least in stars) and official in (None, each.is_official)
    ]


def _stars(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadRequest(f"invalid filter 'stars={text}'")
    return int(text)


async def push(engine: Engine, name: str, tag: str, auth: Credentials) -> AsyncIterator[Progress]:
    """The messages of a push; without a tag, of all tags that the repository has here. NotFound is raised from the first."""
    found = remote(name)
    references = [f"{found.name}:{tag}"] if tag else _local(engine, found)
    for reference in references:
        if not _id(engine, reference):
            raise NotFound(f"An image does not exist locally with the tag: {found.name}")
    yield Progress(status=f"The push refers to repository [{found.domain}/{found.repository}]")
    for reference in references:

        async def work(report: Callable[[Told], None], reference: str = reference) -> None:
            await engine.supervisor.images.push(reference, auth=auth, progress=report)

        async for message in _messages(work, views.Push()):
            yield message


def _local(engine: Engine, found: Remote) -> list[str]:
    if found.tag:
        return [found.familiar]
    names = [name for image in engine.supervisor.images.list() for name in image.references]
    own = sorted(name for name in names if remote(name).name == found.name)
    if not own:
        raise NotFound(f"An image does not exist locally with the tag: {found.name}")
    return own


async def _messages(
    work: Callable[[Callable[[Told], None]], Awaitable[None]], view: Callable[[Told], list[Progress]]
) -> AsyncIterator[Progress]:
    """Do the work, and give what it tells as it goes. Whoever stops listening ends it."""
    told: asyncio.Queue[Told | None] = asyncio.Queue()
    task = asyncio.ensure_future(work(_Sparing(told).report))
    task.add_done_callback(lambda _: told.put_nowait(None))
    try:
        while (progress := await told.get()) is not None:
            for message in view(progress):
                yield message
        await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class _Sparing:
    """Passes on what happens, but how far a layer is only now and then: a fast pull would tell it thousands of times."""

    def __init__(self, told: asyncio.Queue[Told | None]) -> None:
        self._told = told
        self._last: dict[str, float] = {}

    def report(self, progress: Told) -> None:
        if progress.step in (Step.DOWNLOADING, Step.PUSHING):
            now = time.monotonic()
            if now - self._last.get(progress.id, 0.0) < _PAUSE:
                return
            self._last[progress.id] = now
        self._told.put_nowait(progress)
