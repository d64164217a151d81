"""Flags and file together: one Settings, or what is wrong with them.

What is said nowhere has its default; what is said in both is refused, as dockerd does, because nobody could tell which counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from pydockerd.config import file
from pydockerd.config.flags import Said
from pydockerd.config.kinds import Nothing
from pydockerd.config.option import Option, options
from pydockerd.config.refused import REFUSED
from pydockerd.config.settings import DEFAULT_EXEC_ROOT, ContainerDefaults, NetworkSettings, Settings, TlsSettings
from pydockerd.errors import ConfigError


def load(said: Said) -> Settings:
    """The settings of the command line and of the file it names. ConfigError, with dockerd's words where it has some."""
    for name, texts in said.refused.items():
        Nothing(REFUSED[name]).from_flag(texts, f"--{name}")
    flags = {
        option.key: option.kind.from_flag(said.texts[option.key], option.said)
        for _, option in options(Settings)
        if option.key in said.texts
    }
    try:
        values = _of_file(said, flags)
    except ConfigError as error:
        raise ConfigError(f"unable to configure the Docker daemon with file {said.file}: {error}") from None
    settings = _built({**values, **flags})
    _check(settings)
    return settings


def changed(old: Settings, new: Settings) -> tuple[Settings, list[str]]:
    """What a running daemon can take over of new settings, and the keys of those that have changed and need a new start."""
    result, later = old, []
    for path, option in options(Settings):
        value = _get(new, path)
        if value == _get(old, path):
            continue
        if option.reloads:
            result = _replaced(result, path, value)
        else:
            later.append(option.key)
    return result, later


def _of_file(said: Said, flags: Mapping[str, Any]) -> dict[str, Any]:
    read = file.read(said.file, must_exist=said.file_is_named)
    known = {option.key: option for _, option in options(Settings)}
    values = {key: known[key].kind.from_json(value, key) for key, value in read.items()}
    if both := [known[key] for key in known if key in values and key in flags]:
        told = ", ".join(_conflict(option, said, read[option.key]) for option in both)
        raise ConfigError(
            f"the following directives are specified both as a flag and in the configuration file: {told}"
        )
    return values


def _conflict(option: Option, said: Said, value: Any) -> str:
    texts = said.texts[option.key]
    flag = f"[{' '.join(texts)}]" if option.kind.repeats else texts[-1]
    return f"{option.key}: (from flag: {flag}, from file: {_shown(value)})"


def _shown(value: Any) -> str:
    """As Go prints it."""
    if isinstance(value, list):
        return f"[{' '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_shown(item)}' for key, item in value.items())}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _built(values: Mapping[str, Any]) -> Settings:
    made: dict[tuple[str, ...], dict[str, Any]] = {}
    for path, option in options(Settings):
        value = values.get(option.key)
        if value is not None:  # an empty path or address is the default
            made.setdefault(path[:-1], {})[path[-1]] = value
    if "exec-root" in values and "pidfile" not in values and values["exec-root"] != DEFAULT_EXEC_ROOT:
        made.setdefault((), {})["pidfile"] = Path(values["exec-root"]) / "pydockerd.pid"
    own = made.get((), {})
    return Settings(
        **own,
        tls=TlsSettings(**made.get(("tls",), {})),
        defaults=ContainerDefaults(**made.get(("defaults",), {})),
        network=NetworkSettings(**made.get(("network",), {})),
    )


def _check(settings: Settings) -> None:
    """What single options cannot say of each other."""
    found: dict[str, str] = {}
    for label in settings.labels:
        key, _, value = label.partition("=")
        if found.setdefault(key, value) != value:
            raise ConfigError(f"conflict labels for {key}={found[key]} and {label}")
    network = settings.network
    if network.bridge and network.bip is not None:
        raise ConfigError("You specified -b & --bip, mutually exclusive options. Please specify only one")
    if not network.iptables and not network.icc:
        raise ConfigError(
            "You specified --iptables=false with --icc=false. ICC=false uses iptables to function. Please set --icc or --iptables to true"
        )


def _get(settings: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        settings = getattr(settings, name)
    return settings


def _replaced(settings: Any, path: tuple[str, ...], value: Any) -> Any:
    name, *rest = path
    inner = _replaced(getattr(settings, name), tuple(rest), value) if rest else value
    return attrs.evolve(settings, **{name: inner})
