"""Configurations from the schema: right in type and range most of the time, contradictory as often as not.

Texts come from small pools, so that they often mean something, and so that none reaches anything of the machine: no device of its
network, no cgroup but the test's own, no file but what is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.runtime.spec.schema import Node, config

WORDS = (
    *("ro", "rw", "rro", "nosuid", "noexec", "rnodev", "bind", "rbind", "rprivate", "shared", "rslave", "unbindable"),
    *(
        "idmap",
        "ridmap",
        "tmpcopyup",
        "size=64k",
        "mode=755",
        "lazytime",
        "noatime",
        "x-note",
        "data=x",
        "gid=5",
        "newinstance",
    ),
)
CAPABILITIES = ("CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_FLY")
PLACES = (
    "/proc",
    "/sys",
    "/dev",
    "/tmp",
    "/mnt/a/b",
    "/bin/busybox",
    "/etc/passwd",
    "/dev/shm",
    "/no/such",
    "relative",
    "..",
    "/",
    "",
    "a\0b",
)
CALLS = ("getppid", "mount", "clone", "openat", "getpriority", "nosuchcall")

POOLS: Mapping[str, tuple[str, ...]] = {
    "ociVersion": ("1.0.0", "1.0.2-dev", "1.2.1", "1.3.0", "1.9.0", "2.0.0", "0.1", "1", "x"),
    "hooks.*[].path": ("/bin/true", "/bin/false", "/no/such", "true"),
    "process.args[]": ("true", "false", "echo", "/bin/busybox", "nosuch", "", "-x"),
    "process.env[]": ("PATH=/bin", "A=b", "=", "none", "HOME="),
    "process.cwd": ("/", "/tmp", "/new/one", "/etc/passwd", "here", ""),
    "process.capabilities.*[]": CAPABILITIES,
    "process.rlimits[].type": ("RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_AS", "RLIMIT_FUN"),
    "process.apparmorProfile": ("", "unconfined", "web"),
    "process.execCPUAffinity.*": ("0", "0-1", "1-0", ""),
    "root.path": ("rootfs", "rootfs", "rootfs", "nosuch", "loop", "file"),
    "mounts[].destination": PLACES,
    "mounts[].source": ("/usr", "/etc/passwd", "tmpfs", "rootfs", "/no/such", ""),
    "mounts[].options[]": WORDS,
    "mounts[].type": ("tmpfs", "tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup", "bind", "none", "nosuchfs", ""),
    "linux.devices[].path": ("/dev/null", "/dev/one", "/dev/a/two", "/etc/passwd", "dev"),
    "linux.netDevices": ("gone0", "gone1", "much-too-long-for-one", "a/b"),
    "linux.netDevices.*.name": ("", "in0", "in%d", "x y"),
    "linux.namespaces[].path": (
        "",
        "",
        "",
        "/proc/self/ns/uts",
        "/proc/self/ns/net",
        "/proc/self/ns/ipc",
        "/etc/passwd",
        "ns",
    ),
    "linux.resources.devices[].type": ("a", "c", "b", "x"),
    "linux.resources.devices[].access": ("rwm", "r", "", "xyz"),
    "linux.resources.unified": ("memory.high", "no.such", "../escape", "cgroup.procs"),
    "linux.resources.cpu.*": ("0", "0-1", "x"),
    "linux.seccomp.listenerPath": ("", "/no/such"),
    "linux.seccomp.syscalls[].names[]": CALLS,
    "linux.sysctl": ("net.ipv4.ip_forward", "kernel.shmmax", "kernel.core_pattern", "net", "..", "fs.mqueue.msg_max"),
    "linux.maskedPaths[]": PLACES,
    "linux.readonlyPaths[]": PLACES,
    "linux.intelRdt.closID": ("a", "a/b", "..", "/"),
    "linux.memoryPolicy.nodes": ("", "0", "0-1", "9", "x"),
    "hostname": ("web", "", "x" * 65),
}
"""By place; ``*`` stands for one name. An object whose members have any names gets them from the pool."""

PLAIN = ("", "a", "1", "/a", "ä")


def _pool(path: str) -> tuple[str, ...]:
    above, _, last = path.rpartition(".")
    starred = f"{above}.*" if "[]" not in last else f"{above}.*[]"
    hook = f"{path.split('.', maxsplit=1)[0]}.*[].{last}" if path.startswith("hooks.") else ""
    return next((POOLS[name] for name in (path, hook, starred) if name in POOLS), PLAIN)


@st.composite
def values(draw: st.DrawFn, node: Node, path: str = "") -> Any:
    """A value of ``node``, at ``path``."""
    if (words := node.first("enum")) is not None:
        return draw(st.sampled_from(words))
    match node.first("type"):
        case "boolean":
            return draw(st.booleans())
        case "integer":
            return draw(_integers(node))
        case "string":
            return draw(st.sampled_from(_pool(path)))
        case "array":
            inner = node.below("items")
            assert inner is not None
            return draw(st.lists(values(inner, f"{path}[]"), max_size=3))
        case _:
            return draw(_objects(node, path))


def _integers(node: Node) -> st.SearchStrategy[int]:
    least, most = node.first("minimum"), node.first("maximum")
    low, high = -5 if least is None else least, 100 if most is None else most
    small = st.integers(max(low, -2), min(high, 70))
    return small | st.sampled_from((low, high, min(1000, high), min(1 << 20, high)))


@st.composite
def _objects(draw: st.DrawFn, node: Node, path: str) -> dict[str, Any]:
    members = node.properties()
    chosen = node.required() | draw(st.sets(st.sampled_from(sorted(members)), max_size=4)) if members else set()
    made = {name: draw(values(members[name], f"{path}.{name}" if path else name)) for name in sorted(chosen)}
    inner = node.below("additionalProperties")
    if inner is not None or node.first("patternProperties") is not None:
        for name in draw(st.sets(st.sampled_from(_pool(path)), max_size=2)):
            made[name] = draw(st.sampled_from(("1", "0", "x"))) if inner is None else draw(values(inner, f"{path}.*"))
    return made


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A whole config.json: a good one, with sections of it replaced by what the schema gives."""
    sections = config().properties()
    document: dict[str, Any] = {
        "ociVersion": "1.3.0",
        "process": {"cwd": "/", "args": ["true"], "env": ["PATH=/bin"]},
        "root": {"path": "rootfs"},
        "linux": {"namespaces": [{"type": kind} for kind in ("mount", "pid", "ipc", "uts", "network")]},
    }
    for name in draw(
        st.sets(st.sampled_from(("ociVersion", "hooks", "annotations", "hostname", "mounts", "root")), max_size=2)
    ):
        document[name] = draw(values(sections[name], name))
    for name in ("process", "linux"):
        members = sections[name].properties()
        for member in draw(st.sets(st.sampled_from(sorted(members)), max_size=4)):
            document[name][member] = draw(values(members[member], f"{name}.{member}"))
    return document
