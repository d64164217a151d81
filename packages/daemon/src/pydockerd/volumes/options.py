"""Options of the local driver (``type``, ``o``, ``device``) as one call of mount(2): pure, but for the names of servers.

The words of ``o`` are mount(8)'s. Those that are flags of the kernel become flags, all others are the file system's own and go to it as they are,
as dockerd does it (moby/sys/mount): mount(8)'s helpers do not run, so NFS wants ``addr=`` beside ``device=:/path``.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from pydockerd.errors import BadRequest

RDONLY, NOSUID, NODEV, NOEXEC, SYNC, REMOUNT, MANDLOCK, DIRSYNC = 1, 2, 4, 8, 16, 32, 64, 128
NOATIME, NODIRATIME, BIND, REC = 1024, 2048, 4096, 16384
UNBINDABLE, PRIVATE, SLAVE, SHARED = 1 << 17, 1 << 18, 1 << 19, 1 << 20
RELATIME, STRICTATIME = 1 << 21, 1 << 24
PROPAGATION: Final = UNBINDABLE | PRIVATE | SLAVE | SHARED

_KNOWN: Final = ("type", "o", "device", "size")
_NEEDS: Final = {"device": ("type",), "type": ("device",), "o": ("device", "type")}
_RESOLVED: Final = frozenset({"nfs", "nfs4", "cifs"})
_SETS: Final[Mapping[str, int]] = {
    "ro": RDONLY, "nosuid": NOSUID, "nodev": NODEV, "noexec": NOEXEC, "sync": SYNC, "dirsync": DIRSYNC, "remount": REMOUNT,
    "mand": MANDLOCK, "noatime": NOATIME, "nodiratime": NODIRATIME, "bind": BIND, "rbind": BIND | REC, "relatime": RELATIME,
    "strictatime": STRICTATIME, "unbindable": UNBINDABLE, "runbindable": UNBINDABLE | REC, "private": PRIVATE, "rprivate": PRIVATE | REC,
    "shared": SHARED, "rshared": SHARED | REC, "slave": SLAVE, "rslave": SLAVE | REC,
}  # fmt: skip
_CLEARS: Final[Mapping[str, int]] = {
    "defaults": 0, "rw": RDONLY, "suid": NOSUID, "dev": NODEV, "exec": NOEXEC, "async": SYNC, "nomand": MANDLOCK, "atime": NOATIME,
    "diratime": NODIRATIME, "norelatime": RELATIME, "nostrictatime": STRICTATIME,
}  # fmt: skip
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s?([kmgtpKMGTP]?)(?:i?[bB])?")


@frozen(kw_only=True)
class MountCall:
    """The arguments of mount(2) but for the target; propagation is a second call, as the kernel wants it."""

    source: str
    fstype: str
    flags: int
    data: str

    @property
    def propagation(self) -> int:
        """The flags of the second call, 0 for none."""
        return self.flags & (PROPAGATION | REC) if self.flags & PROPAGATION else 0

    @property
    def first(self) -> int:
        """The flags of the first."""
        return self.flags & ~PROPAGATION


def check_options(name: str, options: Mapping[str, str]) -> None:
    """Raises BadRequest in docker's words for options that cannot be."""
    for option in options:
        if option not in _KNOWN:
            raise BadRequest(f'create {name}: invalid option: "{option}"')
    if "size" in options:
        found = _SIZE.fullmatch(options["size"])
        if found is None:
            raise BadRequest(f"create {name}: invalid size: '{options['size']}'")
        if float(found[1]) > 0:
            raise BadRequest(f"create {name}: quota size requested but no quota support")
    for option, needed in _NEEDS.items():
        for other in needed if option in options else ():
            if other not in options:
                raise BadRequest(f'create {name}: missing required option: "{other}"')


def mount_call(options: Mapping[str, str]) -> MountCall:
    """What is mounted for these options; they have been checked."""
    flags, data = 0, list[str]()
    for word in options.get("o", "").split(","):
        if word in _SETS:
            flags |= _SETS[word]
        elif word in _CLEARS:
            flags &= ~_CLEARS[word]
        elif word:
            data.append(word)
    return MountCall(source=options.get("device", ""), fstype=options.get("type", ""), flags=flags, data=",".join(data))


def resolved(call: MountCall) -> MountCall:
    """With the address of its server in ``addr=`` in place of a name, which the kernel does not look up. Blocks; OSError."""
    if call.fstype not in _RESOLVED:
        return call
    return evolve(call, data=",".join(_address(word) for word in call.data.split(",")))


def _address(word: str) -> str:
    name, _, value = word.partition("=")
    if name != "addr":
        return word
    return f"addr={socket.getaddrinfo(value, None, type=socket.SOCK_STREAM)[0][4][0]}"
