"""What a container may ask about the others: a protocol, because the collection of them knows this module and not the other way round."""

from __future__ import annotations

from typing import Protocol

from pycontainerd.containers.record import ContainerRecord


class Neighbours(Protocol):
    """The supervisor's containers, seen from one of them."""

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
