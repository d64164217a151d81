"""Logs are read whole, from their end, between times, across rotations, and as they grow."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from pycontainerd.logs.intake import Intake
from pycontainerd.logs.notifier import Notifier
from pycontainerd.logs.reader import Query, read
from pycontainerd.logs.rotation import Rotation, files


class Writer:
    """A log fed through a real pipe, with a clock that counts."""

    def __init__(self, root: Path, rotation: Rotation | None = None) -> None:
        self.now = 0
        self.log = root / "log"
        self.intake = Intake(root, self.log, rotation or Rotation(), clock=self.tick)
        self.pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def tick(self) -> int:
        self.now += 1
        return self.now

    def write(self, data: bytes, is_stderr: bool = False) -> None:
        for start in range(0, len(data), 50_000):
            os.write(self.pipe[1], data[start : start + 50_000])
            self.intake.take(self.pipe[0], is_stderr)
            self.intake.log(is_stderr)

    def close(self) -> None:
        self.intake.close(finished=True)
        os.close(self.pipe[0])
        os.close(self.pipe[1])


@pytest.fixture
def writer(tmp_path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201
    writer = Writer(tmp_path)
    yield writer
    writer.close()


async def texts(log: Path, query: Query) -> list[bytes]:
    return [record.data async for record in read(log, query)]


async def test_missing_log_is_empty(tmp_path: Path) -> None:
    assert await texts(tmp_path / "none", Query()) == []


@pytest.mark.parametrize("tail", [0, 1, 2, 99, 100, 101, 5000])
async def test_tail_counts_records_from_the_end(writer: Writer, tail: int) -> None:
    lines = [b"%d %s\n" % (n, b"x" * (n * 37 % 5000)) for n in range(100)]
    writer.write(b"".join(lines))
    assert await texts(writer.log, Query(tail=tail)) == lines[max(0, 100 - tail) :]


async def test_streams_and_times_are_chosen(writer: Writer) -> None:
    writer.write(b"a\n")
    writer.write(b"b\n", is_stderr=True)
    writer.write(b"c\n")
    assert await texts(writer.log, Query(stdout=False)) == [b"b\n"]
    assert await texts(writer.log, Query(stderr=False)) == [b"a\n", b"c\n"]
    assert await texts(writer.log, Query(since_ns=2)) == [b"b\n", b"c\n"]
    assert await texts(writer.log, Query(until_ns=2)) == [b"a\n", b"b\n"]


async def test_following_sees_what_comes_and_ends(writer: Writer) -> None:
    notifier = Notifier()
    seen: list[bytes] = []

    async def follow() -> None:
        seen.extend([record.data async for record in read(writer.log, Query(tail=1), notifier)])

    writer.write(b"old\nlast\n")
    task = asyncio.create_task(follow())
    await asyncio.sleep(0.05)
    for n in range(5):
        writer.write(b"new %d\n" % n)
        notifier.grown()
        await asyncio.sleep(0)
    notifier.finish()
    await asyncio.wait_for(task, 5)
    assert seen == [b"last\n"] + [b"new %d\n" % n for n in range(5)]


async def test_following_stops_at_until(writer: Writer) -> None:
    assert [record async for record in read(writer.log, Query(until_ns=1), Notifier())] == []


async def test_rotation_keeps_the_newest_files_and_readers_cross_them(tmp_path: Path) -> None:
    writer = Writer(tmp_path, Rotation(1000, 3))
    lines = [b"line %04d\n" % n for n in range(60)]
    notifier = Notifier()
    reader = read(writer.log, Query(), notifier)
    writer.write(lines[0])
    seen = [(await anext(reader)).data]
    for line in lines[1:40]:
        writer.write(line)
    notifier.finish()
    kept = await texts(writer.log, Query())
    assert len(files(writer.log)) <= 3
    assert kept == lines[40 - len(kept) : 40]
    assert len(kept) > 20
    seen += [record.data async for record in reader]
    assert seen[-1] == lines[39]
    assert await texts(writer.log, Query(tail=15)) == lines[25:40]
    writer.close()


async def test_the_last_line_without_newline_is_logged_at_the_end(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.write(b"whole\nhalf")
    assert await texts(writer.log, Query()) == [b"whole\n"]
    assert writer.intake.standing().rest == ((False, b"half"), (True, b""))
    writer.intake.log(False, ended=True)
    assert await texts(writer.log, Query()) == [b"whole\n", b"half"]
    writer.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]
