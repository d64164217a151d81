"""What a container has done to its image's files: as a list, as a layer, and all of its files as a tar. All of it blocks."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Generator, Iterator, Sequence

from attrs import evolve

import pyrunc
from pycontainerd.diff.change import Change, Difference
from pycontainerd.diff.compare import changes as compared
from pycontainerd.diff.create import create
from pycontainerd.tasks.detached import detached
from pycontainerd.tasks.services import Services

_MOUNTED_OVER = (b"dev", b"proc", b"sys")
_OWN_FILES = (b"etc/hostname", b"etc/hosts", b"etc/resolv.conf")


@contextlib.contextmanager
def difference(services: Services, id: str) -> Iterator[Difference]:
    """One that can be walked. Forks have put what a container wrote into several layers: then the two sides are mounted and compared whole."""
    found = services.snapshots.difference(id)
    with contextlib.ExitStack() as mounted:
        if found.between:
            upper = _merged((found.upper, *found.between, *found.lowers), mounted)
            lowers = (_merged(found.lowers, mounted),) if found.lowers else ()
            found = evolve(found, upper=upper, between=(), lowers=lowers, marked=False)
        yield evolve(found, hidden=found.hidden | _mount_points(found.upper))


def _mount_points(upper: str) -> set[bytes]:
    """What the runtime has made to mount on is no change of the container's (dockerd keeps it in a layer of its own, the init layer)."""
    found = set(_MOUNTED_OVER)
    for name in _OWN_FILES:
        with contextlib.suppress(OSError):
            status = os.lstat(os.fsencode(upper) + b"/" + name)
            if stat.S_ISREG(status.st_mode) and not status.st_size:
                found.add(name)
    return found


def changes(services: Services, id: str) -> list[Change]:
    """Sorted by path."""
    with difference(services, id) as found:
        return compared(found)


def layer(services: Services, id: str) -> Generator[bytes, None, None]:
    """The tar of what was changed."""
    with difference(services, id) as found:
        yield from create(found)


def export(services: Services, id: str) -> Generator[bytes, None, None]:
    """The tar of all files, without what is mounted over them."""
    with detached(services.snapshots.mounts(id), read_only=True) as root:
        yield from create(Difference(upper=_path(root), marked=False))


def _merged(layers: Sequence[str], mounted: contextlib.ExitStack) -> str:
    if len(layers) == 1:
        return layers[0]
    overlay = pyrunc.RootMount("overlay", "overlay", (f"lowerdir={':'.join(layers)}",))
    return _path(mounted.enter_context(detached((overlay,), read_only=True)))


def _path(root: int) -> str:
    return f"/proc/self/fd/{root}/."
