"""What is read of a machine's report, and that qemu ends when it should."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from tests.vm import machine
from tests.vm.__main__ import chosen, verdict
from tests.vm.machine import Report, read_junit, report

JUNIT = b"""<?xml version="1.0"?><testsuites><testsuite name="pytest">
<testcase classname="tests.a" name="test_good" time="1"/>
<testcase classname="tests.a" name="test_bad"><failure message="m">text</failure></testcase>
<testcase classname="tests.a" name="test_left"><error message="m">text</error></testcase>
<testcase classname="tests.a" name="test_not_here"><skipped message="m">text</skipped></testcase>
</testsuite></testsuites>"""

MACHINE = {
    "exit_code": 1,
    "kernel": "6.1.0-50-cloud-amd64",
    "init": "bare.sh",
    "cgroup": "v2",
    "boot_seconds": 4.0,
    "test_seconds": 10.0,
    "processors": 2,
}


def written(path: Path, **files: bytes) -> Path:
    """A disk with a tar at its beginning, as the machine leaves it."""
    with path.open("wb") as disk:
        with tarfile.open(fileobj=disk, mode="w") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo("./" + name.replace("_", "."))
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        disk.truncate(1 << 20)
    return path


def test_outcomes_by_name() -> None:
    assert read_junit(JUNIT) == {
        "passed": ["tests.a::test_good"],
        "failed": ["tests.a::test_bad"],
        "error": ["tests.a::test_left"],
        "skipped": ["tests.a::test_not_here"],
    }


def test_a_report(tmp_path: Path) -> None:
    disk = written(tmp_path / "disk", machine_json=json.dumps(MACHINE).encode(), junit_xml=JUNIT)
    read = report(disk)
    assert (read.exit_code, read.kernel, read.cgroup) == (1, "6.1.0-50-cloud-amd64", "v2")
    assert read.outcomes == read_junit(JUNIT)


def test_a_machine_that_wrote_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as made:
        made.truncate(1 << 20)
    with pytest.raises((tarfile.TarError, KeyError)):
        report(disk)


@pytest.mark.parametrize(
    ("code", "outcomes", "expected"),
    [
        (0, {"passed": ["a"]}, 0),
        (0, {"passed": ["a"], "skipped": ["b"]}, 0),
        (1, {"passed": ["a"], "failed": ["b"]}, 1),
        (0, {"passed": ["a"], "error": ["b"]}, 1),
        (5, {}, 1),
        (0, {"skipped": ["a"]}, 1),
    ],
)
def test_it_passes_only_where_tests_ran_and_passed(code: int, outcomes: dict[str, list[str]], expected: int) -> None:
    every: dict[str, list[str]] = {"passed": [], "failed": [], "error": [], "skipped": [], **outcomes}
    assert verdict(Report(code, "6.1", "systemd", "v2", 1.0, 1.0, every)) == expected


def test_arguments() -> None:
    assert chosen([]) == (["bare", "systemd"], [])
    assert chosen(["systemd", "-x", "tests/runtime"]) == (["systemd"], ["-x", "tests/runtime"])


def test_qemu_ends_when_its_time_is_over() -> None:
    began = time.monotonic()
    with machine.booted(["sleep", "60"]) as process, machine.ended_after(process, 0.2) as late:
        assert process.wait(10) == -9
    assert late.is_set()
    assert time.monotonic() - began < 10


def test_qemu_ends_with_an_error_here() -> None:
    found: list[subprocess.Popen[str]] = []

    def interrupted() -> None:
        with machine.booted(["sleep", "60"]) as process:
            found.append(process)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert found[0].returncode == -9
