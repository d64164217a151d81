"""pull and push as docker shows them, with Debian's docker-registry behind the daemon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.commands.conftest import SPEAKS_LIKE, Pair
from tests.support.cli_version import cli_version
from tests.support.leftovers import OWNED
from tests.support.registry import PASSWORD, USER, Registry, registry
from tests.support.run import RUN

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def plain() -> Iterator[Registry]:
    with registry(RUN.short_directory() / "registry") as made:
        OWNED.processes.add(made.process.pid)
        yield made


def test_both_show_the_same(pair: Pair, plain: Registry) -> None:
    name = f"{plain.host}/same/busybox"
    pair.ok("tag", "busybox", name)
    pair.ok("push", name)
    outcome = pair.compare("push", name)
    assert "Layer already exists" in outcome.out
    assert pair.compare("push", "-q", name).out == f"{name}:latest\n"
    outcome = pair.compare("pull", name)
    assert outcome.out.endswith(f"Status: Image is up to date for {name}:latest\n{name}:latest\n")
    assert pair.compare("pull", "-q", f"{name}:latest").out == f"{name}:latest\n"
    assert pair.compare("pull", "-a", name).code == 0
    for wrong in (
        ["push", f"{name}:no"],
        ["pull", f"{name}:no"],
        ["pull", "-a", f"{name}:x"],
        ["push", "-a", f"{name}:x"],
        *([["push", "UPPER"]] if cli_version() >= SPEAKS_LIKE else []),
    ):
        assert pair.compare(*wrong).code == 1
    pair.ok("rmi", name)


def test_run_pulls_what_is_missing(pair: Pair, plain: Registry) -> None:
    name = f"{plain.host}/missing/busybox:1"
    pair.ok("tag", "busybox", name)
    pair.ok("push", name)
    pair.ok("rmi", name)
    ran = pair.daemon.pyctl("run", "--rm", "--network", "none", name, "echo", "alive")
    assert (ran.returncode, ran.stdout) == (0, "alive\n"), ran.stderr
    assert re.search(r"Status: Downloaded newer image for", ran.stderr)
    pair.ok("rmi", name)


def test_what_docker_login_has_left_is_used(pair: Pair, tmp_short: Path) -> None:
    with registry(tmp_short / "registry", password=True) as locked:
        name = f"{locked.host}/own:1"
        pair.ok("tag", "busybox", name)
        assert pair.daemon.pyctl("push", name).returncode == 1
        pair.daemon.docker("login", "-u", USER, "--password-stdin", locked.host, input=PASSWORD)
        pair.ok("push", name)
        pair.ok("rmi", name)
        pair.ok("pull", name)
        pair.ok("rmi", name)
        pair.daemon.docker("logout", locked.host)
        assert pair.daemon.pyctl("pull", name).returncode == 1
