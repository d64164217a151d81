"""Images as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from pydockerd.models.container import DriverData
from pydockerd.models.wire import wire


@frozen(kw_only=True)
class ImageSummary:
    """One image in a list; -1 means "not counted". Source: definition ImageSummary."""

    id: str
    parent_id: str = ""
    repo_tags: tuple[str, ...]
    repo_digests: tuple[str, ...]
    created: int
    size: int
    virtual_size: int | None = wire(default=None, omit_none=True)
    """Only before API 1.44."""
    shared_size: int = -1
    labels: Mapping[str, str] | None
    containers: int = -1


@frozen(kw_only=True)
class ImageConfigView:
    """What containers of the image begin with. Source: definition ImageConfig."""

    user: str = ""
    exposed_ports: Mapping[str, Any] = wire(factory=dict, omit_empty=True)
    env: tuple[str, ...] = ()
    cmd: tuple[str, ...] | None = None
    healthcheck: Mapping[str, Any] | None = wire(default=None, omit_empty=True)
    volumes: Mapping[str, Any] | None = None
    working_dir: str = ""
    entrypoint: tuple[str, ...] | None = None
    on_build: tuple[str, ...] | None = wire(default=None)
    labels: Mapping[str, str] | None = None
    stop_signal: str = wire(default="", omit_empty=True)
    shell: tuple[str, ...] | None = wire(default=None, omit_empty=True)


@frozen(kw_only=True)
class RootFs:
    """The layers, lowest first, by the digest of their uncompressed form."""

    type: str = "layers"
    layers: tuple[str, ...] = ()


@frozen(kw_only=True)
class ImageMetadata:
    """What is known here and not part of the image."""

    last_tag_time: str


@frozen(kw_only=True)
class ImageInspect:
    """One image in full. Source: definition ImageInspect."""

    id: str
    repo_tags: tuple[str, ...]
    repo_digests: tuple[str, ...]
    parent: str = ""
    comment: str = ""
    created: datetime | None
    docker_version: str = ""
    author: str = ""
    config: ImageConfigView
    architecture: str
    variant: str = wire(default="", omit_empty=True)
    os: str
    size: int
    virtual_size: int | None = wire(default=None, omit_none=True)
    """Only before API 1.44."""
    graph_driver: DriverData
    root_fs: RootFs = wire("RootFS", factory=RootFs)  # noqa: RUF009
    metadata: ImageMetadata


@frozen(kw_only=True)
class HistoryItem:
    """Source: definition ImageHistoryResponseItem."""

    id: str
    created: int
    created_by: str
    tags: tuple[str, ...] | None
    size: int
    comment: str


@frozen(kw_only=True)
class ImageDeleted:
    """Source: definition ImageDeleteResponseItem: one of the two is set."""

    untagged: str = wire(default="", omit_empty=True)
    deleted: str = wire(default="", omit_empty=True)


@frozen(kw_only=True)
class ImagesPruned:
    """Answer of ImagePrune."""

    images_deleted: tuple[ImageDeleted, ...] | None
    space_reclaimed: int


@frozen(kw_only=True)
class ProgressDetail:
    """How far a step is, in bytes; empty for one that is taken at once. Source: definition ProgressDetail."""

    current: int = wire("current", default=0, omit_empty=True)
    total: int = wire("total", default=0, omit_empty=True)


@frozen(kw_only=True)
class Pushed:
    """What a push has made. Source: moby's api/types, PushResult."""

    tag: str
    digest: str
    size: int


@frozen(kw_only=True)
class Built:
    """What a build has made. Source: moby's api/types/build, Result."""

    id: str = wire("ID")


@frozen(kw_only=True)
class Progress:
    """One line of a load, an import, a pull, a push or a build; ``stream`` is text for the terminal, ``status`` a step, ``error`` the end.

    ``progress`` is ``progress_detail`` as a bar; ``aux`` is for programs.
    """

    stream: str = wire("stream", default="", omit_empty=True)
    status: str = wire("status", default="", omit_empty=True)
    progress_detail: ProgressDetail | None = wire("progressDetail", default=None, omit_none=True)  # noqa: RUF009
    progress: str = wire("progress", default="", omit_empty=True)
    id: str = wire("id", default="", omit_empty=True)
    aux: Pushed | Built | None = wire("aux", default=None, omit_none=True)  # noqa: RUF009
    error: str = wire("error", default="", omit_empty=True)
    error_detail: Mapping[str, Any] = wire("errorDetail", factory=dict, omit_empty=True)


def progress_error(message: str) -> Progress:
    """The line that ends a stream whose status code was already sent."""
    return Progress(error=message, error_detail={"message": message})
