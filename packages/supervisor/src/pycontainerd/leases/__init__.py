"""Leases: what must not be collected although no image and no container refers to it.

Two kinds. A *working* lease (``Leases``, ``Lease``) belongs to one piece of work and ends with it, or with the process. A lease of the
``LeaseManager`` is an object with an id that is kept in the metadata until somebody deletes it or it expires, as containerd's are.
"""

from __future__ import annotations

from pycontainerd.leases.working import Lease, Leases

__all__ = ["Lease", "Leases"]
