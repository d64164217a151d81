"""What compile refuses, what it takes from the host's facts, and how option words and sysctl names are read."""

from __future__ import annotations

import attrs
import pytest

from pyrunc import plan as op
from pyrunc.compile import CgroupDirectory, CgroupProcs, RootMount
from pyrunc.compile import compile as compile_container
from pyrunc.compile.cgroup_view import links
from pyrunc.compile.mount_options import ATTRIBUTES, sort_options
from pyrunc.compile.process import parse_cpus
from pyrunc.compile.sysctl import split_name
from pyrunc.errors import PyruncError, SpecError, Unsupported
from pyrunc.facts import Facts, Hierarchy
from pyrunc.spec import (
    Capabilities,
    ExecCpuAffinity,
    IntelRdt,
    IoPriority,
    MemoryPolicy,
    Mount,
    Namespace,
    NetDevice,
    Personality,
    Rlimit,
    Scheduler,
    Spec,
    TimeOffset,
    TimeOffsets,
)
from tests.runtime.compile.configurations import (
    FILTER,
    HYBRID,
    MINIMAL,
    UNIFIED,
    compiled,
    mapped,
    with_namespaces,
)


def mounted(type: str, *options: str, destination: str = "/x", source: str = "/s") -> Spec:
    return attrs.evolve(MINIMAL, mounts=(Mount(destination=destination, type=type, source=source, options=options),))


def only(spec: Spec, kind: type[op.Operation], facts: Facts = UNIFIED) -> op.Operation:
    """The one operation of this kind."""
    (found,) = (operation for operation in compiled(spec, facts).plan.operations if type(operation) is kind)
    return found


NETWORK = with_namespaces(MINIMAL, "network")
NO_SECCOMP = attrs.evolve(UNIFIED, seccomp=False)
OLD = attrs.evolve(UNIFIED, kernel=(5, 10), time_namespaces=False)
CAPABILITIES = "process.capabilities"

REFUSED: list[tuple[Spec, Facts, type[PyruncError], str]] = [
    (attrs.evolve(MINIMAL, process=None), UNIFIED, SpecError, "process: is required"),
    (MINIMAL.with_linux(namespaces=()), UNIFIED, Unsupported, "linux.namespaces: a mount namespace is required"),
    (MINIMAL.with_args(), UNIFIED, SpecError, "process.args: at least"),
    (mounted("tmpfs", "remount", "rro"), UNIFIED, SpecError, "mounts[0].options: recursive, idmap and tmpcopyup"),
    (mounted("tmpfs", "rro"), UNIFIED, SpecError, "mounts[0].options: recursive and idmap options are for bind mounts"),
    (mounted("proc", "tmpcopyup"), UNIFIED, SpecError, "mounts[0].options: tmpcopyup is for tmpfs"),
    (mounted("bind", "tmpcopyup"), UNIFIED, SpecError, "mounts[0].options: tmpcopyup is for tmpfs"),
    (mounted("bind", "size=1m"), UNIFIED, SpecError, 'mounts[0].options: "size=1m" is not an option of a bind mount'),
    (mounted("cgroup", "memory"), UNIFIED, SpecError, 'mounts[0].options: "memory" is not an option of a cgroup mount'),
    (mounted("bind", "idmap"), UNIFIED, SpecError, "mounts[0].uidMappings: is required for idmap"),
    (mounted("bind", "idmap"), OLD, Unsupported, "mounts[0].uidMappings: this kernel has no idmapped mounts"),
    (with_namespaces(MINIMAL, "time"), OLD, Unsupported, "linux.namespaces[2]: this kernel has no time namespaces"),
    (MINIMAL.with_linux(seccomp=FILTER), NO_SECCOMP, Unsupported, "linux.seccomp: this kernel has no seccomp filters"),
    (MINIMAL.with_process(apparmor_profile="p"), UNIFIED, Unsupported, "process.apparmorProfile: apparmor is not"),
    (MINIMAL.with_process(selinux_label="l"), UNIFIED, Unsupported, "process.selinuxLabel: selinux is not"),
    (MINIMAL.with_linux(mount_label="l"), UNIFIED, Unsupported, "linux.mountLabel: selinux is not"),
    (
        MINIMAL.with_linux(intel_rdt=IntelRdt(clos_id="c")),
        UNIFIED,
        Unsupported,
        "linux.intelRdt: no resctrl file system is mounted",
    ),
    (
        MINIMAL.with_linux(memory_policy=MemoryPolicy(mode="MPOL_BIND", nodes="1-0")),
        UNIFIED,
        SpecError,
        "linux.memoryPolicy.nodes: 1-0 ends before it starts",
    ),
    (
        MINIMAL.with_linux(memory_policy=MemoryPolicy(mode="MPOL_BIND")),
        UNIFIED,
        SpecError,
        "linux.memoryPolicy.nodes: is required for MPOL_BIND",
    ),
    (
        MINIMAL.with_linux(memory_policy=MemoryPolicy(mode="MPOL_LOCAL", nodes="0")),
        UNIFIED,
        SpecError,
        "linux.memoryPolicy: MPOL_LOCAL takes neither nodes nor flags",
    ),
    (
        NETWORK.with_linux(net_devices={"a b": NetDevice()}),
        UNIFIED,
        SpecError,
        "linux.netDevices.a b: expected the name",
    ),
    (
        NETWORK.with_linux(net_devices={"a": NetDevice(name="c"), "c": NetDevice()}),
        UNIFIED,
        SpecError,
        "linux.netDevices.c.name: c is there twice",
    ),
    (
        MINIMAL.with_process(capabilities=Capabilities(bounding=("CAP_KILL", "CAP_FLY"))),
        UNIFIED,
        SpecError,
        f'{CAPABILITIES}.bounding[1]: unknown capability "CAP_FLY"',
    ),
    (
        MINIMAL.with_process(capabilities=Capabilities(effective=("CAP_KILL",))),
        UNIFIED,
        SpecError,
        f"{CAPABILITIES}.effective: must be part of",
    ),
    (
        MINIMAL.with_process(rlimits=(Rlimit(type="RLIMIT_FUN", soft=0, hard=0),)),
        UNIFIED,
        SpecError,
        'process.rlimits[0].type: unknown resource limit "RLIMIT_FUN"',
    ),
    (
        MINIMAL.with_process(oom_score_adj=1001),
        UNIFIED,
        SpecError,
        "process.oomScoreAdj: expected an integer from -1000",
    ),
    (
        MINIMAL.with_process(io_priority=IoPriority(io_class="IOPRIO_CLASS_BE", priority=8)),
        UNIFIED,
        SpecError,
        "process.ioPriority.priority: expected an integer from 0 to 7",
    ),
    (
        MINIMAL.with_linux(personality=Personality(domain="LINUX", flags=("x",))),
        UNIFIED,
        SpecError,
        "linux.personality.flags: no flags are defined yet",
    ),
    *(
        (NETWORK.with_linux(sysctl={name: "1"}), UNIFIED, SpecError, f"linux.sysctl.{name}: {rule}")
        for name, rule in {
            "kernel.core_pattern": "is not kept apart by any namespace",
            "kernel.hostname": "is not kept apart by any namespace",
            "vm.swappiness": "is not kept apart by any namespace",
            "kernel.sem": "needs a ipc namespace",
            "fs.mqueue.msg_max": "needs a ipc namespace",
            "kernel.domainname": "needs a uts namespace",
            "user.max_user_namespaces": "needs a user namespace",
            "net": "is not kept apart by any namespace",
            "net..ipv4": "is not the name of a sysctl",
            "net/../kernel/core_pattern": "is not the name of a sysctl",
            "net.//.x": "is not the name of a sysctl",
            "": "is not the name of a sysctl",
        }.items()
    ),
    (
        MINIMAL.with_linux(sysctl={"net.core.somaxconn": "1"}),
        UNIFIED,
        SpecError,
        "linux.sysctl.net.core.somaxconn: needs a network",
    ),
]


@pytest.mark.parametrize(("spec", "facts", "kind", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_refuses(spec: Spec, facts: Facts, kind: type[PyruncError], message: str) -> None:
    with pytest.raises(kind) as raised:
        compiled(spec, facts)
    assert str(raised.value).startswith(message)


def test_a_root_mount_with_a_word_that_means_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match=r'root_mounts\[0\]: "size=1m" is not an option of a mount of type bind'):
        compiled(MINIMAL, UNIFIED, RootMount("bind", "/srv", ("rbind", "size=1m")))


def test_without_cgroups_none_is_joined() -> None:
    found = compile_container(MINIMAL, UNIFIED, id="x", bundle="/b", cgroups={}, assemble=lambda _: b"")
    assert not any(isinstance(slot, CgroupDirectory | CgroupProcs) for slot in found.slots)
    assert not any(isinstance(operation, op.JoinCgroup) for operation in found.plan.operations)


def test_a_joined_cgroup_namespace_is_not_cloned_into() -> None:
    spec = MINIMAL.with_linux(namespaces=(Namespace(type="mount"), Namespace(type="cgroup", path="/proc/7/ns/cgroup")))
    clone = only(spec, op.Clone)
    assert isinstance(clone, op.Clone)
    assert clone.cgroup == op.NO_SLOT
    assert isinstance(only(spec, op.JoinCgroup), op.JoinCgroup)


def test_view_of_cgroups_by_host() -> None:
    spec = with_namespaces(mounted("cgroup", "ro"), "cgroup")
    unified, legacy = only(spec, op.MountCgroups), only(spec, op.MountCgroups, HYBRID)
    assert isinstance(unified, op.MountCgroups)
    assert isinstance(legacy, op.MountCgroups)
    assert unified.hierarchies == ("=",)
    assert legacy.hierarchies == ("cpu,cpuacct=cpu,cpuacct", "memory=memory", "systemd=none,name=systemd")
    assert legacy.links == ("cpu=cpu,cpuacct", "cpuacct=cpu,cpuacct")
    assert links((Hierarchy("memory", ("memory",), "/m", "/"),)) == ()


def test_without_a_mounted_cgroup_there_is_no_view() -> None:
    nothing = attrs.evolve(UNIFIED, hierarchies=())
    kinds = {type(operation) for operation in compiled(mounted("cgroup"), nothing).plan.operations}
    assert not kinds & {op.MountCgroups, op.Mount}


def test_capabilities_that_the_kernel_has_not_got_are_left_out() -> None:
    spec = MINIMAL.with_process(capabilities=Capabilities(bounding=("CAP_KILL", "CAP_BPF")))
    drop = only(spec, op.DropBounding, attrs.evolve(UNIFIED, last_capability=37))
    assert isinstance(drop, op.DropBounding)
    assert drop.keep == 1 << 5


def test_a_dev_that_is_bound_is_left_alone() -> None:
    kinds = {type(operation) for operation in compiled(mounted("bind", "rbind", destination="/dev/")).plan.operations}
    assert not kinds & {op.Mkdev, op.Symlink}


def test_a_filter_that_allows_all_is_left_out() -> None:
    spec = MINIMAL.with_linux(seccomp=attrs.evolve(FILTER, syscalls=()))
    assert op.LoadSeccomp not in {type(operation) for operation in compiled(spec).plan.operations}


def test_time_scheduling_and_personality() -> None:
    offsets = TimeOffsets(monotonic=TimeOffset(secs=-5), boottime=TimeOffset(secs=1, nanosecs=2))
    scheduler = Scheduler(policy="SCHED_IDLE", flags=("SCHED_FLAG_RESET_ON_FORK",), nice=3)
    spec = with_namespaces(MINIMAL, "time").with_linux(time_offsets=offsets, personality=Personality(domain="LINUX32"))
    spec = spec.with_process(scheduler=scheduler, io_priority=IoPriority(io_class="IOPRIO_CLASS_IDLE", priority=7))
    clone = only(spec, op.Clone)
    assert isinstance(clone, op.Clone)
    assert clone.time_offsets == "monotonic -5 0\nboottime 1 2\n"
    assert only(spec, op.SetPersonality) == op.SetPersonality(persona=8)
    assert only(spec, op.SetIoPriority) == op.SetIoPriority(value=3 << 13 | 7)
    expected = op.SetScheduler(policy=5, flags=1, nice=3, priority=0, runtime=0, deadline=0, period=0)
    assert only(spec, op.SetScheduler) == expected


def test_an_exec_sets_its_processors_before_and_after_it_joins() -> None:
    from pyrunc.compile import compile_exec

    process = mapped(MINIMAL).with_process(exec_cpu_affinity=ExecCpuAffinity(initial="0", final="0-1")).process
    assert process is not None
    found = compile_exec(process, MINIMAL, UNIFIED, id="x", cgroups={"": "/c"}, assemble=lambda _: b"")
    kinds = [type(operation) for operation in found.plan.operations]
    assert kinds[1:5] == [op.Clone, op.SetAffinity, op.JoinCgroup, op.SetAffinity]


@pytest.mark.parametrize(
    ("text", "cpus"), [("0", (0,)), ("0-2,7", (0, 1, 2, 7)), ("3, 1-1", (1, 3)), ("5,5", (5,))], ids=str
)
def test_lists_of_cpus(text: str, cpus: tuple[int, ...]) -> None:
    assert parse_cpus(text, "p") == cpus


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "3-1", "1,,2", "9" * 20])
def test_broken_lists_of_cpus(text: str) -> None:
    with pytest.raises(SpecError):
        parse_cpus(text, "p")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("net.ipv4.ip_forward", ("net", "ipv4", "ip_forward")),
        ("net/ipv4/ip_forward", ("net", "ipv4", "ip_forward")),
        ("net.ipv4.conf.eth0/1.x", ("net", "ipv4", "conf", "eth0.1", "x")),
        ("net/ipv4/conf/eth0.1/x", ("net", "ipv4", "conf", "eth0.1", "x")),
    ],
)
def test_sysctl_names(name: str, parts: tuple[str, ...]) -> None:
    assert split_name(name) == parts


@pytest.mark.parametrize("word", ATTRIBUTES)
def test_a_word_and_its_recursive_form_say_the_same(word: str) -> None:
    plain, recursive = sort_options((word,)), sort_options((f"r{word}",))
    assert (plain.set, plain.clear) == (recursive.recursive_set, recursive.recursive_clear)
    assert (recursive.set, recursive.clear, plain.recursive_set, plain.recursive_clear) == (0, 0, 0, 0)
    assert not plain.parameters
    assert not recursive.parameters


def test_the_last_word_counts() -> None:
    assert sort_options(("ro", "rw")).set == 0
    assert sort_options(("rw", "ro")).set == 1
    assert sort_options(("noatime", "strictatime")).set == 0x20
    assert sort_options(("rbind", "bind")).recursive is False


def test_words_for_others_are_passed_over() -> None:
    options = sort_options(("defaults", "x-systemd.automount", "X-mount.mkdir", "nofail", "size=1m", "huge=always"))
    assert options.parameters == ["size=1m", "huge=always"]


def test_who_could_be_changed_while_joining_is_born_last() -> None:
    """An exec into a container where somebody may look into others: its process is in the pid namespace when it has given up everything."""
    from pyrunc.compile import compile_exec

    tracer = Capabilities(bounding=("CAP_SYS_PTRACE",))
    plain, shared = MINIMAL, MINIMAL.with_linux(namespaces=(Namespace(type="mount"),))
    process = plain.process
    assert process is not None

    def operations(spec: Spec, given: Capabilities | None = None) -> tuple[op.Operation, ...]:
        executed = attrs.evolve(process, capabilities=given)
        return compile_exec(
            executed, spec, UNIFIED, id="x", cgroups={"": "/c"}, assemble=lambda _: b"", preserve_fds=2
        ).plan.operations

    tracing = plain.with_process(capabilities=tracer)
    for found in (operations(tracing), operations(plain, tracer)):
        assert found[-2:-1] == (op.BeBorn(keep=2),)
    for safe in (plain, shared.with_process(capabilities=tracer), mapped(tracing)):
        assert not any(isinstance(found, op.BeBorn) for found in operations(safe))


def test_cgroup2_of_somebody_else_is_bound() -> None:
    """Without a cgroup namespace of its own, root of a user namespace may not mount it."""
    view = Mount(destination="/sys/fs/cgroup", type="cgroup", source="cgroup", options=("ro",))
    shared = MINIMAL.with_linux(namespaces=(Namespace(type="mount"),))
    unified = attrs.evolve(UNIFIED, hierarchies=(Hierarchy("", ("cpu",), "/sys/fs/cgroup", "/"),))
    bound = only(attrs.evolve(mapped(shared), mounts=(view,)), op.Bind, unified)
    assert isinstance(bound, op.Bind)
    assert (bound.source[:14], bound.target) == ("/sys/fs/cgroup", "/sys/fs/cgroup")
    assert isinstance(only(attrs.evolve(shared, mounts=(view,)), op.MountCgroups, unified), op.MountCgroups)
