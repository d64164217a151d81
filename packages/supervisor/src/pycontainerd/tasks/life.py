"""The life of a container: what is remembered of it, what runs, and how one becomes the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from attrs import evolve

import pyrunc
from pycontainerd.containers import store
from pycontainerd.containers.config import ContainerConfig, ExecConfig
from pycontainerd.containers.health import Health, HealthResult
from pycontainerd.containers.info import ContainerInfo, ExitStatus, Status
from pycontainerd.containers.record import ContainerRecord, moment
from pycontainerd.containers.states import Action, after, refusal
from pycontainerd.errors import Conflict, NotRunning, RuntimeFailed, StoreFailed, SupervisorError
from pycontainerd.events import log as event_log
from pycontainerd.events.event import Event
from pycontainerd.tasks import launch, networking
from pycontainerd.tasks.changes import Changes
from pycontainerd.tasks.checkpoints import Checkpoint
from pycontainerd.tasks.exec import Exec
from pycontainerd.tasks.execs import Execs
from pycontainerd.tasks.failures import asking
from pycontainerd.tasks.happenings import container_event
from pycontainerd.tasks.neighbours import Neighbours
from pycontainerd.tasks.output import Log
from pycontainerd.tasks.probing import Prober
from pycontainerd.tasks.restarts import Restarts
from pycontainerd.tasks.run import Run
from pycontainerd.tasks.services import Services
from pycontainerd.tasks.signals import SIGKILL, SIGTERM, parse
from pycontainerd.tasks.stdio import Stdio
from pycontainerd.tasks.waiters import Waiters
from pycontainerd.tracing import span

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)
_STOP_TIMEOUT = 10
"""Seconds between the stop signal and SIGKILL, as dockerd has them."""


class Life:
    """What every verb of a `Container` stands on.

    What changes its state happens under one lock, and is true once it is in the metadata. A run is watched to its end; then its restart policy,
    its removal or nothing follows.
    """

    def __init__(self, services: Services, record: ContainerRecord, neighbours: Neighbours[Any]) -> None:
        self._services = services
        self._record = record
        self._neighbours = neighbours
        self._lock = asyncio.Lock()
        self._waiters = Waiters()
        self._stdio = Stdio(
            record.id[:12],
            services.worker,
            services.home(record.id),
            stdin=record.config.open_stdin,
            # a terminal's input does not end with the client that leaves it, as docker has it: the next one types on
            stdin_once=record.config.stdin_once and not record.config.terminal,
        )
        self._log = Log(services, record)
        self._process: pyrunc.Container | None = None
        self._run: Run | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._restarts = Restarts()
        self._execs = Execs(services, lambda: self._record, self._running_process)
        self._prober = Prober(lambda: self._record, self.exec, self._execs.forget, self._probed)
        self._seen: tuple[ContainerRecord, ContainerInfo] | None = None
        self._restarting = False
        self._clock_shift = 0.0
        self._begun: set[asyncio.Task[Any]] = set()

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return self._record.id

    @property
    def name(self) -> str | None:
        """Unique among the supervisor's containers."""
        return self._record.name

    @property
    def config(self) -> ContainerConfig:
        """With the image's defaults merged in, as ``docker inspect`` shows it."""
        return self._record.config

    def info(self) -> ContainerInfo:
        """Its state at this moment; the same object as long as it is the same state."""
        if self._seen is None or self._seen[0] is not self._record:
            self._seen = (self._record, self._record.info())
        return self._seen[1]

    async def exec(self, config: ExecConfig) -> Exec:
        """Prepare another process in it; ``Exec.start`` runs it. Raises NotRunning, Paused, RemovalInProgress."""
        after(self._label, self._record.status, Action.EXEC)
        made = await self._execs.create(config)
        await self._publish(f"exec_create: {' '.join(config.args)}", execID=made.id)
        return made

    @property
    def record(self) -> ContainerRecord:
        """What is remembered of it."""
        return self._record

    async def adopt(self, process: pyrunc.Container, status: Status, pid: int) -> None:
        """Go on with a process that another supervisor started; it may have ended meanwhile."""
        async with self._lock:
            fresh = self._record.status not in {Status.RUNNING, Status.PAUSED, Status.REMOVING}
            run = await launch.connect(self._services, self._record, process, self._stdio)
            self._began(process, run)
            status = Status.REMOVING if self._record.status is Status.REMOVING else status
            started = launch.now() if fresh else self._record.started_ns
            record = evolve(self._record, status=status, pid=pid or self._record.pid, started_ns=started)
            await self._save(record, "start" if fresh else None)
            await self._execs.adopt(process)
        if status is Status.RUNNING:
            self._prober.start()

    async def vanished(self) -> None:
        """Its process is gone and nobody saw how: the machine was restarted, or the runtime's state was deleted."""
        status = ExitStatus(
            code=255, exited_at=datetime.now(UTC), error="the container ended while no supervisor was there to see it"
        )
        async with self._lock:
            await networking.disconnect(self._services, self._record)
            await self._record_exit(status)
            await self._release_mounts()

    def begins_with_the_supervisor(self) -> bool:
        """Whether its policy wants it to run, though it does not, now that a supervisor opens: docker's rule at the start of the daemon."""
        record = self._record
        if record.status is Status.RESTARTING:
            return True
        return (
            record.status is Status.EXITED
            and bool(record.started_ns)
            and self._restarts.wanted(record, record.exit_code)
        )

    async def begin_with_the_supervisor(self) -> None:
        """Start it for that reason; what becomes of it is to be read from ``info()``."""
        if self._record.status is Status.EXITED:
            async with self._lock:
                if not self.begins_with_the_supervisor():
                    return
                await self._save(evolve(self._record, status=Status.RESTARTING))
        await self._start_again()

    async def finish_removal(self) -> None:
        """Complete a removal that was begun, or that its end demands."""
        if self._record.status is not Status.REMOVING:
            await self._remove(Action.REMOVE_BY_FORCE)
        else:
            if self._record.pid:  # it was to be killed, and nobody has written down that it has died
                async with self._lock:
                    await self._record_exit(ExitStatus(code=128 + SIGKILL, exited_at=datetime.now(UTC)))
            await self._remove_all()

    async def close(self) -> None:
        """Let go of it; it goes on running."""
        await self._restarts.close()
        for task in [*self._begun]:
            await asyncio.gather(task, return_exceptions=True)
        await self._prober.stop()
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._run is not None:
            self._run.close()
        await self._execs.close()
        self._stdio.close()
        self._waiters.close()

    # -- inside -----------------------------------------------------------------------------------------------------------------

    @property
    def _label(self) -> str:
        return f"/{self.name}" if self.name else self.id

    @property
    def _stop_timeout(self) -> float:
        return _STOP_TIMEOUT if self.config.stop_timeout is None else self.config.stop_timeout

    def _is_active(self) -> bool:
        return self._record.status in {Status.RUNNING, Status.PAUSED, Status.RESTARTING} or self._run is not None

    def _running_process(self) -> pyrunc.Container:
        if self._process is None or self._record.status not in {Status.RUNNING, Status.PAUSED}:
            raise NotRunning(f"container {self._label} is not running")
        return self._process

    def _last_exit(self) -> ExitStatus:
        ended = self._record
        return ExitStatus(
            code=ended.exit_code, exited_at=moment(ended.finished_ns), oom_killed=ended.oom_killed, error=ended.error
        )

    async def _finish(self, verb: Coroutine[Any, Any, _T]) -> _T:
        """Await ``verb`` so that it goes on to its end when the caller is cancelled."""
        task = asyncio.create_task(verb)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return await asyncio.shield(task)

    async def _start(self, console_size: tuple[int, int] | None, checkpoint: Checkpoint | None = None) -> None:
        async with self._lock:
            after(self._label, self._record.status, Action.START)
            self._restarts.reset()
            record = evolve(self._record, restart_count=0, stopped_by_hand=False)
            await self._run_once(console_size, record, checkpoint)

    async def _start_again(self) -> None:
        """What the restart policy has asked for, unless it was called off meanwhile."""
        async with self._lock:
            if self._record.status is Status.RESTARTING:
                await self._finish(self._run_once(None, self._record))

    async def _run_once(
        self, console_size: tuple[int, int] | None, record: ContainerRecord, checkpoint: Checkpoint | None = None
    ) -> None:
        """Under the lock. ``record`` is what it is from now on if there is a run."""
        with span("supervisor", "start"):
            try:
                shared = launch.shared(record, self._neighbours)
                shifted = self._with_shifted_clock(record)
                await self._services.mounts.prepare(self.id, record.config)
                process, run = await launch.launch(
                    self._services, shifted, self._stdio, shared, console_size, checkpoint
                )
            except BaseException as error:
                await self._release_mounts()
                if isinstance(error, SupervisorError | OSError):
                    await self._start_failed(error)
                raise
            try:
                with span("supervisor", "record start"):
                    await self._started(record, process, run)
            except BaseException:  # what is not recorded must not run: nobody would watch it
                await launch.undo(self._services, record, process, run, self._stdio)
                await self._release_mounts()
                raise
        await self._stdio.begin()
        self._prober.start()

    def _with_shifted_clock(self, record: ContainerRecord) -> ContainerRecord:
        """For this run only: what is recorded is what its creator decided."""
        if not self._clock_shift:
            return record
        return evolve(record, config=evolve(record.config, clock_offset=record.config.clock_offset + self._clock_shift))

    async def _started(self, record: ContainerRecord, process: pyrunc.Container, run: Run) -> None:
        check, health = record.config.health, record.health or Health()
        record = evolve(
            record,
            status=Status.RUNNING,
            pid=process.pid,
            started_ns=launch.now(),
            finished_ns=0,
            exit_code=0,
            error="",
            oom_killed=False,
            health=health.restarted() if check is not None and check.probes else None,
        )
        await self._save(record, "start")
        self._began(process, run)

    def _began(self, process: pyrunc.Container, run: Run) -> None:
        self._process, self._run = process, run
        self._watcher = asyncio.create_task(self._watch(run))

    async def _start_failed(self, error: Exception) -> None:
        code = getattr(error, "exit_code", 128)
        self._stdio.hub.end()  # those who watch for the run that has not come to be
        again = self._record.status is Status.RESTARTING
        status = Status.EXITED if again else self._record.status
        await self._save(evolve(self._record, status=status, exit_code=code, error=str(error)))
        if again:
            self._waiters.exited(self._last_exit())
        if self.config.remove_on_exit and not self._restarting:
            # Not here, because the lock is held.
            self._watcher = asyncio.create_task(self._remove_itself())

    async def _watch(self, run: Run) -> None:
        ended = await run.ended()
        status = ExitStatus(code=ended.code, exited_at=ended.exited_at, oom_killed=ended.oom_killed)
        async with self._lock:
            self._stdio.disconnect()
            await networking.disconnect(self._services, self._record)
            await self._record_exit(status, again=self._restarts.wanted(self._record, status.code))
            await self._clear_run()
        if self._record.status is Status.RESTARTING:
            self._restarts.schedule((self._record.finished_ns - self._record.started_ns) / 1e9, self._start_again)
        elif self.config.remove_on_exit and not self._restarting:
            await self._remove_itself()

    async def _clear_run(self) -> None:
        """Whatever goes wrong with what a run has left, the container is started again, or removed, as it is to be."""
        try:
            await self._execs.container_ended()
            await self._prober.stop()
        except Exception:
            _logger.exception("%s: what its run has left is not ended", self._label)
        process, self._process = self._process, None
        if process is not None:
            await self._delete(process)
        await self._release_mounts()

    async def _release_mounts(self) -> None:
        try:
            await self._services.mounts.release(self.id, self.config)
        except Exception:
            _logger.exception("%s: what it had mounted is not put away", self._label)

    async def _delete(self, process: pyrunc.Container) -> None:
        """What is left of the run. If that fails (a process hangs in the kernel), the next start or the removal tries again."""
        try:
            await self._services.worker.run(process.delete, force=True)
        except (pyrunc.PyruncError, OSError):
            _logger.exception("%s: what its run has left is not deleted", self._label)

    async def _remove_itself(self) -> None:
        """docker's ``--rm``; somebody else may be faster."""
        try:
            await self._remove(Action.REMOVE)
        except Conflict:
            pass
        except Exception:
            _logger.exception("%s: could not be removed after its end", self._label)

    async def _record_exit(self, status: ExitStatus, *, again: bool = False) -> None:
        """``again``: another run will follow. Who waits is told all the same, as docker has it: a run has ended."""
        before = self._record
        again = again and before.status in {Status.RUNNING, Status.PAUSED}
        record = evolve(
            before,
            status=after(self._label, before.status, Action.EXIT_TO_RESTART if again else Action.EXIT),
            pid=0,
            exit_code=status.code,
            error=status.error,
            oom_killed=status.oom_killed,
            finished_ns=launch.nanoseconds(status.exited_at),
            restart_count=before.restart_count + again,
            health=before.health.unwatched() if before.health is not None else None,
        )
        duration = max(0, record.finished_ns - record.started_ns) // 10**9
        events = [container_event(record, "oom")] if status.oom_killed else []
        events.append(container_event(record, "die", exitCode=str(status.code), execDuration=str(duration)))
        try:
            await self._write(record, *events)
        except StoreFailed:
            _logger.exception("%s: its end is not recorded", self._label)
            self._record = record
        self._run = (
            None  # in the same step: who comes to wait after the others were told must not find a run that has ended
        )
        self._waiters.exited(status)

    async def _gave_up(self) -> bool:
        """Whether it was waiting to be started again, which it does no longer."""
        if not self._is_restarting():
            return False
        async with self._lock:
            if not self._is_restarting():  # it was faster
                return False
            status = after(self._label, self._record.status, Action.GIVE_UP)
            await self._save(evolve(self._record, status=status, stopped_by_hand=True))
        self._waiters.exited(self._last_exit())
        return True

    def _is_restarting(self) -> bool:
        return self._record.status is Status.RESTARTING

    async def _by_hand(self) -> None:
        """Somebody ends the present run: it is not to be started again, and a policy may ask for this later, too."""
        self._restarts.called_off = True
        if self.config.restart.name == "no" or self._record.stopped_by_hand:
            return
        async with self._lock:
            await self._save(evolve(self._record, stopped_by_hand=True))

    async def _probed(self, result: HealthResult) -> None:
        async with self._lock:
            record, check = self._record, self._record.config.health
            if check is None or record.health is None or record.status is not Status.RUNNING:
                return
            health = record.health.after(result, check, record.started_ns)
            changed = health.status != record.health.status
            await self._save(evolve(record, health=health), f"health_status: {health.status}" if changed else None)

    async def _signal(self, number: int) -> None:
        after(self._label, self._record.status, Action.KILL)
        process = self._process
        if process is None:
            raise NotRunning(f"container {self._label} is not running")
        with asking(self._label):
            await self._services.worker.run(process.kill, number)
        await self._publish("kill", signal=str(number))
        if self._record.status is Status.PAUSED and number == parse(self.config.stop_signal or SIGTERM):
            await self._finish(
                self._change(Action.RESUME, lambda process: process.resume())
            )  # as dockerd: who wants it to end wants it to see the signal; SIGKILL needs no help

    def _ending(self) -> asyncio.Future[ExitStatus]:
        """A waiter for the end of this run. NotRunning when there is none."""
        after(self._label, self._record.status, Action.KILL)
        return self._waiters.add("next-exit")

    async def _kill_for_good(self, ended: asyncio.Future[ExitStatus]) -> None:
        try:
            await self._signal(SIGKILL)
        except NotRunning:
            return
        await ended

    async def _change(self, action: Action, do: Callable[[pyrunc.Container], None]) -> None:
        """Pause or resume."""
        async with self._lock:
            following = after(self._label, self._record.status, action)
            process = self._running_process()
            with asking(self._label):
                await self._services.worker.run(do, process)
            health = self._record.health
            if action is Action.PAUSE and health is not None:
                health = health.unwatched()
            await self._save(evolve(self._record, status=following, health=health), action.value)
        if action is Action.RESUME:
            self._prober.start()
        else:
            await self._prober.stop()

    async def _update(self, changes: Changes) -> None:
        async with self._lock:
            if self._record.status is Status.REMOVING:
                raise refusal(self._label, Status.REMOVING, Action.REMOVE)
            record = evolve(self._record, config=changes.applied_to(self.config))
            process = self._process
            if process is not None and changes.resources is not None and self._record.pid:
                with asking(self._label):
                    await self._services.worker.run(process.update, changes.limits(record.config))
            event = container_event(record, "update")

            def write(connection: sqlite3.Connection) -> None:
                store.update_config(connection, record)
                event_log.append(connection, event)

            await self._services.database.write(write)
            self._record = record
            self._services.events.announce()

    async def _remove(self, action: Action) -> None:
        async with self._lock:
            following = evolve(self._record, status=after(self._label, self._record.status, action))
            try:
                await self._save(following)
            except StoreFailed:
                self._record = following  # the disk is full, and this container may be what has filled it
            ended = self._waiters.add("next-exit") if self._run is not None else None
        if ended is not None:
            with self._dead_if_it_fails():
                await self._end_by_force(ended)
        await self._remove_all()

    async def _end_by_force(self, ended: asyncio.Future[ExitStatus]) -> None:
        with contextlib.suppress(
            NotRunning, StoreFailed
        ):  # it ended by itself; or there is no room to write of the signal, after it
            await self._signal(SIGKILL)
        await ended

    async def _remove_all(self) -> None:
        """Everything that belongs to it, the record last: what fails or is killed in between is taken up again."""
        async with self._lock:
            with self._dead_if_it_fails(), span("supervisor", "remove"):
                await launch.discard(self._services, self.id)
            event = container_event(self._record, "destroy")

            def write(connection: sqlite3.Connection) -> None:
                store.delete(connection, self.id)
                event_log.append(connection, event)

            await self._services.database.write(write)
            self._services.events.announce()
            try:
                await self._services.mounts.removed(self.id, self.config)
            except Exception:
                _logger.exception("%s: what it had to mount is not told that it is removed", self._label)
            await networking.removed(self._services, self._record)
            self._neighbours.forget(self.id)
            self._stdio.close()
        self._waiters.removed(self._last_exit())

    @contextlib.contextmanager
    def _dead_if_it_fails(self) -> Iterator[None]:
        """Around the parts of a removal: ``dead`` is what dockerd calls a container that can only be removed once more."""
        try:
            yield
        except (SupervisorError, pyrunc.PyruncError, OSError) as error:
            self._record = evolve(
                self._record, status=Status.DEAD, error=str(error)
            )  # in the metadata: still being removed
            raise RuntimeFailed(f"container {self._label} is not removed, which can be tried again: {error}") from error

    async def _rename(self, name: str) -> None:
        async with self._lock:
            if self._record.status is Status.REMOVING:
                raise refusal(self._label, Status.REMOVING, Action.REMOVE)
            old, plain = self._record.name, self._neighbours.take_name(self.id, name)
            try:
                await self._save(evolve(self._record, name=plain), "rename", oldName=old or "")
            except BaseException:
                self._neighbours.free_name(self.id, plain)
                raise
            self._neighbours.free_name(self.id, old)

    async def _save(self, record: ContainerRecord, action: str | None = None, **attributes: str) -> None:
        await self._write(record, *([container_event(record, action, **attributes)] if action else []))

    async def _write(self, record: ContainerRecord, *events: Event) -> None:
        """The new record and its events in one transaction; only then it is true."""

        def write(connection: sqlite3.Connection) -> None:
            store.update(connection, record)
            for event in events:
                event_log.append(connection, event)

        await self._services.database.write(write)
        self._record = record
        if events:
            self._services.events.announce()

    async def _publish(self, action: str, **attributes: str) -> None:
        event = container_event(self._record, action, **attributes)
        await self._services.events.publish(event.type, event.action, event.actor, event.attributes)
