"""Containers, images and events from a program without an event loop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pycontainerd import ContainerConfig, ExecConfig, Status
from pycontainerd.blocking import Supervisor
from pycontainerd.errors import CommandNotFound, ContainerNotFound, ImageNotFound, StoreInUse
from tests.support.run import RUN


def supervisor_in(directory: Path) -> Supervisor:
    return Supervisor(
        directory / "root", directory / "state", cgroup_parent=f"/pycontainerd-{RUN.name[:12]}-{directory.name}"
    )


@pytest.fixture
def supervisor(tmp_short: Path, busybox_tar: Path) -> Iterator[Supervisor]:
    with supervisor_in(tmp_short) as made:
        made.images.import_rootfs(busybox_tar, "busybox", changes=["CMD sh"])
        yield made
        for container in made.containers.list():
            container.remove(force=True)


def shell(script: str, **config: object) -> ContainerConfig:
    return ContainerConfig(image="busybox", args=("sh", "-c", script), **config)  # type: ignore[arg-type]


def test_a_life(supervisor: Supervisor) -> None:
    container = supervisor.containers.create(shell("echo up; sleep 300"), name="lives")
    with container.attach() as attachment:
        container.start()
        assert next(iter(attachment)).data == b"up\n"
    assert container.info().status is Status.RUNNING
    lookup = container.exec(ExecConfig(args=("sh", "-c", "echo inside; exit 4")))
    output = lookup.attach()
    lookup.start()
    assert [chunk.data for chunk in output] == [b"inside\n"]
    assert lookup.wait(timeout=10) == 4
    assert any("sleep 300" in process.command for process in container.top())
    with container.rootfs() as root:
        assert root >= 0
    container.stop(timeout=0)
    assert container.wait(timeout=10).code == 137
    assert [record.data for record in container.logs()] == [b"up\n"]
    assert supervisor.containers.get("lives") == container
    container.remove()
    with pytest.raises(ContainerNotFound):
        supervisor.containers.get("lives")


def test_input(supervisor: Supervisor) -> None:
    container = supervisor.containers.create(
        ContainerConfig(image="busybox", args=("cat",), open_stdin=True, stdin_once=True)
    )
    attachment = container.attach(stdin=True)
    container.start()
    attachment.write(b"through ")
    attachment.write(b"and back")
    attachment.close_stdin()
    assert b"".join(chunk.data for chunk in attachment) == b"through and back"
    assert container.wait(timeout=10).code == 0


def test_from_many_threads(supervisor: Supervisor) -> None:
    def life(number: int) -> int:
        container = supervisor.containers.create(shell(f"exit {number}"))
        container.start()
        code = container.wait(timeout=30).code
        container.remove()
        return code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(life, range(16))) == list(range(16))


def test_waiting(supervisor: Supervisor) -> None:
    container = supervisor.containers.create(shell("read -t 30 x; exit 6", open_stdin=True))
    ended = container.waiter("next-exit")
    container.start()
    with pytest.raises(TimeoutError):
        container.wait(timeout=0.05)
    assert not ended.done()
    container.kill()
    assert ended.result(10).code == 137


def test_events_from_the_call_on(supervisor: Supervisor) -> None:
    events = supervisor.events.subscribe()
    container = supervisor.containers.create(shell("true"), name="noticed")
    container.start()
    container.wait()
    container.remove()
    assert [next(events).action for _ in range(4)] == ["create", "start", "die", "destroy"]


def test_images_out_and_in(supervisor: Supervisor) -> None:
    archive = list(supervisor.images.export(["busybox"]))
    wanted = supervisor.images.get("busybox").id
    supervisor.images.remove("busybox")
    with pytest.raises(ImageNotFound):
        supervisor.images.get("busybox")
    (loaded,) = supervisor.images.import_archive(archive)
    assert (loaded.id, loaded.references) == (wanted, ("busybox:latest",))


def test_errors_are_the_supervisor_s(supervisor: Supervisor) -> None:
    container = supervisor.containers.create(ContainerConfig(image="busybox", args=("no-such-command",)))
    with pytest.raises(CommandNotFound, match="no-such-command"):
        container.start()


def test_logs_that_are_not_read_to_the_end(supervisor: Supervisor) -> None:
    container = supervisor.containers.create(shell("while :; do echo line; sleep 0.01; done"))
    container.start()
    following = container.logs(follow=True)
    assert next(following).data == b"line\n"
    following.close()  # type: ignore[attr-defined]


def test_closing_leaves_containers_running_and_no_thread(tmp_short: Path, busybox_tar: Path) -> None:
    before = set(threading.enumerate())
    with supervisor_in(tmp_short) as first:
        first.images.import_rootfs(busybox_tar, "busybox")
        first.containers.create(shell("sleep 300"), name="stays").start()
        with pytest.raises(StoreInUse), supervisor_in(tmp_short):
            pass
        container = first.containers.get("stays")
    assert set(threading.enumerate()) == before
    with pytest.raises(RuntimeError, match="closed"):
        container.info()
    with supervisor_in(tmp_short) as second:
        assert second.containers.get("stays").info().status is Status.RUNNING
        second.containers.get("stays").remove(force=True)


def test_two_in_one_program(tmp_short: Path) -> None:
    with supervisor_in(tmp_short / "a") as one, supervisor_in(tmp_short / "b") as other:
        config = ContainerConfig(image="host", args=("true",))
        container = one.containers.create(config, name="same")
        other.containers.create(config, name="same").remove()
        container.remove()
