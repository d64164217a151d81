"""Logs of several containers at once, and lines that match."""

from __future__ import annotations

import subprocess
import sys

import pexpect
import pytest

from tests.client.commands.conftest import Pair


@pytest.fixture
def two(removing: Pair) -> Pair:
    for name, first in (("odd", 1), ("even", 2)):
        script = f"i={first}; while [ $i -lt 7 ]; do echo line $i; echo problem $i >&2; i=$((i+2)); sleep 0.1; done"
        if name == "even":
            script = "sleep 0.2; " + script
        removing.ok("run", "-d", "--name", name, "--network", "none", "busybox", "sh", "-c", script)
    return removing


def test_in_the_order_of_time(two: Pair) -> None:
    two.ok("wait", "odd", "even")
    done = two.daemon.pyctl("logs", "-t", "odd", "even")
    times = [line.split(" | ")[1].split()[0] for line in done.stdout.splitlines()]
    assert times == sorted(times)
    assert len(times) == len(done.stderr.splitlines()) == 6
    plain = two.ok("logs", "odd", "even").splitlines()
    assert [line.split()[-1] for line in plain if line.startswith("odd  | line")] == ["1", "3", "5"]
    assert [line.split()[-1] for line in plain if line.startswith("even | line")] == ["2", "4", "6"]
    found = two.ok("logs", "--grep", "line [12]", "odd", "even").splitlines()
    assert sorted(found) == ["even | line 2", "odd  | line 1"]
    assert two.ok("logs", "--grep", "[35]$", "odd") == "line 3\nline 5"
    assert sorted(two.ok("logs", "-n", "2", "odd", "even").splitlines()) == ["even | line 6", "odd  | line 5"]
    wrong = two.daemon.pyctl("logs", "--grep", "(", "odd")
    assert (wrong.returncode, wrong.stderr.partition("\n")[0][:55]) == (
        125,
        'invalid argument "(" for "--grep" flag: no regular expr',
    )
    assert two.daemon.pyctl("logs", "odd", "nope").returncode == 1


def test_followed_until_both_have_ended(two: Pair) -> None:
    lines = two.ok("logs", "-f", "odd", "even").splitlines()
    assert sorted(lines) == [f"even | line {n}" for n in (2, 4, 6)] + [f"odd  | line {n}" for n in (1, 3, 5)]


@pytest.mark.parametrize("plain", [False, True])
def test_colours_are_for_terminals(two: Pair, plain: bool) -> None:
    environment = two.daemon.environment() | ({"NO_COLOR": "1"} if plain else {})
    two.ok("wait", "odd", "even")
    child = pexpect.spawn(
        sys.executable, ["-m", "pyctl", "logs", "odd", "even"], env=environment, timeout=30, encoding="utf-8"
    )
    seen = child.read()
    child.close()
    assert ("\x1b[36modd  | \x1b[0mline 1" in seen) is not plain
    done = subprocess.run(
        [sys.executable, "-m", "pyctl", "logs", "odd", "even"], env=environment, capture_output=True, check=True
    )
    assert b"\x1b" not in done.stdout
