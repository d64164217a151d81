"""The configurations whose plans are kept as golden texts, and the hosts that they are compiled for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

from pyrunc.compile import Compiled, RootMount, compile, compile_exec  # noqa: A004 - see there
from pyrunc.facts import Facts, Hierarchy
from pyrunc.spec import (
    Capabilities,
    ConsoleSize,
    Device,
    Hook,
    Hooks,
    IdMapping,
    Linux,
    Mount,
    Namespace,
    Process,
    Rlimit,
    Root,
    Seccomp,
    Spec,
    Syscall,
)

DOCKER = Path(__file__).parents[1] / "spec" / "docker-20.10.json"

UNIFIED: Final = Facts()
LEGACY: Final = Facts(
    hierarchies=(
        Hierarchy("cpu,cpuacct", ("cpu", "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct", "/"),
        Hierarchy("memory", ("memory",), "/sys/fs/cgroup/memory", "/"),
        Hierarchy("name=systemd", (), "/sys/fs/cgroup/systemd", "/"),
    )
)
HYBRID: Final = attrs.evolve(
    LEGACY, hierarchies=(*LEGACY.hierarchies, Hierarchy("", ("hugetlb",), "/sys/fs/cgroup/unified", "/"))
)
ORDINARY_USER: Final = Facts(uid=1000, gid=1000)
CONFINED: Final = Facts(lsm=("capability", "apparmor", "selinux"))

PROGRAM: Final = bytes(16)
MINIMAL: Final = Spec(
    oci_version="1.2.0",
    process=Process(cwd="/", args=("/bin/true",), env=("PATH=/bin", "HOME=/"), no_new_privileges=True),
    root=Root(path="rootfs"),
    linux=Linux(namespaces=(Namespace(type="mount"), Namespace(type="pid"))),
)
FILTER: Final = Seccomp(default_action="SCMP_ACT_ALLOW", syscalls=(Syscall(names=("mount",), action="SCMP_ACT_ERRNO"),))


def compiled(spec: Spec, facts: Facts = UNIFIED, *root_mounts: RootMount, **options: bool | int) -> Compiled:
    """Compile for container ``web`` in /b, in cgroups below /pods of every hierarchy."""
    return compile(
        spec,
        facts,
        id="web",
        bundle="/b",
        cgroups={hierarchy.name: f"{hierarchy.mountpoint}/pods/web" for hierarchy in facts.hierarchies},
        assemble=lambda _: PROGRAM,
        root_mounts=root_mounts,
        **options,  # type: ignore[arg-type]  # only flags are passed on
    )


def with_namespaces(spec: Spec, *kinds: str) -> Spec:
    """More new namespaces."""
    assert spec.linux is not None
    return spec.with_linux(namespaces=(*spec.linux.namespaces, *(Namespace(type=kind) for kind in kinds)))  # type: ignore[arg-type]  # words of the tests' own


def mapped(spec: Spec) -> Spec:
    """With a user namespace whose root is 100000 outside."""
    ids = (IdMapping(container_id=0, host_id=100000, size=65536),)
    return with_namespaces(spec, "user").with_linux(uid_mappings=ids, gid_mappings=ids)


def _hooks() -> Spec:
    def hook(name: str) -> tuple[Hook, ...]:
        return (Hook(path=f"/hooks/{name}", args=(name,), env=("A=b",), timeout=5),)

    return attrs.evolve(
        MINIMAL,
        annotations={"note": "@PID@"},
        hooks=Hooks(
            prestart=hook("prestart"),
            create_runtime=hook("createRuntime"),
            create_container=hook("createContainer"),
            start_container=hook("startContainer"),
            poststart=hook("poststart"),
            poststop=hook("poststop"),
        ),
    )


def _mounts() -> Spec:
    mounts = (
        Mount(destination="/tmp", type="tmpfs", source="tmpfs", options=("ro", "tmpcopyup", "size=1m", "x-note=1")),
        Mount(destination="/tmp/in", type="bind", source="data", options=("rbind", "rro", "noatime", "rshared")),
        Mount(destination="disk", type="ext4", source="/dev/vdb", options=("ro", "noload", "strictatime")),
        Mount(destination="/own", type="none", source="/srv", options=("bind", "rw", "sync", "unbindable")),
        Mount(
            destination="/ids",
            type="bind",
            source="/srv",
            uid_mappings=(IdMapping(container_id=0, host_id=1000, size=1),),
            gid_mappings=(IdMapping(container_id=0, host_id=1000, size=1),),
            options=("rbind", "ridmap"),
        ),
    )
    return attrs.evolve(MINIMAL, mounts=mounts)


def _devices() -> Spec:
    return MINIMAL.with_linux(
        devices=(
            Device(type="c", path="/dev/zero", major=1, minor=5, file_mode=0o600, uid=5, gid=6),
            Device(type="b", path="/dev/disk/one", major=8, minor=1, file_mode=0o100660),
            Device(type="p", path="/dev/pipe"),
        )
    )


def _process() -> Spec:
    spec = with_namespaces(MINIMAL, "network", "ipc", "uts")
    sets = Capabilities(
        bounding=("CAP_KILL", "CAP_CHECKPOINT_RESTORE"),
        permitted=("CAP_KILL",),
        effective=("CAP_KILL",),
        inheritable=("CAP_KILL",),
        ambient=("CAP_KILL", "CAP_CHOWN"),
    )
    return attrs.evolve(
        spec.with_process(
            cwd="/srv/app",
            terminal=True,
            console_size=ConsoleSize(height=25, width=80),
            rlimits=(Rlimit(type="RLIMIT_CORE", soft=0, hard=2**64 - 1),),
            oom_score_adj=-5,
            no_new_privileges=False,
            capabilities=sets,
            env=(),
            args=("app", "--flag=a b"),
        )
        .with_user(1000, 100, (5, 6))
        .with_linux(seccomp=FILTER, sysctl={"net.ipv4.conf.eth0/1.rp_filter": "1", "kernel/sem": "1 2 3 4"}),
        hostname="web",
        domainname="example.org",
    )


def _joined() -> Spec:
    return MINIMAL.with_linux(
        namespaces=(
            Namespace(type="user", path="/proc/7/ns/user"),
            Namespace(type="network", path="/run/netns/a"),
            Namespace(type="mount"),
            Namespace(type="cgroup"),
            Namespace(type="ipc"),
        )
    )


def _exec() -> Compiled:
    process = Process(cwd="/srv", args=("sh",), env=("PATH=/bin",), terminal=True, no_new_privileges=True)
    return compile_exec(
        attrs.evolve(process, capabilities=Capabilities(bounding=("CAP_KILL",))),
        mapped(MINIMAL).with_linux(seccomp=FILTER),
        HYBRID,
        id="web",
        cgroups={"": "/sys/fs/cgroup/pods/web"},
        assemble=lambda _: PROGRAM,
        preserve_fds=2,
    )


LAYERS: Final = RootMount("overlay", "overlay", ("lowerdir=/l/1:/l/2", "upperdir=/u", "workdir=/w", "ro", "nodev"))

CONFIGURATIONS: Final[dict[str, Compiled]] = {
    "minimal": compiled(MINIMAL),
    "default-v2": compiled(Spec.default()),
    "default-hybrid": compiled(Spec.default(), HYBRID),
    "docker-v1": compiled(Spec.load(DOCKER), LEGACY),
    "layers-readonly": compiled(attrs.evolve(MINIMAL, root=Root(path="rootfs", readonly=True)), UNIFIED, LAYERS),
    "user-namespace": compiled(mapped(MINIMAL)),
    "ordinary-user": compiled(mapped(MINIMAL), ORDINARY_USER, no_new_keyring=True),
    "joined-namespaces": compiled(_joined()),
    "hooks": compiled(_hooks()),
    "mounts": compiled(_mounts()),
    "devices": compiled(_devices()),
    "process": compiled(_process(), no_pivot=True, preserve_fds=3),
    "labels": compiled(MINIMAL.with_process(apparmor_profile="web", selinux_label="u:r:t:s0"), CONFINED),
    "shared-root": compiled(MINIMAL.with_linux(rootfs_propagation="rshared")),
    "exec": _exec(),
}
