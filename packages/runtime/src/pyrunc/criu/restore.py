"""``Runtime.restore``: a container whose processes come out of criu's images."""

from __future__ import annotations

import ctypes
import fcntl
import os
from contextlib import ExitStack, contextmanager, suppress

from pyrunc.criu.dump import SHARED, bind_sources
from pyrunc.criu.images import Outside
from pyrunc.criu.program import run
from pyrunc.errors import CriuFailed
from pyrunc.processes import WALL, Identity
from pyrunc.state import ProcessRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyrunc.cgroups.driver import Cgroup
    from pyrunc.criu.options import RestoreOptions
    from pyrunc.spec import Spec
    from pyrunc.state import Record
    from pyrunc.statedir import StateDirectory

_ROOT, _PID = "criu-root", "criu-pid"
_MS_BIND_REC, _MNT_DETACH = 4096 | 16384, 2


def restore(
    directory: StateDirectory,
    record: Record,
    spec: Spec,
    cgroup: Cgroup,
    images: str,
    stdio: tuple[int, int, int],
    options: RestoreOptions,
) -> ProcessRecord:
    """The first process, a child of the caller. Raises CriuFailed, MissingLibrary, StateError, OSError; then no process is left."""
    outside = Outside.load(images)
    work = options.work_path or images
    pid_file = os.path.join(directory.path, _PID)
    with ExitStack() as stack:
        # Above the three that criu itself gets.
        descriptors = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3) for descriptor in stdio]
        for descriptor in descriptors:
            stack.callback(os.close, descriptor)
        root = stack.enter_context(_mounted(record.rootfs, os.path.join(directory.path, _ROOT)))
        namespaces = list(_namespaces(spec, stack))
        arguments = [
            # Detached and a sibling: criu ends, and the process is a child of this one.
            *("--root", root, "--restore-detached", "--restore-sibling", "--pidfile", pid_file),
            *options.arguments(),
            *_cgroups(cgroup),
            *outside.restore_arguments(_sources(spec, record.bundle, cgroup), descriptors),
            *(word for descriptor, label in namespaces for word in ("--inherit-fd", f"fd[{descriptor}]:{label}")),
        ]
        passed = sorted({*descriptors, *(descriptor for descriptor, _ in namespaces)})
        before = _children()
        try:
            run(options.program, "restore", arguments, images=images, work=work, passed=passed)
        except BaseException:
            _reap(_children() - before)
            raise
    with open(pid_file, encoding="ascii") as file:
        pid = int(file.read())
    os.unlink(pid_file)
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        raise CriuFailed(
            "restore", os.path.join(work, "restore.log"), "the restored process has ended at once"
        ) from None
    try:
        return ProcessRecord(process=Identity.held(pid, pidfd))
    finally:
        os.close(pidfd)


def _children() -> set[int]:
    """The pids of this process's children, those that have ended too."""
    found: set[int] = set()
    for thread in os.listdir("/proc/self/task"):
        with suppress(FileNotFoundError), open(f"/proc/self/task/{thread}/children", encoding="ascii") as file:
            found |= {int(pid) for pid in file.read().split()}
    return found


def _reap(pids: set[int]) -> None:
    """Of these, the process that criu began to restore as a sibling, and has killed: it keeps criu's name for as long as it is not whole."""
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError, ChildProcessError):
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                name, _, rest = file.read().partition("(")[2].rpartition(")")
            if name == "criu" and rest.split()[0] == "Z":
                os.waitid(os.P_PID, pid, os.WEXITED | WALL)


def _sources(spec: Spec, bundle: str, cgroup: Cgroup) -> dict[str, str]:
    """The mounts' sources as they are now; hierarchies of version 1 show the new cgroup."""
    hierarchies = {
        f"/sys/fs/cgroup/{name.removeprefix('name=')}": place for name, place in cgroup.hierarchies().items() if name
    }
    return hierarchies | bind_sources(spec, bundle)


def _cgroups(cgroup: Cgroup) -> Iterator[str]:
    """Where the tasks go instead of the cgroup that they were in."""
    if cgroup.path:
        for name in cgroup.hierarchies():
            yield from ("--cgroup-root", f"{name}:{cgroup.path}" if name else cgroup.path)


def _namespaces(spec: Spec, stack: ExitStack) -> Iterator[tuple[int, str]]:
    for kind, _, label in SHARED:
        namespace = spec.linux.namespace(kind) if spec.linux is not None else None
        if namespace is not None and namespace.path:
            descriptor = os.open(namespace.path, os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            yield descriptor, label


@contextmanager
def _mounted(rootfs: str, point: str) -> Iterator[str]:
    """criu wants a mount point for a root: a bind mount of it as long as the block runs. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.mkdir(point, 0o700)
    try:
        if libc.mount(os.fsencode(rootfs), os.fsencode(point), None, ctypes.c_ulong(_MS_BIND_REC), None):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), rootfs)
        try:
            yield point
        finally:
            libc.umount2(os.fsencode(point), _MNT_DETACH)
    finally:
        os.rmdir(point)
