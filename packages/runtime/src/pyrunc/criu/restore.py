"""``Runtime.restore``: a container whose processes come out of criu's images.

criu is launched as a container's process is, by pyrunc-init: in a mount namespace of its own, in which the root file system is mounted where criu is
told to take it from, and as a child of the monitor, if there is one, or of the caller. It makes the restored process its own sibling, which has the same
parent, and ends.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager, suppress
from select import POLLIN, poll

from pyrunc import plan as op
from pyrunc.children import sweep
from pyrunc.compile import RootMount
from pyrunc.compile.flags import CLONE_NEWNS, MS_PRIVATE, MS_REC
from pyrunc.compile.rootfs import root_pieces
from pyrunc.criu.dump import SHARED, bind_sources
from pyrunc.criu.images import Outside
from pyrunc.criu.program import command, reasons
from pyrunc.errors import CriuFailed, MissingLibrary, OperationFailed, ProcessGone
from pyrunc.launch import Launched, MonitorFiles, launch
from pyrunc.model import frozen
from pyrunc.monitor import ExitRecord, MonitorClient, read_exit
from pyrunc.plan import Plan
from pyrunc.processes import WALL, Identity, end
from pyrunc.state import ProcessRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyrunc.cgroups.driver import Cgroup
    from pyrunc.criu.options import RestoreOptions
    from pyrunc.spec import Spec
    from pyrunc.state import Record
    from pyrunc.statedir import StateDirectory
    from pyrunc.stdio import Ends

_ROOT, _PID = "criu-root", "restored"
"""In the state directory; the monitor reads the second."""
_SUCCESSION = 10.0
"""Seconds for the monitor to hear that criu has ended, on a busy machine."""


@frozen(kw_only=True)
class Restoring:
    """One restore. ``ends``: the stdio; ``root_mounts``: what makes the root file system, if it is not to be found at its path."""

    record: Record
    spec: Spec
    cgroup: Cgroup
    images: str
    ends: Ends
    monitored: bool
    root_mounts: tuple[RootMount, ...]
    options: RestoreOptions

    @property
    def work(self) -> str:
        """Where criu's log goes."""
        return self.options.work_path or self.images


def restore(directory: StateDirectory, wanted: Restoring) -> ProcessRecord:
    """The first process, a child of the caller or of its monitor.

    Raises CriuFailed, MissingLibrary, StateError, OSError, LaunchFailed and its kind; then no process is left.
    """
    outside = Outside.load(wanted.images)
    pid_file = os.path.join(directory.path, _PID)
    with ExitStack() as stack, _directory(os.path.join(directory.path, _ROOT)) as root:
        namespaces = list(_namespaces(wanted.spec, stack))
        passed = [*wanted.ends.process, *(descriptor for descriptor, _ in namespaces)]
        numbers = range(3, 3 + len(passed))  # as pyrunc-init places them
        arguments = [
            # Detached and a sibling: criu ends, and the process is a child of criu's parent.
            *("--root", root, "--restore-detached", "--restore-sibling", "--pidfile", pid_file),
            *wanted.options.arguments(),
            *_cgroups(wanted.cgroup),
            *outside.restore_arguments(_sources(wanted.spec, wanted.record.bundle, wanted.cgroup), numbers[:3]),
            *(
                word
                for number, (_, label) in zip(numbers[3:], namespaces, strict=True)
                for word in ("--inherit-fd", f"fd[{number}]:{label}")
            ),
        ]
        plan = Plan(tuple(_operations(wanted, root, arguments, len(passed))))
        return _run(directory, wanted, plan, passed, pid_file)


def _operations(wanted: Restoring, root: str, arguments: Sequence[str], passed: int) -> Iterator[op.Operation]:
    argv = command(wanted.options.program, "restore", arguments, images=wanted.images, work=wanted.work)
    search = os.environ.get("PATH", os.defpath)
    yield op.Clone(flags=CLONE_NEWNS)
    yield op.SetPropagation(source="/", flags=MS_PRIVATE | MS_REC)
    pieces = wanted.root_mounts or (RootMount("bind", wanted.record.rootfs, ("rbind",)),)
    yield from root_pieces(pieces, root)
    yield op.CloseFds(keep=passed)
    yield op.FindExecutable(path="criu", name=argv[0], search=search)
    yield op.ExecVe(path="criu", argv=tuple(argv), env=(f"PATH={search}",))


def _run(
    directory: StateDirectory, wanted: Restoring, plan: Plan, passed: Sequence[int], pid_file: str
) -> ProcessRecord:
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    before = _children()
    monitor = MonitorFiles(directory.descriptor, wanted.ends.caller, restores=True) if wanted.monitored else None
    try:
        criu = launch(plan, stdio=(null, null, null), monitor=monitor, preserve=passed, label=wanted.record.id)
    except OperationFailed as error:
        if error.operation.path == "criu":
            raise MissingLibrary(wanted.options.program, "criu", "checkpoint and restore") from error
        raise
    finally:
        os.close(null)
    try:
        return _restored(directory, wanted, criu, pid_file)
    except BaseException:
        _reap(_children() - before)
        if criu.parent_pid > 0:
            end(Identity.held(criu.parent_pid, criu.parent_pidfd))
            sweep()
        raise
    finally:
        for descriptor in (criu.pidfd, criu.parent_pidfd):
            if descriptor >= 0:
                os.close(descriptor)
        with suppress(FileNotFoundError):
            os.unlink(pid_file)


def _restored(directory: StateDirectory, wanted: Restoring, criu: Launched, pid_file: str) -> ProcessRecord:
    """Wait for criu's end; the process that it has left."""
    ended = poll()
    ended.register(criu.pidfd, POLLIN)
    ended.poll()
    status = _status_from_monitor(directory, criu) if wanted.monitored else _status_of_child(criu)
    log = os.path.join(wanted.work, "restore.log")
    if status:
        raise CriuFailed("restore", log, reasons(log) or f"exit code {status}")
    with open(pid_file, encoding="ascii") as file:
        pid = int(file.read())
    monitor = Identity.held(criu.parent_pid, criu.parent_pidfd) if wanted.monitored else None
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        if monitor is None:
            raise CriuFailed("restore", log, "the restored process has ended at once") from None
        return ProcessRecord(process=Identity.ended(pid), monitor=monitor)  # which knows how
    try:
        return ProcessRecord(process=Identity.held(pid, pidfd), monitor=monitor)
    finally:
        os.close(pidfd)


def _status_of_child(criu: Launched) -> int:
    try:
        found = os.waitid(os.P_PIDFD, criu.pidfd, os.WEXITED | WALL)
    except (
        ChildProcessError
    ):  # somebody else in this program waits for any child: that criu has left a process is all that can be known
        return 0
    return found.si_status if found is not None else 0


def _status_from_monitor(directory: StateDirectory, criu: Launched) -> int:
    """0 once the monitor watches the restored process; it may hear of criu's end a moment later than this process does."""
    deadline = time.monotonic() + _SUCCESSION
    while time.monotonic() < deadline:
        watched, ended = _asked(directory)
        if watched != criu.pid:
            return 0
        if ended is not None:
            return os.waitstatus_to_exitcode(ended.status) or 1
        time.sleep(0.001)
    raise ProcessGone("the monitor does not answer")


def _asked(directory: StateDirectory) -> tuple[int | None, ExitRecord | None]:
    """Whom the monitor watches, and how he ended. One that has gone had watched the restored process to its end, and had no streams to hold."""
    try:
        with MonitorClient.connect(directory.descriptor) as client:
            info = client.info()
    except ProcessGone:
        if read_exit(directory.descriptor) is None:
            raise
        return None, None
    for descriptor in (info.stdin, info.stdout, info.stderr, info.console):
        if descriptor is not None:
            os.close(descriptor)
    return info.pid, info.exited


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
def _directory(path: str) -> Iterator[str]:
    """A place for criu's mount of the root: criu wants a mount point. Nothing is ever mounted there in this mount namespace."""
    os.mkdir(path, 0o700)
    try:
        yield path
    finally:
        os.rmdir(path)
