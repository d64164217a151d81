"""The ``config`` object of an image, as instructions change it, and what the history says of them: docker's words. Pure.

Source: image-spec, config.md; moby's builder/dockerfile for the words of the history.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydockerd.builder.dockerfile.instructions import Command, Healthcheck
from pydockerd.errors import BadRequest

Config = Mapping[str, Any]

DEFAULT_SHELL: Final = ("/bin/sh", "-c")
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)
_LAST_PORT: Final = 65535


def environment(config: Config) -> dict[str, str]:
    """By name."""
    return dict(item.split("=", 1) for item in config.get("Env") or [] if "=" in item)


def with_env(config: Config, pairs: Iterable[tuple[str, str]]) -> Config:
    """A variable that is there already stays in its place."""
    return {**config, "Env": [f"{name}={value}" for name, value in {**environment(config), **dict(pairs)}.items()]}


def with_labels(config: Config, labels: Iterable[tuple[str, str]]) -> Config:
    """Over those that are there."""
    return {**config, "Labels": {**(config.get("Labels") or {}), **dict(labels)}}


def shell(config: Config) -> tuple[str, ...]:
    """What runs commands in shell form."""
    return tuple(config.get("Shell") or DEFAULT_SHELL)


def words(command: Command, config: Config) -> list[str]:
    """The command as it is run."""
    return list(command.words) if command.words is not None else [*shell(config), command.text]


def with_cmd(config: Config, command: Command) -> Config:
    """CMD. One that says nothing takes it away."""
    if command.words is None and not command.text:
        return {**config, "Cmd": None}
    return {**config, "Cmd": words(command, config)}


def with_entrypoint(config: Config, command: Command, *, cmd_set: bool) -> Config:
    """ENTRYPOINT: the base's CMD does not belong to it, one of this Dockerfile's own does."""
    said = words(command, config) if command.words or command.text else None
    made = {**config, "Entrypoint": said or None}
    return made if cmd_set else {**made, "Cmd": None}


def with_workdir(config: Config, path: str) -> Config:
    """WORKDIR: relative to the one before."""
    return {**config, "WorkingDir": posixpath.normpath(posixpath.join(config.get("WorkingDir") or "/", path))}


def with_volumes(config: Config, paths: Iterable[str]) -> Config:
    """VOLUME."""
    return {**config, "Volumes": {**(config.get("Volumes") or {}), **{path: {} for path in paths}}}


def ports(texts: Iterable[str]) -> tuple[str, ...]:
    """``80``, ``80/udp``, ``80-82``: each with its protocol. BadRequest."""
    found = list[str]()
    for text in texts:
        # what docker run -p takes may be written, too; only the container's end says something here
        said = _PORT.fullmatch(text.rpartition(":")[2])
        if said is None:
            raise BadRequest(f"invalid containerPort: {text}")
        first, last = int(said[1]), int(said[2] or said[1])
        if not first <= last <= _LAST_PORT:
            raise BadRequest(f"invalid range of ports: {text}")
        found += [f"{number}/{(said[3] or 'tcp').lower()}" for number in range(first, last + 1)]
    return tuple(found)


def with_ports(config: Config, found: Iterable[str]) -> Config:
    """EXPOSE."""
    return {**config, "ExposedPorts": {**(config.get("ExposedPorts") or {}), **{port: {} for port in found}}}


def with_healthcheck(config: Config, check: Healthcheck) -> Config:
    """HEALTHCHECK."""
    times = {
        "Interval": check.interval,
        "Timeout": check.timeout,
        "StartPeriod": check.start_period,
        "StartInterval": check.start_interval,
        "Retries": check.retries,
    }
    test = ["NONE"] if check.kind == "NONE" else [check.kind, *check.words]
    return {**config, "Healthcheck": {"Test": test, **{name: value for name, value in times.items() if value}}}


def with_trigger(config: Config, trigger: str) -> Config:
    """ONBUILD."""
    return {**config, "OnBuild": [*(config.get("OnBuild") or []), trigger]}


def nothing_done(config: Config, comment: str, *, blank: str = " ") -> str:
    """What the history says of an instruction that runs nothing; docker puts another ``blank`` before those that change no files."""
    return " ".join([*shell(config), f"#(nop){blank}", comment])


def ran(command: Sequence[str], arguments: Mapping[str, str]) -> str:
    """What the history says of a RUN: its arguments are counted in front of it."""
    if not arguments:
        return " ".join(command)
    told = [f"{name}={value}" for name, value in sorted(arguments.items())]
    return " ".join([f"|{len(told)}", *told, *command])


def quoted(items: Iterable[str]) -> str:
    """As Go prints a list of strings: ``["a" "b"]``."""
    return "[" + " ".join(json.dumps(item, ensure_ascii=False) for item in items) + "]"


def compact(config: Config) -> dict[str, Any]:
    """Without what is not set, in a fixed order, so that equal configurations are equal documents."""
    return {name: value for name, value in sorted(config.items()) if value not in (None, "", [], {}, ())}
