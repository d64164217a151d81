"""Further processes in running containers."""

from __future__ import annotations

import asyncio
import time

import pytest

from pycontainerd import Container, Exec, ExecConfig, Supervisor
from pycontainerd.errors import (
    CommandNotExecutable,
    CommandNotFound,
    ExecAlreadyStarted,
    ExecNotFound,
    InvalidConfig,
    NotRunning,
    Paused,
)
from tests.supervisor.running import start
from tests.supervisor.tasks.test_streams import text, until

pytestmark = pytest.mark.usefixtures("busybox")


@pytest.fixture
async def container(supervisor: Supervisor, busybox: object) -> Container:
    return await start(supervisor, "sleep 1000", env=("A=b",), cwd="/tmp")


async def run(container: Container, *args: str, **config: object) -> tuple[int, bytes]:
    made = await container.exec(ExecConfig(args=args, **config))  # type: ignore[arg-type]
    attachment = await made.attach()
    await made.start()
    output = await text(attachment)
    return await made.wait(), output


async def test_an_exec(container: Container) -> None:
    assert await run(container, "sh", "-c", "echo $A; pwd; id -u; exit 9") == (9, b"b\n/tmp\n0\n")
    assert await run(container, "id", "-un", user="daemon") == (0, b"daemon\n")
    assert await run(container, "sh", "-c", "echo $A $C; pwd", env=("C=d",), cwd="/") == (0, b"b d\n/\n")
    assert await run(container, "cat", "/proc/1/comm") == (0, b"sleep\n")


async def test_its_info_and_id(container: Container, supervisor: Supervisor) -> None:
    made = await container.exec(ExecConfig(args=("sleep", "1000")))
    assert supervisor.containers.get_exec(made.id) is container.get_exec(made.id) is made
    assert (made.info().running, made.info().exit_code) == (False, None)
    await made.start()
    info = made.info()
    assert info.running
    assert info.pid in {process.pid for process in await container.top()}
    with pytest.raises(ExecAlreadyStarted):
        await made.start()
    await made.kill("TERM")
    assert await made.wait() == 143
    assert (made.info().running, made.info().exit_code, made.info().pid) == (False, 143, 0)
    with pytest.raises(NotRunning):
        await made.kill()
    with pytest.raises(ExecNotFound):
        supervisor.containers.get_exec("0" * 64)


async def test_input_and_its_end(container: Container) -> None:
    made = await container.exec(ExecConfig(args=("cat",), stdin=True))
    attachment = await made.attach(stdin=True)
    await made.start()
    await attachment.write(b"x" * 300_000)
    await attachment.close_stdin()
    assert await text(attachment) == b"x" * 300_000
    assert await made.wait() == 0


async def test_a_terminal(container: Container) -> None:
    made = await container.exec(ExecConfig(args=("sh",), terminal=True, stdin=True))
    attachment = await made.attach(stdin=True)
    await made.start(console_size=(20, 70))
    output = aiter(attachment)
    await attachment.write(b"stty size\n")
    await until(output, b"20 70\r\n")
    await made.resize(10, 30)
    await attachment.write(b"stty size; exit 4\n")
    await until(output, b"10 30\r\n")
    assert await made.wait() == 4
    attachment.detach()


@pytest.mark.parametrize(
    ("config", "error", "code"),
    [
        (ExecConfig(args=("no-such",)), CommandNotFound, 127),
        (ExecConfig(args=("/etc",)), CommandNotExecutable, 126),
        (ExecConfig(args=("true",), user="nobody-here"), InvalidConfig, 126),
        (ExecConfig(args=("true",), cwd="relative"), InvalidConfig, 126),
    ],
)
async def test_what_cannot_be_run_ends_at_once(
    container: Container, config: ExecConfig, error: type[Exception], code: int
) -> None:
    made = await container.exec(config)
    attachment = await made.attach()
    with pytest.raises(error):
        await made.start()
    assert await asyncio.wait_for(made.wait(), 5) == code
    assert await asyncio.wait_for(text(attachment), 5) == b""
    assert await run(container, "true") == (0, b"")


async def test_no_command(container: Container) -> None:
    with pytest.raises(InvalidConfig, match="No exec command"):
        await container.exec(ExecConfig(args=()))


async def test_where_there_is_nothing_to_run_in(container: Container) -> None:
    early = await container.exec(ExecConfig(args=("true",)))
    await container.pause()
    with pytest.raises(Paused):
        await container.exec(ExecConfig(args=("true",)))
    await container.resume()
    await container.kill()
    await container.wait()
    with pytest.raises(NotRunning):
        await container.exec(ExecConfig(args=("true",)))
    with pytest.raises(NotRunning):
        await early.start()
    assert await asyncio.wait_for(early.wait(), 5) == 126


@pytest.mark.parametrize("pid", ["private", "host"])
async def test_it_ends_with_its_container(supervisor: Supervisor, pid: str) -> None:
    container = await start(supervisor, "read x; exit 2", open_stdin=True, pid=pid)
    made = await container.exec(ExecConfig(args=("sleep", "1000")))
    watching = await made.attach()
    await made.start()
    attachment = await container.attach(stdin=True)
    await attachment.write(b"\n")
    attachment.detach()
    assert (await asyncio.wait_for(container.wait(), 15)).code == 2
    assert await asyncio.wait_for(made.wait(), 15) == 137
    assert await asyncio.wait_for(text(watching), 15) == b""
    await asyncio.wait_for(container.remove(), 15)


async def test_many_at_once(container: Container) -> None:
    async def one(number: int) -> tuple[int, bytes]:
        return await run(container, "sh", "-c", f"echo {number}; exit {number}")

    begun = time.monotonic()
    assert await asyncio.gather(*map(one, range(20))) == [(number, b"%d\n" % number) for number in range(20)]
    assert time.monotonic() - begun < 20


async def test_what_it_leaves_behind_does_not_hold_up_its_end(container: Container) -> None:
    made: Exec = await container.exec(ExecConfig(args=("sh", "-c", "yes > /dev/null & yes & echo started; exit 6")))
    attachment = await made.attach()
    await made.start()
    assert await asyncio.wait_for(made.wait(), 20) == 6
    attachment.detach()
    assert await asyncio.wait_for(run(container, "echo", "others go on"), 10) == (0, b"others go on\n")
