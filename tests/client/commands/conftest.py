"""Containers that look the same to docker and to pyctl, and the two run side by side."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.client.commands.forked import forked
from tests.support.daemon import Daemon, Result

_TIMES = re.compile(r"Less than a second|About a(?:n)? (?:minute|hour)|\d+ (?:second|minute|hour)s?")
_TRIES = 3

SPEAKS_LIKE = 28
"""The docker CLI whose words pyctl uses. Each version words its messages, and has its columns, a little differently."""


@frozen
class Outcome:
    """What a command did, in docker's name."""

    code: int
    out: str
    err: str


def _said(text: str) -> str:
    # A line that docker logs, beside the message that it prints for the same failure.
    text = re.sub(r'^time=".*?" level=error msg="Error waiting for container: .*\n', "", text)
    # The two run one after the other: what was 3 seconds ago for one may be 4 for the other.
    return _TIMES.sub("TIME", re.sub(r"\bpyctl\b", "docker", text).replace("PYCTL_HOST", "DOCKER_HOST"))


def _outcome(result: Result) -> Outcome:
    return Outcome(result.returncode, _said(result.stdout), _said(result.stderr))


@frozen
class Pair:
    """The real docker CLI and pyctl, in front of one daemon."""

    daemon: Daemon

    def compare(self, *args: str, input: str | None = None) -> Outcome:
        """Run a command line with both; fails where they differ. Returns what they did."""
        for _ in range(_TRIES):
            theirs = _outcome(self.daemon.docker(*args, input=input))
            ours = _outcome(forked(self.daemon, args, input or ""))
            # A time that becomes longer between the two, as "9 seconds" and "10 seconds", makes its column wider.
            if ours == theirs or "TIME" not in ours.out:
                break
        assert ours == theirs
        return ours

    def ok(self, *args: str) -> str:
        """Run pyctl, insist on exit code 0, and give its output without the last newline."""
        result = self.daemon.pyctl(*args)
        assert result.returncode == 0, f"pyctl {' '.join(args)}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout.rstrip("\n")


@pytest.fixture(scope="module")
def pair(shared_daemon: Daemon, busybox_tar: Path) -> Iterator[Pair]:
    """An image and three containers: ``web`` runs, ``done`` has logged and ended, ``made`` was never started."""
    pair = Pair(shared_daemon)
    shared_daemon.docker("import", str(busybox_tar), "busybox:latest")
    pair.ok(
        "run",
        "-d",
        "--name",
        "web",
        "-l",
        "a=b",
        "-l",
        "c=d",
        "-e",
        "X=1",
        "-v",
        "/tmp:/data:ro",
        "busybox",
        "sleep",
        "1000",
    )
    script = "for i in 1 2 3; do echo o$i; echo e$i >&2; sleep 0.1; done; exit 3"
    pair.ok("run", "-d", "--name", "done", "busybox", "sh", "-c", script)
    pair.ok("create", "--name", "made", "busybox", "sh", "-c", "echo a very long command line")
    assert pair.ok("wait", "done") == "3"
    time.sleep(1.1)  # "Less than a second" is worded in its own way
    yield pair
    shared_daemon.remove_containers()


@pytest.fixture
def removing(pair: Pair) -> Iterator[Pair]:
    """The pair, for tests that leave containers: all but the three are removed."""
    before = set(pair.daemon.docker("ps", "-aq").stdout.split())
    yield pair
    if made := set(pair.daemon.docker("ps", "-aq").stdout.split()) - before:
        pair.daemon.docker("rm", "-f", *made)
