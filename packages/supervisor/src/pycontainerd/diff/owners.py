"""Owners of files on both sides of a user namespace: what a process in it sees, and what a process of the machine does."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

_libc = ctypes.CDLL(None, use_errno=True)
_GET_SECUREBITS, _SET_SECUREBITS, _NO_SETUID_FIXUP = 27, 28, 4
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


def act_as(uid: int, gid: int) -> None:
    """Let this thread be somebody else for file systems (setfsuid(2)) with all capabilities kept, until it ends: no other one is changed.

    Root of the machine has no number on a mount that maps owners, so whatever he makes there is refused (EOVERFLOW).
    """
    bits = _checked(_libc.prctl(_GET_SECUREBITS, 0, 0, 0, 0))
    _checked(_libc.prctl(_SET_SECUREBITS, bits | _NO_SETUID_FIXUP, 0, 0, 0))
    _libc.setfsgid(ctypes.c_uint(gid))
    _libc.setfsuid(ctypes.c_uint(uid))


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


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
