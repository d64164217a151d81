"""The log drivers by name: what they write, when they begin a new file, and which options they have."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from pycontainerd.logs.attributes import Subject, attributes
from pycontainerd.logs.buffered import DEFAULT_SIZE
from pycontainerd.logs.config import LogConfig
from pycontainerd.logs.format import Format
from pycontainerd.logs.jsonfile import JsonFile
from pycontainerd.logs.local import Local
from pycontainerd.logs.rotation import Rotation, parse_size

_DELIVERY = ("mode", "max-buffer-size")
OPTIONS: Mapping[str, frozenset[str]] = {
    "json-file": frozenset(
        {"max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag", *_DELIVERY}
    ),
    "local": frozenset({"max-size", "max-file", "compress", *_DELIVERY}),
    "none": frozenset(),
}
_LOCAL_DEFAULTS = {"max-size": "20m", "max-file": "5"}
"""As docker's driver of that name has them."""


@frozen
class Driver:
    """How one container's log is written. ``file`` is its name, with ``{id}`` for the container's id.

    ``buffer`` is how many bytes may wait for being written, see `pycontainerd.logs.buffered`; None: the process waits instead.
    """

    form: Format
    rotation: Rotation
    file: str
    buffer: int | None = None


def driver(config: LogConfig, subject: Subject) -> Driver | None:
    """The driver of a container; None for ``none``. ValueError names an option that is wrong, or says which driver there is not."""
    if config.driver not in OPTIONS:
        raise ValueError(f"no such log driver: {config.driver!r}, choose one of {', '.join(sorted(OPTIONS))}")
    for option in config.options:
        if option not in OPTIONS[config.driver]:
            raise ValueError(f"unknown log opt {option!r} for {config.driver} log driver")
    if config.driver == "none":
        return None
    buffer = _buffer(config.options)
    if config.driver == "local":
        return Driver(Local(), Rotation.of(_local(config.options)), "container.log", buffer)
    return Driver(JsonFile(attributes(config.options, subject)), Rotation.of(config.options), "{id}-json.log", buffer)


def _buffer(options: Mapping[str, str]) -> int | None:
    mode, size = options.get("mode") or "blocking", options.get("max-buffer-size")
    if mode not in ("blocking", "non-blocking"):
        raise ValueError(f"mode: expected blocking or non-blocking, got {mode!r}")
    if mode == "blocking":
        if size is not None:
            raise ValueError("max-buffer-size needs mode=non-blocking: otherwise nothing is buffered")
        return None
    return DEFAULT_SIZE if size is None else parse_size("max-buffer-size", size)


def _local(options: Mapping[str, str]) -> dict[str, str]:
    """Older files are compressed unless somebody says otherwise, or wants none."""
    given = {**_LOCAL_DEFAULTS, **options}
    return {"compress": str(given["max-file"] != "1").lower(), **given}
