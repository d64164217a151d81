"""What is compiled: the specification and everything about the host and the caller that decides how, in one immutable value."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyrunc.compile.compiled import SlotRequest
from pyrunc.compile.root_mount import RootMount
from pyrunc.facts import Facts
from pyrunc.model import frozen
from pyrunc.spec import Linux, Process, Spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.spec import Seccomp

Assemble = Callable[["Seccomp"], bytes]
"""Turns a seccomp section into the filter program, always the same for the same section: struct sock_filter[] as bytes.

Handed in, so that compiling needs no library, and so that the caller decides where programs are cached."""


@frozen(kw_only=True, eq=False, repr=False)
class Request:
    """``cgroups`` maps each hierarchy to join (Hierarchy.name) to the container's directory in it; empty where cgroups are disabled."""

    spec: Spec
    linux: Linux
    process: Process
    facts: Facts
    id: str
    bundle: str
    cgroups: Mapping[str, str]
    assemble: Assemble
    root_mounts: tuple[RootMount, ...] = ()
    root_tree: bool = False
    no_pivot: bool = False
    no_new_keyring: bool = False
    preserve_fds: int = 0
    init: bool = False

    @property
    def in_user_namespace(self) -> bool:
        """Whether the container has a user namespace that is not the caller's."""
        return self.linux.namespace("user") is not None

    @property
    def cannot_make_devices(self) -> bool:
        """Device nodes can only be made in the first user namespace; elsewhere the host's are bound."""
        return self.in_user_namespace or self.facts.in_user_namespace

    def in_bundle(self, path: str) -> str:
        """A path of the host that may be relative to the bundle."""
        return path if path.startswith("/") else f"{self.bundle.rstrip('/')}/{path}"


class Slots:
    """The table of descriptors, filled while the operations are made. Asking twice for the same thing gives the same slot."""

    def __init__(self) -> None:
        self._requests: dict[SlotRequest, int] = {}

    def add(self, request: SlotRequest) -> int:
        """The slot where the answer to ``request`` will be."""
        return self._requests.setdefault(request, len(self._requests))

    @property
    def requests(self) -> tuple[SlotRequest, ...]:
        """All that was asked for, in slot order."""
        return tuple(self._requests)
