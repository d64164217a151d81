"""``linux.resources.blockIO``: weights and throttles of block devices."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import INT64, UINT16, UINT64
from pyrunc.spec.section import Section, sections


@frozen(kw_only=True, eq=False, repr=False)
class WeightDevice(Section):
    """The weight of one device, 10 to 1000."""

    major: int = field(metadata=INT64)
    minor: int = field(metadata=INT64)
    weight: int | None = field(default=None, metadata=UINT16)
    leaf_weight: int | None = field(default=None, metadata=UINT16)


@frozen(kw_only=True, eq=False, repr=False)
class ThrottleDevice(Section):
    """``rate`` in bytes or operations a second."""

    major: int = field(metadata=INT64)
    minor: int = field(metadata=INT64)
    rate: int = field(default=0, metadata={**UINT64, "always": True})


@frozen(kw_only=True, eq=False, repr=False)
class BlockIo(Section):
    """Block input and output."""

    weight: int | None = field(default=None, metadata=UINT16)
    leaf_weight: int | None = field(default=None, metadata=UINT16)
    weight_device: tuple[WeightDevice, ...] = field(default=(), metadata=sections(WeightDevice))
    throttle_read_bps_device: tuple[ThrottleDevice, ...] = field(
        default=(), metadata=sections(ThrottleDevice, "throttleReadBpsDevice")
    )
    throttle_write_bps_device: tuple[ThrottleDevice, ...] = field(
        default=(), metadata=sections(ThrottleDevice, "throttleWriteBpsDevice")
    )
    throttle_read_iops_device: tuple[ThrottleDevice, ...] = field(
        default=(), metadata=sections(ThrottleDevice, "throttleReadIOPSDevice")
    )
    throttle_write_iops_device: tuple[ThrottleDevice, ...] = field(
        default=(), metadata=sections(ThrottleDevice, "throttleWriteIOPSDevice")
    )
