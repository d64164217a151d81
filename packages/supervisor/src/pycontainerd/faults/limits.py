"""Faults that are limits of a cgroup: put into force, and what was in force before put back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

from attrs import frozen

import pyrunc
from pycontainerd.errors import NotRunning
from pycontainerd.faults.subject import Subject
from pyrunc import spec as oci

_PERIOD = 100_000
"""Microseconds."""


@frozen
class Limit:
    """``wanted`` is put into force; ``back`` tells from what was in force before how to undo it."""

    wanted: oci.Resources
    back: Callable[[oci.Resources], oci.Resources]
    instead: oci.Resources | None = None
    """For kernels that cannot do all of it."""


@contextlib.asynccontextmanager
async def in_force(subject: Subject, limit: Limit) -> AsyncIterator[None]:
    """Inside, the limit is the cgroup's. The container's own limits are those that are restored."""
    before = await subject.on_process(_limits)
    await subject.on_process(lambda process: _put(process, limit))
    try:
        yield
    finally:
        with contextlib.suppress(NotRunning):  # what has ended has no limits
            await subject.on_process(lambda process: process.update(limit.back(before)))


def memory(limit: int) -> Limit:
    """So many bytes, swap included where the kernel counts it."""

    def back(before: oci.Resources) -> oci.Resources:
        memory = before.memory or oci.Memory()
        return oci.Resources(memory=oci.Memory(limit=memory.limit or -1, swap=memory.swap or -1))

    return Limit(
        oci.Resources(memory=oci.Memory(limit=limit, swap=limit)),
        back,
        instead=oci.Resources(memory=oci.Memory(limit=limit)),
    )


def cpu(share: float) -> Limit:
    """So many processors."""

    def back(before: oci.Resources) -> oci.Resources:
        cpu = before.cpu or oci.Cpu()
        return oci.Resources(cpu=oci.Cpu(quota=cpu.quota or -1, period=cpu.period or _PERIOD))

    return Limit(oci.Resources(cpu=oci.Cpu(quota=int(share * _PERIOD), period=_PERIOD)), back)


def disk(device: tuple[int, int], read: int | None, write: int | None) -> Limit:
    """So many bytes a second of the block device (major, minor); 0 is no limit."""

    def throttled(reading: int | None, writing: int | None) -> oci.Resources:
        major, minor = device
        return oci.Resources(
            block_io=oci.BlockIo(
                throttle_read_bps_device=_throttle(major, minor, reading),
                throttle_write_bps_device=_throttle(major, minor, writing),
            )
        )

    return Limit(throttled(read, write), lambda _: throttled(read and 0, write and 0))


def _throttle(major: int, minor: int, rate: int | None) -> tuple[oci.ThrottleDevice, ...]:
    return () if rate is None else (oci.ThrottleDevice(major=major, minor=minor, rate=rate),)


def _limits(process: pyrunc.Container) -> oci.Resources:
    linux = process.spec().linux
    return (linux.resources if linux is not None else None) or oci.Resources()


def _put(process: pyrunc.Container, limit: Limit) -> None:
    try:
        process.update(limit.wanted)
    except pyrunc.CgroupError as error:
        if limit.instead is None or "swap" not in str(error):
            raise
        process.update(limit.instead)
