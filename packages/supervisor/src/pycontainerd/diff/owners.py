"""Owners of files on both sides of a user namespace: what a process in it sees, and what a process of the machine does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

NOBODY = 65534
"""What the kernel shows for an id that has no number here (user_namespaces(7), /proc/sys/kernel/overflowuid)."""


class IdRange(Protocol):
    """``size`` ids from ``container_id`` inside are those from ``host_id`` outside."""

    @property
    def container_id(self) -> int: ...
    @property
    def host_id(self) -> int: ...
    @property
    def size(self) -> int: ...


@frozen
class Owners:
    """The maps of one user namespace. Without ranges nothing is translated."""

    uids: Sequence[IdRange] = ()
    gids: Sequence[IdRange] = ()

    def inside(self, uid: int, gid: int) -> tuple[int, int]:
        """How those in the namespace see an owner of the machine: NOBODY for who is not mapped."""
        return _inside(self.uids, uid), _inside(self.gids, gid)

    def outside(self, uid: int, gid: int) -> tuple[int, int]:
        """Who that is on the machine. ValueError for who is not mapped: such an owner cannot be given."""
        return _outside(self.uids, uid), _outside(self.gids, gid)


AS_THEY_ARE = Owners()


def _inside(ranges: Sequence[IdRange], number: int) -> int:
    for one in ranges:
        if one.host_id <= number < one.host_id + one.size:
            return one.container_id + number - one.host_id
    return NOBODY if ranges else number


def _outside(ranges: Sequence[IdRange], number: int) -> int:
    for one in ranges:
        if one.container_id <= number < one.container_id + one.size:
            return one.host_id + number - one.container_id
    if ranges:
        raise ValueError(f"its owner {number} has no number in the container's user namespace")
    return number
