"""An image, and what it is called when it is removed."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from attrs import field, frozen

from pycontainerd.errors import ImageError
from pycontainerd.images.config import HistoryStep, ImageConfig, diff_ids, history, image_config


@frozen(kw_only=True)
class Layer:
    """A layer in the content store: ``digest`` and ``size`` of the blob, ``diff_id`` of its plain tar."""

    digest: str
    size: int
    diff_id: str


@frozen(kw_only=True)
class Image:
    """``id`` is the digest of the configuration document; ``size`` the bytes of its blobs.

    ``references`` are familiar names with tags, ``digests`` names with the digests by which registries know it. ``manifest`` is the document
    that it was brought in with, empty where it came without one. ``tagged_ns`` is when it was last given a name on this machine, in nanoseconds since
    the epoch; 0: it has come with its names.
    """

    id: str
    references: tuple[str, ...]
    digests: tuple[str, ...]
    config: ImageConfig
    document: str
    blobs: tuple[Layer, ...]
    created: datetime | None
    architecture: str
    os: str
    variant: str | None
    size: int
    history: tuple[HistoryStep, ...]
    manifest: str = ""
    tagged_ns: int = field(default=0, eq=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that it is called by: references and digests."""
        return (*self.references, *self.digests)

    @property
    def layers(self) -> tuple[str, ...]:
        """The diff ids, lowest first."""
        return tuple(layer.diff_id for layer in self.blobs)


@frozen
class Removed:
    """One effect of a removal: a name was ``untagged``, or the image ``deleted`` (its id). The other is None."""

    untagged: str | None = None
    deleted: str | None = None


def image_of(
    document: str, blobs: tuple[Layer, ...], size: int, references: tuple[str, ...] = (), manifest: str = ""
) -> Image:
    """An image from its configuration document; ``references`` are names with tags or digests. ImageError."""
    found = parsed(document)
    return Image(
        id=f"sha256:{hashlib.sha256(document.encode()).hexdigest()}",
        references=tuple(name for name in references if "@" not in name),
        digests=tuple(name for name in references if "@" in name),
        config=image_config(found),
        document=document,
        blobs=blobs,
        created=_moment(found.get("created")),
        architecture=str(found.get("architecture") or ""),
        os=str(found.get("os") or ""),
        variant=str(found["variant"]) if found.get("variant") else None,
        size=size,
        history=history(found),
        manifest=manifest,
    )


def parsed(document: str) -> dict[str, Any]:
    """A configuration document as JSON. ImageError when it is none."""
    try:
        value = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ImageError(f"image configuration: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ImageError(f"image configuration: expected an object, got {document[:40]!r}")
    return value


def chain_ids(layers: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the snapshots that the layers make, lowest first (image-spec, config.md, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in layers:
        text = f"{chain[-1]} {diff_id}" if chain else ""
        chain.append(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" if text else diff_id)
    return tuple(chain)


def expected_diff_ids(document: str) -> tuple[str, ...]:
    """The diff ids that a configuration document promises. ImageError."""
    return diff_ids(parsed(document))


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        return None
