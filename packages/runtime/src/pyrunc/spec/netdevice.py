"""``linux.netDevices``: network devices of the host that are moved into the container."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import STRING
from pyrunc.spec.section import Section


@frozen(kw_only=True, eq=False, repr=False)
class NetDevice(Section):
    """``name`` is what the device is called inside; empty keeps its name."""

    name: str = field(default="", metadata=STRING)
