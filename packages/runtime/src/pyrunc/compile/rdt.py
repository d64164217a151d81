"""linux.intelRdt: the group of resctrl that the container process is put into."""

from __future__ import annotations

from collections.abc import Iterator

from pyrunc import plan as op
from pyrunc.compile.compiled import RdtGroup
from pyrunc.compile.request import Request
from pyrunc.errors import Unsupported
from pyrunc.plan import Operation
from pyrunc.spec import Linux

RDT = "intelRdt"
"""The point at which the container process waits to be put into its group."""


def enter_group(request: Request) -> Iterator[Operation]:
    """Stop for the caller, who writes to the file system: it is not to be had inside."""
    if request.linux.intel_rdt is not None:
        yield op.Sync(path="linux.intelRdt", point=RDT)


def rdt_group(linux: Linux, mountpoint: str, id: str) -> RdtGroup | None:
    """The group of ``linux`` for the container ``id``. Raises Unsupported where no resctrl is mounted."""
    rdt = linux.intel_rdt
    if rdt is None:
        return None
    if not mountpoint:
        raise Unsupported(
            "linux.intelRdt",
            "no resctrl file system is mounted here (mount -t resctrl resctrl /sys/fs/resctrl, where the processor and kernel have it)",
        )
    name = rdt.clos_id or id
    monitored = rdt.enable_monitoring or rdt.enable_cmt or rdt.enable_mbm
    return RdtGroup(
        directory=mountpoint if name == "/" else f"{mountpoint}/{name}",
        schemata=(*_older_lines(rdt.l3_cache_schema, rdt.mem_bw_schema), *rdt.schemata),
        own=not rdt.clos_id,
        monitored_as=id if monitored else "",
    )


def _older_lines(cache: str, bandwidth: str) -> tuple[str, ...]:
    """``l3CacheSchema`` and ``memBwSchema``; lines about bandwidth in the first give way to the second."""
    lines = [line for line in cache.splitlines() if line]
    if bandwidth:
        lines = [*(line for line in lines if not line.startswith("MB:")), bandwidth]
    return tuple(lines)
