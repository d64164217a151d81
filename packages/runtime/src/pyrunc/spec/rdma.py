"""``linux.resources.rdma``: limits by device."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import UINT32
from pyrunc.spec.section import Section


@frozen(kw_only=True, eq=False, repr=False)
class Rdma(Section):
    """Most handles and objects of one device; None is no limit."""

    hca_handles: int | None = field(default=None, metadata=UINT32)
    hca_objects: int | None = field(default=None, metadata=UINT32)
