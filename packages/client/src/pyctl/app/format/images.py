"""Rows of ``images`` (docker's formatter/image.go)."""

from __future__ import annotations

from collections.abc import Iterator

from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.listing import Layout
from pyctl.app.format.times import go_time
from pyctl.app.format.units import decimal_size, duration, short_id
from pyctl.app.references import split
from pyctl.models.images import ImageSummary

_NONE, _UNKNOWN = "<none>", "N/A"

IMAGES = Layout(
    default=("Repository", "Tag", "ID", "CreatedSince", "Size"),
    titles={
        "Containers": "CONTAINERS",
        "CreatedAt": "CREATED AT",
        "CreatedSince": "CREATED",
        "Digest": "DIGEST",
        "ID": "IMAGE ID",
        "Repository": "REPOSITORY",
        "SharedSize": "SHARED SIZE",
        "Size": "SIZE",
        "Tag": "TAG",
        "UniqueSize": "UNIQUE SIZE",
        "VirtualSize": "SIZE",
    },
    raw=(
        "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\n"
        "virtual_size: {{.Size}}\n"
    ),
    go_type="*formatter.imageContext",
)
WITH_DIGESTS = ("Repository", "Tag", "Digest", "ID", "CreatedSince", "Size")


def image_rows(image: ImageSummary, *, truncate: bool, digests: bool, now: float) -> Iterator[Row]:
    """One row a name: tags, each with its digests where they are asked for; what has neither is ``<none>``."""
    for repository, tag, digest in _names(image, digests):
        columns: dict[str, Value] = {
            "Containers": str(image.containers) if image.containers >= 0 else _UNKNOWN,
            "CreatedAt": go_time(image.created),
            "CreatedSince": duration(now - image.created) + " ago",
            "Digest": digest,
            "ID": short_id(image.id) if truncate else image.id,
            "Repository": repository,
            "SharedSize": _known(image.shared_size),
            "Size": decimal_size(image.size, 3),
            "Tag": tag,
            "UniqueSize": _UNKNOWN if image.shared_size < 0 else decimal_size(image.size - image.shared_size),
            "VirtualSize": decimal_size(image.size),
        }
        yield Row(IMAGES.go_type, columns)


def _known(size: int) -> str:
    return _UNKNOWN if size < 0 else decimal_size(size)


def _names(image: ImageSummary, digests: bool) -> Iterator[tuple[str, str, str]]:
    """Repository, tag, digest."""
    tags = [split(tag) for tag in image.repo_tags if tag != "<none>:<none>"]
    known = [split(digest) for digest in image.repo_digests if digest != "<none>@<none>"]
    if not tags and not known:
        yield _NONE, _NONE, _NONE
    for repository, tag in tags:
        mine = [digest for name, digest in known if name == repository] if digests else []
        for digest in mine or [_NONE]:
            yield repository, tag, digest
    tagged = {repository for repository, _ in tags}
    for repository, digest in known:
        if repository not in tagged:
            yield repository, _NONE, digest if digests else _NONE
