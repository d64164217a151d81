"""An image's configuration document (image-spec, config.md): read with care, kept as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from pycontainerd.errors import ImageError


@frozen(kw_only=True)
class ImageConfig:
    """What containers of the image begin with: the ``config`` object of the document."""

    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    user: str = ""
    working_dir: str = ""
    labels: Mapping[str, str] = field(factory=dict)
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    shell: tuple[str, ...] | None = None
    healthcheck: Mapping[str, Any] | None = None
    on_build: tuple[str, ...] = ()
    """Instructions for who builds an image on this one."""


@frozen(kw_only=True)
class HistoryStep:
    """One step of how an image was made; ``created`` is RFC 3339 text."""

    created: str = ""
    created_by: str = ""
    comment: str = ""
    author: str = ""
    empty_layer: bool = False


def image_config(document: Mapping[str, Any]) -> ImageConfig:
    """The ``config`` object of an image's document. ImageError names a field of the wrong type."""
    found = _typed(document, "config", dict) or {}
    return ImageConfig(
        env=_texts(found, "Env") or (),
        entrypoint=_texts(found, "Entrypoint"),
        cmd=_texts(found, "Cmd"),
        user=_typed(found, "User", str) or "",
        working_dir=_typed(found, "WorkingDir", str) or "",
        labels=_labels(found),
        exposed_ports=tuple(_typed(found, "ExposedPorts", dict) or ()),
        volumes=tuple(_typed(found, "Volumes", dict) or ()),
        stop_signal=_typed(found, "StopSignal", str) or "",
        shell=_texts(found, "Shell"),
        healthcheck=_typed(found, "Healthcheck", dict),
        on_build=_texts(found, "OnBuild") or (),
    )


def diff_ids(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The digests of the plain layers, lowest first."""
    rootfs = _typed(document, "rootfs", dict) or {}
    return _texts(rootfs, "diff_ids") or ()


def history(document: Mapping[str, Any]) -> tuple[HistoryStep, ...]:
    """The steps, oldest first."""
    steps = _typed(document, "history", list) or []
    return tuple(
        HistoryStep(
            created=str(step.get("created") or ""),
            created_by=str(step.get("created_by") or ""),
            comment=str(step.get("comment") or ""),
            author=str(step.get("author") or ""),
            empty_layer=bool(step.get("empty_layer")),
        )
        for step in steps
        if isinstance(step, dict)
    )


def _typed(document: Mapping[str, Any], name: str, kind: type) -> Any:
    value = document.get(name)
    if value is not None and not isinstance(value, kind):
        raise ImageError(f"image configuration: {name}: expected {kind.__name__}, got {value!r}")
    return value


def _labels(document: Mapping[str, Any]) -> Mapping[str, str]:
    value = _typed(document, "Labels", dict) or {}
    if not all(isinstance(text, str) for text in value.values()):
        raise ImageError(f"image configuration: Labels: expected strings, got {value!r}")
    return dict(value)


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = _typed(document, name, list)
    if value is None:
        return None
    if not all(isinstance(item, str) for item in value):
        raise ImageError(f"image configuration: {name}: expected strings, got {value!r}")
    return tuple(value)
