"""SIGKILL at any instruction of the intake: the log has every byte once, in order."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pycontainerd.logs.format import Format
from pycontainerd.logs.intake import Intake
from pycontainerd.logs.jsonfile import JsonFile
from pycontainerd.logs.local import Local
from pycontainerd.logs.rotation import Rotation

_PUMP = """
import sys, select, os
from pathlib import Path
from pycontainerd.logs.intake import Intake
from pycontainerd.logs.jsonfile import JsonFile
from pycontainerd.logs.local import Local
from pycontainerd.logs.rotation import Rotation
form = {"json-file": JsonFile(), "local": Local()}[sys.argv[4]]
intake = Intake(Path(sys.argv[1]), Path(sys.argv[1]) / "log", Rotation(), form=form)
fds = {int(sys.argv[2]): False, int(sys.argv[3]): True}
print("ready", flush=True)
while fds:
    for fd in select.select(list(fds), [], [])[0]:
        try:
            data = intake.take(fd, fds[fd])
        except BlockingIOError:
            continue
        intake.log(fds[fd], ended=not data)
        if not data:
            del fds[fd]
intake.close(finished=True)
"""


def _count(fd: int, stop: threading.Event, total: list[int]) -> None:
    """Write numbered lines, in pieces that do not care for lines, until told to stop."""
    number = 0
    chance = random.Random(fd)
    rest = b""
    while not stop.is_set() or rest:
        while len(rest) < 100 and not stop.is_set():
            rest += b"%d\n" % number
            number += 1
        size = chance.randint(1, len(rest))
        os.write(fd, rest[:size])
        rest = rest[size:]
    total.append(number)
    os.close(fd)


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_no_gap_and_no_duplicate_over_sigkill(tmp_path: Path, driver: str) -> None:
    pipes = [os.pipe(), os.pipe()]
    totals: list[list[int]] = [[], []]
    stop = threading.Event()
    writers = [threading.Thread(target=_count, args=(pipes[i][1], stop, totals[i])) for i in range(2)]
    for reader, _ in pipes:
        os.set_blocking(reader, False)
    for writer in writers:
        writer.start()
    ends = [reader for reader, _ in pipes]
    command = [sys.executable, "-c", _PUMP, str(tmp_path), *map(str, ends), driver]
    chance = random.Random(1)
    for _ in range(12):
        with subprocess.Popen(command, pass_fds=ends, stdout=subprocess.PIPE) as pump:
            assert pump.stdout is not None
            assert pump.stdout.readline() == b"ready\n"
            time.sleep(chance.random() * 0.05)
            pump.send_signal(signal.SIGKILL)
    stop.set()
    subprocess.run(command, pass_fds=ends, check=True, timeout=60, stdout=subprocess.DEVNULL)
    for writer in writers:
        writer.join()
    for end in ends:
        os.close(end)
    seen: dict[str, list[str]] = {"stdout": [], "stderr": []}
    form: Format = JsonFile() if driver == "json-file" else Local()
    for batch in form.decode((tmp_path / "log").read_bytes()):
        seen[batch.stream] += [piece.decode() for piece in batch.pieces()]
    for name, total in zip(("stdout", "stderr"), totals, strict=True):
        assert seen[name] == [f"{n}\n" for n in range(total[0])]
        assert total[0] > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


_EVERY_CALL = """
import os, sys
from pathlib import Path
directory, target, fd = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
calls = 0
def killing(original):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == target: os.kill(os.getpid(), 9)
        if calls == target + 1: ...
        return original(*args, **kwargs)
    return call
for name in ("splice", "pwrite", "pread", "ftruncate", "unlink", "open", "close", "rename"):
    setattr(os, name, killing(getattr(os, name)))
from pycontainerd.logs.intake import Intake
import pycontainerd.logs.intake as module
module._COMPACT = 40
from pycontainerd.logs.rotation import Rotation
intake = Intake(directory, directory / "log", Rotation())
while True:
    data = intake.take(fd, False)
    intake.log(False, ended=not data)
    if not data: break
intake.close(finished=True)
"""


def test_killed_before_each_system_call_in_turn(tmp_path: Path) -> None:
    """Every call that changes a file is a place to die at: each is died at once, and the next one finishes the work."""
    expected = [f"line {n}\n" for n in range(30)] + ["tail"]
    died = 0
    for target in range(1, 200):
        directory = tmp_path / str(target)
        directory.mkdir()
        reader, writer = os.pipe()
        for n in range(0, 30, 10):
            os.write(writer, "".join(expected[n : n + 10]).encode())
        os.write(writer, b"tail")
        os.close(writer)
        command = [sys.executable, "-c", _EVERY_CALL, str(directory), str(target), str(reader)]
        first = subprocess.run(command, pass_fds=[reader])
        if first.returncode == 0:
            os.close(reader)
            break
        died += 1
        assert first.returncode == -signal.SIGKILL
        subprocess.run([*command[:4], "-1", str(reader)], pass_fds=[reader], check=True)
        os.close(reader)
        logged = [json.loads(line)["log"] for line in (directory / "log").read_text().splitlines()]
        assert logged == expected, f"killed at call {target}"
        assert [path.name for path in directory.iterdir()] == ["log"]
    assert died > 10


def test_a_log_without_journal_is_continued_after_its_last_whole_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"log":"a\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}\n{"log":"to')
    intake = Intake(tmp_path, tmp_path / "log", Rotation())
    intake.close(finished=False)
    assert (tmp_path / "log").read_bytes().endswith(b'00Z"}\n')
