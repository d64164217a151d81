"""What a checkpoint takes from outside the container: bind mounts and open files, found in /proc, and kept beside criu's images.

criu saves a mount or a file only if it can make it again from inside the container. The others it must be told of by name when it
dumps, and be given by that name when it restores.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress

from pyrunc.errors import StateError
from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

FILE = "pyrunc.json"
"""In the images' directory."""
DESCRIPTORS = "descriptors.json"
"""runc's file for the same three names."""

_MADE_ANEW = frozenset(
    {"proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup2", "binfmt_misc", "securityfs", "tracefs"}
)
"""File systems that criu mounts again from nothing, if the whole of them is mounted."""


@frozen
class Outside:
    """``mounts``: mount points in the container, each with its source. ``files``: criu's names of the standard descriptors, if from outside;
    empty where there is nothing to give."""

    mounts: Mapping[str, str]
    files: tuple[str, ...]

    def dump_arguments(self) -> Iterator[str]:
        """For ``criu dump``. A mount's name is its mount point."""
        for point in self.mounts:
            yield from ("--external", f"mnt[{point}]:{point}")
        for name in dict.fromkeys(self.files):
            if name.startswith("file["):
                yield from ("--external", name)

    def restore_arguments(self, sources: Mapping[str, str], descriptors: Sequence[int]) -> Iterator[str]:
        """For ``criu restore``: the mounts from ``sources``, or from where they were; the files are ``descriptors``."""
        for point, source in self.mounts.items():
            yield from ("--external", f"mnt[{point}]:{sources.get(point, source)}")
        given = {name: descriptor for name, descriptor in zip(self.files, descriptors, strict=False) if name}
        for name, descriptor in given.items():
            yield from ("--inherit-fd", f"fd[{descriptor}]:{name}")

    def save(self, directory: str) -> None:
        """Raises OSError."""
        document = {"version": 1, "mounts": dict(self.mounts), "files": list(self.files)}
        for name, content in ((FILE, document), (DESCRIPTORS, list(self.files))):
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                json.dump(content, file)

    @classmethod
    def load(cls, directory: str) -> Outside:
        """Raises StateError, also for images that another runtime has made."""
        path = os.path.join(directory, FILE)
        try:
            with open(path, encoding="utf-8") as file:
                document: Any = json.load(file)
            mounts = {str(point): str(source) for point, source in document["mounts"].items()}
            return cls(mounts, tuple(map(str, document["files"])))
        except FileNotFoundError:
            raise StateError(path, "is missing: these are not the images of a checkpoint by pyrunc") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError(path, f"is damaged ({error!r})") from error


def outside(pid: int, sources: Mapping[str, str]) -> Outside:
    """What process ``pid`` has from outside; ``sources`` are those of its bind mounts by mount point. Raises OSError."""
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    found = {point: sources.get(point, _device(pid, point)) for point in outside_mounts(text)}
    identities = {line.split(" ", 1)[0] for line in text.splitlines()}
    return Outside(found, tuple(_file(pid, descriptor, identities) for descriptor in range(3)))


def outside_mounts(mountinfo: str) -> list[str]:
    """Mount points (proc_pid_mountinfo(5)) of what is no whole file system of the container, nor a part of one, nor of its root."""
    mounts = [_parsed(line) for line in mountinfo.splitlines()]
    own = {device for device, root, _, kind in mounts if kind in _MADE_ANEW and (root == "/" or kind == "cgroup2")}
    top = next(((device, root) for device, root, point, _ in mounts if point == "/"), ("", ""))
    below = top[1].rstrip("/") + "/"
    return [
        point
        for device, root, point, _ in mounts
        if point != "/" and device not in own and not (device == top[0] and root.startswith(below))
    ]


def _parsed(line: str) -> tuple[str, str, str, str]:
    """Device, root of the mount in it, mount point, type of file system."""
    fields, _, rest = line.partition(" - ")
    _, _, device, root, point = fields.split(" ")[:5]
    return device, root, _unescaped(point), rest.split(" ", 1)[0]


def _unescaped(path: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(code, character)
    return path


def _device(pid: int, point: str) -> str:
    """Masked files are the null device; of other mounts nobody has said where they come from, and restore must be told."""
    with suppress(OSError):
        if os.stat(f"/proc/{pid}/root{point}").st_rdev == os.stat(os.devnull).st_rdev:
            return os.devnull
    return point


def _file(pid: int, descriptor: int, identities: set[str]) -> str:
    """criu's name of an open file that is not in the container's mounts, or is a pipe; empty for others."""
    try:
        target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
        if target.startswith("pipe:["):
            return target
        with open(f"/proc/{pid}/fdinfo/{descriptor}", encoding="ascii") as file:
            info = dict(line.split(":", 1) for line in file.read().splitlines() if ":" in line)
        identity = info["mnt_id"].strip()
        if not target.startswith("/") or identity in identities:
            return ""
        return f"file[{int(identity):x}:{os.stat(f'/proc/{pid}/fd/{descriptor}').st_ino:x}]"
    except (OSError, KeyError):
        return ""
