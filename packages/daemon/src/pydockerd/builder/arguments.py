"""Variables of a build: what ARG declares, what the client gives, what is always there. Pure.

Source: the Dockerfile reference, "ARG": scope, predefined arguments and the platform's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import evolve, field, frozen

from pydockerd.builder.dockerfile.instructions import Arg, Dockerfile
from pydockerd.builder.dockerfile.source import Source
from pydockerd.builder.dockerfile.words import expand

PROXIES: Final = frozenset(
    variant
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for variant in (name, name.lower())
)
"""Given to each RUN without being declared, and no part of the history or of what a step is known by: they say how, and not what."""

EPOCH: Final = "SOURCE_DATE_EPOCH"
"""Seconds since 1970: no time in the image is later. See reproducible-builds.org/specs/source-date-epoch."""


def platform_arguments(build: str, target: str) -> Mapping[str, str]:
    """``linux/amd64`` or ``linux/arm/v7``, in all the forms that there are."""
    found = dict[str, str]()
    for prefix, platform in (("BUILD", build), ("TARGET", target)):
        os, _, rest = platform.partition("/")
        architecture, _, variant = rest.partition("/")
        found |= {
            f"{prefix}PLATFORM": platform,
            f"{prefix}OS": os,
            f"{prefix}ARCH": architecture,
            f"{prefix}VARIANT": variant,
        }
    return found


@frozen
class Scope:
    """Arguments where a stage has come to. ``given`` are the client's; ``outside`` those before the first FROM and the platform's, which a stage has to declare.

    ``declared`` are those of the stage that have a value, and ``names`` all that it has declared.
    """

    given: Mapping[str, str]
    outside: Mapping[str, str]
    declared: Mapping[str, str] = field(factory=dict)
    names: frozenset[str] = frozenset()

    def after(self, arg: Arg, env: Mapping[str, str], source: Source, escape: str) -> Scope:
        """With what one ARG declares; a default may use what is known by then. DockerfileError."""
        declared, names = dict(self.declared), set(self.names)
        for name, default in arg.pairs:
            names.add(name)
            if name in self.given:
                declared[name] = self.given[name]
            elif default is not None:
                declared[name] = expand(default, {**declared, **env}, source, escape)
            elif name in self.outside:
                declared[name] = self.outside[name]
        return evolve(self, declared=declared, names=frozenset(names))

    def variables(self, env: Mapping[str, str]) -> Mapping[str, str]:
        """What instructions see: ENV is stronger than ARG."""
        return {**self.declared, **env}

    def of_command(self, env: Mapping[str, str]) -> Mapping[str, str]:
        """What a RUN gets beside the image's environment, and is known by."""
        return {name: value for name, value in self.declared.items() if name not in env}

    def proxies(self, env: Mapping[str, str]) -> Mapping[str, str]:
        """What a RUN gets, and is not known by."""
        return {
            name: value
            for name, value in self.given.items()
            if name in PROXIES and name not in env and name not in self.names
        }


def outer_scope(dockerfile: Dockerfile, given: Mapping[str, str], platform: Mapping[str, str]) -> Mapping[str, str]:
    """The arguments that stand before the first FROM, and the platform's. DockerfileError."""
    scope = Scope(given, platform)
    for arg in dockerfile.arguments:
        scope = scope.after(arg, platform, dockerfile.source, dockerfile.escape)
    return {**platform, **{name: value for name, value in given.items() if name in platform}, **scope.declared}


def unused(dockerfile: Dockerfile, given: Mapping[str, str]) -> tuple[str, ...]:
    """Arguments that were given, and that no ARG declares: mostly typing mistakes."""
    declared = {name for arg in dockerfile.arguments for name, _ in arg.pairs}
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if isinstance(instruction, Arg):
                declared |= {name for name, _ in instruction.pairs}
    return tuple(sorted(set(given) - declared - PROXIES - {EPOCH}))
