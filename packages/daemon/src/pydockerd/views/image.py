"""An image of the supervisor as the API's summary, inspect and history documents."""

from __future__ import annotations

import re
from datetime import datetime

from attrs import evolve

from pycontainerd.images.config import ImageConfig
from pycontainerd.images.image import Image, Removed
from pycontainerd.logs.times import format_time
from pydockerd.models.container import DriverData
from pydockerd.models.image import (
    HistoryItem,
    ImageConfigView,
    ImageDeleted,
    ImageInspect,
    ImageMetadata,
    ImageSummary,
    RootFs,
)
from pydockerd.models.wire import ZERO_TIME
from pydockerd.versions import ApiVersion
from pydockerd.views.container import DRIVER

VIRTUAL_SIZE_GONE = ApiVersion(1, 44)

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def summary(image: Image, version: ApiVersion, *, containers: int = -1, shared: int = -1) -> ImageSummary:
    """One line of ``GET /images/json``."""
    return ImageSummary(
        id=image.id,
        repo_tags=image.references,
        repo_digests=image.digests,
        created=_seconds(image.created),
        size=image.size,
        virtual_size=image.size if version < VIRTUAL_SIZE_GONE else None,
        labels=image.config.labels or None,
        shared_size=shared,
        containers=containers,
    )


def inspect(image: Image, version: ApiVersion, *, driver: str = DRIVER) -> ImageInspect:
    """``GET /images/{name}/json``; ``driver`` is the storage driver."""
    last = image.history[-1] if image.history else None
    return ImageInspect(
        id=image.id,
        repo_tags=image.references,
        repo_digests=image.digests,
        comment=last.comment if last else "",
        created=image.created,
        author=last.author if last else "",
        config=config(image.config),
        architecture=image.architecture,
        variant=image.variant or "",
        os=image.os,
        size=image.size,
        virtual_size=image.size if version < VIRTUAL_SIZE_GONE else None,
        graph_driver=DriverData(name=driver),
        root_fs=RootFs(layers=image.layers),
        metadata=ImageMetadata(last_tag_time=format_time(image.tagged_ns) if image.tagged_ns else ZERO_TIME),
    )


def config(found: ImageConfig) -> ImageConfigView:
    """What containers of the image begin with."""
    return ImageConfigView(
        user=found.user or "",
        exposed_ports={port: {} for port in found.exposed_ports},
        env=tuple(found.env),
        cmd=tuple(found.cmd) if found.cmd is not None else None,
        volumes={volume: {} for volume in found.volumes} or None,
        working_dir=found.working_dir or "",
        entrypoint=tuple(found.entrypoint) if found.entrypoint is not None else None,
        labels=found.labels or None,
        stop_signal=found.stop_signal or "",
        shell=tuple(found.shell) if found.shell else None,
        healthcheck=found.healthcheck,
        on_build=tuple(found.on_build) if found.on_build else None,
    )


def deleted(removed: Removed) -> ImageDeleted:
    """One line of what a removal did."""
    return ImageDeleted(untagged=removed.untagged or "", deleted=removed.deleted or "")


def history(image: Image) -> list[HistoryItem]:
    """Newest step first, with the image's id and names; the sizes go to the steps that made a layer."""
    sizes = iter([layer.size for layer in image.blobs])
    items = [
        HistoryItem(
            id="<missing>",
            created=_seconds(_moment(step.created)),
            created_by=step.created_by,
            tags=None,
            size=0 if step.empty_layer else next(sizes, 0),
            comment=step.comment,
        )
        for step in image.history
    ]
    if items:
        items[-1] = evolve(items[-1], id=image.id, tags=image.references or None)
    return items[::-1]


def _moment(text: str) -> datetime | None:
    """RFC 3339 as images have it: with up to nine decimals, of which six can be kept."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        return None
    return datetime.fromisoformat(
        f"{found[1]}.{(found[2] or '0')[:6].ljust(6, '0')}{'+00:00' if found[3] == 'Z' else found[3]}"
    )


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment is not None else 0
