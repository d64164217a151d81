"""``mode=non-blocking``: a process never waits for its log, and what is dropped is known."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import cast

import pytest

from pycontainerd import Image, LogConfig, Supervisor
from pycontainerd.logs.buffered import Buffered, Way
from pycontainerd.logs.intake import Intake
from pycontainerd.logs.notifier import Notifier
from pycontainerd.logs.reader import Query, read
from pycontainerd.logs.rotation import Rotation
from pycontainerd.tasks.channel import Channel
from pycontainerd.tasks.hub import Hub
from pycontainerd.tasks.pump import Pump
from pycontainerd.tasks.spill import SpillQueue
from tests.supervisor.running import said, start
from tests.support.filesystems import file_system, frozen

LINES = [
    b"line %05d of a process that has much to say, and waits for nobody who writes it down\n" % n for n in range(20_000)
]
SAYING = (
    f"import sys\nfor n in range({len(LINES)}): sys.stdout.write({LINES[0].decode()!r}.replace('00000', f'{{n:05d}}'))"
)
LIMIT = 64 << 10


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with file_system("ext4", tmp_path) as point:
        yield point


@pytest.fixture
def pump() -> Iterator[Pump]:
    made = Pump()
    yield made
    made.close()


def intake(disk: Path, name: str) -> tuple[Path, Intake]:
    (disk / name).mkdir()
    return disk / name / "log", Intake(disk / name, disk / name / "log", Rotation())


class Speaker:
    """A process that says ``LINES``, and its channel."""

    def __init__(self, pump: Pump, hub: Hub, way: Way) -> None:
        output, end = os.pipe2(os.O_CLOEXEC)
        self.process = subprocess.Popen([sys.executable, "-c", SAYING], stdout=end)
        os.close(end)
        self.channel = Channel("speaker", {output: False}, hub, way, Notifier())
        pump.add(self.channel)


async def records(log: Path) -> list[bytes]:
    return [record.data async for record in read(log, Query())]


async def heard(queue: SpillQueue, size: int) -> bytes:
    """As much, although there is no end yet."""
    found = bytearray()
    async with aclosing(cast(AsyncGenerator[tuple[bool, bytes], None], aiter(queue))) as items:
        async for _, data in items:
            found += data
            if len(found) >= size:
                break
    return bytes(found)


async def test_a_process_goes_on_while_the_disk_stands_still(disk: Path, tmp_path: Path, pump: Pump) -> None:
    """Beside it one that waits. The first that it said is logged, as much as fits into the buffer; an attached reader gets all of it."""
    log, quick = intake(disk, "quick")
    whole, patient = intake(disk, "patient")
    buffered, hub = Buffered(quick, LIMIT), Hub(tmp_path)
    attached = hub.subscribe(stdout=True, stderr=False)
    with frozen(disk):
        waiting = Speaker(pump, Hub(tmp_path), patient)
        going = Speaker(pump, hub, buffered)
        assert going.process.wait(60) == 0
        assert await heard(attached, len(b"".join(LINES))) == b"".join(LINES)
        assert waiting.process.poll() is None
        assert not going.channel.done.done()
    going.channel.done.result(60)
    fitting = LIMIT // len(LINES[0])
    assert await records(log) == LINES[:fitting]
    assert buffered.dropped == len(LINES) - fitting
    assert waiting.process.wait(60) == 0
    waiting.channel.done.result(60)
    assert await records(whole) == LINES


def test_one_record_is_taken_however_large_it_is(disk: Path) -> None:
    log, quick = intake(disk, "quick")
    buffered = Buffered(quick, 10)
    output, end = os.pipe2(os.O_CLOEXEC)
    try:
        with frozen(disk):
            for line in (b"x" * 100 + b"\n", b"y\n", b"z" * 50 + b"\n"):
                os.write(end, line)
                assert buffered.take(output, False) == line
                buffered.log(False)
        buffered.close(finished=True)
    finally:
        os.close(output)
        os.close(end)
    assert log.read_bytes().count(b"\n") == 1
    assert b"xxx" in log.read_bytes()
    assert buffered.dropped == 2


async def test_closing_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    output, end = os.pipe2(os.O_CLOEXEC)
    try:
        for text, finished in ((b"whole\nhal", False), (b"f\nlast", True)):
            buffered = Buffered(Intake(tmp_path, log, Rotation()), LIMIT)
            os.write(end, text)
            buffered.take(output, False)
            buffered.log(False, ended=finished)
            buffered.close(finished=finished)
    finally:
        os.close(output)
        os.close(end)
    assert await records(log) == [b"whole\n", b"half\n", b"last"]
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


async def test_what_waits_to_be_written_is_told_to_who_attaches(disk: Path) -> None:
    _, quick = intake(disk, "quick")
    buffered = Buffered(quick, LIMIT)
    output, end = os.pipe2(os.O_CLOEXEC)
    try:
        with frozen(disk):
            os.write(end, b"one\ntwo\nthr")
            buffered.take(output, False)
            buffered.log(False)
            standing = buffered.standing()
        assert (standing.size, b"".join(data for _, data in standing.rest)) == (0, b"one\ntwo\nthr")
        buffered.close(finished=False)
    finally:
        os.close(output)
        os.close(end)


@pytest.mark.parametrize("driver", ["json-file", "local"])
async def test_of_a_container(supervisor: Supervisor, busybox: Image, driver: str) -> None:
    log = LogConfig(driver=driver, options={"mode": "non-blocking", "max-buffer-size": "4m"})
    container = await start(supervisor, "seq 1000; echo -n end", log=log)
    followed = [record.data async for record in container.logs(follow=True)]
    assert (await container.wait()).code == 0
    assert followed == [*(b"%d\n" % n for n in range(1, 1001)), b"end"]
    assert await said(container) == b"".join(followed)
