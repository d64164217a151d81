"""The page that maps docker-py's names to ours: each name exists on both sides, none is left out, and its example runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import docker
import pytest
from docker.models import containers, images, networks, volumes

import pyctl
from tests.client.aio.mirror import CLASSES
from tests.support.daemon import Daemon

PAGE = (Path(__file__).parents[2] / "docs/client/from-docker-py.md").read_text(encoding="utf-8")
THEIRS = {
    cls.__name__: cls
    for cls in (
        docker.DockerClient,
        containers.Container,
        containers.ContainerCollection,
        images.Image,
        images.ImageCollection,
        networks.Network,
        networks.NetworkCollection,
        volumes.Volume,
        volumes.VolumeCollection,
    )
}
_NO_ACTIONS = {"create", "model", "prepare_model", "id", "id_attribute", "short_id", "name", "labels", "tags"}
_NO_ACTIONS |= {"containers", "health", "image", "ports", "status"}


def test_their_names_exist() -> None:
    names = re.findall(rf"`({'|'.join(THEIRS)})\.(\w+)`", PAGE)
    assert len(names) > 60
    for cls, name in names:
        assert hasattr(THEIRS[cls], name), f"{cls}.{name}"


def test_none_of_their_methods_is_left_out() -> None:
    told = set(re.findall(rf"`((?:{'|'.join(THEIRS)})\.\w+)`", PAGE))
    for label, cls in THEIRS.items():
        own = {name for name in dir(cls) if not name.startswith("_")} - _NO_ACTIONS
        assert {f"{label}.{name}" for name in own} <= told


def test_our_names_exist() -> None:
    names = re.findall(r"`Client\.([\w.]+)`", PAGE)
    assert len(names) > 60
    for name in names:
        resource, _, method = name.partition(".")
        assert hasattr(CLASSES[resource], method) if method else hasattr(pyctl.Client, resource), name


@pytest.mark.parametrize("name", re.findall(r"`pyctl\.(\w+)`", PAGE))
def test_our_other_names_exist(name: str) -> None:
    assert getattr(pyctl, name)


def test_the_example_runs(shared_daemon: Daemon) -> None:
    found = re.search(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", found[1]],
        capture_output=True,
        text=True,
        timeout=60,
        env=shared_daemon.environment(),
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0 b'hello'\nb'inside\\n'\n", "")
