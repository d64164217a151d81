"""Opening what a compiled plan asks for: one descriptor for each slot request, in slot order."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from errno import EINVAL

from pyrunc import _native
from pyrunc.cgroups.driver import Cgroup
from pyrunc.compile import (
    CgroupDirectory,
    CgroupProcs,
    ContainerProcess,
    Gate,
    IdmapNamespace,
    MountSource,
    NamespacePath,
    Report,
    RootTree,
    SlotRequest,
)
from pyrunc.compile.namespaces import map_text
from pyrunc.errors import InvalidState, SpecError, Unsupported, describe_errno
from pyrunc.launch import launch
from pyrunc.model import frozen
from pyrunc.plan import Clone, ExecVe, Plan, Sync
from pyrunc.processes import Identity
from pyrunc.signals import pidfd_send_signal
from pyrunc.statedir import StateDirectory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.spec import IdMapping

_NS_GET_NSTYPE = 0xB703
_CLONE_NEWUSER = 0x10000000


@frozen
class Openers:
    """What the requests are answered from. ``process`` is the container's first process, for an exec; ``root`` the caller's mount for a root."""

    directory: StateDirectory
    cgroup: Cgroup
    process: Identity | None = None
    root: int | None = None

    def open_all(self, requests: tuple[SlotRequest, ...], stack: ExitStack) -> list[int]:
        """Descriptors for ``requests``, closed by ``stack``. Raises SpecError, CgroupError, InvalidState, Unsupported, OSError."""
        opened = []
        for request in requests:
            descriptor = self._open(request)
            stack.callback(os.close, descriptor)
            opened.append(descriptor)
        return opened

    def _open(self, request: SlotRequest) -> int:
        opener: dict[type[SlotRequest], Callable[[], int]] = {
            Gate: self.directory.open_gate,
            Report: self.directory.open_report,
            CgroupDirectory: self.cgroup.open_directory,
            ContainerProcess: self._open_process,
            RootTree: self._open_root,
        }
        if isinstance(request, CgroupProcs):
            return self.cgroup.open_procs(request.hierarchy)
        if isinstance(request, NamespacePath):
            return open_namespace(request)
        if isinstance(request, IdmapNamespace):
            return make_user_namespace(request)
        if isinstance(request, MountSource):
            return clone_mounts(request)
        return opener[type(request)]()

    def _open_process(self) -> int:
        if self.process is None:
            raise InvalidState(self.directory.id, "creating", "join the namespaces of")
        return self.process.open()

    def _open_root(self) -> int:
        assert self.root is not None  # the plan asks for it because it was given
        return os.dup(self.root)


def open_namespace(request: NamespacePath) -> int:
    """The namespace file, checked to be one, and of the right kind. Raises SpecError."""
    try:
        descriptor = os.open(request.file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise SpecError(request.path, f"{request.file} cannot be opened: {error.strerror}", request.file) from error
    try:
        kind = fcntl.ioctl(descriptor, _NS_GET_NSTYPE)
    except OSError:
        kind = 0
    if kind != request.kind:
        os.close(descriptor)
        raise SpecError(request.path, f"{request.file} is not a namespace of this type", request.file)
    if request.sysctl and _is_own(descriptor):
        os.close(descriptor)
        raise SpecError(
            request.sysctl, f"{request.file} is the caller's own namespace: setting it would change the machine"
        )
    return descriptor


def _is_own(namespace: int) -> bool:
    """Whether this process is in it. Namespaces are told apart by the inodes of their files, whatever these are called."""
    wanted = os.fstat(namespace)
    with os.scandir("/proc/self/ns") as own:
        return any(os.path.samestat(entry.stat(), wanted) for entry in own)


def clone_mounts(request: MountSource) -> int:
    """The copy, idmapped where that is asked for. Raises SpecError if there is no such source, Unsupported if its file system has no
    idmapped mounts, OperationFailed if the kernel refuses the maps."""
    source = request.source.encode("utf-8", "surrogateescape")
    users = -1
    if request.users is not None:
        if isinstance(request.users, IdmapNamespace):
            users = make_user_namespace(request.users)
        else:
            users = open_namespace(request.users)
    try:
        with _view_of(request) as (process, root):
            tree = _native.lib.pyrunc_clone_tree(
                source, request.recursive, process, root, users, request.recursive_users
            )
    finally:
        if users >= 0:
            os.close(users)
    if tree >= 0:
        return tree
    if tree == -EINVAL and users >= 0:
        raise Unsupported(request.path, f"the file system of {request.source} has no idmapped mounts: EINVAL")
    raise SpecError(request.path, f"bind {request.source}: {describe_errno(-tree)}", request.source)


@contextmanager
def _view_of(request: MountSource) -> Iterator[tuple[int, int]]:
    """The pidfd and the root directory of the process whose view is wanted, -1 for the caller's own. Raises SpecError if it has ended."""
    if not request.process:
        yield -1, -1
        return
    with ExitStack() as stack:
        try:
            process = os.pidfd_open(request.process)
            stack.callback(os.close, process)
            root = os.open(f"/proc/{request.process}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, root)
            pidfd_send_signal(process, 0)  # so the root is not that of a later process of the same number
        except OSError as error:
            raise SpecError(
                request.path, f"the files of process {request.process} cannot be reached: {error.strerror}"
            ) from error
        yield process, root


class _Made(Exception):  # noqa: N818 - nothing went wrong
    """The namespace is there: gives up the launch that was needed to make it."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self.descriptor = descriptor


def user_namespace(uid_mappings: Sequence[IdMapping], gid_mappings: Sequence[IdMapping]) -> int:
    """A descriptor, the caller's to close, of a user namespace with these maps that nobody lives in: for idmapped mounts (mount_setattr(2)).

    Raises OperationFailed if the kernel refuses the maps, LaunchFailed.
    """
    request = IdmapNamespace(path="uidMappings", uid_map=map_text(uid_mappings), gid_map=map_text(gid_mappings))
    return make_user_namespace(request)


def make_user_namespace(request: IdmapNamespace) -> int:
    """A user namespace with the maps of ``request``, held by the descriptor alone.

    A process is needed to make one, so a plan of nothing else is launched, and given up as soon as its maps are written.
    Raises OperationFailed if the kernel refuses the maps.
    """
    clone = Clone(path=request.path, flags=_CLONE_NEWUSER, uid_map=request.uid_map, gid_map=request.gid_map)
    plan = Plan((clone, Sync(path=request.path, point="mapped"), ExecVe(path=request.path, argv=("never",), env=())))

    def take(_: str, pid: int) -> None:
        raise _Made(os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC))

    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        launched = launch(plan, stdio=(null, null, null), on_sync=take)
    except _Made as made:
        return made.descriptor
    finally:
        os.close(null)
    raise Unsupported(request.path, f"process {launched.pid} did not stop for its id mappings")
