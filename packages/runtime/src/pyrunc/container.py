"""Container: one container below a runtime's root. Any process may have an object for it, at the same time as others."""

from __future__ import annotations

import os

from pyrunc.cgroups import recorded_cgroup
from pyrunc.errors import ContainerNotFound, InvalidState, ProcessGone, SpecError
from pyrunc.facts import Facts
from pyrunc.handle import Handle
from pyrunc.jsontext import dumps
from pyrunc.model import evolve
from pyrunc.place import Place
from pyrunc.processes import ExitStatus, parse_signal
from pyrunc.signals import SIGKILL, SIGTERM
from pyrunc.state import CREATED, CREATING, PAUSED, RUNNING, STOPPED, Record, State
from pyrunc.statedir import CONFIG, EXECS, GATE
from pyrunc.stdio import Stdio, Streams
from pyrunc.tracing import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from os import PathLike
    from pathlib import Path

    from pyrunc.cgroups.driver import Cgroup
    from pyrunc.cgroups.stats import Stats
    from pyrunc.criu.options import CheckpointOptions
    from pyrunc.events import Event
    from pyrunc.execs import ExecProcess
    from pyrunc.plan import Plan
    from pyrunc.spec import IntelRdt, Process, Resources, Spec
    from pyrunc.statedir import StateDirectory

_ENDING = 10.0
"""Seconds that a process is given to end once it has said that it will; any machine is quicker."""

_LIVE = (CREATED, RUNNING, PAUSED)


class Container:
    """Got from ``Runtime.create`` or ``Runtime.get``; every method asks the kernel and the state directory anew.

    The object holds no descriptors but the streams of a container that was made here without a monitor (``streams``). All methods raise
    ContainerNotFound when the container has been deleted meanwhile.
    """

    def __init__(self, root: str, record: Record, identity: tuple[int, int], streams: Streams | None = None) -> None:
        self._record = record
        self._cgroup: Cgroup = recorded_cgroup(
            record.cgroup, record.unit, Facts.probe().hierarchies if record.cgroup else ()
        )
        self._place = Place(root=root, record=record, cgroup=self._cgroup, identity=identity)
        self._handle = None if record.main is None else Handle(record.main, self._open_descriptor, streams)

    def __repr__(self) -> str:
        return f"<Container {self.id}>"

    @property
    def id(self) -> str:
        """Its name below the runtime's root."""
        return self._record.id

    @property
    def bundle(self) -> Path:
        """The absolute path of its bundle."""
        from pathlib import Path

        return Path(self._record.bundle)

    @property
    def pid(self) -> int:
        """The pid of the first process in the caller's pid namespace, also after it has ended; 0 if there never was one."""
        return 0 if self._record.main is None else self._record.main.process.pid

    # -- how it is --------------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        """The state of the runtime specification (runtime.md, State), as it is now."""
        with self._place.open() as directory:
            return self._state(self._status(directory))

    def _state(self, status: str) -> State:
        return self._record.state(status, self.pid if status in _LIVE else 0)

    def _status(self, directory: StateDirectory, *, mine: bool = False) -> str:
        """``mine``: the caller holds the lock, so nobody can be creating it."""
        main = self._record.main
        if main is None:
            return STOPPED if mine or not directory.busy() else CREATING
        if not main.process.alive():
            return STOPPED
        if self._cgroup.frozen():
            return PAUSED
        return CREATED if directory.exists(GATE) else RUNNING

    def _require(self, directory: StateDirectory, action: str, *allowed: str) -> str:
        status = self._status(directory, mine=True)
        if status not in allowed:
            raise InvalidState(self.id, status, action)
        return status

    def plan(self) -> Plan:
        """The operations that made it, compiled again from the specification that it was made of; root mounts are not among them.

        Raises SpecError, Unsupported.
        """
        from pyrunc.compile.container import compile as compile_container
        from pyrunc.seccomp import assemble

        cgroups = self._cgroup.hierarchies()
        return compile_container(
            self.spec(),
            Facts.probe(),
            id=self.id,
            bundle=self._record.bundle,
            cgroups=cgroups,
            assemble=assemble,
            init=self._record.init,
        ).plan

    def _plan_at_start(self) -> Plan:
        """The same with as many operations as it was launched with: what was mounted for its root came early, what can fail now is last."""
        from pyrunc.plan import Plan

        operations = self.plan().operations
        missing = self._record.operations - len(operations)
        return Plan((*operations[:1] * max(missing, 0), *operations[max(-missing, 0) :]))

    def spec(self) -> Spec:
        """The specification that it was made of, whatever has become of its bundle since, with the limits of ``update``. Raises SpecError."""
        from pyrunc.spec import Spec

        with self._place.open() as directory:
            return Spec.load(directory.read(CONFIG))

    # -- its life ---------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Execute the program of a created container (runtime.md, Start); returns once execve(2) has succeeded.

        Raises InvalidState; ProcessGone if the waiting process was killed; ExecutableNotFound, ExecutableNotPermitted or
        OperationFailed if the program cannot be executed, and the container is stopped then; HookFailed if a startContainer or
        poststart hook fails, and the container is deleted then.
        """
        from pyrunc.errors import HookFailed, OperationFailed
        from pyrunc.launch import start_gate

        with span("runtime", "start"), self._place.locked() as directory:
            self._require(directory, "start", CREATED)
            try:
                start_gate(directory.descriptor, self._plan_at_start)
                if self._record.hooks:
                    self._run_poststart()
            except HookFailed:
                self._destroy(directory)
                raise
            except OperationFailed:
                self._await_end()
                raise

    def _await_end(self) -> None:
        """The process has told why it cannot go on, and is about to end: whoever hears of it finds the container stopped."""
        from contextlib import suppress

        with suppress(TimeoutError):
            self._require_handle("wait for").wait(_ENDING)

    def _run_poststart(self) -> None:
        from pyrunc.hooks import run_hooks

        hooks = self.spec().hooks
        run_hooks(hooks.poststart if hooks is not None else (), "hooks.poststart", self._hook_state(RUNNING))

    def _hook_state(self, status: str) -> str:
        return dumps(self._state(status).to_json())

    def kill(self, signal: int | str = SIGTERM, *, all: bool = False) -> None:
        """Send ``signal`` (number, ``KILL`` or ``SIGKILL``) to the first process, or with ``all`` to every process of the cgroup.

        Raises ValueError for an unknown signal, InvalidState unless the container is created, running or paused. A paused container
        is thawed to die of SIGKILL; other signals wait until it is resumed.
        """
        number = parse_signal(signal)
        with self._place.open() as directory:
            status = self._status(directory)
        if all:
            # A stopped container without a pid namespace of its own may still have processes: that is what --all is for.
            self._cgroup.kill(number)
            return
        if status not in _LIVE or self._handle is None:
            raise InvalidState(self.id, status, "signal")
        try:
            self._handle.kill(number)
        except ProcessGone:
            raise InvalidState(self.id, STOPPED, "signal") from None
        if status == PAUSED and number == SIGKILL:
            self._cgroup.thaw()

    def wait(self, timeout: float | None = None) -> ExitStatus:
        """Wait until the first process has ended. May be called by anyone, any number of times, until the container is deleted.

        ``timeout`` in seconds; raises TimeoutError then. See ExitStatus.known for what a process that is neither the parent nor served
        by a monitor can learn. Raises InvalidState if there never was a process.
        """
        status = self._require_handle("wait for").wait(timeout)
        return evolve(status, oom_killed=self._cgroup.oom_kills() > 0)

    def exit_fd(self) -> int:
        """A new descriptor, the caller's to close, that becomes readable when ``wait`` will not block: for poll(2) and event loops."""
        return self._require_handle("wait for").ending.exit_fd()

    def delete(self, *, force: bool = False) -> None:
        """Remove what is left of a stopped container (runtime.md, Delete), or of a created one, which is killed.

        With ``force`` a running or paused one is killed too. Processes that outlived the first one are killed. Poststop hooks that
        fail are logged as warnings, as the specification wants. Raises InvalidState, CgroupError if processes would not go.
        """
        with span("runtime", "delete"), self._place.locked() as directory:
            status = self._status(directory, mine=True)
            if status in (RUNNING, PAUSED) and not force:
                raise InvalidState(self.id, status, "delete")
            self._destroy(directory)

    def _destroy(self, directory: StateDirectory) -> None:
        """Under the lock: no process, no cgroup, no directory is left."""
        from pyrunc.teardown import end_processes, release_unrecorded

        if not directory.exists(EXECS):
            end_processes(self._record, self._handle, [], self._cgroup)
        else:
            from pyrunc.execs import exec_handles, unrecorded_execs

            end_processes(self._record, self._handle, exec_handles(self._place, directory), self._cgroup)
            for descriptor in unrecorded_execs(self._place, directory):
                release_unrecorded(descriptor)
        if self._handle is None:
            release_unrecorded(directory.descriptor)
        with span("runtime", "remove cgroups"):
            self._cgroup.remove()
        if self._record.rdt:
            from pyrunc.resctrl import leave

            leave(self._record.rdt)
        if self._record.hooks:
            self._run_poststop()
        directory.remove()

    def _run_poststop(self) -> None:
        from logging import getLogger

        from pyrunc.hooks import run_all_hooks

        try:
            hooks = self.spec().hooks
        except (SpecError, OSError) as error:
            # A damaged config.json must not keep the container from being deleted.
            getLogger("pyrunc").warning("%s: its poststop hooks cannot be read: %s", self.id, error)
            return
        for failure in run_all_hooks(hooks.poststop if hooks else (), "hooks.poststop", self._hook_state(STOPPED)):
            getLogger("pyrunc").warning("%s: %s", self.id, failure)

    def _require_handle(self, action: str) -> Handle:
        if self._handle is None:
            raise InvalidState(self.id, CREATING, action)
        return self._handle

    # -- its streams ------------------------------------------------------------------------------------------------------------

    def streams(self) -> Streams:
        """The other ends of its stdio (see Stdio.pipes) or its terminal's master: new descriptors, the caller's to close.

        With a monitor any process may ask, any time until the container is deleted. Raises ProcessGone if the monitor was killed, and
        PyruncError if there is nothing to be had from here.
        """
        return self._require_handle("connect to").streams()

    def close_stdin(self) -> None:
        """Close the held end of standard input, so that the program reads its end once all who asked for it have closed theirs too."""
        self._require_handle("close the input of").close_stdin()

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of its terminal. Raises PyruncError if it has none within reach."""
        self._require_handle("resize the terminal of").resize(rows, columns)

    # -- more processes ---------------------------------------------------------------------------------------------------------

    def exec(
        self,
        process: Process,
        *,
        stdio: Stdio | None = None,
        monitor: bool = False,
        exec_id: str | None = None,
        preserve_fds: int = 0,
        console_socket: str | PathLike[str] | None = None,
        ignore_paused: bool = False,
        cgroups: Mapping[str, str] | None = None,
    ) -> ExecProcess:
        """Run one more process in the container; returns once its execve(2) has succeeded.

        ``process`` stands for itself: to run as the container's first process does, evolve ``spec.process``. With ``monitor`` it
        outlives the caller, and is found again by ``get_exec`` under ``exec_id`` (made up if None). ``ignore_paused``: also in a paused container, where the process waits for it to be resumed, and this call with it. ``cgroups``: run it in a cgroup that the
        container has below its own, ``{"": "sub"}``, or of version 1 by controller, ``{"cpu": "sub"}``.

        Raises InvalidState unless the container is created or running, SpecError naming the field of ``process``, InvalidId,
        ExecutableNotFound, ExecutableNotPermitted, OperationFailed.
        """
        from pyrunc.execs import ExecOptions, start_exec

        with span("runtime", "exec"), self._place.locked(shared=True) as directory:
            status = self._status(directory, mine=True)
            allowed = _LIVE if ignore_paused else (CREATED, RUNNING)
            if status not in allowed or self._record.main is None:
                raise InvalidState(self.id, status, "exec in")
            options = ExecOptions(
                stdio=stdio or Stdio.inherit(),
                monitored=monitor,
                exec_id=exec_id,
                preserve_fds=preserve_fds,
                console_socket=None if console_socket is None else os.fspath(console_socket),
                cgroups=cgroups or {},
            )
            return start_exec(self._place, directory, process, options)

    def execs(self) -> list[ExecProcess]:
        """The monitored execs that have not been deleted, running or not, by whomever they were started."""
        from pyrunc.execs import find_execs

        with self._place.open() as directory:
            return find_execs(self._place, directory)

    def get_exec(self, exec_id: str) -> ExecProcess:
        """The monitored exec with this id. Raises ExecNotFound, InvalidId."""
        from pyrunc.execs import get_exec

        with self._place.open() as directory:
            return get_exec(self._place, directory, exec_id)

    # -- its cgroup -------------------------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Freeze all processes. Raises InvalidState unless created or running, CgroupError."""
        with self._place.locked() as directory:
            self._require(directory, "pause", CREATED, RUNNING)
            self._cgroup.freeze()

    def resume(self) -> None:
        """Let a paused container go on. Raises InvalidState, CgroupError."""
        with self._place.locked() as directory:
            self._require(directory, "resume", PAUSED)
            self._cgroup.thaw()

    def processes(self) -> list[int]:
        """The pids of all its processes in the caller's pid namespace, ascending. Raises CgroupError without cgroups."""
        return sorted(self._cgroup.processes())

    def stats(self) -> Stats:
        """What the kernel has counted. Raises InvalidState if the container is stopped."""
        with self._place.open() as directory:
            status = self._status(directory)
        if status not in _LIVE:
            raise InvalidState(self.id, status, "read the statistics of")
        return self._cgroup.stats()

    def events(self, interval: float | None = None) -> Generator[Event, None, None]:
        """An OomEvent whenever the memory limit is reached, and every ``interval`` seconds a StatsEvent; until the first process ends.

        The iterator holds descriptors until it is exhausted or closed. Raises InvalidState if the container is stopped, ValueError
        for an interval that is not above 0, and CgroupError without a memory cgroup.
        """
        from pyrunc.events import watch

        if interval is not None and interval <= 0:
            raise ValueError(f"the interval must be above 0 seconds, not {interval}")
        with self._place.open() as directory:
            status = self._status(directory)
        if status not in _LIVE:
            raise InvalidState(self.id, status, "watch the events of")
        return watch(self._cgroup, self.exit_fd(), interval)

    def update(self, resources: Resources | None = None, *, intel_rdt: IntelRdt | None = None) -> None:
        """Change the limits that ``resources`` names, in the cgroup and in ``spec()``; others stay, and so do the device rules.
        ``intel_rdt``: new shares for its group of resctrl, the last to be tried.

        Raises InvalidState if stopped, CgroupError naming the field that cannot be, SpecError for ``intel_rdt`` where the container has no
        group; the old limits are in force then, but for ``resources`` where only ``intel_rdt`` was refused.
        """
        from pyrunc.updates import update, update_rdt

        with span("runtime", "update"), self._place.locked() as directory:
            self._require(directory, "update", *_LIVE)
            if resources is not None:
                update(directory, self._cgroup, resources)
            if intel_rdt is not None:
                update_rdt(directory, intel_rdt)

    def checkpoint(self, image_path: str | PathLike[str], options: CheckpointOptions | None = None) -> None:
        """Write its processes to ``image_path`` with criu, for ``Runtime.restore``; it is stopped then, unless it is left running.

        Raises InvalidState unless it is running or paused, Unsupported for what cannot be checkpointed, MissingLibrary without criu, CriuFailed with
        what criu said; the container runs on then.
        """
        from pyrunc.criu.dump import checkpoint
        from pyrunc.criu.options import CheckpointOptions

        with span("runtime", "checkpoint"), self._place.locked() as directory:
            status = self._require(directory, "checkpoint", RUNNING, PAUSED)
            images = os.path.abspath(os.fspath(image_path))
            frozen = self._cgroup if status == PAUSED else None
            checkpoint(self._record, self.spec(), images, options or CheckpointOptions(), frozen)

    def _open_descriptor(self) -> int | None:
        """For handles: a descriptor of the state directory, or None once it is deleted."""
        try:
            return self._place.open().detach()
        except ContainerNotFound:
            return None
