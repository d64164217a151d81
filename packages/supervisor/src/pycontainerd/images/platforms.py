"""Platforms: what an image was made for, in words, and which of several suits best.

``os/architecture[/variant]`` in Go's words (image-spec, image-index.md, "platform"). Architectures have other names too, and later variants
run what was made for earlier ones: both are settled here, by containerd's rules (package platforms).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from attrs import frozen

from pycontainerd.errors import InvalidInput

_T = TypeVar("_T")
_WORD = re.compile(r"[A-Za-z0-9_.-]+")
_ARCHITECTURES: Final = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "i386": "386",
    "i686": "386",
    "x86": "386",
    "aarch64": "arm64",
    "armhf": "arm/v7",
    "armel": "arm/v6",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
}
_DEFAULT_VARIANT: Final = {"arm": "v7", "arm64": "v8", "amd64": "v1"}


@frozen
class Platform:
    """In normal form: ``variant`` is empty where it says nothing (``arm64/v8``, ``amd64/v1``)."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def platform_of(os: str, architecture: str, variant: str = "", os_version: str = "") -> Platform:
    """In normal form."""
    known, _, implied = _ARCHITECTURES.get(architecture.lower(), architecture.lower()).partition("/")
    found = (variant or implied).lower().removeprefix("v")
    number = f"v{found}" if found else ""
    if known in ("arm64", "amd64") and number == _DEFAULT_VARIANT[known]:
        number = ""
    if known == "arm" and not number:
        number = _DEFAULT_VARIANT[known]
    return Platform(os.lower(), known, number, os_version)


def parse_platform(text: str, here: Platform) -> Platform:
    """``os``, ``architecture``, ``os/architecture`` or ``os/architecture/variant``; what is not said is as ``here``. InvalidInput."""
    parts = text.split("/")
    if len(parts) > 3 or not all(_WORD.fullmatch(part) for part in parts):
        raise InvalidInput(f"{text!r}: not a platform: expected os/architecture or os/architecture/variant")
    if len(parts) > 1:
        return platform_of(*parts)
    if text.lower() == here.os:
        return here
    return platform_of(here.os, text)


def suiting(wanted: Platform) -> tuple[Platform, ...]:
    """The platforms whose programs run there, best first."""
    os, architecture, variant = wanted.os, wanted.architecture, wanted.variant
    if architecture == "arm64":
        return (*_down(os, "arm64", variant or "v8", 8), *_down(os, "arm", "v8", 5))
    if architecture == "arm":
        return _down(os, "arm", variant, 5)
    if architecture == "amd64":
        return (*_down(os, "amd64", variant or "v1", 1), Platform(os, "386"))
    return (wanted,)


def _down(os: str, architecture: str, variant: str, least: int) -> tuple[Platform, ...]:
    digits = variant.removeprefix("v")
    if not digits.isdigit():  # one with a point, such as v8.1: that, and what it is based on
        exact = Platform(os, architecture, variant)
        whole = digits.partition(".")[0]
        return (exact, *(_down(os, architecture, f"v{whole}", least) if whole.isdigit() else ()))
    return tuple(platform_of(os, architecture, f"v{number}") for number in range(int(digits), least - 1, -1))


def choose(offered: Iterable[tuple[Platform | None, _T]], wanted: Platform) -> _T | None:
    """What suits best of several; of equals the first. What names no platform is for all, and comes last."""
    known = list(offered)
    for suitable in suiting(wanted):
        for platform, item in known:
            if platform is not None and _same(platform, suitable):
                return item
    return next((item for platform, item in known if platform is None), None)


def _same(one: Platform, other: Platform) -> bool:
    return (one.os, one.architecture, one.variant) == (other.os, other.architecture, other.variant)


def listed(platforms: Sequence[Platform | None]) -> str:
    """For an error: what there is instead."""
    return ", ".join(sorted({str(platform) for platform in platforms if platform is not None})) or "none that is named"
