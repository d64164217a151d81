"""Cgroup directories: made with their parents, and removed with those parents that nobody else uses.

Several containers share parents (``/pyrunc``), and their makers and removers are different processes without a common lock. So a
parent may vanish between being seen and being used, and making retries; and a parent is only ever removed by rmdir(2), which the
kernel refuses while anything is in it.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from errno import EBUSY, EEXIST, ENODEV, ENOENT, ENOTEMPTY

from pyrunc.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MARKED = 0o1755
"""The mode of the directories that pyrunc makes on the way to a container's: those may be removed, others' may not.

mkdir(2) sets the sticky bit in the same step, so that no maker can be killed between making and marking; and it may be set by
anybody, in every cgroup file system. It keeps nobody from anything: who may write to the directory is its owner.
"""

_ATTEMPTS = 100
_FIRST_PAUSE = 0.000_05
_LONGEST_PAUSE = 0.005


def make(mountpoint: str, path: str, prepare: Callable[[str], None] | None = None, *, in_use: bool = False) -> str:
    """Make ``mountpoint + path`` and missing parents; each new parent is marked and given to ``prepare``. Returns the directory.

    Raises CgroupError if the directory exists and has processes in it, unless it may be ``in_use``: two containers in one cgroup would
    share limits, and be killed together.
    """
    directory = mountpoint + path
    for _ in range(_ATTEMPTS):
        try:
            os.mkdir(directory, 0o755)
        except FileNotFoundError:
            _make_parents(mountpoint, path, prepare)
        except FileExistsError:
            if in_use or _is_empty(directory):
                return directory
            raise CgroupError(directory, "this cgroup exists and has processes in it", EEXIST) from None
        except OSError as error:
            raise CgroupError(directory, "the cgroup could not be made", error.errno or 0) from error
        else:
            return directory
    raise CgroupError(directory, "its parent was removed again and again while it was being made", ENOENT)


def _is_empty(directory: str) -> bool:
    """Runtimes may be given a cgroup that their caller made (systemd, tests of limits); only one in use is refused, as runc does."""
    return not any(True for _ in processes(directory))


def _make_parents(mountpoint: str, path: str, prepare: Callable[[str], None] | None) -> None:
    """Make what is missing between the mount point and the last name of ``path``. One that a concurrent remover takes is left to the retry."""
    parent = mountpoint
    for name in path.strip("/").split("/")[:-1]:
        parent = f"{parent}/{name}"
        with suppress(FileNotFoundError):
            try:
                os.mkdir(parent, _MARKED)
            except FileExistsError:
                continue
            except FileNotFoundError:
                raise
            except OSError as error:
                raise CgroupError(parent, "the cgroup could not be made", error.errno or 0) from error
            if prepare is not None:
                prepare(parent)


def remove(mountpoint: str, path: str, patience: float) -> None:
    """Remove ``mountpoint + path`` with all cgroups below it, then the marked parents that are empty.

    A process that has been killed leaves its cgroup only when it is reaped or has run its exit path, so EBUSY is waited out for at most
    ``patience`` seconds. Raises CgroupError after that. A directory that is gone already is no error.
    """
    directory = mountpoint + path
    if path.strip("/"):
        _remove_tree(directory, time.monotonic() + patience)
        _remove_parents(mountpoint, path)


def _remove_tree(directory: str, deadline: float) -> None:
    pause = _FIRST_PAUSE
    while True:
        try:
            os.rmdir(directory)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (EBUSY, ENOTEMPTY) or time.monotonic() > deadline:
                raise CgroupError(directory, "the cgroup could not be removed", error.errno or 0) from error
        else:
            return
        for child in children(directory):
            _remove_tree(child, deadline)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _remove_parents(mountpoint: str, path: str) -> None:
    names = path.strip("/").split("/")[:-1]
    while names:
        parent = "/".join([mountpoint, *names])
        try:
            if not os.stat(parent).st_mode & stat.S_ISVTX:
                return
            os.rmdir(parent)
        except FileNotFoundError:
            pass  # its maker was killed before it came to this one
        except OSError:
            return
        names.pop()


def children(directory: str) -> list[str]:
    """The cgroups right below ``directory``; none if it is gone."""
    try:
        with os.scandir(directory) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def processes(directory: str) -> Iterator[int]:
    """The processes in the cgroup and in all below it, as pids of the caller's namespace; those of other namespaces (0) are left out."""
    try:
        with open(f"{directory}/cgroup.procs", "rb") as file:
            pids = file.read().split()
    except OSError as error:
        if error.errno not in (ENOENT, ENODEV):  # removed before, or while it was read
            raise
        return
    yield from (int(pid) for pid in pids if pid != b"0")
    for child in children(directory):
        yield from processes(child)


def page_sizes(directory: str) -> list[str]:
    """``2MB`` …: the sizes of huge pages that the cgroup counts; none where it has no such controller, or is gone."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted({name.split(".")[1] for name in names if name.startswith("hugetlb.")})


def read(path: str) -> str:
    """The text of one cgroup file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
    finally:
        os.close(descriptor)
    return b"".join(parts).decode()


def write(path: str, *values: str) -> None:
    """Write each of ``values`` by one write(2): the kernel takes what it gets in one call as the whole value."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for value in values:
            os.pwrite(descriptor, value.encode(), 0)
    finally:
        os.close(descriptor)


def parse_pairs(text: str) -> dict[str, int]:
    """Lines of ``name value``; others are left out."""
    pairs = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if value.lstrip("-").isdigit():
            pairs[name] = int(value)
    return pairs
