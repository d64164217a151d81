"""``exec --cgroup``: in a cgroup that was made below the container's, as runc has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrunc.facts import Facts
from tests.runtime.cli.conftest import Command, MakeBundle

pytestmark = pytest.mark.peer
V2 = Facts.probe().cgroup_mode == "v2"


@pytest.fixture(params=["pyrunc", "runc"])
def command(request: pytest.FixtureRequest) -> Command:
    found: Command = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def below(command: Command, make_bundle: MakeBundle, name: str) -> Iterator[list[Path]]:
    """A running container, and the cgroup ``sub`` below its own in each hierarchy."""
    assert command.quietly("run", "-d", "-b", str(make_bundle("sleep", "60")), name) == 0
    made = [Path(f"{tree.mountpoint}/pyrunc-{name}/sub") for tree in Facts.probe().hierarchies]
    made = [place for place in made if place.parent.exists()]
    for place in made:
        place.mkdir()
        if place.parent.joinpath("cpuset.cpus").exists() and not V2:
            for file in ("cpuset.cpus", "cpuset.mems"):
                (place / file).write_text((place.parent / file).read_text())
    yield made
    command("delete", "-f", name)


def joined(command: Command, name: str, *options: str) -> tuple[int, dict[str, str]]:
    """Exit code, and the process's place in each hierarchy, seen from the container's root cgroup."""
    done = command("exec", *options, name, "cat", "/proc/self/cgroup")
    return done.returncode, dict(line.split(":")[1:] for line in done.stdout.splitlines())


def test_everywhere(command: Command, below: list[Path], name: str) -> None:
    code, places = joined(command, name, "--cgroup", "sub")
    assert code == 0
    assert {place.rpartition("/")[2] for controllers, place in places.items() if controllers or V2} == {"sub"}


@pytest.mark.skipif(V2, reason="version 2 has one hierarchy")
def test_by_controller(command: Command, below: list[Path], name: str) -> None:
    code, places = joined(command, name, "--cgroup", "cpu:sub", "--cgroup", "memory,pids:/sub")
    assert code == 0
    ends = {controllers: place.endswith("/sub") for controllers, place in places.items()}
    assert (ends["cpu"], ends["memory"], ends["pids"], ends["freezer"]) == (True, True, True, False)


@pytest.mark.parametrize(
    "options", [("nosuch",), ("../..",), ("bad:sub",), ("sub", "sub"), ("cpu:sub", "cpu:sub"), ("a:b:c",)], ids=str
)
def test_bad_ones(command: Command, below: list[Path], name: str, options: tuple[str, ...]) -> None:
    code, _ = joined(command, name, *(word for option in options for word in ("--cgroup", option)))
    assert code == 255 or (command.name == "runc" and options == ("cpu:sub", "cpu:sub")), "runc takes the last of them"
