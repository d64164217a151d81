"""Device nodes and links of /dev: the ones that every container has (config-linux.md, Default Devices) and those of linux.devices."""

from __future__ import annotations

from collections.abc import Iterator

from pyrunc import plan as op
from pyrunc.compile.flags import S_IFBLK, S_IFCHR, S_IFIFO
from pyrunc.compile.mounts import target_of
from pyrunc.compile.request import Request
from pyrunc.plan import Operation
from pyrunc.spec import Device

_KINDS = {"c": S_IFCHR, "u": S_IFCHR, "b": S_IFBLK, "p": S_IFIFO}
_DEFAULT_MODE = 0o666

DEFAULT_DEVICES = {
    "/dev/null": (1, 3),
    "/dev/zero": (1, 5),
    "/dev/full": (1, 7),
    "/dev/random": (1, 8),
    "/dev/urandom": (1, 9),
    "/dev/tty": (5, 0),
}

LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
    "/dev/ptmx": "pts/ptmx",
}


def devices(request: Request) -> Iterator[Operation]:
    """Nodes, then links. A /dev that is bound from outside is somebody else's and is left alone."""
    if any(mount.is_bind and target_of(mount).rstrip("/") == "/dev" for mount in request.spec.mounts):
        return
    own = {device.path for device in request.linux.devices}
    for path, (major, minor) in DEFAULT_DEVICES.items():
        if path not in own:
            device = Device(type="c", path=path, major=major, minor=minor, file_mode=_DEFAULT_MODE)
            yield _node(request, device, "")
    for index, device in enumerate(request.linux.devices):
        yield _node(request, device, f"linux.devices[{index}]")
    for target, link in LINKS.items():
        yield op.Symlink(link=link, target=target)


def _node(request: Request, device: Device, path: str) -> op.Mkdev:
    permissions = _DEFAULT_MODE if device.file_mode is None else device.file_mode & 0o7777
    bind = request.cannot_make_devices and device.type != "p"
    return op.Mkdev(
        path=path,
        target=device.path,
        mode=_KINDS[device.type] | permissions,
        major=device.major,
        minor=device.minor,
        uid=device.uid or 0,
        gid=device.gid or 0,
        bind=bind,
        source=device.path if bind else "",
    )
