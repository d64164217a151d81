"""Output goes to log and watchers; slow watchers stall nobody; stdin is fed without blocking."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pycontainerd.logs.intake import Intake
from pycontainerd.logs.notifier import Notifier
from pycontainerd.logs.reader import Query, read
from pycontainerd.logs.rotation import Rotation
from pycontainerd.tasks.channel import Channel
from pycontainerd.tasks.hub import Hub
from pycontainerd.tasks.pump import Pump
from pycontainerd.tasks.spill import SpillQueue
from pycontainerd.tasks.stdin import StdinFeeder


@pytest.fixture
def pump() -> Iterator[Pump]:
    before = len(os.listdir("/proc/self/fd"))
    pump = Pump()
    yield pump
    pump.close()
    assert len(os.listdir("/proc/self/fd")) <= before + 3  # the loop's own


async def collect(queue: SpillQueue) -> list[tuple[bool, bytes]]:
    return [item async for item in queue]


async def test_both_streams_reach_log_and_watchers(pump: Pump, tmp_path: Path) -> None:
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    hub, notifier = Hub(tmp_path), Notifier()
    everything, only_err = hub.subscribe(stdout=True, stderr=True), hub.subscribe(stdout=False, stderr=True)
    channel = Channel("c", {out: False, err: True}, hub, Intake(tmp_path, tmp_path / "log", Rotation()), notifier)
    pump.add(channel)
    os.write(out_end, b"one\n")
    os.write(err_end, b"two\nthr")
    os.close(out_end)
    os.write(err_end, b"ee")
    os.close(err_end)
    await asyncio.wait_for(asyncio.wrap_future(channel.done), 5)
    assert b"".join(data for tag, data in await collect(everything) if not tag) == b"one\n"
    assert b"".join(data for _, data in await collect(only_err)) == b"two\nthree"
    logged = [(r.stream, r.data) async for r in read(tmp_path / "log", Query(), notifier)]
    assert sorted(logged) == [("stderr", b"three"), ("stderr", b"two\n"), ("stdout", b"one\n")]


async def test_a_slow_watcher_stalls_nobody_and_misses_nothing(pump: Pump, tmp_path: Path) -> None:
    out, end = os.pipe()
    hub = Hub(tmp_path)
    slow, fast = hub.subscribe(stdout=True, stderr=True), hub.subscribe(stdout=True, stderr=True)
    channel = Channel("c", {out: False}, hub, None, Notifier())
    pump.add(channel)
    sent = os.urandom(1 << 16) * 100

    def write() -> None:
        view = memoryview(sent)
        while view:
            view = view[os.write(end, view) :]
        os.close(end)

    quick = asyncio.create_task(collect(fast))
    await asyncio.wait_for(asyncio.to_thread(write), 10)
    assert b"".join(data for _, data in await asyncio.wait_for(quick, 10)) == sent
    assert b"".join(data for _, data in await asyncio.wait_for(collect(slow), 10)) == sent


async def test_a_pipe_held_open_is_abandoned_after_its_last_byte(pump: Pump, tmp_path: Path) -> None:
    out, end = os.pipe()
    hub = Hub(tmp_path)
    queue = hub.subscribe(stdout=True, stderr=True)
    channel = Channel("c", {out: False}, hub, Intake(tmp_path, tmp_path / "log", Rotation()), Notifier())
    pump.add(channel)
    os.write(end, b"x" * 60000)
    pump.abandon(channel)
    await asyncio.wait_for(asyncio.wrap_future(channel.done), 5)
    assert sum(len(data) for _, data in await collect(queue)) == 60000
    with pytest.raises(BrokenPipeError):
        os.write(end, b"y")
    os.close(end)


async def test_a_closed_pump_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    out, end = os.pipe()
    pump, hub = Pump(), Hub(tmp_path)
    held = os.dup(out)
    pump.add(Channel("c", {out: False}, hub, Intake(tmp_path, tmp_path / "log", Rotation()), Notifier()))
    os.write(end, b"before\nhal")
    for _ in range(500):
        if (tmp_path / "log").stat().st_size:
            break
        await asyncio.sleep(0.01)
    pump.close()
    os.write(end, b"f\nafter\n")
    os.close(end)
    pump = Pump()
    channel = Channel("c", {held: False}, hub, Intake(tmp_path, tmp_path / "log", Rotation()), Notifier())
    pump.add(channel)
    await asyncio.wait_for(asyncio.wrap_future(channel.done), 5)
    pump.close()
    assert [r.data async for r in read(tmp_path / "log", Query())] == [b"before\n", b"half\n", b"after\n"]


async def test_terminal_ends_when_its_last_user_closes_it(pump: Pump, tmp_path: Path) -> None:
    master, slave = os.openpty()
    hub = Hub(tmp_path)
    queue = hub.subscribe(stdout=True, stderr=True)
    channel = Channel("c", {master: False}, hub, Intake(tmp_path, tmp_path / "log", Rotation()), Notifier())
    pump.add(channel)
    os.write(slave, b"hello\n")
    await asyncio.sleep(0.05)
    os.close(slave)
    await asyncio.wait_for(asyncio.wrap_future(channel.done), 5)
    assert b"".join(data for _, data in await collect(queue)) == b"hello\r\n"
    assert [r.data async for r in read(tmp_path / "log", Query())] == [b"hello\r\n"]


async def test_stdin_waits_for_the_process_and_for_room(tmp_path: Path) -> None:
    feeder = StdinFeeder()
    sent = os.urandom(300_000)
    writing = asyncio.create_task(feeder.write(sent))
    await asyncio.sleep(0.02)
    assert not writing.done()
    reader, writer = os.pipe()
    feeder.open(writer)
    await asyncio.sleep(0.02)
    assert not writing.done()

    def read_all() -> bytes:
        return b"".join(iter(lambda: os.read(reader, 1 << 16), b""))

    received = asyncio.create_task(asyncio.to_thread(read_all))
    await asyncio.wait_for(writing, 5)
    feeder.close()
    assert await received == sent
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        await feeder.write(b"late")


async def test_stdin_of_a_process_that_is_gone_breaks(tmp_path: Path) -> None:
    feeder = StdinFeeder()
    reader, writer = os.pipe()
    feeder.open(writer)
    writing = asyncio.create_task(feeder.write(b"x" * 1_000_000))
    await asyncio.sleep(0.02)
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        await asyncio.wait_for(writing, 5)
    feeder.close(for_good=False)
    blocked_reader, blocked_writer = os.pipe()
    feeder.open(blocked_writer)
    writing = asyncio.create_task(feeder.write(b"x" * 1_000_000))
    await asyncio.sleep(0.02)
    feeder.close()
    with pytest.raises(BrokenPipeError):
        await asyncio.wait_for(writing, 5)
    os.close(blocked_reader)


async def test_the_queue_keeps_order_through_memory_and_file(tmp_path: Path) -> None:
    queue = SpillQueue(tmp_path, limit=1000)
    for n in range(500):
        queue.put(n % 2 == 1, b"%d" % n * 10)
    reader = aiter(queue)
    items = [await anext(reader) for _ in range(250)]
    for n in range(500, 700):
        queue.put(n % 2 == 1, b"%d" % n * 10)
    queue.end()
    items += [item async for item in reader]
    assert items == [(n % 2 == 1, b"%d" % n * 10) for n in range(700)]
    assert not list(tmp_path.iterdir())
    async with asyncio.timeout(30):
        assert [item async for item in queue] == []


async def test_a_process_that_is_to_wait_for_its_watcher_does(pump: Pump, tmp_path: Path) -> None:
    out, end = os.pipe()
    hub = Hub(tmp_path, waits=True)
    queue = hub.subscribe(stdout=True, stderr=True)
    channel = Channel("c", {out: False}, hub, None, Notifier())
    pump.add(channel)
    sent, count = os.urandom(1 << 16) * 200, 0
    os.set_blocking(end, False)
    quiet = 0
    while quiet < 20:  # until nothing more is taken
        try:
            count += os.write(end, sent[count : count + (1 << 16)])
            quiet = 0
        except BlockingIOError:
            quiet += 1
            await asyncio.sleep(0.01)
    assert count < 3 << 20, "more was taken than a reader may leave in memory"
    os.set_blocking(end, True)
    writing = asyncio.create_task(asyncio.to_thread(_write_all, end, memoryview(sent)[count:]))
    received = b"".join([data for _, data in await asyncio.wait_for(collect(queue), 20)])
    await writing
    assert received == sent


async def test_a_watcher_that_leaves_is_not_waited_for(pump: Pump, tmp_path: Path) -> None:
    out, end = os.pipe()
    hub = Hub(tmp_path, waits=True)
    queue = hub.subscribe(stdout=True, stderr=True)
    channel = Channel("c", {out: False}, hub, None, Notifier())
    pump.add(channel)
    writing = asyncio.create_task(asyncio.to_thread(_write_all, end, memoryview(bytes(8 << 20))))
    await asyncio.to_thread(_until, lambda: queue.full)
    hub.unsubscribe(queue)
    queue.close()
    await asyncio.wait_for(writing, 20)
    await asyncio.wait_for(asyncio.wrap_future(channel.done), 5)


def _until(wanted: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _write_all(fd: int, data: memoryview) -> None:
    while data:
        data = data[os.write(fd, data) :]
    os.close(fd)
