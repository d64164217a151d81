"""Old files get numbers and are compressed beside the writing; readers cross all of it; options say what a driver does."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pycontainerd.logs.attributes import Subject
from pycontainerd.logs.config import LogConfig
from pycontainerd.logs.driver import driver
from pycontainerd.logs.format import Format
from pycontainerd.logs.intake import Intake
from pycontainerd.logs.jsonfile import JsonFile
from pycontainerd.logs.local import Local
from pycontainerd.logs.notifier import Notifier
from pycontainerd.logs.reader import Query, read
from pycontainerd.logs.rotation import Rotation, files

SUBJECT = Subject(
    id="ab" * 32, name="web", image="busybox", image_id="sha256:" + "cd" * 32, labels={"a": "1", "b": "2"}, env=("X=y",)
)
LINES = [b"line %04d\n" % n for n in range(400)]


@pytest.fixture(params=[JsonFile(), Local()], ids=["json-file", "local"])
def form(request: pytest.FixtureRequest) -> Format:
    made: Format = request.param
    return made


class Writer:
    """A rotated, compressed log fed through a pipe."""

    def __init__(self, root: Path, form: Format) -> None:
        self.log = root / "log"
        self.form = form
        self.intake = Intake(root, self.log, Rotation(800, 50, compress=True), form=form)
        self.reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def write(self, data: bytes) -> None:
        os.write(self.writer, data)
        self.intake.take(self.reader, False)
        self.intake.log(False)

    def until_compressed(self) -> None:
        deadline = time.monotonic() + 20
        while (
            any(path.suffix != ".gz" for path in files(self.log)[:-1]) or (self.log.parent / "log.compressing").exists()
        ):
            assert time.monotonic() < deadline, [path.name for path in self.log.parent.iterdir()]
            time.sleep(0.005)

    async def texts(self, query: Query) -> list[bytes]:
        return [record.data async for record in read(self.log, query, form=self.form)]


@pytest.fixture
def writer(tmp_path: Path, form: Format) -> Iterator[Writer]:
    writer = Writer(tmp_path, form)
    yield writer
    writer.intake.close(finished=True)
    os.close(writer.reader)
    os.close(writer.writer)


async def test_compressed_files_read_as_before(writer: Writer) -> None:
    for line in LINES:
        writer.write(line)
    writer.until_compressed()
    found = files(writer.log)
    assert len(found) > 5
    assert gzip.decompress(found[0].read_bytes()).startswith(writer.form.encode("stdout", LINES[0], 0)[:4])
    assert await writer.texts(Query()) == LINES
    for tail in (1, 30, 399, 400, 1000):
        assert await writer.texts(Query(tail=tail)) == LINES[-tail:]


async def test_a_reader_crosses_files_that_are_compressed_while_it_reads(writer: Writer) -> None:
    notifier = Notifier()
    reader = read(writer.log, Query(), notifier, form=writer.form)
    writer.write(LINES[0])
    seen = [(await anext(reader)).data]
    for line in LINES[1:]:
        writer.write(line)
    writer.until_compressed()
    notifier.finish()
    seen += [record.data async for record in reader]
    assert seen == LINES


async def test_what_was_not_compressed_is_so_when_the_log_is_opened_again(tmp_path: Path, form: Format) -> None:
    for number, name in enumerate(("log.2", "log.1", "log")):
        (tmp_path / name).write_bytes(form.encode("stdout", LINES[number], 1))
    writer = Writer(tmp_path, form)
    writer.until_compressed()
    assert [path.name for path in files(writer.log)] == ["log.2.gz", "log.1.gz", "log"]
    assert await writer.texts(Query()) == LINES[:3]
    writer.intake.close(finished=True)
    os.close(writer.reader)
    os.close(writer.writer)


def test_old_files_go(tmp_path: Path) -> None:
    writer = Writer(tmp_path, JsonFile())
    writer.intake._rotation = Rotation(800, 3, compress=True)
    for line in LINES:
        writer.write(line)
        if line.endswith(b"00\n"):
            writer.until_compressed()
    writer.intake.close(finished=True)
    os.close(writer.reader)
    os.close(writer.writer)
    assert len([name for name in os.listdir(tmp_path) if name.startswith("log")]) <= 3


@pytest.mark.parametrize(
    ("config", "rotation"),
    [
        (LogConfig(), Rotation()),
        (LogConfig(options={"max-size": "1m", "max-file": "3", "compress": "true"}), Rotation(1 << 20, 3, True)),
        (LogConfig(driver="local"), Rotation(20 << 20, 5, True)),
        (LogConfig(driver="local", options={"max-file": "1"}), Rotation(20 << 20, 1, False)),
        (LogConfig(driver="local", options={"compress": "false", "mode": "blocking"}), Rotation(20 << 20, 5, False)),
    ],
)
def test_defaults_and_options(config: LogConfig, rotation: Rotation) -> None:
    made = driver(config, SUBJECT)
    assert made is not None
    assert made.rotation == rotation


def test_nothing_is_kept_by_none() -> None:
    assert driver(LogConfig(driver="none"), SUBJECT) is None


@pytest.mark.parametrize(
    ("options", "attributes"),
    [
        ({"labels": "a,c"}, {"a": "1"}),
        ({"labels-regex": "^[ab]$"}, {"a": "1", "b": "2"}),
        ({"env": "X", "labels": "b"}, {"X": "y", "b": "2"}),
        ({"env-regex": "x"}, {}),
        ({"tag": "{{.Name}}/{{.ID}}"}, {"tag": "web/abababababab"}),
    ],
)
def test_attributes(options: dict[str, str], attributes: dict[str, str]) -> None:
    made = driver(LogConfig(options=options), SUBJECT)
    assert made is not None
    assert [dict(batch.attributes) for batch in made.form.decode(made.form.encode("stdout", b"x\n", 1))] == [attributes]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (LogConfig(driver="syslog"), "no such log driver"),
        (LogConfig(options={"labels-regex": "("}), "labels-regex: not a regular expression"),
        (LogConfig(options={"tag": "{{.Nonsense}}"}), "tag: expected fields of"),
        (LogConfig(options={"compress": "true"}), "compress cannot be true"),
        (LogConfig(options={"compress": "maybe", "max-size": "1m"}), "compress: expected true or false"),
        (LogConfig(driver="local", options={"labels": "a"}), "unknown log opt 'labels' for local"),
        (LogConfig(options={"mode": "hasty"}), "mode: expected blocking or non-blocking"),
        (LogConfig(options={"max-buffer-size": "1m"}), "max-buffer-size needs mode=non-blocking"),
        (LogConfig(options={"mode": "non-blocking", "max-buffer-size": "much"}), "max-buffer-size: expected a size"),
    ],
)
def test_wrong_options_are_named(config: LogConfig, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", "\\(")):
        driver(config, SUBJECT)
