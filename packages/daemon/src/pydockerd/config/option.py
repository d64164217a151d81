"""An option: a field of the settings, with its names and how it is read. ``daemon.json`` and the flags are made of these alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import attrs
from attrs import frozen

from pydockerd.config.kinds import Kind

T = TypeVar("T")


@frozen(kw_only=True)
class Option:
    """One option. ``key`` is its name in the file, ``flag`` that of its flag, ``letter`` the short one.

    ``reloads``: a daemon takes it over on SIGHUP; the others need a new start, as with dockerd.
    """

    key: str
    flag: str
    letter: str
    kind: Kind[Any]
    reloads: bool
    meaning: str
    metavar: str

    @property
    def said(self) -> str:
        """The flag as it is typed."""
        return f"--{self.flag}"


def option(
    key: str,
    kind: Kind[Any],
    meaning: str,
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    flag: str | None = None,
    letter: str = "",
    reloads: bool = False,
    metavar: str = "",
) -> Any:
    """A field that is an option. Its flag has the key's name unless it is given; ``factory`` makes the default where that is no constant."""
    made = Option(
        key=key,
        flag=key if flag is None else flag,
        letter=letter,
        kind=kind,
        reloads=reloads,
        meaning=meaning,
        metavar=metavar,
    )
    if factory is not None:
        return attrs.field(factory=factory, metadata={"option": made})
    return attrs.field(default=default, metadata={"option": made})


def options(model: Any) -> Iterator[tuple[tuple[str, ...], Option]]:
    """The options of a class of settings and of the groups in it, each with the way to its field: ``("network", "mtu")``."""
    for attribute in attrs.fields(model):
        found = attribute.metadata.get("option")
        if found is not None:
            yield (attribute.name,), found
        elif (group := attribute.metadata.get("group")) is not None:
            yield from (((attribute.name, *path), inner) for path, inner in options(group))


def options_of(model: Callable[[], T]) -> T:
    """A field that holds options of its own, whose keys are not nested in the file."""
    made: Any = attrs.field(factory=model, metadata={"group": model})
    found: T = made
    return found
