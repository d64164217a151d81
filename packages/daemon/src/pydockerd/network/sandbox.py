"""What is connected: a network namespace and what belongs to it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from attrs import frozen

from pydockerd.network.model import Attachment, Endpoint
from pydockerd.network.ports import Wish


@frozen(kw_only=True)
class Resolving:
    """How names are looked up in a sandbox: what somebody has said instead of what the machine's resolv.conf says. ``file`` is the sandbox's own."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    file: Path | None = None


@frozen(kw_only=True)
class Sandbox:
    """``netns`` is the path of its network namespace, empty while it does not run. ``names`` are those that others call it by, ``label`` is the one
    for messages and events. ``hosts`` is its /etc/hosts, if that is to have its addresses; the names in it are ``hostnames``."""

    id: str
    netns: str
    label: str
    names: tuple[str, ...] = ()
    hosts: Path | None = None
    hostnames: str = ""
    wishes: tuple[Attachment, ...] = ()
    ports: tuple[Wish, ...] = ()
    resolving: Resolving | None = None


class Observer(Protocol):
    """Who has to do something for connected sandboxes, as a name server does. It is awaited, in the order of what happens."""

    async def attached(self, sandbox: Sandbox, endpoints: tuple[Endpoint, ...]) -> None:
        """Its endpoints are there, all of them, and its process has perhaps not begun. Again whenever there are others. What it raises fails the start."""
        ...

    async def detached(self, sandbox: str) -> None:
        """It has no endpoint any more."""
        ...
