"""Clearing up after an ephemeral supervisor: what it ran, what it mounted, what it wrote. Imports nothing that is slow to import."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from signal import SIGKILL

import pyrunc
from pycontainerd import tree
from pyrunc.cgroups import cgroup_for
from pyrunc.facts import Facts

_libc = ctypes.CDLL(None, use_errno=True)
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8


def clear(entry: Path, token: str) -> list[str]:
    """Do what the entry says and remove it. Returns what could not be done, one text each; the entry stays then, for the next to try.

    Safe to call by several at once, and again: who comes second waits, and finds nothing to do, or the entry of a later supervisor in the same
    directories. That has another ``token``, and is left alone.
    """
    with _alone(entry) as text:
        if text is None:
            return []
        said = json.loads(text)
        if said["token"] != token:
            return []
        failures = [*_end_containers(said["runtime_root"]), *_end_cgroup(said["cgroup"], said["cgroup_parents"])]
        directories = [(Path(path), bool(keep)) for path, keep in said["directories"]]
        for directory, keep in directories:
            failures += _delete(directory, keep=keep)
        if not failures:
            entry.unlink()
        return failures


@contextlib.contextmanager
def _alone(entry: Path) -> Iterator[str | None]:
    """The entry's text, under its lock; None when somebody has cleared up already."""
    try:
        file = entry.open("r", encoding="utf-8")
    except FileNotFoundError:
        yield None
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.read() if os.fstat(file.fileno()).st_nlink else None


def _end_containers(root: str) -> Iterator[str]:
    """Kill all, with their monitors and cgroups. No new one can come: only the program that has ended made any."""
    if not os.path.isdir(root):
        return
    runtime = pyrunc.Runtime(root)
    for name in runtime.ids():
        try:
            with contextlib.suppress(pyrunc.ContainerNotFound):
                runtime.delete(name, force=True)
        except (pyrunc.PyruncError, OSError) as error:
            yield f"container {name}: {error}"


def missing_parents(path: str) -> list[str]:
    """Those cgroups above ``path`` that no hierarchy has, the innermost first."""
    above = [str(parent) for parent in PurePosixPath(path).parents][:-1]
    points = [hierarchy.mountpoint for hierarchy in Facts.probe().hierarchies]
    return [parent for parent in above if not any(os.path.exists(point + parent) for point in points)]


def _end_cgroup(path: str, parents: list[str]) -> Iterator[str]:
    """What is left in the cgroup of the containers: of one whose record is lost, or whose making or deletion was interrupted.

    ``parents`` were made for it. Who else is in them by now keeps them, because the kernel does not remove what is not empty.
    """
    try:
        cgroup = cgroup_for(path, Facts.probe().hierarchies)
        cgroup.kill(SIGKILL)
        cgroup.remove()
    except (pyrunc.PyruncError, OSError) as error:
        yield f"cgroup {path}: {error}"
    for parent in parents:
        for hierarchy in Facts.probe().hierarchies:
            with contextlib.suppress(OSError):
                os.rmdir(hierarchy.mountpoint + parent)


def _delete(directory: Path, *, keep: bool) -> Iterator[str]:
    """``keep``: it was there before, and is only emptied."""
    try:
        for point in _mounts_below(directory):
            if _libc.umount2(os.fsencode(point), _MNT_DETACH | _UMOUNT_NOFOLLOW) < 0:
                yield f"{point}: {os.strerror(ctypes.get_errno())}"
                return  # never delete what may lie on somebody else's file system
        with contextlib.suppress(FileNotFoundError):
            tree.empty(directory) if keep else tree.remove(directory)
    except OSError as error:
        yield f"{directory}: {error}"


def _mounts_below(directory: Path) -> list[str]:
    """Mount points in the directory, the last mounted first (proc_pid_mountinfo(5) escapes blanks and backslashes)."""
    prefix = os.path.realpath(directory) + "/"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        points = [_unescaped(line.split(" ", 5)[4]) for line in lines]
    return [point for point in reversed(points) if point.startswith(prefix)]


def _unescaped(text: str) -> str:
    for code in ("040", "011", "012", "134"):
        text = text.replace(f"\\{code}", chr(int(code, 8)))
    return text
