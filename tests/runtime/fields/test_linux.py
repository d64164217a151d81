"""linux.namespaces, ids, time, sysctl, names of the machine, devices and the rules for them, as seen inside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Runtime, Spec, Stdio
from pyrunc.seccomp import with_default_profile
from pyrunc.spec import Device, DeviceRule, IdMapping, Namespace, Resources, TimeOffset, TimeOffsets
from tests.runtime.fields.conftest import Inside, linux, opened

FILES = {
    "mount": "mnt",
    "network": "net",
    "pid": "pid",
    "uts": "uts",
    "ipc": "ipc",
    "user": "user",
    "cgroup": "cgroup",
    "time": "time",
}
READ = "say(os.readlink('/proc/self/ns/{}'))"


def ids(outside: int, size: int = 65536) -> tuple[IdMapping, ...]:
    return (IdMapping(container_id=0, host_id=outside, size=size),)


def without_groups(spec: Spec) -> Spec:
    """devpts without the group tty, where that has no id."""
    return evolve(
        spec,
        mounts=tuple(
            evolve(mount, options=tuple(word for word in mount.options if word != "gid=5")) for mount in spec.mounts
        ),
    )


def namespaces(*kinds: str, joined: dict[str, str] | None = None) -> Callable[[Spec], Spec]:
    """Exactly these."""

    def change(spec: Spec) -> Spec:
        own = tuple(Namespace(type=kind) for kind in kinds)  # type: ignore[arg-type]  # words of the tests' own
        others = tuple(Namespace(type=kind, path=path) for kind, path in (joined or {}).items())  # type: ignore[arg-type]
        mounts = tuple(mount for mount in spec.mounts if mount.type not in ("sysfs", "mqueue", "cgroup"))
        spec = evolve(spec, hostname="" if "uts" not in kinds else spec.hostname, mounts=mounts)
        return spec.with_linux(
            namespaces=(*own, *others),
            uid_mappings=ids(100000) if "user" in kinds else (),
            gid_mappings=ids(100000) if "user" in kinds else (),
        )

    return change


@pytest.mark.parametrize("kind", FILES)
def test_a_namespace_of_its_own(inside: Inside, kind: str) -> None:
    kinds = ("mount", "pid") if kind == "mount" else ("mount", "pid", kind)
    found = inside(READ.format(FILES[kind]), namespaces(*dict.fromkeys(kinds)))
    assert found != os.readlink(f"/proc/self/ns/{FILES[kind]}")


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "mount"])
def test_the_callers_where_none_is_named(inside: Inside, kind: str) -> None:
    """Without a mount namespace the mounts would be the host's: that is refused."""
    assert inside(READ.format(FILES[kind]), namespaces("mount")) == os.readlink(f"/proc/self/ns/{FILES[kind]}")


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process in namespaces of its own, to be joined."""
    flags = ("--user", "--map-root-user", "--uts", "--ipc", "--net", "--cgroup", "--mount", "--pid", "--fork", "--time")
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with subprocess.Popen(
        ["unshare", *flags, "--kill-child", sys.executable, "-c", code], stdout=subprocess.PIPE
    ) as made:
        assert made.stdout is not None
        made.stdout.readline()
        yield int(Path(f"/proc/{made.pid}/task/{made.pid}/children").read_text())
        made.kill()


@pytest.mark.parametrize("kind", ["network", "uts", "ipc", "cgroup", "pid", "time"])
def test_one_that_is_there(inside: Inside, stranger: int, kind: str) -> None:
    path = f"/proc/{stranger}/ns/{FILES[kind]}"
    own = ("mount",) if kind == "pid" else ("mount", "pid")
    assert inside(READ.format(FILES[kind]), namespaces(*own, joined={kind: path})) == os.readlink(path)


def test_a_mount_namespace_that_is_there(inside: Inside, stranger: int) -> None:
    path = f"/proc/{stranger}/ns/mnt"
    assert inside(READ.format("mnt"), namespaces("pid", joined={"mount": path})) == os.readlink(path)


def test_a_user_namespace_that_is_there(inside: Inside, stranger: int) -> None:
    path = f"/proc/{stranger}/ns/user"

    def change(spec: Spec) -> Spec:
        return without_groups(namespaces("mount", "pid", "ipc", joined={"user": path})(spec))

    code = "say(os.readlink('/proc/self/ns/user'), os.getuid(), read('/proc/self/uid_map').split())"
    assert inside(code, change) == [os.readlink(path), 0, ["0", "0", "1"]]


def test_a_path_that_is_of_another_kind(runtime: Runtime, inside: Inside) -> None:
    for path, said in (
        ("/proc/self/ns/uts", "is not a namespace of this type"),
        ("/etc/passwd", "is not a"),
        ("/no", "No such"),
    ):
        spec = namespaces("mount", joined={"network": path})(inside.spec("say(1)"))
        with pytest.raises(pyrunc.SpecError, match=rf"linux\.namespaces\[1\]\.path: {path} .*{said}"):
            runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())


def test_ids_of_a_user_namespace(inside: Inside) -> None:
    code = (
        "say(read('/proc/self/uid_map').split(), read('/proc/self/gid_map').split(), os.getuid(), os.stat('/').st_uid)"
    )

    def change(spec: Spec) -> Spec:
        maps = (IdMapping(container_id=0, host_id=100000, size=10), IdMapping(container_id=10, host_id=300000, size=90))
        return without_groups(namespaces("mount", "pid", "user")(spec)).with_linux(
            uid_mappings=maps, gid_mappings=ids(200000, 5)
        )

    assert inside(code, change) == [["0", "100000", "10", "10", "300000", "90"], ["0", "200000", "5"], 0, 65534]


def test_the_users_process_is_the_mapped_one_outside(runtime: Runtime, inside: Inside) -> None:
    spec = namespaces("mount", "pid", "user")(inside.spec("import time; time.sleep(60)")).with_user(7, 8, (9,))
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    status = Path(f"/proc/{container.pid}/status").read_text()
    container.delete(force=True)
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert lines["Uid"].split() == ["100007"] * 4
    assert lines["Gid"].split() == ["100008"] * 4
    assert lines["Groups"].split() == ["100009"]


def test_clocks_of_its_own(inside: Inside) -> None:
    def change(spec: Spec) -> Spec:
        offsets = TimeOffsets(monotonic=TimeOffset(secs=1_000_000), boottime=TimeOffset(secs=2_000_000, nanosecs=500))
        return namespaces("mount", "pid", "time")(spec).with_linux(time_offsets=offsets)

    code = "import time\nsay(time.clock_gettime(time.CLOCK_MONOTONIC), time.clock_gettime(time.CLOCK_BOOTTIME))"
    monotonic, boottime = inside(code, change)
    assert 0 <= time.clock_gettime(time.CLOCK_MONOTONIC) + 1_000_000 - monotonic < 60
    assert 0 <= time.clock_gettime(time.CLOCK_BOOTTIME) + 2_000_000 - boottime < 60


# -- names and kernel parameters --------------------------------------------------------------------------------------------------------


def test_names_of_the_machine(inside: Inside) -> None:
    before = os.uname().nodename
    code = "say(os.uname().nodename, read('/proc/sys/kernel/domainname').strip())"
    assert inside(code, lambda spec: evolve(spec, hostname="web", domainname="example.org")) == ["web", "example.org"]
    assert os.uname().nodename == before


def test_kernel_parameters(inside: Inside) -> None:
    values = {"net.ipv4.ip_forward": "1", "net/core/somaxconn": "99", "kernel.shmmax": "4096", "kernel.msgmax": "100"}
    code = "say([read('/proc/sys/' + name).strip() for name in ('net/ipv4/ip_forward', 'net/core/somaxconn', 'kernel/shmmax', 'kernel/msgmax')])"
    before = Path("/proc/sys/kernel/msgmax").read_text()
    assert inside(code, linux(sysctl=values)) == list(values.values())
    assert Path("/proc/sys/kernel/msgmax").read_text() == before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("vm.swappiness", "is not kept apart by any namespace: setting it would change the machine"),
        ("kernel.hostname", "is not kept"),
    ],
)
def test_parameters_of_the_machine_are_refused(runtime: Runtime, inside: Inside, name: str, why: str) -> None:
    spec = linux(sysctl={name: "1"})(inside.spec("say(1)"))
    with pytest.raises(pyrunc.SpecError, match=rf"linux\.sysctl\.{name}: {why}"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())


def test_a_value_that_the_kernel_refuses(runtime: Runtime, inside: Inside) -> None:
    spec = linux(sysctl={"net.ipv4.ip_forward": "many"})(inside.spec("say(1)"))
    with pytest.raises(pyrunc.OperationFailed, match=r"linux\.sysctl\.net\.ipv4\.ip_forward .*EINVAL"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())


# -- devices ----------------------------------------------------------------------------------------------------------------------------

NODE = "import stat\ndef node(path):\n    s = os.stat(path)\n    return [stat.filemode(s.st_mode), os.major(s.st_rdev), os.minor(s.st_rdev), s.st_uid, s.st_gid]\n"


def test_the_usual_devices(inside: Inside) -> None:
    code = (
        NODE
        + "say({name: node('/dev/' + name)[:3] for name in ('null', 'zero', 'full', 'random', 'urandom', 'tty')}, {name: os.readlink('/dev/' + name) for name in ('ptmx', 'fd', 'stdin', 'stdout', 'stderr')})"
    )
    nodes, links = inside(code)
    numbers = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
    assert nodes == {name: ["crw-rw-rw-", *number] for name, number in numbers.items()}
    assert links["ptmx"] == "pts/ptmx"
    assert links["stdin"] == "/proc/self/fd/0"


def test_devices_of_each_type(inside: Inside) -> None:
    devices = (
        Device(type="c", path="/dev/fuse", major=10, minor=229, file_mode=0o640, uid=5, gid=6),
        Device(type="u", path="/dev/raw/one", major=1, minor=5),
        Device(type="b", path="/dev/disk", major=7, minor=0, file_mode=0o600),
        Device(type="p", path="/dev/pipe", file_mode=0o622),
        Device(type="c", path="/dev/null", major=1, minor=3, file_mode=0o600),
    )
    code = NODE + "say([node('/dev/' + name) for name in ('fuse', 'raw/one', 'disk', 'pipe', 'null')])"
    assert inside(code, linux(devices=devices)) == [
        ["crw-r-----", 10, 229, 5, 6],
        ["crw-rw-rw-", 1, 5, 0, 0],
        ["brw-------", 7, 0, 0, 0],
        ["prw--w--w-", 0, 0, 0, 0],
        ["crw-------", 1, 3, 0, 0],
    ]


def test_devices_are_bound_in_a_user_namespace(inside: Inside) -> None:
    def change(spec: Spec) -> Spec:
        return namespaces("mount", "pid", "user")(spec).with_linux(
            devices=(Device(type="c", path="/dev/full", major=1, minor=7),)
        )

    code = (
        NODE
        + "say(node('/dev/full')[1:3], os.path.ismount('/dev/full'), failed(os.write, os.open('/dev/full', 1), b'x'))"
    )
    assert inside(code, change) == [[1, 7], True, "ENOSPC"]


def test_something_else_in_a_devices_place(runtime: Runtime, inside: Inside, loose_root: Path) -> None:
    (loose_root / "opt/node").touch()
    spec = linux(devices=(Device(type="c", path="/opt/node", major=1, minor=5),))(inside.spec("say(1)", loose_root))
    with pytest.raises(pyrunc.OperationFailed, match=r"linux\.devices\[0\] .*something else is at /opt/node"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())


def test_rules_for_devices_in_their_order(inside: Inside) -> None:
    """No device may be used that no rule allows, but for the usual ones; a later rule counts more. Nodes may be made, as with runc."""
    code = """
def use(kind, numbers, flags):
    path = f"/dev/n{numbers[0]}-{numbers[1]}-{flags}"
    os.mknod(path, kind | 0o666, os.makedev(*numbers))
    return failed(os.open, path, flags)
character, block = 0o020000, 0o060000
say([use(character, n, f) for n, f in (((10, 229), 0), ((10, 229), 1), ((1, 7), 1), ((1, 1), 0))], use(block, (7, 0), 0))
"""
    rules = (
        DeviceRule(allow=False, access="rwm"),
        DeviceRule(allow=True, type="c", major=10, minor=229, access="rwm"),
        DeviceRule(allow=False, type="c", major=10, minor=229, access="w"),
    )
    fuse_read, fuse_written, full_written, memory = (None, "EPERM", None, "EPERM")
    assert inside(code, linux(resources=Resources(devices=rules))) == [
        [fuse_read, fuse_written, full_written, memory],
        "EPERM",
    ]


def test_a_specification_of_few_lines(inside: Inside, tmp_path: Path) -> None:
    """What the builder's words say is what the container gets."""
    (tmp_path / "file").write_text("x")

    def change(spec: Spec) -> Spec:
        return with_default_profile(
            spec.with_bind("/mnt", tmp_path, readonly=True)
            .with_tmpfs("/opt", size=1 << 20)
            .with_hostname("few")
            .with_capabilities("CAP_KILL")
            .with_user(1000, 1000)
            .with_limits(memory=64 << 20, pids=30, cpus=0.5)
            .with_user_namespace(100000, 100000)
        )

    opened(tmp_path / "file")
    code = """
say(read("/mnt/file"), failed(open, "/mnt/new", "w"), mount("/opt")[3][-1:], os.uname().nodename, status("CapEff"),
    os.getuid(), status("Seccomp"), failed(open, "/opt/new", "w"))
"""
    found = inside(code, change)
    assert found[:2] == ["x", "EROFS"]
    assert found[3:] == ["few", f"{1 << 5:016x}", 1000, "2", None]
