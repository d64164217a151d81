"""The example of the README is a program that runs, and its list of commands is the list of commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pyctl
from pyctl.app.registry import COMMANDS, GROUPS
from tests.support.daemon import Daemon

README = (Path(__file__).parents[2] / "packages/client/README.md").read_text(encoding="utf-8")


def test_the_example_runs(shared_daemon: Daemon) -> None:
    found = re.search(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    done = subprocess.run(
        [sys.executable, "-W", "error", "-u", "-c", found[1]],
        capture_output=True,
        text=True,
        timeout=60,
        env=shared_daemon.environment(),
        check=False,
    )
    assert (done.stdout, done.stderr) == ("hello from box\nended with 3\n/first exited\n", "")


def test_every_command_is_named() -> None:
    table = README.partition("## The commands")[2].partition("\n\nThey are")[0]
    found = set(re.findall(r"`([a-z]+)`", table))
    assert set(COMMANDS) <= found
    assert found <= {*COMMANDS, *GROUPS, *(name for _, commands in GROUPS.values() for name in commands)}


def test_every_public_name_has_its_documentation() -> None:
    for name in pyctl.__all__:
        if name != "__version__":
            assert getattr(pyctl, name).__doc__, name
    with pyctl.Client("unix:///nobody") as client:
        for resource in (client.containers, client.images, client.execs, client.system):
            undocumented = [
                name for name in dir(resource) if not name.startswith("_") and not getattr(resource, name).__doc__
            ]
            assert undocumented == []
