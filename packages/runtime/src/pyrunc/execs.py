"""ExecProcess: one more process in a container that runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress

from pyrunc.children import adopt
from pyrunc.errors import ContainerNotFound, ExecNotFound, InvalidState, ProcessGone, PyruncError, StateError
from pyrunc.facts import Facts
from pyrunc.handle import Handle
from pyrunc.model import evolve, frozen
from pyrunc.place import Place
from pyrunc.processes import ExitStatus, Identity, parse_signal
from pyrunc.signals import SIGTERM
from pyrunc.state import CREATED, RUNNING, ProcessRecord
from pyrunc.statedir import CONFIG, STATE, StateDirectory, read_at, write_at
from pyrunc.stdio import Stdio, Streams
from pyrunc.tracing import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.compile import Compiled
    from pyrunc.spec import Linux, Process, Spec

_CLONE_NEWUSER = 0x10000000


class ExecProcess:
    """Got from ``Container.exec``, ``execs`` or ``get_exec``. A monitored one stays findable, also when it has ended, until ``delete``."""

    def __init__(self, place: Place, id: str, handle: Handle) -> None:
        self._place = place
        self._id = id
        self._handle = handle

    def __repr__(self) -> str:
        return f"<ExecProcess {self.id} in {self._place.record.id}>"

    @property
    def id(self) -> str:
        """Its name within the container."""
        return self._id

    @property
    def pid(self) -> int:
        """Its pid in the caller's pid namespace, also after it has ended."""
        return self._handle.record.process.pid

    def running(self) -> bool:
        """Whether it has not ended."""
        return self._handle.record.process.alive()

    def wait(self, timeout: float | None = None) -> ExitStatus:
        """As Container.wait. ``oom_killed`` says whether any process of the container was."""
        status = self._handle.wait(timeout)
        return evolve(status, oom_killed=self._place.cgroup.oom_kills() > 0)

    def exit_fd(self) -> int:
        """A new descriptor, the caller's to close, that becomes readable when ``wait`` will not block."""
        return self._handle.ending.exit_fd()

    def kill(self, signal: int | str = SIGTERM) -> None:
        """Send a signal to this process alone. Raises ValueError, and ProcessGone if it has ended."""
        self._handle.kill(parse_signal(signal))

    def streams(self) -> Streams:
        """As Container.streams."""
        return self._handle.streams()

    def close_stdin(self) -> None:
        """As Container.close_stdin."""
        self._handle.close_stdin()

    def resize(self, rows: int, columns: int) -> None:
        """As Container.resize."""
        self._handle.resize(rows, columns)

    def delete(self) -> None:
        """Forget a process that has ended: its monitor ends, and its id is free. Raises InvalidState while it runs."""
        if self.running():
            raise InvalidState(self._place.record.id, "running", f"delete exec {self._id!r} of")
        with suppress(TimeoutError, StateError):
            self._handle.wait(1.0)
        self._handle.release()
        if self._handle.record.monitor is not None:
            with suppress(ContainerNotFound), self._place.open() as directory:
                directory.remove_exec(self._id)


@frozen(kw_only=True)
class ExecOptions:
    """What ``Container.exec`` was asked for, beside the process itself."""

    stdio: Stdio
    monitored: bool
    exec_id: str | None
    preserve_fds: int
    console_socket: str | None
    cgroups: Mapping[str, str]
    """Below the container's own, see ``pyrunc.cgroups.below``."""


def start_exec(place: Place, directory: StateDirectory, process: Process, options: ExecOptions) -> ExecProcess:
    """Under the container's shared lock: compile, launch, and for a monitored one write down who it is."""
    from pyrunc.making import Connections, make, uid_outside
    from pyrunc.slots import Openers
    from pyrunc.spec import Spec

    exec_id = options.exec_id or os.urandom(8).hex()
    with span("runtime", "compile"):
        spec = Spec.load(directory.read(CONFIG))
        compiled = _compile(place, spec, process, options.preserve_fds)
    with ExitStack() as undo:
        own = _make_directory(directory, exec_id, undo) if options.monitored else None
        cgroup = place.cgroup
        if options.cgroups:
            from pyrunc.cgroups.below import below

            cgroup = below(cgroup, options.cgroups)
        openers = Openers(directory, cgroup, None if place.record.main is None else place.record.main.process)
        wanted = Connections(
            stdio=options.stdio,
            terminal=process.terminal,
            console_socket=options.console_socket,
            preserve_fds=options.preserve_fds,
            monitor=own,
            owner=uid_outside(process, spec.linux),
        )
        label = f"{place.record.id}/{exec_id}"
        made = make(compiled, openers, wanted, undo, label=label, on_listener=_send_listener(place, directory, spec))
        if own is not None:
            write_at(own, STATE, made.record.encode())
        undo.pop_all()
    if own is not None:
        os.close(own)
    handle = _handle(place, exec_id, made.record, made.streams)
    if own is None:
        # Nobody else can learn how it ends: without its handle it is a child to be reaped and forgotten.
        from weakref import finalize

        finalize(handle, _abandon, made.record.process).atexit = False
    return ExecProcess(place, exec_id, handle)


def _abandon(process: Identity) -> None:
    with suppress(ProcessGone):
        adopt(process.pid, process.open(zombie=True))


def _make_directory(directory: StateDirectory, exec_id: str, undo: ExitStack) -> int:
    try:
        own = directory.create_exec(exec_id)
    except FileExistsError:
        raise PyruncError(f"exec {exec_id!r} of container {directory.id!r} exists already: delete it first") from None
    undo.callback(directory.remove_exec, exec_id)
    undo.callback(os.close, own)
    return own


def _send_listener(place: Place, directory: StateDirectory, spec: Spec) -> Callable[[int, int], None] | None:
    """A process that joins has a filter, and so a listener, of its own."""
    seccomp = spec.linux.seccomp if spec.linux is not None else None
    if seccomp is None or not seccomp.listener_path:
        return None

    def send(listener: int, pid: int) -> None:
        from pyrunc.launch import START_FIFO
        from pyrunc.making import send_listener

        status = CREATED if directory.exists(START_FIFO) else RUNNING
        main = place.record.main
        send_listener(seccomp, listener, place.record.state(status, main.process.pid if main else 0), pid)

    return send


def _compile(place: Place, spec: Spec, process: Process, preserve_fds: int) -> Compiled:
    from pyrunc.compile.execute import compile_exec
    from pyrunc.seccomp import assemble
    from pyrunc.spec import Linux

    return compile_exec(
        process,
        spec,
        Facts.probe(),
        id=place.record.id,
        cgroups=place.cgroup.hierarchies(),
        assemble=assemble,
        kinds=_kinds(spec.linux or Linux(), place),
        preserve_fds=preserve_fds,
    )


def _kinds(linux: Linux, place: Place) -> int:
    """The namespaces to join. The user namespace only if it is another one: the kernel refuses to join the caller's own (EINVAL)."""
    from pyrunc.compile.execute import namespace_kinds

    kinds = namespace_kinds(linux)
    if kinds & _CLONE_NEWUSER and place.record.main is not None:
        try:
            theirs = os.stat(f"/proc/{place.record.main.process.pid}/ns/user")
        except FileNotFoundError:
            raise ProcessGone(f"container {place.record.id!r} has ended") from None
        if theirs.st_ino == os.stat("/proc/self/ns/user").st_ino:
            kinds &= ~_CLONE_NEWUSER
    return kinds


def _handle(place: Place, exec_id: str, record: ProcessRecord, streams: Streams | None = None) -> Handle:
    if record.monitor is None:
        return Handle(record, _nowhere, streams)
    return Handle(record, lambda: place.open_exec(exec_id))


def _nowhere() -> None:
    """An exec without a monitor has no directory."""


def get_exec(place: Place, directory: StateDirectory, exec_id: str) -> ExecProcess:
    """Raises ExecNotFound, InvalidId, StateError."""
    try:
        own = directory.open_exec(exec_id)
    except FileNotFoundError:
        raise ExecNotFound(place.record.id, exec_id) from None
    try:
        file = f"{directory.path}/exec/{exec_id}/{STATE}"
        record = ProcessRecord.decode(read_at(own, STATE), file)
    except FileNotFoundError:
        raise ExecNotFound(place.record.id, exec_id) from None  # being made, or its maker was killed
    finally:
        os.close(own)
    return ExecProcess(place, exec_id, _handle(place, exec_id, record))


def find_execs(place: Place, directory: StateDirectory) -> list[ExecProcess]:
    """All that can be found; one that is just being made or deleted is not among them."""
    found = []
    for exec_id in sorted(directory.exec_ids()):
        with suppress(ExecNotFound):
            found.append(get_exec(place, directory, exec_id))
    return found


def exec_handles(place: Place, directory: StateDirectory) -> list[Handle]:
    """For delete: those whose record can be read."""
    handles = []
    for exec_id in directory.exec_ids():
        with suppress(ExecNotFound, StateError):
            handles.append(get_exec(place, directory, exec_id)._handle)
    return handles


def unrecorded_execs(place: Place, directory: StateDirectory) -> Iterator[int]:
    """For delete: descriptors, closed again after each step, of the directories of execs whose maker was killed before recording them."""
    for exec_id in directory.exec_ids():
        try:
            get_exec(place, directory, exec_id)
        except (ExecNotFound, StateError):
            with suppress(FileNotFoundError):
                descriptor = directory.open_exec(exec_id)
                try:
                    yield descriptor
                finally:
                    os.close(descriptor)
