"""What a container may ask about the others: a protocol, because the collection of them knows this module and not the other way round."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.record import ContainerRecord

_Container_co = TypeVar("_Container_co", covariant=True)


class Neighbours(Protocol[_Container_co]):
    """The supervisor's containers, seen from one of them."""

    async def fork(
        self,
        source: ContainerRecord,
        config: ContainerConfig,
        copy: Callable[[str], Awaitable[None]],
        *,
        id: str | None,
        name: str | None,
    ) -> _Container_co:
        """A new container, of the image of ``source``; ``copy`` makes the file system for its id."""
        ...

    def record_of(self, reference: str) -> ContainerRecord:
        """By id, name or unique id prefix. ContainerNotFound, AmbiguousId."""
        ...

    def take_name(self, id: str, name: str) -> str:
        """Let the container ``id`` have ``name`` and return its plain form. InvalidName, NameInUse."""
        ...

    def free_name(self, id: str, name: str | None) -> None:
        """The container ``id`` has ``name`` no longer."""
        ...

    def forget(self, id: str) -> None:
        """It was removed."""
        ...
