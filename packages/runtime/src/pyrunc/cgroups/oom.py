"""Being told that a memory limit was reached: a descriptor for poll(2), whichever version counts the memory."""

from __future__ import annotations

import os
import select
from abc import ABC, abstractmethod
from typing import Self

from pyrunc.cgroups import directory
from pyrunc.cgroups.directory import parse_pairs
from pyrunc.errors import CgroupError
from pyrunc.model import define


class OomWatch(ABC):
    """A context manager that closes what it has opened. ``descriptor`` gets one of ``mask`` when there is something to ``collect``."""

    descriptor: int
    mask: int

    @abstractmethod
    def collect(self) -> bool:
        """Whether the limit was reached since the last call; the kernel also calls when the cgroup is removed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self.descriptor)


@define
class EventfdWatch(OomWatch):
    """Version 1: the kernel counts up an eventfd that was registered for memory.oom_control (cgroup-v1/memory.rst, OOM Control)."""

    place: str
    descriptor: int
    mask: int = select.POLLIN

    @classmethod
    def open(cls, place: str) -> EventfdWatch:
        """``place``: the cgroup's directory in the hierarchy of the memory controller. Raises CgroupError."""
        descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        try:
            control = os.open(f"{place}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
            try:
                directory.write(f"{place}/cgroup.event_control", f"{descriptor} {control}")
            finally:
                os.close(control)
        except OSError as error:
            os.close(descriptor)
            raise CgroupError(f"{place}/memory.oom_control", "cannot be watched", error.errno or 0) from error
        return cls(place, descriptor)

    def collect(self) -> bool:
        """See OomWatch."""
        try:
            os.eventfd_read(self.descriptor)
        except BlockingIOError:
            return False
        return os.path.exists(f"{self.place}/cgroup.event_control")


@define
class EventsFileWatch(OomWatch):
    """Version 2: memory.events is modified; poll(2) says so by POLLPRI until it is read again (cgroup-v2.rst, Memory)."""

    descriptor: int
    _seen: int
    mask: int = select.POLLPRI

    @classmethod
    def open(cls, place: str) -> EventsFileWatch:
        """``place``: the cgroup's directory. Raises CgroupError."""
        try:
            descriptor = os.open(f"{place}/memory.events", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise CgroupError(f"{place}/memory.events", "cannot be watched", error.errno or 0) from error
        return cls(descriptor, _kills(descriptor))

    def collect(self) -> bool:
        """See OomWatch."""
        before, self._seen = self._seen, _kills(self.descriptor)
        return self._seen > before


def _kills(events: int) -> int:
    """Kills, as runc counts; ``oom`` counts also what a process was refused. Nothing once the cgroup is gone (ENODEV)."""
    try:
        return parse_pairs(os.pread(events, 4096, 0).decode()).get("oom_kill", 0)
    except OSError:
        return 0
