"""Devices that files of the Container Device Interface describe, asked for by the docker CLI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def run(engine: Engine, *flags: str, script: str) -> str:
    return engine.ok("run", "--rm", "--network", "none", *flags, "busybox", "sh", "-c", script)


def test_a_device_brings_what_it_needs(cdi_engine: Engine, host: Path) -> None:
    script = "head -c 3 /dev/vendor0 | od -An -tx1; echo $VENDOR $DEVICE; cat /vendor/file; echo; id -G; touch /vendor/x 2>&1"
    said = run(cdi_engine, "--device", "vendor.com/device=zero", script=f"{script} || true").splitlines()
    assert said == [" 00 00 00", "here zero", "of the vendor", "0 4711", "touch: /vendor/x: Read-only file system"]
    assert json.loads((host / "state").read_text())["status"] == "creating"


def test_several_devices(cdi_engine: Engine) -> None:
    both = ("--device", "vendor.com/device=zero", "--device", "vendor.com/device=full")
    assert (
        run(cdi_engine, *both, script="ls /dev/vendor0 /dev/full; env | grep -c VENDOR") == "/dev/full\n/dev/vendor0\n1"
    )


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--device", "vendor.com/device=none"), "unresolvable CDI devices vendor.com/device=none"),
        (("--gpus", "all"), 'could not select device driver "" with capabilities: [[gpu]]'),
    ],
)
def test_what_is_not_there(cdi_engine: Engine, flags: tuple[str, ...], told: str) -> None:
    refused = cdi_engine.docker("run", "--rm", "--network", "none", *flags, "busybox", "true")
    assert (refused.returncode, told in refused.stderr) == (125, True), refused.stderr
    assert cdi_engine.ok("ps", "-aq") == ""


def test_info_names_the_directories(cdi_engine: Engine) -> None:
    assert len(json.loads(cdi_engine.ok("info", "-f", "{{json .CDISpecDirs}}"))) == 1
