"""A caller that may have few open files: its monitors inherit the limit, and have to serve under it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.conftest import Bundle

LIFE = """
import resource, sys
from pyrunc import Runtime, Spec, Stdio
resource.setrlimit(resource.RLIMIT_NOFILE, (48, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
runtime = Runtime(sys.argv[1])
container = runtime.create("web", sys.argv[2], stdio=Stdio.pipes(), monitor=True)
container.start()
with container.streams() as streams:
    print(open(streams.stdout, closefd=False).read(), end="")
print(container.wait(10).code)
container.delete()
"""


@pytest.mark.timeout(30)
def test_a_monitor_under_a_low_limit_serves(tmp_path: Path, bundle: Bundle) -> None:
    """Its table of connections was longer than the limit, which ppoll(2) refuses: it span, and heard of nothing."""
    bundle.write(bundle.spec("echo said; exit 3"))
    command = [sys.executable, "-c", LIFE, str(tmp_path / "state"), str(bundle.path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("said\n3\n", "")
