"""SIGKILL of the daemon in the middle of builds: nothing of them is left, and the next one builds on what was done.

PYDOCKERD_ROUNDS sets how many rounds there are; a few by default, and many by ``nox -s killed``.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.daemon import Daemon

ROUNDS = int(os.environ.get("PYDOCKERD_ROUNDS", "3"))

TEXT = """\
FROM busybox AS one
RUN echo 1 > /1
COPY Dockerfile /x/
RUN --mount=type=cache,target=/c --mount=target=/ctx echo 2 > /c/2; cat /ctx/Dockerfile > /2; sleep 0.2
FROM busybox
RUN echo {round} > /3; sleep 0.1
COPY --from=one /1 /2 /x /
"""


def begun(daemon: Daemon, directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["docker", "build", "-q", "-t", "made", "--network", "none", directory],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "DOCKER_HOST": daemon.host, "DOCKER_BUILDKIT": "0"},
    )


@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_killed_in_the_middle(daemon: Daemon, busybox_tar: Path, tmp_path: Path) -> None:
    daemon.docker("import", str(busybox_tar), "busybox")
    chance = random.Random("builds 1")
    data = daemon.directory / "data"
    for number in range(ROUNDS):
        (tmp_path / "Dockerfile").write_text(TEXT.format(round=number))
        with begun(daemon, tmp_path) as process:
            time.sleep(chance.uniform(0, 0.8))
            daemon.kill9()
            process.communicate(timeout=20)
        daemon.start()
        images = daemon.docker("images", "-aq").stdout.split()
        assert daemon.docker("ps", "-aq").stdout == ""
        assert not (data / "builds/work").exists()
        assert list((data / "containers").iterdir()) == []
        with begun(daemon, tmp_path) as process:
            _, said = process.communicate(timeout=30)
            assert process.returncode == 0, said
        assert len(daemon.docker("images", "-aq").stdout.split()) - len(images) in (0, 1)
        shown = daemon.docker("run", "--rm", "--network", "none", "made", "cat", "/1", "/3")
        assert shown.stdout == f"1\n{number}\n", shown.stderr
