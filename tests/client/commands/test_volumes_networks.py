"""What volume and network commands of pyctl do, seen by the real docker CLI."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.daemon import Daemon
from tests.support.run import RUN

from .conftest import Pair

NET = f"pyctl-{RUN.name[:8]}"


@pytest.fixture
def daemon(pair: Pair) -> Iterator[Daemon]:
    """The daemon of the pair; what a test leaves of networks and volumes goes."""
    yield pair.daemon
    pair.daemon.docker("network", "rm", "-f", NET)
    pair.daemon.docker("volume", "prune", "-af")


def test_a_volume_s_life(pair: Pair, daemon: Daemon) -> None:
    assert pair.ok("volume", "create", "--label", "x=y", "mine") == "mine"
    assert daemon.docker("volume", "ls", "-qf", "label=x=y").stdout == "mine\n"
    unnamed = pair.ok("volume", "create")
    said = daemon.pyctl("volume", "prune", input="y\n").stdout
    assert said.endswith(f"[y/N] Deleted Volumes:\n{unnamed}\n\nTotal reclaimed space: 0B\n")
    assert pair.ok("volume", "rm", "mine") == "mine"
    assert daemon.docker("volume", "inspect", "mine").returncode == 1


def test_mounts_of_run(pair: Pair, daemon: Daemon) -> None:
    options = "volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-label=a=b"
    run = ("run", "--rm", "--network", "none")
    pair.ok(*run, "-v", "kept9:/x", "busybox", "sh", "-c", "mkdir /x/d; echo hi > /x/d/f")
    part = "src=kept9,dst=/y,volume-subpath=d,readonly"
    mounts = ("--mount", part, "--mount", f"src=ram9,dst=/r,volume-driver=local,{options}")
    assert pair.ok(*run, *mounts, "busybox", "sh", "-c", "cat /y/f; grep -c ' /r tmpfs' /proc/mounts") == "hi\n1"
    found = daemon.docker("volume", "inspect", "-f", "{{.Options.type}} {{.Labels}}", "ram9").stdout
    assert found == "tmpfs map[a:b]\n"


def test_a_network_s_life(pair: Pair, daemon: Daemon) -> None:
    identity = pair.ok("network", "create", "--internal", "--label", "x=y", NET)
    assert daemon.docker("network", "inspect", "-f", "{{.Id}} {{.Internal}} {{.Labels}}", NET).stdout == (
        f"{identity} true map[x:y]\n"
    )
    pair.ok("run", "-d", "--name", "on9", "--network", NET, "busybox", "sleep", "100")
    pair.ok("run", "-d", "--name", "off9", "--network", "bridge", "busybox", "sleep", "100")
    pair.ok("network", "connect", "--alias", "late", NET, "off9")
    assert "late" in daemon.docker("exec", "on9", "nslookup", "-type=a", "late").stdout
    assert daemon.docker("exec", "on9", "nslookup", "-type=a", "late").returncode == 0
    pair.ok("network", "disconnect", NET, "off9")
    assert daemon.docker("exec", "on9", "nslookup", "-type=a", "late").returncode == 1
    daemon.docker("rm", "-f", "on9", "off9")
    assert pair.ok("network", "prune", "-f", "--filter", "label=x=y") == f"Deleted Networks:\n{NET}"
