"""``linux.resources.blockIO``: limits on all block devices and on single ones, which are found by their nodes on the host."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from pycontainerd.containers.config import BlockLimit, Resources
from pycontainerd.errors import InvalidConfig
from pyrunc import spec as oci

DEVICE_LIMITS = ("blkio_weights", "blkio_read_bps", "blkio_write_bps", "blkio_read_iops", "blkio_write_iops")
NO_DEVICES: Mapping[str, Any] = dict.fromkeys(DEVICE_LIMITS, ())


def named(wanted: Resources) -> Iterator[tuple[str, BlockLimit]]:
    """Each limit on one device, with its place in the configuration."""
    for field in DEVICE_LIMITS:
        for index, limit in enumerate(getattr(wanted, field)):
            yield f"resources.{field}[{index}]", limit


def host_devices(wanted: Resources) -> dict[str, tuple[int, int]]:
    """Major and minor numbers by node. InvalidConfig names what is no block device of the host."""
    found = {}
    for where, limit in named(wanted):
        try:
            status = os.stat(limit.source)
        except OSError as error:
            raise InvalidConfig(f"{where}.source", f"stat {limit.source}: {error.strerror}") from error
        if not stat.S_ISBLK(status.st_mode):
            raise InvalidConfig(f"{where}.source", f"{limit.source} is not a block device")
        found[limit.source] = (os.major(status.st_rdev), os.minor(status.st_rdev))
    return found


def limits(wanted: Resources, devices: Mapping[str, tuple[int, int]]) -> oci.BlockIo | None:
    """The section, or None where nothing is limited."""

    def throttles(those: tuple[BlockLimit, ...]) -> tuple[oci.ThrottleDevice, ...]:
        return tuple(
            oci.ThrottleDevice(major=devices[one.source][0], minor=devices[one.source][1], rate=one.value)
            for one in those
        )

    made = oci.BlockIo(
        weight=wanted.blkio_weight or None,
        weight_device=tuple(
            oci.WeightDevice(major=devices[one.source][0], minor=devices[one.source][1], weight=one.value)
            for one in wanted.blkio_weights
        ),
        throttle_read_bps_device=throttles(wanted.blkio_read_bps),
        throttle_write_bps_device=throttles(wanted.blkio_write_bps),
        throttle_read_iops_device=throttles(wanted.blkio_read_iops),
        throttle_write_iops_device=throttles(wanted.blkio_write_iops),
    )
    return None if made == oci.BlockIo() else made
