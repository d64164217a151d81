"""The root file system: made ready in the private mount namespace, entered, and closed up behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pyrunc import plan as op
from pyrunc.compile.compiled import RootTree
from pyrunc.compile.flags import MOUNT_ATTR_RDONLY, MS_PRIVATE, MS_REC, MS_SLAVE, MS_UNBINDABLE, PROPAGATION
from pyrunc.compile.mount_options import sort_options
from pyrunc.compile.mounts import read_only_later
from pyrunc.compile.request import Request, Slots
from pyrunc.compile.root_mount import RootMount
from pyrunc.errors import SpecError, Unsupported
from pyrunc.plan import Operation


def open_root(request: Request, slots: Slots) -> Iterator[Operation]:
    """Cut the ties to the host's mounts, mount the pieces of the root, and take hold of it."""
    namespace = request.linux.namespace("mount")
    if namespace is None:
        raise Unsupported(
            "linux.namespaces", "a mount namespace is required: without one the mounts would be the host's"
        )
    if not namespace.path:
        yield op.SetPropagation(path="linux.rootfsPropagation", source="/", flags=_host_propagation(request))
    root = _root(request)
    if request.root_tree:
        yield op.AttachRoot(path="root.path", tree=slots.add(RootTree(path="root.path")))
        return
    yield from root_pieces(request.root_mounts, root)
    yield op.OpenRoot(path="root.path", source=root)


def root_pieces(mounts: Iterable[RootMount], root: str) -> Iterator[Operation]:
    """What makes the root, on its path ``root``."""
    for index, mount in enumerate(mounts):
        yield _root_mount(mount, root, f"root_mounts[{index}]")


def enter_root(request: Request) -> Iterator[Operation]:
    """pivot_root, and the working directory while the root can still be written to."""
    yield op.PivotRoot(path="root.path", no_pivot=request.no_pivot)
    flags = PROPAGATION.get(request.linux.rootfs_propagation, 0)
    if flags and not flags & MS_PRIVATE:
        yield op.RootPropagation(path="linux.rootfsPropagation", flags=flags)
    if request.process.cwd != "/":
        yield op.Chdir(path="process.cwd", directory=request.process.cwd, create=True)


def close_root(request: Request) -> Iterator[Operation]:
    """What is read-only only after everything was put there."""
    yield from read_only_later(request)
    if request.spec.root is not None and request.spec.root.readonly:
        yield op.RootReadonly(path="root.readonly")


def hide_paths(request: Request) -> Iterator[Operation]:
    """Read-only and masked paths; masks last, so that they also cover what is below a read-only path."""
    for index, target in enumerate(request.linux.readonly_paths):
        yield op.ReadonlyPath(path=f"linux.readonlyPaths[{index}]", target=target)
    for index, target in enumerate(request.linux.masked_paths):
        yield op.MaskPath(path=f"linux.maskedPaths[{index}]", target=target)


def _root(request: Request) -> str:
    if request.spec.root is None:
        raise SpecError("root", "is required")
    return request.in_bundle(request.spec.root.path)


def _host_propagation(request: Request) -> int:
    """Private if rootfsPropagation says so, otherwise slave: mounts of the host arrive, and none goes back.

    Unlike in runc also for "shared": the root is attached below a mount of the host, which must not see that. "shared" then holds
    inside the container and for what is cloned from it.
    """
    flags = PROPAGATION.get(request.linux.rootfs_propagation, 0)
    return (MS_PRIVATE if flags & (MS_PRIVATE | MS_UNBINDABLE) else MS_SLAVE) | MS_REC


def _root_mount(mount: RootMount, root: str, path: str) -> op.MountAt:
    options = sort_options(mount.options)
    bind = mount.fstype == "bind"
    if options.remount or (bind and options.parameters):
        word = "remount" if options.remount else options.parameters[0]
        raise SpecError(path, f'"{word}" is not an option of a mount of type {mount.fstype}', word)
    return op.MountAt(
        path=path,
        fstype=mount.fstype,
        origin=mount.source,
        parameters=tuple(options.parameters),
        attributes=options.set & ~(MOUNT_ATTR_RDONLY if _is_upper(mount) else 0),
        source=root,
        recursive=options.recursive,
    )


def _is_upper(mount: RootMount) -> bool:
    """Mount points are made in the root, so a writable overlay stays writable until RootReadonly."""
    return mount.fstype == "overlay" and any(word.startswith("upperdir=") for word in mount.options)
