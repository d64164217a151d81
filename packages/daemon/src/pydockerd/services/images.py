"""Images for the API: choosing, counting their containers, pruning."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import attrs

from pycontainerd.errors import ImageInUse, ImageNotFound
from pycontainerd.images.image import Image
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest, NotFound
from pydockerd.filters import Filters
from pydockerd.models.image import ImageDeleted, ImageSummary
from pydockerd.times import moment_ns
from pydockerd.versions import NEWEST, ApiVersion
from pydockerd.views import image as views

FILTERS = ("before", "dangling", "label", "label!", "reference", "since", "until")


def select(engine: Engine, filters: Filters, version: ApiVersion) -> list[ImageSummary]:
    """The images that a list shows, newest first."""
    ordered = sorted(engine.supervisor.images.list(), key=_created, reverse=True)
    first, last = float("inf"), float("-inf")
    for reference in filters.get("before"):
        first = min(first, _created(engine.supervisor.images.get(reference)))
    for reference in filters.get("since"):
        last = max(last, _created(engine.supervisor.images.get(reference)))
    until = [moment / 1e9 for value in filters.get("until") if (moment := moment_ns("until", value)) is not None]
    return [
        views.summary(_as_named(image, filters), version)
        for image in ordered
        if last < _created(image) < first
        and all(_created(image) < limit for limit in until)
        and _wanted(image, filters)
    ]


def check_platform(image: Image, wanted: Sequence[str]) -> None:
    """Raises BadRequest for what is not one platform as JSON, NotFound when the image is not for it."""
    if len(wanted) > 1:
        raise BadRequest("multiple platform parameters are not supported")
    for text in wanted:
        platform = _platform(text)
        own = {"os": image.os, "architecture": image.architecture, "variant": image.variant or ""}
        if any(platform[name] != own[name] for name in own if platform[name]):
            raise NotFound(f"image {image.id} has no manifest for the platform {text}")


def _platform(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
        return {name: found.get(name, "").lower() for name in ("os", "architecture", "variant")}
    except (ValueError, AttributeError, RecursionError):
        raise BadRequest(f"invalid value for platform: expected an OCI platform as JSON, got {text!r}") from None


def counted(engine: Engine, used: Iterable[str]) -> list[ImageSummary]:
    """All images, each with the number of containers that use it, and what it shares; ``used`` are the containers' image ids."""
    counts, stored = Counter(used), engine.supervisor.images.list()
    owners = Counter(digest for image in stored for digest in {layer.digest for layer in image.blobs})
    return [
        views.summary(image, NEWEST, containers=counts[image.id], shared=_shared(image, owners)) for image in stored
    ]


def _shared(image: Image, owners: Mapping[str, int]) -> int:
    """Bytes of its layers that other images have, too."""
    return sum({layer.digest: layer.size for layer in image.blobs if owners[layer.digest] > 1}.values())


async def prune(engine: Engine, filters: Filters) -> tuple[tuple[ImageDeleted, ...], int]:
    """Remove images that no container uses: those without a name, or all with ``dangling=false``."""
    used = {container.image_id for container in engine.supervisor.containers.list()}
    dangling = filters.flag("dangling", True)
    until = [moment for value in filters.get("until") if (moment := moment_ns("until", value)) is not None]
    deleted: list[ImageDeleted] = []
    reclaimed = 0
    for image in engine.supervisor.images.list():
        if image.id in used or (dangling and image.references) or not filters.labels(image.config.labels):
            continue
        if any(_created(image) * 1e9 > moment for moment in until):
            continue
        removed = await _removed(engine, image)
        deleted += removed
        reclaimed += image.size if any(item.deleted for item in removed) else 0
    await engine.supervisor.events.publish("image", "prune", "", {"reclaimed": str(reclaimed)})
    return tuple(deleted), reclaimed


async def _removed(engine: Engine, image: Image) -> list[ImageDeleted]:
    """Take all its names away. One may go with another: the last tag of a repository takes its digests along."""
    deleted: list[ImageDeleted] = []
    for name in image.names or (image.id,):
        with contextlib.suppress(ImageInUse, ImageNotFound):
            deleted += [views.deleted(item) for item in await engine.supervisor.images.remove(name)]
    return deleted


def _created(image: Image) -> float:
    return image.created.timestamp() if image.created is not None else 0.0


def _wanted(image: Image, filters: Filters) -> bool:
    if filters.get("dangling") and filters.flag("dangling", False) != (not image.references):
        return False
    patterns = filters.get("reference")
    named = not patterns or any(_fits(reference, pattern) for reference in image.references for pattern in patterns)
    return named and filters.labels(image.config.labels)


def _as_named(image: Image, filters: Filters) -> Image:
    """The image under those of its names that the filter ``reference`` asks for."""
    patterns = filters.get("reference")
    if not patterns:
        return image
    kept = [
        tuple(n for n in names if any(_fits(n, p) for p in patterns)) for names in (image.references, image.digests)
    ]
    return attrs.evolve(image, references=kept[0], digests=kept[1])


def _fits(reference: str, pattern: str) -> bool:
    """docker's rule: the pattern is for the whole reference, or for its name without tag and digest; a star does not cross a slash."""
    head, slash, last = reference.rpartition("/")
    untagged = head + slash + last.partition("@")[0].partition(":")[0]
    return any(_glob(candidate.split("/"), pattern.split("/")) for candidate in (reference, untagged))


def _glob(parts: list[str], patterns: list[str]) -> bool:
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))
