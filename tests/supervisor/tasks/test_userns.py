"""User namespaces: root of a container is nobody on the machine, and its files are stored as if there were no such namespace."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from shutil import which

import attrs
import pytest

from pycontainerd import (
    BindMount,
    Change,
    ChangeKind,
    Container,
    ExecConfig,
    IdMapping,
    Image,
    Supervisor,
)
from pycontainerd.errors import Conflict, InvalidConfig, StartFailed
from tests.supervisor.archives import entry, layer
from tests.supervisor.running import create, output, said, start
from tests.supervisor.tasks.test_archive import arriving
from tests.supervisor.tasks.test_exec import run

FIRST = 200_000
MAPS = (IdMapping(container_id=0, host_id=FIRST, size=65536),)
MAPPED: dict[str, object] = {"userns": "private", "uid_mappings": MAPS, "gid_mappings": MAPS}


async def ready(supervisor: Supervisor, script: str, **config: object) -> Container:
    """One that has done this, and stays."""
    container = await start(supervisor, f"{script}; echo ready; exec sleep 300", **config)
    async for _ in container.logs(follow=True):
        return container
    raise AssertionError("it said nothing")


async def test_who_is_who(supervisor: Supervisor, busybox: Image) -> None:
    """Inside all is as ever; outside it is another user, who owns nothing there."""
    container = await start(
        supervisor,
        "id -u; id -g; cat /proc/self/uid_map; stat -c '%u %g' / /bin/sh /etc/hosts /dev/null; sleep 300",
        **MAPPED,
    )
    async for record in container.logs(follow=True):
        if b"65534" in record.data:  # the last: /dev/null is the machine's
            break
    lines = (await said(container)).decode().splitlines()
    assert lines[:2] == ["0", "0"]
    assert lines[2].split() == ["0", str(FIRST), "65536"]
    assert lines[3:] == ["0 0", "0 0", "0 0", "65534 65534"]
    assert os.stat(f"/proc/{container.info().pid}").st_uid == FIRST
    await container.remove(force=True)


async def test_what_it_writes_is_stored_with_its_own_ids(supervisor: Supervisor, busybox: Image) -> None:
    """So commit, changes, export and what is taken out of it need no translation, whatever its map."""
    script = (
        "echo x > /new; touch /his; chown 7:8 /his; chmod 4755 /his; rm /etc/passwd; mkdir /d; chown 1:1 /etc; sync"
    )
    container = await start(supervisor, script, **MAPPED)
    assert (await container.wait()).code == 0, await said(container)
    upper = Path(container.writable())
    assert [(os.lstat(upper / name).st_uid, os.lstat(upper / name).st_gid) for name in ("new", "his", "etc")] == [
        (0, 0),
        (7, 8),
        (1, 1),
    ]
    assert await container.changes() == [
        Change("/d", ChangeKind.ADDED),
        Change("/etc", ChangeKind.MODIFIED),
        Change("/etc/passwd", ChangeKind.DELETED),
        Change("/his", ChangeKind.ADDED),
        Change("/new", ChangeKind.ADDED),
    ]
    with tarfile.open(fileobj=io.BytesIO(b"".join([piece async for piece in container.export()]))) as archive:
        assert [(archive.getmember(name).uid, archive.getmember(name).gid) for name in ("his", "new")] in (
            [(7, 8), (0, 0)],
        )
    await container.commit("made:1")
    seen = await output(supervisor, "stat -c '%u %g %a' /his /etc; test -e /etc/passwd || echo gone", image="made:1")
    assert seen.splitlines() == ["7 8 4755", "1 1 755", "gone"]
    await container.remove()


async def test_the_same_files_under_another_map(supervisor: Supervisor, busybox: Image) -> None:
    container = await ready(supervisor, "touch /f; chown 5:6 /f", **MAPPED)
    fork = await container.fork(
        config=attrs.evolve(
            container.config,
            args=(
                "/bin/sh",
                "-c",
                "stat -c '%u %g' /f; touch /f && cat /proc/self/uid_map",
            ),
            uid_mappings=(IdMapping(container_id=0, host_id=FIRST + 100_000, size=1000),),
            gid_mappings=(IdMapping(container_id=0, host_id=FIRST + 100_000, size=1000),),
        )
    )
    assert (await fork.wait()).code == 0
    first, second = (await said(fork)).decode().splitlines()
    assert (first, second.split()) == ("5 6", ["0", str(FIRST + 100_000), "1000"])
    for one in (container, fork):
        await one.remove(force=True)


async def test_an_exec_lives_in_it(supervisor: Supervisor, busybox: Image) -> None:
    container = await start(supervisor, "exec sleep 300", **MAPPED)
    for user, expected in (("0", FIRST), ("33", FIRST + 33)):
        assert await run(container, "sh", "-c", "echo to >/dev/stdout", user=user) == (0, b"to\n"), "it owns its pipe"
        process = await container.exec(ExecConfig(args=("sleep", "300"), user=user))
        await process.start()
        assert os.stat(f"/proc/{process.info().pid}").st_uid == expected
    await container.remove(force=True)


@pytest.mark.parametrize("running", [True, False])
async def test_files_in_and_out(supervisor: Supervisor, busybox: Image, running: bool) -> None:
    """docker cp, in the numbers of the container."""
    container = await ready(supervisor, "mkdir /d; touch /d/f; chown 3:4 /d/f", **MAPPED)
    if not running:
        await container.stop(timeout=0)
    await container.write_archive("/d", arriving(layer((entry("in", uid=9, gid=10), b"x"), ("own", b"y"))))
    with tarfile.open(fileobj=io.BytesIO(b"".join([piece async for piece in container.read_archive("/d")]))) as archive:
        owners = {member.name: (member.uid, member.gid) for member in archive.getmembers()}
    assert owners == {"d": (0, 0), "d/f": (3, 4), "d/in": (9, 10), "d/own": (0, 0)}
    if running:
        script = "stat -c '%u %g' /d/in; echo z > /d/own && rm /d/in"
        assert await run(container, "sh", "-c", script) == (0, b"9 10\n")
    await container.remove(force=True)


async def test_an_owner_that_has_no_number_there(supervisor: Supervisor, busybox: Image) -> None:
    container = await start(supervisor, "sleep 300", **MAPPED)
    with pytest.raises(Exception, match="its owner 70000 has no number in the container's user namespace"):
        await container.write_archive("/tmp", arriving(layer((entry("in", uid=70_000), b"x"))))
    await container.remove(force=True)


async def test_what_it_may_not(supervisor: Supervisor, busybox: Image, tmp_path: Path) -> None:
    """Each of these works for root of a container that lives in the machine's user namespace, where it has the capability."""
    secret = tmp_path / "secret"
    secret.write_text("s")
    secret.chmod(0o600)
    tmp_path.chmod(0o755)
    attack = "cat /host/secret && echo read; chown 1 /host/secret && echo owned; true"
    config = {
        "mounts": (BindMount(source=str(tmp_path), target="/host"),),
        "cap_add": ("ALL",),
        "cap_drop": ("SYS_TIME",),
    }
    assert (await output(supervisor, attack, **config)).splitlines() == ["sread", "owned"]
    os.chown(secret, 0, 0)
    assert "read" not in await output(supervisor, attack, **config, **MAPPED)
    assert secret.stat().st_uid == 0


async def test_what_it_shares_with_another(supervisor: Supervisor, busybox: Image) -> None:
    """The namespaces of who has the same map, and so the user namespace that owns them; nobody else's."""
    first = await start(supervisor, "exec sleep 300", hostname="a", ipc="shareable", **MAPPED)
    joined = dict.fromkeys(("network", "pid", "ipc"), f"container:{first.id}")
    second = await start(supervisor, "exec sleep 300", **joined, **MAPPED)

    def namespace(container: Container, kind: str) -> str:
        return os.readlink(f"/proc/{container.info().pid}/ns/{kind}")

    for kind in ("user", "net", "pid", "ipc"):
        assert namespace(first, kind) == namespace(second, kind)
    assert namespace(first, "mnt") != namespace(second, "mnt")
    await second.kill()
    assert (await second.wait()).code == 137
    other = await create(supervisor, "true", network=f"container:{first.id}")
    with pytest.raises(Conflict, match="it has another user namespace"):
        await other.start()
    for one in (other, second, first):
        await one.remove(force=True)


@pytest.mark.parametrize("shared", ["network", "ipc", "pid", "uts", "cgroupns"])
async def test_with_a_namespace_of_the_machine(supervisor: Supervisor, busybox: Image, shared: str) -> None:
    """What that namespace shows is bound from the machine where root of another user namespace may not mount it."""
    seen = await output(supervisor, "id -u; ls -d /sys/kernel /proc/1", **{shared: "host"}, **MAPPED)
    assert seen.splitlines() == ["0", "/proc/1", "/sys/kernel"]


async def test_many_layers(supervisor: Supervisor, busybox: Image) -> None:
    """More than fsconfig(2) takes as one value."""
    image = "busybox"
    for number in range(20):
        made = await start(supervisor, f"echo {number} > /l{number}", image=image)
        await made.wait()
        image = f"made:{number}"
        await made.commit(image)
        await made.remove()
    assert await output(supervisor, "cat /l0 /l19; stat -c %u /l7; touch /l3", image=image, **MAPPED) == "0\n19\n0\n"


async def test_the_machine_itself_as_an_image(supervisor: Supervisor) -> None:
    seen = await output(
        supervisor, "id -u; stat -c %u /usr /etc/passwd; touch /etc/passwd && echo wrote", image="host", **MAPPED
    )
    assert seen.splitlines() == ["0", "0", "0", "wrote"]


@pytest.mark.skipif(
    which("mkfs.btrfs") is None, reason="forkable containers need btrfs-progs, which the virtual machines have not"
)
async def test_a_forkable_one(supervisor: Supervisor, busybox: Image) -> None:
    container = await ready(supervisor, "touch /f; chown 5 /f", forkable=True, **MAPPED)
    fork = await container.fork(config=attrs.evolve(container.config, args=("/bin/sh", "-c", "stat -c %u /f")))
    assert (await fork.wait()).code == 0
    for one in (container, fork):
        await one.remove(force=True)


BAD: dict[str, tuple[dict[str, object], str]] = {
    "no maps": ({"userns": "private"}, "uid_mappings: must map 0"),
    "maps for nothing": ({"uid_mappings": MAPS}, "uid_mappings: are for a user namespace of its own"),
    "no root": (
        MAPPED | {"gid_mappings": (IdMapping(container_id=1, host_id=5, size=9),)},
        "gid_mappings: must map 0",
    ),
    "privileged": (MAPPED | {"privileged": True}, "privileged mode is incompatible with user namespaces"),
    "overlap": (MAPPED | {"uid_mappings": (*MAPS, *MAPS)}, "uid_mappings: 0 is mapped twice"),
    "nonsense": ({"userns": "mine"}, "userns: invalid mode 'mine'"),
}


@pytest.mark.parametrize("name", BAD)
async def test_refused(supervisor: Supervisor, busybox: Image, name: str) -> None:
    config, told = BAD[name]
    with pytest.raises((InvalidConfig, StartFailed), match=told):
        await start(supervisor, "true", **config)
    for left in supervisor.containers.list():
        await left.remove()


async def test_a_user_that_is_not_mapped(supervisor: Supervisor, busybox: Image) -> None:
    few = (IdMapping(container_id=0, host_id=FIRST, size=10),)
    container = await create(supervisor, "true", user="33", userns="private", uid_mappings=few, gid_mappings=few)
    with pytest.raises(InvalidConfig, match=r"process\.user\.uid"):
        await container.start()
    await container.remove()
    assert (
        await output(supervisor, "id -u; tty; true", userns="private", uid_mappings=few, gid_mappings=few)
        == "0\nnot a tty\n"
    )


async def test_a_pipe_belongs_to_the_user_of_the_process(supervisor: Supervisor, busybox: Image) -> None:
    """Also without a user namespace: /dev/stdout is opened anew by many an image's program, as its user."""
    assert await output(supervisor, "echo one >/dev/stdout; echo two >/proc/self/fd/2", user="33:33") == "one\ntwo\n"
