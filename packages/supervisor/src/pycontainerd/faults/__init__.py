"""Faults on demand: what can happen to a container, made to happen, and undone.

Each is an asynchronous context manager of `Faults`, which is ``Container.faults``; leaving the context undoes it, also when the container has ended
meanwhile. Faults are in the kernel and not in the metadata: one that is in force when the host program is killed stays until the container is
started again (an ephemeral supervisor's container is gone then).
"""

from __future__ import annotations

from pycontainerd.faults.faults import Faults
from pycontainerd.faults.killing import Killing

__all__ = ["Faults", "Killing"]
