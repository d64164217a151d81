"""RootMount: one of the mounts that together make a container's root file system."""

from __future__ import annotations

from pyrunc.model import frozen


@frozen
class RootMount:
    """A mount on the root path, made inside the container's private mount namespace, before the root is opened.

    ``options`` are mount(8) option words and file system parameters (``lowerdir=/a:/b``); type ``bind`` takes ``rbind``.
    Nothing of it appears on the host, and nothing is left when the container dies.
    """

    fstype: str
    source: str
    options: tuple[str, ...] = ()
