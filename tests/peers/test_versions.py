"""The docker CLI with old, new and impossible versions of the API."""

from __future__ import annotations

import os
import subprocess

import pytest

from .conftest import Engine, Result


def speaking(engine: Engine, version: str, *args: str) -> Result:
    environment = {**engine.environment(), "DOCKER_API_VERSION": version}
    return subprocess.run(
        ["docker", *args], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def listed(engine: Engine, version: str) -> str:
    return speaking(engine, version, "ps", "-a", "--format", "{{.Names}} {{.Image}} {{.Status}}").stdout


@pytest.mark.parametrize("version", ["1.24", "1.30", "1.41"])
def test_a_container_s_life_in_older_versions(engine: Engine, version: str) -> None:
    ran = speaking(
        engine, version, "run", "--name", "aged", "--network", "none", "busybox", "sh", "-c", "echo ran; exit 4"
    )
    assert (ran.returncode, ran.stdout) == (4, "ran\n"), ran.stderr
    # so old, the CLI takes an event for the end, which dockerd sends before the list shows it
    engine.until(lambda: listed(engine, version).startswith("aged busybox Exited (4) "))
    assert speaking(engine, version, "logs", "aged").stdout == "ran\n"
    assert (
        speaking(engine, version, "images", "--format", "{{.Repository}}:{{.Tag}}", "busybox").stdout
        == "busybox:latest\n"
    )
    removed = speaking(engine, version, "rm", "aged")
    assert (removed.returncode, removed.stdout) == (0, "aged\n"), removed.stderr


def test_a_version_that_is_too_new_is_refused(engine: Engine) -> None:
    refused = speaking(engine, "1.99", "ps")
    assert refused.returncode == 1
    assert "client version 1.99 is too new. Maximum supported API version is" in refused.stderr


def test_the_cli_negotiates(engine: Engine) -> None:
    client, server = engine.ok("version", "--format", "{{.Client.APIVersion}} {{.Server.APIVersion}}").split()
    spoken, offered = (tuple(map(int, version.split("."))) for version in (client, server))
    assert spoken <= offered
    assert "DOCKER_API_VERSION" not in os.environ
