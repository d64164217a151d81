"""A command imports what it uses and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.daemon import Daemon

_RUN = """
import atexit, runpy, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
runpy.run_module("pyctl", run_name="__main__")
"""


def imported(daemon: Daemon | None, *args: str) -> set[str]:
    """The modules that are loaded when a command ends."""
    result = subprocess.run(
        [sys.executable, "-c", _RUN, *args],
        capture_output=True,
        text=True,
        env=daemon.environment() if daemon else None,
        check=True,
    )
    return set(result.stderr.split())


@pytest.mark.parametrize("args", [("--version",), ("--help",), ("run", "--help")])
def test_what_asks_no_daemon_imports_no_http(args: tuple[str, ...]) -> None:
    assert not {"requests", "urllib3", "http.client", "rich", "pyctl.client"} & imported(None, *args)


def test_a_command_does_not_import_the_others(shared_daemon: Daemon) -> None:
    found = imported(shared_daemon, "ps")
    assert "requests" in found
    assert {name for name in found if name.startswith("pyctl.app.commands.")} == {"pyctl.app.commands.ps"}
    unused = {
        "rich",
        "pydantic",
        "asyncio",
        "pyctl.models.create",
        "pyctl.resources.images",
        "pyctl.app.terminal.streams",
    }
    assert not unused & found


@pytest.mark.parametrize(
    ("args", "most"),
    [
        (("--version",), 75),
        (("--help",), 205),
        (("run", "--help"), 250),
        (("ps",), 415),
    ],
)
def test_no_more_modules_than_that(shared_daemon: Daemon, args: tuple[str, ...], most: int) -> None:
    """A budget: who needs more says so here. `benchmarks.startup` prints which they are, and what they cost."""
    found = imported(shared_daemon, *args)
    assert len(found) <= most, sorted(found)


def test_the_client_knows_none_of_the_other_packages(shared_daemon: Daemon) -> None:
    found = imported(shared_daemon, "images")
    assert not {name for name in found if name.partition(".")[0] in ("pyrunc", "pycontainerd", "pydockerd")}


def test_the_package_resolves_its_names_on_first_use() -> None:
    code = "import sys, pyctl; before = 'pyctl.client' in sys.modules; pyctl.Client; print(before, 'pyctl.client' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False True\n"
