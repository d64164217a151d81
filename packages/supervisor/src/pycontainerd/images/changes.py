"""The ``changes`` of an import: Dockerfile instructions that set the configuration (ImageCreate, parameter ``changes``)."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from pycontainerd.errors import ImageError

Config = dict[str, Any]


def apply_changes(config: Config, changes: Sequence[str]) -> Config:
    """The ``config`` object with the instructions carried out. ImageError names one that is unknown or malformed."""
    result = dict(config)
    for change in changes:
        word, _, rest = change.strip().partition(" ")
        action = _ACTIONS.get(word.upper())
        if action is None:
            raise ImageError(f"changes: {change!r}: {word.upper()} is not a valid change command")
        try:
            action(result, rest.strip())
        except ValueError as error:
            raise ImageError(f"changes: {change!r}: {error}") from error
    return result


def _command(text: str) -> list[str]:
    """Exec form (a JSON list) or shell form."""
    if text.startswith("["):
        parsed = json.loads(text)
        if isinstance(parsed, list) and all(isinstance(item, str) for item in parsed):
            return parsed
    return ["/bin/sh", "-c", text]


def _pairs(text: str) -> dict[str, str]:
    words = shlex.split(text)
    if words and "=" not in words[0]:
        name, _, value = text.partition(" ")
        if not value:
            raise ValueError("expected a name and a value")
        return {name: value.strip()}
    return dict(word.split("=", 1) for word in words)


def _env(config: Config, text: str) -> None:
    known = dict(item.split("=", 1) for item in config.get("Env") or [])
    config["Env"] = [f"{name}={value}" for name, value in {**known, **_pairs(text)}.items()]


def _label(config: Config, text: str) -> None:
    config["Labels"] = {**(config.get("Labels") or {}), **_pairs(text)}


def _names_in(text: str) -> list[str]:
    names = json.loads(text) if text.startswith("[") else text.split()
    if not all(isinstance(name, str) for name in names):
        raise ValueError("expected a list of strings")
    return list(names)


def _names(field: str, suffix: str = "") -> Callable[[Config, str], None]:
    def action(config: Config, text: str) -> None:
        names = _names_in(text)
        marked: Config = {name if "/" in name or not suffix else name + suffix: {} for name in names}
        config[field] = {**(config.get(field) or {}), **marked}

    return action


def _text(field: str) -> Callable[[Config, str], None]:
    def action(config: Config, text: str) -> None:
        config[field] = text

    return action


def _program(field: str) -> Callable[[Config, str], None]:
    def action(config: Config, text: str) -> None:
        config[field] = _command(text)

    return action


_ACTIONS: dict[str, Callable[[Config, str], None]] = {
    "CMD": _program("Cmd"),
    "ENTRYPOINT": _program("Entrypoint"),
    "ENV": _env,
    "EXPOSE": _names("ExposedPorts", "/tcp"),
    "LABEL": _label,
    "STOPSIGNAL": _text("StopSignal"),
    "USER": _text("User"),
    "VOLUME": _names("Volumes"),
    "WORKDIR": _text("WorkingDir"),
}
