"""Containers on the real kernel through the library: created, started, waited for, signalled, found again, deleted."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import pyrunc
from pyrunc import InvalidState, Runtime, Status, Stdio
from tests.runtime.conftest import Bundle, Outcome

BOTH = pytest.mark.parametrize("monitor", [False, True], ids=["child", "monitored"])


@BOTH
def test_the_whole_life(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    spec = bundle.spec("sleep", "60")
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null(), monitor=monitor)
    created = container.state()
    assert (created.status, created.id, created.bundle) == (Status.CREATED, "web", bundle.path)
    assert Path(f"/proc/{created.pid}").exists()
    assert [state.id for state in runtime.list()] == ["web"]

    container.start()
    assert container.state().status is Status.RUNNING
    with pytest.raises(InvalidState, match="cannot start"):
        container.start()
    with pytest.raises(InvalidState, match="running"):
        container.delete()
    with pytest.raises(TimeoutError):
        container.wait(0.05)

    container.kill("TERM")  # process 1 of a pid namespace ignores what it does not handle
    container.kill(signal.SIGKILL)
    ended = container.wait(10)
    assert (ended.code, ended.signal, ended.known) == (137, signal.SIGKILL, True)
    assert container.state().status is Status.STOPPED
    assert container.state().pid == 0
    with pytest.raises(InvalidState, match="stopped"):
        container.kill()

    container.delete()
    assert runtime.ids() == []
    with pytest.raises(pyrunc.ContainerNotFound):
        container.state()
    with pytest.raises(pyrunc.ContainerNotFound):
        runtime.get("web")


@BOTH
@pytest.mark.parametrize(("command", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$; exit 3", 3)])
def test_exit_codes(outcome: Callable[..., Outcome], bundle: Bundle, monitor: bool, command: str, code: int) -> None:
    assert outcome(bundle.spec(command), monitor=monitor)[0] == code


@BOTH
def test_anyone_may_wait_as_often_as_they_like(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    spec = bundle.spec("sleep 0.2; exit 5")
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null(), monitor=monitor)
    container.start()
    codes: list[int] = []
    waiters = [threading.Thread(target=lambda: codes.append(runtime.get("web").wait(10).code)) for _ in range(8)]
    for waiter in waiters:
        waiter.start()
    for waiter in waiters:
        waiter.join()
    assert codes == [5] * 8
    assert container.wait() == container.wait()
    container.delete()


@BOTH
def test_the_end_as_a_descriptor(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    spec = bundle.spec("sleep", "60")
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null(), monitor=monitor)
    descriptor = container.exit_fd()
    try:
        assert select.select([descriptor], [], [], 0.05)[0] == []
        container.kill(9)
        assert select.select([descriptor], [], [], 10)[0] == [descriptor]
        assert container.wait(0).signal == 9
    finally:
        os.close(descriptor)
    container.delete()


@BOTH
def test_what_was_never_started_is_deleted(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null(), monitor=monitor)
    pid = container.pid
    container.delete()
    assert not Path(f"/proc/{pid}").exists()


def test_a_name_in_use(runtime: Runtime, bundle: Bundle) -> None:
    first = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    with pytest.raises(pyrunc.ContainerExists, match="'web' already exists"):
        runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null())
    assert first.state().status is Status.CREATED
    first.delete()


def test_two_runtimes_know_nothing_of_each_other(runtime: Runtime, bundle: Bundle, tmp_path: Path) -> None:
    other = Runtime(tmp_path / "other")
    one = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    assert other.list() == []
    one.delete()


def test_paused_processes_stand_still(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    container.start()
    container.pause()
    assert container.state().status is Status.PAUSED
    with pytest.raises(InvalidState, match="paused"):
        container.exec(container.spec().process or pyrunc.Process(cwd="/"))
    container.resume()
    assert container.state().status is Status.RUNNING
    container.pause()
    container.kill("KILL")
    assert container.wait(10).signal == 9
    container.delete()


def test_kill_reaches_every_process(runtime: Runtime, bundle: Bundle) -> None:
    spec = bundle.spec("sleep 61 & sleep 62 & wait")
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    container.start()
    while len(container.processes()) < 3:
        pass
    pids = container.processes()
    assert container.pid in pids
    container.kill("KILL", all=True)
    container.wait(10)
    container.delete()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_without_a_pid_namespace_no_process_outlives_delete(runtime: Runtime, bundle: Bundle) -> None:
    spec = bundle.spec("sleep 63 & exit 0")
    assert spec.linux
    kept = tuple(namespace for namespace in spec.linux.namespaces if namespace.type != "pid")
    container = runtime.create("web", bundle.path, spec=spec.with_linux(namespaces=kept), stdio=Stdio.null())
    container.start()
    container.wait(10)
    (orphan,) = container.processes()
    container.delete()
    assert not Path(f"/proc/{orphan}/cmdline").exists() or b"63" not in Path(f"/proc/{orphan}/cmdline").read_bytes()


def test_many_at_once(runtime: Runtime, bundle: Bundle) -> None:
    """Threads that make, run and delete containers at the same time."""
    failures: list[BaseException] = []

    def live(number: int) -> None:
        try:
            for turn in range(5):
                monitor = bool(turn % 2)
                spec = bundle.spec(f"exit {number}; :")
                container = runtime.create(f"c{number}", bundle.path, spec=spec, stdio=Stdio.null(), monitor=monitor)
                container.start()
                assert container.wait(30).code == number
                container.delete()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=live, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_one_start_of_many_wins(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    results: list[str] = []

    def start() -> None:
        try:
            runtime.get("web").start()
            results.append("won")
        except InvalidState as error:
            results.append(error.status)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [*["running"] * 5, "won"]
    container.delete(force=True)


def test_one_delete_of_many_wins(runtime: Runtime, bundle: Bundle) -> None:
    runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    results: list[str] = []

    def delete() -> None:
        try:
            runtime.delete("web", force=True)
            results.append("deleted")
        except pyrunc.ContainerNotFound:
            results.append("gone")

    threads = [threading.Thread(target=delete) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["deleted", *["gone"] * 5]


def test_an_object_is_not_of_its_successor(runtime: Runtime, bundle: Bundle) -> None:
    """A container of the same name that was made later is another one."""
    old = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null())
    old.delete()
    new = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null())
    for action in (old.state, old.start, old.delete):
        with pytest.raises(pyrunc.ContainerNotFound):
            action()
    new.delete()
