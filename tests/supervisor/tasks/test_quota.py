"""The most that a container may write, held by project quotas of an ext4 in a file."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from shutil import which

import attrs
import pytest

from pycontainerd import Supervisor
from pycontainerd.errors import Unsupported
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.running import create, said, start
from tests.supervisor.tasks.test_exec import run
from tests.supervisor.tasks.test_userns import ready

MIB = 1 << 20


@pytest.fixture
def quotas(tmp_path: Path) -> Iterator[Path]:
    """A directory of a file system with project quotas."""
    if which("modprobe"):  # what the kernel would load by itself only once there is a device
        subprocess.run(["modprobe", "--all", "loop", "quota_v2"], capture_output=True)
    image, point = tmp_path / "image", tmp_path / "q"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(256 * MIB)
    features = ["-O", "quota,project", "-E", "quotatype=prjquota"]
    subprocess.run(["mkfs.ext4", "-q", *features, str(image)], check=True)
    mounted = subprocess.run(["mount", "-o", "loop,prjquota", str(image), str(point)], capture_output=True, text=True)
    if mounted.returncode:  # because of the quotas, and of nothing else: without them it can be mounted
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(point)], check=True)
        subprocess.run(["umount", str(point)], check=True)
        pytest.skip(f"this kernel keeps no quotas (CONFIG_QFMT_V2); those of the virtual machines do: {mounted.stderr}")
    yield point
    subprocess.run(["umount", str(point)], check=True)


@pytest.fixture
async def limited(quotas: Path, busybox_tar: Path) -> AsyncIterator[Supervisor]:
    async with supervisor_in(quotas) as made:
        await made.images.import_rootfs(busybox_tar, "busybox")
        yield made
        await remove_all(made)


WRITE = "dd if=/dev/zero of=/big bs=1M count=20 2>/tmp/said || grep -o 'No space left\\|Disk quota exceeded' /tmp/said; stat -c %s /big"


async def test_no_more_than_its_size(limited: Supervisor) -> None:
    """Its own only: the image, and another container, count for themselves."""
    small = await start(limited, WRITE, storage_size=8 * MIB)
    large = await start(limited, WRITE, storage_size=64 * MIB)
    free = await start(limited, WRITE)
    for container in (small, large, free):
        assert (await container.wait()).code == 0
    told = (await said(small)).split(b"\n")
    assert told[0] in {b"No space left", b"Disk quota exceeded"}
    assert 7 * MIB < int(told[1]) <= 8 * MIB
    assert int(await said(large)) == int(await said(free)) == 20 * MIB


async def test_a_fork_has_a_limit_of_its_own(limited: Supervisor) -> None:
    container = await ready(limited, "dd if=/dev/zero of=/first bs=1M count=6 2>/dev/null", storage_size=8 * MIB)
    await container.stop(timeout=0)
    fork = await container.fork(config=attrs.evolve(container.config, args=("/bin/sh", "-c", WRITE)))
    assert (await fork.wait()).code == 0
    assert (await fork.stat("/first")).size == 6 * MIB
    assert int((await said(fork)).split()[-1]) <= 8 * MIB, "what it writes itself has a limit again"
    await container.start()
    code, told = await run(container, "sh", "-c", WRITE)
    assert (code, int(told.split()[-1]) <= 8 * MIB) == (0, True), "and so has what the other one does from now on"


async def test_where_the_disk_holds_no_quotas(supervisor: Supervisor, busybox: object) -> None:
    with pytest.raises(Unsupported, match="only for overlay over a file system with project quotas"):
        await create(supervisor, "true", storage_size=8 * MIB)
    assert supervisor.containers.list() == []
