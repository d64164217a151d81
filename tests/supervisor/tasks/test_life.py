"""Containers on the real kernel, from create to gone."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from pycontainerd import (
    BindMount,
    Container,
    ContainerConfig,
    ExecConfig,
    Image,
    LogConfig,
    Resources,
    Status,
    Supervisor,
)
from pycontainerd.errors import (
    AlreadyRunning,
    CommandNotExecutable,
    CommandNotFound,
    Conflict,
    ContainerNotFound,
    ContainerRunning,
    IdInUse,
    ImageNotFound,
    InvalidConfig,
    InvalidName,
    NameInUse,
    NotPaused,
    NotRunning,
    Paused,
    Unsupported,
)
from tests.supervisor.running import create, output, said, start
from tests.supervisor.stores import Stored

pytestmark = pytest.mark.usefixtures("busybox")
SLEEP = "trap 'exit 3' TERM; while :; do sleep 0.05; done"


async def test_a_container_runs_and_tells_how_it_ended(supervisor: Supervisor, busybox: Image) -> None:
    container = await create(supervisor, "echo out; echo err >&2; exit 7", name="first")
    assert (container.info().status, container.image_id) == (Status.CREATED, busybox.id)
    waiting = container.waiter("next-exit")
    await container.start()
    status = await waiting
    assert (status.code, status.oom_killed, status.error) == (7, False, "")
    assert (await container.wait()) == status
    info = container.info()
    assert (info.status, info.exit_code, info.pid) == (Status.EXITED, 7, 0)
    assert info.started_at is not None
    assert info.finished_at == status.exited_at
    records = [(record.stream, record.data) async for record in container.logs()]
    assert sorted(records) == [("stderr", b"err\n"), ("stdout", b"out\n")]


async def test_nothing_is_left_of_a_removed_container(supervisor: Supervisor) -> None:
    before = Stored.of(supervisor)
    container = await start(supervisor, SLEEP)
    pid = container.info().pid
    with pytest.raises(ContainerRunning, match="stop the container before removing"):
        await container.remove()
    removed = container.waiter("removed")
    await container.remove(force=True)
    assert (await removed).code == 137
    assert not Path(f"/proc/{pid}").exists()
    assert Stored.of(supervisor) == before
    with pytest.raises(ContainerNotFound):
        supervisor.containers.get(container.id)
    assert (await container.wait("removed")).code == 137


async def test_what_the_process_sees(supervisor: Supervisor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("bound\n")
    tmp_path.chmod(0o777)
    text = await output(
        supervisor,
        "echo $$ $A; id -u; hostname; cat /data/file; pwd; touch /data/x 2>&1; cat /etc/hosts | tail -1; ulimit -n",
        env=("A=b",),
        user="daemon",
        hostname="box",
        cwd="/tmp",
        mounts=(BindMount(source=str(tmp_path), target="/data", options=("ro",)),),
        extra_hosts=("db:10.0.0.2",),
    )
    lines = text.splitlines()
    assert lines[:5] == ["1 b", "1", "box", "bound", "/tmp"]
    assert "Read-only file system" in lines[5]
    assert lines[6] == "10.0.0.2\tdb"


async def test_a_restarted_container_keeps_its_file_system_and_its_log(supervisor: Supervisor) -> None:
    container = await create(supervisor, "echo x >> /count; wc -l < /count")
    for expected in ("1\n", "1\n2\n", "1\n2\n3\n"):
        await container.start()
        await container.wait()
        assert (await said(container)).decode() == expected
    running = await start(supervisor, f"date +%s%N; {SLEEP}")
    first = running.info().started_at
    await running.restart()
    assert running.info().status is Status.RUNNING
    assert running.info().started_at != first


async def test_stop_asks_first_and_kills_then(supervisor: Supervisor) -> None:
    polite = await start(supervisor, "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done")
    await until_said(polite, b"ready\n")
    await polite.stop()
    assert polite.info().exit_code == 3
    deaf = await start(supervisor, "trap '' TERM; echo deaf; while :; do sleep 0.05; done")
    await until_said(deaf, b"deaf\n")
    begun = time.monotonic()
    await deaf.stop(timeout=0.3)
    assert time.monotonic() - begun >= 0.3
    assert deaf.info().exit_code == 137
    with pytest.raises(NotRunning):
        await deaf.stop()
    other = await start(supervisor, "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done", stop_signal="USR1")
    await until_said(other, b"ready\n")
    await other.stop()
    assert other.info().exit_code == 9


async def until_said(container: Container, text: bytes, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while text not in await said(container):
        assert time.monotonic() < deadline, f"it has not said {text!r}"
        await asyncio.sleep(0.02)


async def test_kill(supervisor: Supervisor) -> None:
    container = await start(supervisor, SLEEP)
    with pytest.raises(InvalidConfig, match="Invalid signal"):
        await container.kill("NOSUCH")
    await container.kill("SIGKILL")
    assert (await container.wait()).code == 137
    with pytest.raises(NotRunning):
        await container.kill()


@pytest.mark.parametrize("end", ["resume", "remove", "stop", "kill"])
async def test_pause(supervisor: Supervisor, end: str) -> None:
    container = await start(supervisor, "i=0; trap 'exit 3' TERM; while :; do i=$((i+1)); echo $i; sleep 0.02; done")
    await until_said(container, b"3\n")
    await container.pause()
    assert container.info().status is Status.PAUSED
    before = await said(container)
    await asyncio.sleep(0.2)
    assert len((await said(container)).splitlines()) <= len(before.splitlines()) + 1
    with pytest.raises(Paused):
        await container.pause()
    if end == "resume":
        await container.resume()
        with pytest.raises(NotPaused):
            await container.resume()
        await until_said(container, b"%d\n" % (len(before.splitlines()) + 3))
        await container.stop()
        assert container.info().exit_code == 3
    elif end == "stop":
        await container.stop()
        assert container.info().exit_code == 3
    elif end == "kill":
        await container.kill("KILL")
        assert (await asyncio.wait_for(container.wait(), 10)).code == 137
    else:
        await asyncio.wait_for(container.remove(force=True), 10)


async def test_a_container_that_removes_itself(supervisor: Supervisor) -> None:
    before = Stored.of(supervisor)
    container = await create(supervisor, "exit 4", remove_on_exit=True)
    removed = container.waiter("removed")
    await container.start()
    assert (await asyncio.wait_for(removed, 10)).code == 4
    assert supervisor.containers.list() == []
    assert Stored.of(supervisor) == before


async def test_one_that_cannot_start_removes_itself_too(supervisor: Supervisor) -> None:
    container = await supervisor.containers.create(
        ContainerConfig(image="busybox", args=("/no/such",), remove_on_exit=True)
    )
    removed = container.waiter("removed")
    with pytest.raises(CommandNotFound):
        await container.start()
    await asyncio.wait_for(removed, 10)
    assert supervisor.containers.list() == []


async def test_names(supervisor: Supervisor) -> None:
    first = await create(supervisor, "true", name="/web")
    assert first.name == "web"
    assert supervisor.containers.get("/web") is supervisor.containers.get(first.id[:12]) is first
    before = Stored.of(supervisor)
    with pytest.raises(NameInUse, match=f'"/web" is already in use by container "{first.id}"'):
        await create(supervisor, "true", name="web")
    with pytest.raises(InvalidName):
        await create(supervisor, "true", name="../x")
    with pytest.raises(IdInUse):
        await supervisor.containers.create(ContainerConfig(image="busybox"), id=first.id)
    assert Stored.of(supervisor) == before
    second = await create(supervisor, "true", name="other")
    with pytest.raises(NameInUse):
        await second.rename("/web")
    await second.rename("/new")
    assert second.name == "new"
    await first.rename("other")
    assert (supervisor.containers.get("other"), supervisor.containers.get("new")) == (first, second)
    with pytest.raises(ContainerNotFound):
        supervisor.containers.get("web")


async def test_one_name_is_given_once_however_many_ask(supervisor: Supervisor) -> None:
    made = await asyncio.gather(*(create(supervisor, "true", name="one") for _ in range(8)), return_exceptions=True)
    assert [type(each) for each in made].count(Container) == 1
    assert sum(isinstance(each, NameInUse) for each in made) == 7
    assert len(supervisor.containers.list()) == 1


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"image": "nothing"}, ImageNotFound, "No such image: nothing"),
        ({"network": "container:nobody"}, ContainerNotFound, "nobody"),
        ({"network": "bridge"}, InvalidConfig, "network"),
        ({"mounts": (BindMount(source="/no/such/source", target="/x"),)}, InvalidConfig, "does not exist"),
        ({"resources": Resources(memory=1)}, InvalidConfig, "6MB"),
        ({"cap_add": ("NOTHING",)}, InvalidConfig, "unknown capability"),
        ({"log": LogConfig(driver="syslog")}, InvalidConfig, "no such log driver"),
        ({"log": LogConfig(options={"max-size": "much"})}, InvalidConfig, "max-size"),
        ({"stop_signal": "NOSUCH"}, InvalidConfig, "Invalid signal"),
        ({"args": ()}, None, ""),
    ],
)
async def test_what_cannot_be_created_leaves_nothing(
    supervisor: Supervisor, changes: dict[str, object], error: type[Exception] | None, text: str
) -> None:
    before = Stored.of(supervisor)
    config = ContainerConfig(**{"image": "busybox", "args": ("true",), **changes})  # type: ignore[arg-type]
    if error is None:  # no args of its own: the image's
        assert (await supervisor.containers.create(config)).config.args == ("/bin/sh", "-c", "sh")
        return
    with pytest.raises(error, match=text):
        await supervisor.containers.create(config)
    assert Stored.of(supervisor) == before
    assert supervisor.containers.list() == []


@pytest.mark.parametrize(
    ("args", "error", "code"),
    [
        (("/no/such",), CommandNotFound, 127),
        (("no-such",), CommandNotFound, 127),
        (("/etc",), CommandNotExecutable, 126),
    ],
)
async def test_a_command_that_cannot_be_run(
    supervisor: Supervisor, args: tuple[str, ...], error: type[Exception], code: int
) -> None:
    container = await supervisor.containers.create(ContainerConfig(image="busybox", args=args))
    attachment = await container.attach()
    with pytest.raises(error):
        await container.start()
    info = container.info()
    assert (info.status, info.exit_code) == (Status.CREATED, code)
    assert info.error
    assert [chunk async for chunk in attachment] == []
    attachment.detach()


async def test_a_user_that_does_not_exist(supervisor: Supervisor) -> None:
    container = await create(supervisor, "true", user="nobody-here")
    with pytest.raises(InvalidConfig, match="unable to find user nobody-here"):
        await container.start()
    assert container.info().status is Status.CREATED


async def test_a_second_start_is_refused(supervisor: Supervisor) -> None:
    container = await create(supervisor, SLEEP)
    done = await asyncio.gather(*(container.start() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in done if each is not None] == [AlreadyRunning] * 4


async def test_a_caller_that_is_cancelled_changes_nothing(supervisor: Supervisor) -> None:
    container = await create(supervisor, SLEEP)
    starting = asyncio.create_task(container.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    deadline = time.monotonic() + 5
    while container.info().status is not Status.RUNNING:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    await container.kill()
    assert (await container.wait()).code == 137


async def test_memory_limit(supervisor: Supervisor) -> None:
    container = await start(
        supervisor, "tail /dev/zero", resources=Resources(memory=16 << 20, memory_swap=16 << 20, pids_limit=10)
    )
    status = await asyncio.wait_for(container.wait(), 30)
    assert (status.code, status.oom_killed) == (137, True)


async def test_stats_and_top(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 100 & sleep 100", resources=Resources(memory=64 << 20))
    deadline = time.monotonic() + 5
    while (await container.stats()).pids.current < 2:
        assert time.monotonic() < deadline, "the shell has made its second process"
        await asyncio.sleep(0.01)
    processes = await container.top()
    assert container.info().pid in {process.pid for process in processes}
    await container.resize(1, 2)  # has no terminal, and so nothing to do: no error with docker either
    await container.kill()
    await container.wait()
    with pytest.raises(NotRunning):
        await container.top()
    with pytest.raises(NotRunning):
        await container.stats()
    with pytest.raises(NotRunning):
        await container.resize(1, 2)


async def test_sharing_namespaces(supervisor: Supervisor) -> None:
    first = await create(supervisor, SLEEP, name="first")
    second = await create(supervisor, "hostname; ps | grep -c sleep", network="container:first", pid="container:first")
    with pytest.raises(Conflict, match="non running container"):
        await second.start()
    await first.start()
    await first.rename("renamed")
    await second.start()
    assert (await second.wait()).code == 0


async def test_a_process_left_behind_does_not_hold_up_the_end(supervisor: Supervisor) -> None:
    """In the host's pid namespace the end of the first process is not the end of all."""
    container = await start(supervisor, "sleep 300 & echo started", pid="host")
    assert (await asyncio.wait_for(container.wait(), 20)).code == 0
    assert await said(container) == b"started\n"
    await asyncio.wait_for(container.remove(), 20)


async def test_without_a_log(supervisor: Supervisor) -> None:
    container = await start(supervisor, "echo x", log=LogConfig(driver="none"))
    await container.wait()
    with pytest.raises(Unsupported, match="does not support reading"):
        await said(container)


async def test_the_root_can_be_looked_at_running_and_stopped(supervisor: Supervisor) -> None:
    container = await start(supervisor, f"echo hello > /made; echo done; {SLEEP}")
    await until_said(container, b"done\n")
    for _ in range(2):
        async with container.rootfs() as root:
            made = os.open("made", os.O_RDONLY, dir_fd=root)
            assert os.read(made, 100) == b"hello\n"
            os.close(made)
        if container.info().running:
            await container.stop()


async def test_many_at_once(supervisor: Supervisor) -> None:
    before = Stored.of(supervisor)

    async def live(number: int) -> str:
        return await output(supervisor, f"echo {number} > /own; cat /own", name=f"c{number}")

    for _ in range(2):
        assert await asyncio.gather(*map(live, range(12))) == [f"{number}\n" for number in range(12)]
    assert Stored.of(supervisor) == before


async def test_who_waits_while_the_end_is_cleared_away_is_told(supervisor: Supervisor) -> None:
    """At every moment around the end: from before it until long after it."""
    for _ in range(5):
        container = await start(supervisor, "until [ -e /tmp/end ]; do sleep 0.01; done; exit 9")
        for command in ("true", "true", "sleep 0.1; touch /tmp/end"):
            await (await container.exec(ExecConfig(args=("sh", "-c", command)))).start()
        waiting = []
        for _ in range(400):
            waiting.append(container.waiter())
            await asyncio.sleep(0.0003)
        statuses = await asyncio.wait_for(asyncio.gather(*waiting), 10)
        assert {status.code for status in statuses} == {9}
        await container.remove()
