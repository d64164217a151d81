"""Trees of every kind of file: drawn by hypothesis, made on disk, and told as a value that can be compared."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from hypothesis import strategies as st

NAMES = st.sampled_from(
    [
        b"a",
        b"b",
        b"c",
        b"d",
        b" ",
        b"\n",
        b"-rf",
        b"\xff\xfe",
        "ü".encode(),
        b"*",
        b"a=b",
        b"x" * 120,
        b"\\",
        b":",
        b".hid",
    ]
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)
# Whole seconds, which are read to be compared, and all that the file system can store.
TIMES = st.one_of(
    st.integers(-(2**31) * 10**9, (2**33) * 10**9), st.integers(1, 2**31).map(lambda seconds: seconds * 10**9)
)
MODES = st.sampled_from([0o644, 0o755, 0o600, 0, 0o4755, 0o2755, 0o1777, 0o777, 0o2070])
OWNERS = st.sampled_from([(0, 0), (0, 0), (0, 0), (1, 2), (0, 5), (3_000_000, 4_000_000_000)])


def acl(kind: int) -> bytes:
    """Of linux/posix_acl_xattr.h, version 2: user::rwx, user:1000:r-x, group::r--, mask::rwx, other::---."""
    entries = [(1, 7, 2**32 - 1), (2, 5, 1000 + kind), (4, 4, 2**32 - 1), (16, 7, 2**32 - 1), (32, 0, 2**32 - 1)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


XATTRS = st.dictionaries(
    st.sampled_from(["user.a", "trusted.b", "user.ü x"]), st.binary(max_size=12) | st.just(b"\n=\0\n"), max_size=2
)
CAPABILITIES = {"security.capability": struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)}
ACLS = {"system.posix_acl_access": acl(0)}
DEFAULTS = {"system.posix_acl_default": acl(1)}


@frozen
class Node:
    """A file to make at a path; ``kind`` says what ``content`` is."""

    path: bytes
    kind: str
    content: Any
    mode: int
    owner: tuple[int, int]
    mtime_ns: int
    xattrs: Mapping[str, bytes]


def _sparse() -> st.SearchStrategy[tuple[int, Sequence[tuple[int, bytes]]]]:
    segments = st.lists(st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=20)), max_size=6)
    return st.tuples(st.integers(0, 2_000_000), segments)


KINDS: Mapping[str, st.SearchStrategy[Any]] = {
    "file": st.binary(max_size=2000) | st.integers(0, 3).map(lambda n: bytes(range(256)) * (n * 2048 + 1)),
    "sparse": _sparse(),
    "directory": st.none(),
    "symlink": st.sampled_from([b"a", b"/etc/passwd", b"../../..", b"y" * 200, b"\xff"]),
    "link": PATHS,
    "device": st.sampled_from([(stat.S_IFCHR, 1, 3), (stat.S_IFBLK, 7, 0), (stat.S_IFCHR, 4095, 1_000_000)]),
    "fifo": st.none(),
}


@st.composite
def nodes(draw: st.DrawFn) -> Node:
    kind = draw(st.sampled_from(["file", "directory", "link", *KINDS]))
    xattrs: dict[str, bytes] = {}
    if kind in {"file", "sparse", "directory"}:
        xattrs = draw(XATTRS)
        extra = [{}, {}, ACLS, CAPABILITIES if kind != "directory" else DEFAULTS]
        xattrs |= draw(st.sampled_from(extra))
    return Node(draw(PATHS), kind, draw(KINDS[kind]), draw(MODES), draw(OWNERS), draw(TIMES), xattrs)


TREES = st.lists(nodes(), max_size=14)


def build(root: str, tree: Sequence[Node], *, replace: bool = False) -> None:
    """Make the nodes below ``root``, as far as they go together; with ``replace`` over what is there."""
    directories: dict[bytes, int] = {}
    for node in tree:
        path = os.fsencode(root) + b"/" + node.path
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if replace and node.kind != "directory" and os.path.lexists(path) and not is_directory(path):
                os.unlink(path)
            _make(os.fsencode(root), path, node)
        except (FileExistsError, NotADirectoryError, FileNotFoundError, IsADirectoryError, PermissionError):
            continue
        except OSError as error:
            if error.errno == errno.ELOOP:  # a link to itself is above it
                continue
            raise
        if node.kind != "link":
            _dress(path, node)
        if node.kind == "directory":
            directories[path] = node.mtime_ns
    for path, mtime in directories.items():
        if is_directory(path):
            os.utime(path, ns=(mtime, mtime))


def is_directory(path: bytes) -> bool:
    return stat.S_ISDIR(os.lstat(path).st_mode)


def _make(root: bytes, path: bytes, node: Node) -> None:
    if node.kind == "file":
        with open(path, "xb") as file:
            file.write(node.content)
    elif node.kind == "sparse":
        length, segments = node.content
        with open(path, "xb") as file:
            for number, data in segments:
                file.seek(number * 65536)
                file.write(data)
            file.truncate(max(length, file.tell()))
    elif node.kind == "link":
        os.link(root + b"/" + node.content, path, follow_symlinks=False)
    else:
        makers: Mapping[str, Callable[[], None]] = {
            "directory": lambda: os.mkdir(path),
            "symlink": lambda: os.symlink(node.content, path),
            "fifo": lambda: os.mkfifo(path),
            "device": lambda: os.mknod(path, node.content[0] | 0o600, os.makedev(*node.content[1:])),
        }
        makers[node.kind]()


def _dress(path: bytes, node: Node) -> None:
    os.chown(path, *node.owner, follow_symlinks=False)
    if node.kind != "symlink":
        os.chmod(path, node.mode)
        for key, value in node.xattrs.items():
            os.setxattr(path, key, value)
    os.utime(path, ns=(node.mtime_ns, node.mtime_ns), follow_symlinks=False)


def told(root: str | Path, *, holes: bool = True) -> dict[bytes, tuple[object, ...]]:
    """Everything that a layer keeps of a tree, by path. Hard links name the first of them; ``holes`` are part of a file."""
    found: dict[bytes, tuple[object, ...]] = {}
    first: dict[int, bytes] = {}
    pending = [b""]
    top = os.fsencode(root)
    while pending:
        here = pending.pop()
        for name in sorted(os.listdir(top + b"/" + here)):
            path = here + b"/" + name if here else name
            status = os.lstat(top + b"/" + path)
            found[path] = _one(top + b"/" + path, status, holes)
            if stat.S_ISDIR(status.st_mode):
                pending.append(path)
    for path in sorted(found):
        status = os.lstat(top + b"/" + path)
        if stat.S_ISREG(status.st_mode):
            found[path] = (*found[path], first.setdefault(status.st_ino, path))
    return found


def _one(path: bytes, status: os.stat_result, holes: bool) -> tuple[object, ...]:
    xattrs = {
        name: os.getxattr(path, name, follow_symlinks=False)
        for name in os.listxattr(path, follow_symlinks=False)
        if not name.startswith(("trusted.overlay.", "security.selinux"))
    }
    kind = stat.S_IFMT(status.st_mode)
    content: object = None
    if stat.S_ISREG(status.st_mode):
        content = (Path(os.fsdecode(path)).read_bytes(), _holes(path, status.st_size) if holes else None)
    elif stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        content = status.st_rdev
    return (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, xattrs, content)


def _holes(path: bytes, size: int) -> list[int]:
    """Where data begins and ends, in order."""
    edges, at = [], 0
    fd = os.open(path, os.O_RDONLY)
    try:
        while at < size:
            for whence in (os.SEEK_DATA, os.SEEK_HOLE):
                at = os.lseek(fd, at, whence)
                edges.append(at)
    except OSError:
        pass  # a hole up to the end
    finally:
        os.close(fd)
    return edges
