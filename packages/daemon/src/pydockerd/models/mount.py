"""``Mount`` of the Engine API: what ``--mount`` and compose ask for."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from pydockerd.models.wire import wire


@frozen(kw_only=True)
class BindOptions:
    """Options of a mount of type ``bind``."""

    propagation: str = wire(default="", omit_empty=True)
    non_recursive: bool = wire(default=False, omit_empty=True)
    create_mountpoint: bool = wire(default=False, omit_empty=True)
    read_only_non_recursive: bool = wire(default=False, omit_empty=True)
    read_only_force_recursive: bool = wire(default=False, omit_empty=True)


@frozen(kw_only=True)
class TmpfsOptions:
    """Options of a mount of type ``tmpfs``: size in bytes, mode as a number, further mount options as words or pairs."""

    size_bytes: int = wire(default=0, omit_empty=True)
    mode: int = wire(default=0, omit_empty=True)
    options: tuple[tuple[str, ...], ...] = wire(default=(), omit_empty=True)


@frozen(kw_only=True)
class VolumeDriver:
    """Which driver makes a volume, with which options."""

    name: str = wire(default="", omit_empty=True)
    options: Mapping[str, str] = wire(factory=dict, omit_empty=True)


@frozen(kw_only=True)
class VolumeOptions:
    """Options of a mount of type ``volume``; labels and driver are for one that is not there yet."""

    no_copy: bool = wire(default=False, omit_empty=True)
    labels: Mapping[str, str] = wire(factory=dict, omit_empty=True)
    driver_config: VolumeDriver | None = wire(default=None, omit_empty=True)  # noqa: RUF009
    subpath: str = wire(default="", omit_empty=True)


@frozen(kw_only=True)
class ImageOptions:
    """Options of a mount of type ``image``."""

    subpath: str = wire(default="", omit_empty=True)


@frozen(kw_only=True)
class Mount:
    """Source: definition Mount."""

    type: str = ""
    source: str = wire(default="", omit_empty=True)
    target: str = ""
    read_only: bool = wire(default=False, omit_empty=True)
    consistency: str = wire(default="", omit_empty=True)
    bind_options: BindOptions | None = wire(default=None, omit_empty=True)  # noqa: RUF009
    volume_options: VolumeOptions | None = wire(default=None, omit_empty=True)  # noqa: RUF009
    image_options: ImageOptions | None = wire(default=None, omit_empty=True)  # noqa: RUF009
    tmpfs_options: TmpfsOptions | None = wire(default=None, omit_empty=True)  # noqa: RUF009
