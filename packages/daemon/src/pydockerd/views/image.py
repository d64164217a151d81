"""An image of the supervisor as the API's summary, inspect and history documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pycontainerd.images.config import ImageConfig
from pycontainerd.images.image import Image, Removed

from pydockerd.models.container import DriverData
from pydockerd.models.image import HistoryItem, ImageConfigView, ImageDeleted, ImageInspect, ImageMetadata, ImageSummary, RootFs
from pydockerd.models.wire import ZERO_TIME
from pydockerd.versions import ApiVersion
from pydockerd.views.container import DRIVER

VIRTUAL_SIZE_GONE = ApiVersion(1, 44)


def summary(image: Image, version: ApiVersion, *, containers: int = -1) -> ImageSummary:
    """One line of ``GET /images/json``."""
    return ImageSummary(
        id=image.id,
        repo_tags=image.references,
        repo_digests=image.digests,
        created=_seconds(image.created),
        size=image.size,
        virtual_size=image.size if version < VIRTUAL_SIZE_GONE else None,
        labels=image.config.labels or None,
        containers=containers,
    )


def inspect(image: Image, version: ApiVersion) -> ImageInspect:
    """``GET /images/{name}/json``."""
    last = image.history[-1] if image.history else None
    return ImageInspect(
        id=image.id,
        repo_tags=image.references,
        repo_digests=image.digests,
        comment=(last.comment or "") if last else "",
        created=image.created,
        author=(last.author or "") if last else "",
        config=config(image.config),
        architecture=image.architecture,
        variant=image.variant or "",
        os=image.os,
        size=image.size,
        virtual_size=image.size if version < VIRTUAL_SIZE_GONE else None,
        graph_driver=DriverData(name=DRIVER),
        root_fs=RootFs(layers=image.layers),
        metadata=ImageMetadata(last_tag_time=ZERO_TIME),
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
    )


def deleted(removed: Removed) -> ImageDeleted:
    """One line of what a removal did."""
    return ImageDeleted(untagged=removed.untagged or "", deleted=removed.deleted or "")


def history(image: Image, layer_sizes: Sequence[int]) -> list[HistoryItem]:
    """Newest step first. Only the newest has an id; the sizes go to the steps that made a layer."""
    sizes = list(layer_sizes)
    items: list[HistoryItem] = []
    for step in image.history:
        items.append(
            HistoryItem(
                id="<missing>",
                created=_seconds(step.created),
                created_by=step.created_by or "",
                tags=None,
                size=0 if step.empty_layer or not sizes else sizes.pop(0),
                comment=step.comment or "",
            )
        )
    items.reverse()
    return items


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment is not None else 0
