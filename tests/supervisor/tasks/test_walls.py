"""AppArmor and SELinux: in force where the kernel has them, refused where it has not. The virtual machines have AppArmor."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pycontainerd import Image, Supervisor
from pycontainerd.errors import StartFailed
from tests.supervisor.running import create, start
from tests.supervisor.tasks.test_exec import run
from tests.support.run import RUN

ENABLED = Path("/sys/module/apparmor/parameters/enabled")
HAS_APPARMOR = ENABLED.exists() and ENABLED.read_text() == "Y\n"


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[str]:
    """Loaded: everything is allowed but to write to /forbidden."""
    name, file = f"pycontainerd-{RUN.name}", tmp_path / "profile"
    rules = "file, capability, network, mount, umount, signal, ptrace, deny /forbidden/** w,"
    file.write_text(
        f"profile {name} flags=(attach_disconnected,mediate_deleted) {{ {rules} }}\n".replace(", deny", ",\n deny")
    )
    subprocess.run(["apparmor_parser", "--replace", "--skip-cache", str(file)], check=True)
    yield name
    subprocess.run(["apparmor_parser", "--remove", str(file)], check=True)


@pytest.mark.skipif(not HAS_APPARMOR, reason="this kernel has no AppArmor; that of the virtual machines has")
async def test_a_profile_of_apparmor(supervisor: Supervisor, busybox: Image, profile: str) -> None:
    """Holds for the container and its execs; without it they may."""
    attack = "mkdir -p /forbidden; echo x 2>/dev/null >/forbidden/f && echo wrote; cat /proc/self/attr/current"
    for wanted, expected in ((profile, f"{profile} (enforce)\n"), (None, "wrote\nunconfined\n")):
        container = await start(supervisor, "sleep 300", apparmor=wanted)
        assert await run(container, "sh", "-c", attack) == (0, expected.encode())
        await container.remove(force=True)


@pytest.mark.skipif(HAS_APPARMOR, reason="this kernel has AppArmor")
async def test_a_profile_without_apparmor(supervisor: Supervisor, busybox: Image) -> None:
    container = await create(supervisor, "true", apparmor="mine")
    with pytest.raises(StartFailed, match=r"process\.apparmorProfile: apparmor is not enabled in this kernel"):
        await container.start()
    await container.remove()


@pytest.mark.parametrize("field", ["selinux_label", "selinux_mount_label"])
async def test_a_label_without_selinux(supervisor: Supervisor, busybox: Image, field: str) -> None:
    if Path("/sys/fs/selinux/enforce").exists():
        pytest.skip("this kernel has SELinux")
    container = await create(supervisor, "true", **{field: "system_u:system_r:container_t:s0"})
    with pytest.raises(StartFailed, match="selinux is not enabled in this kernel"):
        await container.start()
    await container.remove()
