"""The configuration of an image that is made of a container (docker commit): the image's, the container's over it, the changes over that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, cast

from attrs import define, field

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.health import HealthCheck
from pycontainerd.images.changes import apply_changes
from pycontainerd.images.image import Image, parsed
from pycontainerd.oci.build import command

_NANO = 10**9


def image_configuration(base: Image, config: ContainerConfig, changes: Sequence[str]) -> dict[str, Any]:
    """The object ``config`` of its document. What a container does not have (ports, volumes, ONBUILD) stays as the image has it. ImageError."""
    kept: dict[str, Any] = dict(parsed(base.document).get("config") or {})
    own: Mapping[str, Any] = {
        "Cmd": _list(config.args),
        "Entrypoint": _list(config.entrypoint),
        "Env": list(config.env),
        "WorkingDir": config.cwd or "",
        "User": config.user or "",
        "Labels": dict(config.labels),
        "StopSignal": config.stop_signal or "",
        "Shell": _list(config.shell),
        "Healthcheck": _healthcheck(config.health),
    }
    for name, value in own.items():
        if value:
            kept[name] = value
        else:
            kept.pop(name, None)
    return apply_changes(kept, changes)


def made_by(config: ContainerConfig) -> str:
    """What history says of the layer."""
    return " ".join(command(config))


@define
class Pieces:
    """An iterator of bytes, as a file to read."""

    _pieces: Iterator[bytes]
    _rest: bytes = field(default=b"", init=False)

    def read(self, size: int = -1) -> bytes:
        """About as many bytes as were asked for; none at the end."""
        gathered, count = [self._rest], len(self._rest)
        while size < 0 or count < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            gathered.append(piece)
            count += len(piece)
        whole = b"".join(gathered)
        self._rest = whole[size:] if 0 <= size < count else b""
        return whole[:size] if 0 <= size < count else whole

    def as_file(self) -> IO[bytes]:
        """For who only reads."""
        return cast("IO[bytes]", self)


def _list(words: Sequence[str] | None) -> list[str] | None:
    return list(words) if words is not None else None


def _healthcheck(check: HealthCheck | None) -> dict[str, Any] | None:
    if check is None:
        return None
    times = {
        "Interval": check.interval,
        "Timeout": check.timeout,
        "StartPeriod": check.start_period,
        "StartInterval": check.start_interval,
    }
    found: dict[str, Any] = {name: round(value * _NANO) for name, value in times.items() if value is not None}
    if check.retries is not None:
        found["Retries"] = check.retries
    return {"Test": list(check.test), **found}
