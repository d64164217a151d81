"""mounts[]: file systems, binds and the view of the cgroups, in the order of the specification."""

from __future__ import annotations

from collections.abc import Iterator

from pyrunc import plan as op
from pyrunc.compile.cgroup_view import cgroup_view
from pyrunc.compile.compiled import IdmapNamespace, MountSource, NamespacePath
from pyrunc.compile.flags import CLONE_NEWUSER, MOUNT_ATTR_ATIME, MOUNT_ATTR_RDONLY
from pyrunc.compile.mount_options import REMOUNT_CLEARS, SUPERBLOCK, Options, sort_options
from pyrunc.compile.namespaces import map_text
from pyrunc.compile.request import Request, Slots
from pyrunc.errors import SpecError, Unsupported
from pyrunc.plan import NO_SLOT, Operation
from pyrunc.spec import Mount

# Not backed by a device: "ro" is a matter of the mount alone. For the others it must reach the file system as well, or a
# read-only device could not be mounted and a journal would be replayed. sysfs and mqueue are shared by all who mount them, so
# there it would even be wrong.
_WITHOUT_DEVICE = frozenset(
    {
        "proc",
        "sysfs",
        "tmpfs",
        "devpts",
        "mqueue",
        "cgroup",
        "cgroup2",
        "overlay",
        "ramfs",
        "bpf",
        "debugfs",
        "tracefs",
        "binfmt_misc",
    }
)
_LABELLED_ELSEWHERE = frozenset({"proc", "sysfs", "mqueue"})


def mounts(request: Request, slots: Slots) -> Iterator[Operation]:
    """All of mounts[]."""
    for index, mount in enumerate(request.spec.mounts):
        path = f"mounts[{index}]"
        options = sort_options(mount.options)
        if options.remount:
            yield _remount(request, mount, options, path)
        elif mount.is_bind:
            yield _bind(request, slots, mount, options, path)
        elif mount.type == "cgroup":
            yield from cgroup_view(request, target_of(mount), options, path)
        else:
            yield _file_system(request, mount, options, path)


def read_only_later(request: Request) -> Iterator[Operation]:
    """Read-only tmpfs mounts that had to be written to first: mount points, device nodes or copied-up files go there.

    Comes after pivot_root: the tree is bound on itself, where "/" is the container's own root, and only the top is read-only.
    """
    for index, mount in enumerate(request.spec.mounts):
        options, target = sort_options(mount.options), target_of(mount)
        if (
            not mount.is_bind
            and not options.remount
            and _is_filled(request, mount, options)
            and options.set & MOUNT_ATTR_RDONLY
        ):
            yield op.Bind(
                path=f"mounts[{index}]", source=target, target=target, recursive=True, set_attributes=MOUNT_ATTR_RDONLY
            )


def target_of(mount: Mount) -> str:
    """The destination inside the root; a relative one (deprecated by the specification) is below ``/``."""
    return mount.destination if mount.destination.startswith("/") else f"/{mount.destination}"


def _is_filled(request: Request, mount: Mount, options: Options) -> bool:
    target = target_of(mount).rstrip("/")
    inside = any(target_of(other).startswith(f"{target}/") for other in request.spec.mounts)
    return mount.type == "tmpfs" and (options.copy_up or inside or target == "/dev")


def _file_system(request: Request, mount: Mount, options: Options, path: str) -> Operation:
    if options.recursive_set or options.recursive_clear or options.idmap:
        raise SpecError(
            f"{path}.options", "recursive and idmap options are for bind mounts: a new file system has no mounts in it"
        )
    if options.copy_up and mount.type != "tmpfs":
        raise SpecError(f"{path}.options", "tmpcopyup is for tmpfs", "tmpcopyup")
    attributes = options.set
    if _is_filled(request, mount, options):
        attributes &= ~MOUNT_ATTR_RDONLY
    return op.Mount(
        path=path,
        fstype=mount.type,
        device=mount.source or mount.type,
        parameters=_parameters(request, mount, options),
        attributes=attributes,
        target=target_of(mount),
        propagation=options.propagation,
        copy_up=options.copy_up,
    )


def _parameters(request: Request, mount: Mount, options: Options) -> tuple[str, ...]:
    # Flags of mount(2) that have no meaning for file systems without an option of that name.
    unknown = {"acl", "noacl", "iversion", "noiversion"} if mount.type in _WITHOUT_DEVICE else set()
    parameters = [word for word in options.parameters if word not in unknown]
    if mount.type not in _WITHOUT_DEVICE and options.set & MOUNT_ATTR_RDONLY:
        parameters.append("ro")
    if request.linux.mount_label and mount.type not in _LABELLED_ELSEWHERE:
        parameters.append(f"context={request.linux.mount_label}")
    return tuple(parameters)


def _bind(request: Request, slots: Slots, mount: Mount, options: Options, path: str) -> Operation:
    unknown = [word for word in options.parameters if word not in SUPERBLOCK]
    if unknown:
        raise SpecError(f"{path}.options", f'"{unknown[0]}" is not an option of a bind mount', unknown[0])
    if options.copy_up:
        raise SpecError(f"{path}.options", "tmpcopyup is for tmpfs", "tmpcopyup")
    return op.Bind(
        path=path,
        source=request.in_bundle(mount.source),
        target=target_of(mount),
        recursive=options.recursive,
        set_attributes=options.set,
        clear_attributes=options.clear,
        recursive_set=options.recursive_set,
        recursive_clear=options.recursive_clear,
        propagation=options.propagation,
        tree=_tree(request, slots, mount, options, path),
    )


def _tree(request: Request, slots: Slots, mount: Mount, options: Options, path: str) -> int:
    """The slot of the tree to be mounted, where the container process may not clone it itself.

    Only who has rights over the file system may give a mount other ids; and the root of a user namespace is somebody else to the
    directories of the host that lead to the source.
    """
    users = _users(request, mount, options, path)
    process, inside = _seen_by(mount.source)
    if not process and users is None and (request.facts.rootless or not request.in_user_namespace):
        return NO_SLOT
    source = MountSource(
        path=path,
        source=inside if process else request.in_bundle(mount.source),
        process=process,
        recursive=options.recursive,
        users=users,
        recursive_users=options.idmap_recursive,
    )
    return slots.add(source)


def _seen_by(source: str) -> tuple[int, str]:
    """``/proc/7/root/a`` is ``/a`` as process 7 sees it: in another mount namespace, so that it can't be cloned from here, and with
    symlinks that would lead somewhere else from here."""
    empty, proc, pid, root, *rest = *source.split("/", 4), "", "", "", ""
    if (empty, proc, root) == ("", "proc", "root") and pid.isascii() and pid.isdigit():
        return int(pid), f"/{rest[0]}"
    return 0, source


def _users(request: Request, mount: Mount, options: Options, path: str) -> IdmapNamespace | NamespacePath | None:
    """The user namespace whose maps the mount gets: its own ones, or the container's where only ``idmap`` is said."""
    if not options.idmap and not mount.uid_mappings:
        return None
    if request.facts.kernel < (5, 12):
        raise Unsupported(f"{path}.uidMappings", "this kernel has no idmapped mounts (Linux 5.12)")
    if mount.uid_mappings:
        return IdmapNamespace(path=path, uid_map=map_text(mount.uid_mappings), gid_map=map_text(mount.gid_mappings))
    namespace = request.linux.namespace("user")
    if namespace is None:
        raise SpecError(f"{path}.uidMappings", "is required for idmap, because the container has no user namespace")
    if namespace.path:
        return NamespacePath(path=path, file=namespace.path, kind=CLONE_NEWUSER)
    linux = request.linux
    return IdmapNamespace(path=path, uid_map=map_text(linux.uid_mappings), gid_map=map_text(linux.gid_mappings))


def _remount(request: Request, mount: Mount, options: Options, path: str) -> op.Remount:
    """A change of what is mounted already. As with mount(2), a bind changes the mount alone, and what is not said is cleared, but for
    the access time settings."""
    if options.recursive_set or options.recursive_clear or options.idmap or options.copy_up:
        raise SpecError(f"{path}.options", "recursive, idmap and tmpcopyup options have no meaning for a remount")
    parameters: tuple[str, ...] = ()
    if not mount.is_bind:
        _check_own(request, mount, path)
        parameters = _parameters(request, mount, options)
        if mount.type not in _WITHOUT_DEVICE and options.clear & MOUNT_ATTR_RDONLY:
            parameters = (*parameters, "rw")
    cleared = REMOUNT_CLEARS & ~options.set | (options.clear & MOUNT_ATTR_ATIME)
    return op.Remount(
        path=path, target=target_of(mount), parameters=parameters, set_attributes=options.set, clear_attributes=cleared
    )


def _check_own(request: Request, mount: Mount, path: str) -> None:
    """Only a file system that the container has mounted itself: any other is the host's, which would be changed for all."""
    before = request.spec.mounts[: request.spec.mounts.index(mount)]
    if not any(target_of(other) == target_of(mount) and not other.is_bind for other in before):
        raise SpecError(
            f"{path}.options",
            "a remount without bind needs a file system that an earlier mount has put there: any other is the host's",
            "remount",
        )
