"""Devices that files of the Container Device Interface describe, asked for over the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.types import DeviceRequest

from .conftest import Engine, engine_of

DESCRIBED = """
cdiVersion: "0.6.0"
kind: "vendor.com/device"
containerEdits:
  env: ["VENDOR=here"]
devices:
  - name: zero
    containerEdits:
      deviceNodes: [{path: /dev/vendor0, hostPath: /dev/zero, permissions: r}]
      env: ["DEVICE=zero"]
      mounts: [{hostPath: "{HOST}", containerPath: /vendor, options: [ro, bind]}]
      hooks: [{hookName: createRuntime, path: /bin/sh, args: [sh, -c, "cat > {HOST}/state"]}]
      additionalGids: [4711]
  - name: full
    containerEdits:
      deviceNodes: [{path: /dev/full}]
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("vendor")
    (made / "file").write_text("of the vendor")
    return made


@pytest.fixture(scope="module")
def cdi_engine(busybox_tar: Path, host: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    directory = tmp_path_factory.mktemp("cdi")
    (directory / "vendor.yaml").write_text(DESCRIBED.replace("{HOST}", str(host)))
    (directory / "broken.json").write_text("{")
    with engine_of("pydockerd", busybox_tar, "--cdi-spec-dir", str(directory)) as engine:
        yield engine


@pytest.fixture
def client(cdi_engine: Engine) -> Iterator[docker.DockerClient]:
    """docker-py, because docker's CLI knows such names since version 25 only."""
    made = docker.DockerClient(base_url=cdi_engine.host)
    yield made
    made.close()


def run(client: docker.DockerClient, *devices: str, script: str) -> str:
    wanted = [DeviceRequest(driver="cdi", device_ids=list(devices))]
    said = client.containers.run(
        "busybox", ["sh", "-c", script], remove=True, network_mode="none", device_requests=wanted
    )
    return str(said.decode().rstrip("\n"))


def test_a_device_brings_what_it_needs(client: docker.DockerClient, host: Path) -> None:
    script = "head -c 3 /dev/vendor0 | od -An -tx1; echo $VENDOR $DEVICE; cat /vendor/file; echo; id -G; touch /vendor/x 2>&1"
    said = run(client, "vendor.com/device=zero", script=f"{script} || true").splitlines()
    assert said == [" 00 00 00", "here zero", "of the vendor", "0 4711", "touch: /vendor/x: Read-only file system"]
    assert json.loads((host / "state").read_text())["status"] == "creating"


def test_several_devices(client: docker.DockerClient) -> None:
    both = ("vendor.com/device=zero", "vendor.com/device=full")
    assert run(client, *both, script="ls /dev/vendor0 /dev/full; env | grep -c VENDOR") == "/dev/full\n/dev/vendor0\n1"


def test_what_is_not_there(client: docker.DockerClient, cdi_engine: Engine) -> None:
    with pytest.raises(docker.errors.APIError, match=r"unresolvable CDI devices vendor\.com/device=none"):
        run(client, "vendor.com/device=none", script="true")
    refused = cdi_engine.docker("run", "--rm", "--network", "none", "--gpus", "all", "busybox", "true")
    assert refused.returncode == 125
    assert 'could not select device driver "" with capabilities: [[gpu]]' in refused.stderr
    assert cdi_engine.ok("ps", "-aq") == ""


def test_info_names_the_directories(client: docker.DockerClient) -> None:
    assert len(client.info()["CDISpecDirs"]) == 1
