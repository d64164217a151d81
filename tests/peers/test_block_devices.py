"""Limits on single block devices, as the kernel has them after a client asked for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from .conftest import Engine


@pytest.fixture
def device() -> str:
    """A block device of this machine: which one does not matter, nothing is read or written."""
    names = [line.split()[3] for line in Path("/proc/partitions").read_text().splitlines()[2:]]
    return next(f"/dev/{name}" for name in names if Path(f"/dev/{name}").is_block_device())


def limit(engine: Engine, container: str, file: str) -> str:
    """A file of the container's cgroup of block devices."""
    pid = engine.ok("inspect", "-f", "{{.State.Pid}}", container)
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "blkio" in controllers.split(","):
            return Path(f"/sys/fs/cgroup/blkio{path}/{file}").read_text()
    raise AssertionError(f"{container} has no cgroup of block devices")


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    """docker-py: version 26 of docker's CLI forgets its own flags for this."""
    made = docker.DockerClient(base_url=engine.host)
    yield made
    made.close()


def test_rates_of_one_device(engine: Engine, client: docker.DockerClient, device: str) -> None:
    client.containers.run(
        "busybox",
        ["sleep", "300"],
        detach=True,
        name="slow",
        network_mode="none",
        device_read_bps=[{"Path": device, "Rate": 1 << 20}],
        device_write_bps=[{"Path": device, "Rate": 2 << 20}],
        device_read_iops=[{"Path": device, "Rate": 100}],
        device_write_iops=[{"Path": device, "Rate": 200}],
    )
    number = os.stat(device).st_rdev
    named = f"{os.major(number)}:{os.minor(number)}"
    assert limit(engine, "slow", "blkio.throttle.read_bps_device") == f"{named} {1 << 20}\n"
    assert limit(engine, "slow", "blkio.throttle.write_bps_device") == f"{named} {2 << 20}\n"
    assert limit(engine, "slow", "blkio.throttle.read_iops_device") == f"{named} 100\n"
    assert limit(engine, "slow", "blkio.throttle.write_iops_device") == f"{named} 200\n"
    told = engine.ok("inspect", "-f", "{{json .HostConfig.BlkioDeviceReadBps}}", "slow")
    assert told == f'[{{"Path":"{device}","Rate":{1 << 20}}}]'


@pytest.mark.parametrize("wrong", ["/dev/no-such", "/dev/null"])
def test_what_is_no_block_device(engine: Engine, client: docker.DockerClient, wrong: str) -> None:
    with pytest.raises(docker.errors.APIError, match=wrong):
        client.containers.run(
            "busybox", ["true"], remove=True, network_mode="none", device_read_bps=[{"Path": wrong, "Rate": 1 << 20}]
        )
    # docker-py forgets a container that could not be started; docker's CLI removes it
    assert engine.ok("ps", "-a", "--format", "{{.Status}}") in ("", "Created")


def test_real_time_of_which_runtime_exceeds_the_period(engine: Engine) -> None:
    wrong = ("--cpu-rt-period", "1000", "--cpu-rt-runtime", "2000")
    refused = engine.docker("run", "--rm", "--network", "none", *wrong, "busybox", "true")
    assert refused.returncode == 125
    assert "cpu real-time runtime cannot be higher than cpu real-time period" in refused.stderr
