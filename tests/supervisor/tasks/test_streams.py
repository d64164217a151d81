"""Standard streams of real containers: attach, terminal, input, logs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from pycontainerd import Attachment, Chunk, Container, ContainerConfig, LogConfig, Supervisor
from tests.supervisor.running import create, said, start

pytestmark = pytest.mark.usefixtures("busybox")


async def text(attachment: Attachment, stream: str | None = None) -> bytes:
    """All that is still to come."""
    async with attachment:
        return b"".join([chunk.data async for chunk in attachment if stream in (None, chunk.stream)])


async def until(attachment: AsyncIterator[Chunk], wanted: bytes, seconds: float = 10) -> bytes:
    """What comes up to and with ``wanted``."""
    found = b""

    async def read() -> None:
        nonlocal found
        while wanted not in found:
            found += (await anext(attachment)).data

    await asyncio.wait_for(read(), seconds)
    return found


async def test_who_attaches_before_the_start_sees_everything(supervisor: Supervisor) -> None:
    container = await create(supervisor, "echo out; echo err >&2")
    both, out, err = (
        await container.attach(),
        await container.attach(stderr=False),
        await container.attach(stdout=False),
    )
    await container.start()
    assert sorted((await text(both)).split()) == [b"err", b"out"]
    assert await text(out) == b"out\n"
    assert await text(err) == b"err\n"


async def test_several_readers_of_which_one_is_slow(supervisor: Supervisor) -> None:
    """20 MB, while one reader takes nothing: neither the process nor the others wait for it, and it misses nothing."""
    container = await create(supervisor, "seq 1 2500000; echo end >&2")
    slow, *fast = [await container.attach() for _ in range(3)]
    begun = time.monotonic()
    await container.start()
    taken = await asyncio.wait_for(asyncio.gather(*(text(reader, "stdout") for reader in fast)), 60)
    assert (await container.wait()).code == 0
    lasted = time.monotonic() - begun
    expected = b"".join(b"%d\n" % number for number in range(1, 2500001))
    assert [each == expected for each in taken] == [True, True]
    assert await text(slow, "stdout") == expected
    assert lasted < 60
    assert list((supervisor.root / "containers" / container.id).glob("tmp*")) == []


async def test_attaching_to_one_that_runs_with_and_without_what_was_said(supervisor: Supervisor) -> None:
    container = await start(supervisor, "printf 'one\\ntw'; read x; echo o; echo $x", open_stdin=True)
    deadline = time.monotonic() + 10
    while await said(container) != b"one\n":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    live, all_of_it = await container.attach(stdin=True), await container.attach(logs=True)
    await live.write(b"input\n")
    assert await text(live) == b"o\ninput\n"
    assert await text(all_of_it) == b"one\ntwo\ninput\n"
    assert await said(container) == b"one\ntwo\ninput\n"


async def test_input_ends_with_the_attachment(supervisor: Supervisor) -> None:
    container = await create(supervisor, "wc -c; echo done", open_stdin=True, stdin_once=True)
    attachment = await container.attach(stdin=True)
    writing = asyncio.create_task(attachment.write(b"x" * 1_000_000))  # more than a pipe holds, and before the start
    await container.start()
    await writing
    await attachment.close_stdin()
    assert await text(attachment) == b"1000000\ndone\n"
    with pytest.raises(BrokenPipeError):
        await attachment.write(b"late")


async def test_input_that_ended_before_the_start(supervisor: Supervisor) -> None:
    container = await create(supervisor, "cat; echo done", open_stdin=True, stdin_once=True)
    attachment = await container.attach(stdin=True)
    await attachment.close_stdin()
    await container.start()
    assert await asyncio.wait_for(text(attachment), 10) == b"done\n"


async def test_without_open_stdin_there_is_none(supervisor: Supervisor) -> None:
    container = await create(supervisor, "cat; echo done")
    # before the start: an attachment to what has ended already waits for the next run
    attachment = await container.attach(stdin=True)
    await container.start()
    with pytest.raises(BrokenPipeError):
        await attachment.write(b"x")
    assert await text(attachment) == b"done\n"


async def terminal(supervisor: Supervisor, script: str) -> tuple[Container, Attachment]:
    config = ContainerConfig(image="busybox", args=("sh", "-c", script), terminal=True, open_stdin=True)
    container = await supervisor.containers.create(config)
    attachment = await container.attach(stdin=True)
    await container.start(console_size=(33, 44))
    return container, attachment


async def test_a_terminal(supervisor: Supervisor) -> None:
    container, attachment = await terminal(
        supervisor, "tty; stty size; trap 'stty size' WINCH; echo ready; while :; do read x && echo got $x; done"
    )
    output = aiter(attachment)
    assert b"33 44\r\n" in await until(output, b"ready\r\n")
    await container.resize(11, 22)
    await attachment.write(b"input\n")  # busybox's read is not interrupted by a trap
    assert b"11 22" in await until(output, b"11 22")
    await attachment.write(b"\x03")
    status = await asyncio.wait_for(container.wait(), 10)
    assert status.code == 130
    attachment.detach()
    assert b"ready\r\n" in await said(container)


async def test_hanging_up_and_a_second_run_with_a_terminal(supervisor: Supervisor) -> None:
    container, attachment = await terminal(supervisor, "echo $((6*7)); exit 5")
    assert await text(attachment) == b"42\r\n"
    assert (await container.wait()).code == 5
    again = await container.attach()
    await container.start()
    assert await text(again) == b"42\r\n"


async def test_following_a_log(supervisor: Supervisor) -> None:
    container = await start(supervisor, "for i in 1 2 3 4 5; do echo $i; sleep 0.05; done; printf end")
    assert [record.data async for record in container.logs(follow=True)] == [
        b"1\n",
        b"2\n",
        b"3\n",
        b"4\n",
        b"5\n",
        b"end",
    ]
    records = [record async for record in container.logs()]
    since = [record.data async for record in container.logs(since_ns=records[3].time_ns)]
    assert since == [b"4\n", b"5\n", b"end"]
    assert [record.data async for record in container.logs(until_ns=records[1].time_ns)] == [b"1\n", b"2\n"]
    assert [record.data async for record in container.logs(tail=2)] == [b"5\n", b"end"]
    assert [record.data async for record in container.logs(stdout=False)] == []


async def test_a_log_that_is_rotated_while_it_is_followed(supervisor: Supervisor) -> None:
    log = LogConfig(options={"max-size": "200k", "max-file": "100"})
    container = await start(supervisor, "seq 1 20000", log=log)
    followed = [int(record.data) async for record in container.logs(follow=True)]
    assert followed == list(range(1, 20001))
    assert len(list((supervisor.root / "containers" / container.id).glob("*-json.log*"))) > 2
