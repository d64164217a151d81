"""The Plan: a container as a flat list of kernel operations, in the order in which the kernel will see them.

A Plan is what ``compile`` makes of a Spec, what ``pyrunc explain`` prints, and what ``pyrunc-init`` executes. Operations up to
and including ``Clone`` are executed by the *parent* (a short-lived or monitoring pyrunc-init in the caller's namespaces); all that
follow are executed by the *container process* itself, inside its new namespaces, until ``ExecVe`` replaces it.

Every operation carries ``path``: the place in config.json it came from (``mounts[3]``), so that a failure names the line of the
specification and not a line of C. Descriptors are named by *slot*: an index into the table that the caller hands over at launch.
Field types are exactly ``int``, ``bool``, ``str``, ``bytes``, ``tuple[str, ...]`` and ``tuple[int, ...]``: they are the wire
types too, and the C side's table of shapes (``native/ops.def``) is checked against these classes by a test.

Paths named *target* are inside the container's root and are resolved with ``openat2(RESOLVE_IN_ROOT)`` relative to the root
handle that ``OpenRoot`` took. Paths named *source* are the host's, resolved before ``PivotRoot``.
"""

from __future__ import annotations

from pyrunc.model import field, fields, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

NO_SLOT = -1
"""A descriptor that was not handed over."""


@frozen(kw_only=True, eq=False, repr=False)
class Operation:
    """One step of a Plan. ``code`` is its number on the wire; numbers are never reused.

    Equality and repr are written once here: generated for each of the classes below, they would double what importing them costs.
    """

    code: ClassVar[int] = 0
    path: str = field(default="", eq=False)

    def _values(self) -> tuple[object, ...]:
        return tuple([getattr(self, attribute.name) for attribute in fields(self) if attribute.eq])

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        assert isinstance(other, Operation)
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        told = (f"{attribute.name}={getattr(self, attribute.name)!r}" for attribute in fields(self))
        return f"{type(self).__name__}({', '.join(told)})"


# -- executed by the parent ------------------------------------------------------------------------------------------------


@frozen(kw_only=True, eq=False, repr=False)
class SetNs(Operation):
    """Join a namespace: setns(2) with the descriptor in ``slot``; ``kind`` is a mask of CLONE_NEW* (a pidfd joins several)."""

    code: ClassVar[int] = 1
    slot: int
    kind: int


@frozen(kw_only=True, eq=False, repr=False)
class Clone(Operation):
    """Make the container process: clone3(2) with ``flags`` (CLONE_NEW*), into the cgroup v2 of ``cgroup`` when it is a slot.

    ``uid_map`` and ``gid_map`` are the texts for /proc/PID/{uid,gid}_map (``"0 100000 65536\\n"``), written by the parent before
    the container process goes on; ``deny_setgroups`` writes /proc/PID/setgroups first. CLONE_NEWCGROUP is never among the
    flags: that namespace is unshared after the cgroups are joined, because its root is the cgroup at that moment.
    """

    code: ClassVar[int] = 2
    flags: int
    uid_map: str = ""
    gid_map: str = ""
    deny_setgroups: bool = False
    cgroup: int = NO_SLOT
    time_offsets: str = ""


# -- executed by the container process: identity and namespaces ---------------------------------------------------------------


@frozen(kw_only=True, eq=False, repr=False)
class JoinCgroup(Operation):
    """Write ``0`` to each cgroup.procs descriptor in ``slots``: the container process moves itself."""

    code: ClassVar[int] = 10
    slots: tuple[int, ...]


@frozen(kw_only=True, eq=False, repr=False)
class Unshare(Operation):
    """unshare(2) with ``flags``."""

    code: ClassVar[int] = 11
    flags: int


@frozen(kw_only=True, eq=False, repr=False)
class BecomeRoot(Operation):
    """Inside a new user namespace: setresgid(0), setresuid(0), so that what follows owns what it makes."""

    code: ClassVar[int] = 12


@frozen(kw_only=True, eq=False, repr=False)
class SetSid(Operation):
    """setsid(2): a session of its own."""

    code: ClassVar[int] = 13


@frozen(kw_only=True, eq=False, repr=False)
class Sync(Operation):
    """Stop until the caller answers: a hook ``point`` that runs in the caller's namespaces (``createRuntime``), or maps to write."""

    code: ClassVar[int] = 14
    point: str


@frozen(kw_only=True, eq=False, repr=False)
class Hook(Operation):
    """Run one hook program in the container's namespaces (createContainer, startContainer): fork, exec, wait.

    ``state`` is the OCI state JSON given on its stdin with the literal ``@PID@`` where the pid goes; ``timeout`` in seconds, 0 for none.
    """

    code: ClassVar[int] = 15
    program: str
    argv: tuple[str, ...]
    env: tuple[str, ...]
    state: str
    timeout: int = 0


@frozen(kw_only=True, eq=False, repr=False)
class JoinSessionKeyring(Operation):
    """keyctl(KEYCTL_JOIN_SESSION_KEYRING, name): the caller's keys stay out of the container."""

    code: ClassVar[int] = 16
    name: str


# -- mounts ---------------------------------------------------------------------------------------------------------------------


@frozen(kw_only=True, eq=False, repr=False)
class SetPropagation(Operation):
    """mount(NULL, target-on-the-host, NULL, flags): MS_SLAVE|MS_REC on "/" before anything else is mounted."""

    code: ClassVar[int] = 20
    source: str
    flags: int


@frozen(kw_only=True, eq=False, repr=False)
class MountAt(Operation):
    """Mount a file system on a *host* path inside the private mount namespace: the pieces of the root (an overlay, say) before OpenRoot.

    ``parameters`` are fsconfig(2) strings ``key=value`` or bare flags ``key``; ``attributes`` are MOUNT_ATTR_* bits.
    With ``fstype`` "bind", ``origin`` is cloned by open_tree(2) instead (recursively if ``recursive``).
    """

    code: ClassVar[int] = 21
    fstype: str
    origin: str
    parameters: tuple[str, ...]
    attributes: int
    source: str
    recursive: bool = False


@frozen(kw_only=True, eq=False, repr=False)
class OpenRoot(Operation):
    """Clone the tree at ``source`` (open_tree, recursive), attach it on itself, and keep it as the root handle of all that follows.

    Fails with ENOTDIR if it is not a directory; ``source`` must not end in a symlink (RESOLVE_NO_MAGICLINKS, O_NOFOLLOW).
    """

    code: ClassVar[int] = 22
    source: str


@frozen(kw_only=True, eq=False, repr=False)
class AttachRoot(Operation):
    """In place of MountAt and OpenRoot: the detached mount in the slot ``tree`` is attached over "/", and is the root handle."""

    code: ClassVar[int] = 34
    tree: int


@frozen(kw_only=True, eq=False, repr=False)
class Mount(Operation):
    """A new file system at ``target``: fsopen, fsconfig for each of ``parameters``, fsmount, move_mount on the target's descriptor.

    The target is made as a directory if missing. ``attributes``: MOUNT_ATTR_* bits. ``copy_up``: the tmpfs first receives what the image has there (``tmpcopyup``).
    ``propagation``: MS_SHARED/MS_SLAVE/MS_PRIVATE/MS_UNBINDABLE, 0 to leave as is.
    """

    code: ClassVar[int] = 23
    fstype: str
    device: str
    parameters: tuple[str, ...]
    attributes: int
    target: str
    propagation: int = 0
    copy_up: bool = False


@frozen(kw_only=True, eq=False, repr=False)
class Bind(Operation):
    """A bind mount: open_tree(``source``, CLONE), mount_setattr, move_mount on ``target`` (made as file or directory, like the source, if missing).

    ``set_attributes``/``clear_attributes`` change the mount itself; the ``recursive_`` pair changes the whole tree (OCI ``rro`` …).
    ``tree``: slot of a detached tree that the caller has cloned (and idmapped) already; ``source`` then only says which.
    """

    code: ClassVar[int] = 24
    source: str
    target: str
    recursive: bool
    set_attributes: int = 0
    clear_attributes: int = 0
    recursive_set: int = 0
    recursive_clear: int = 0
    propagation: int = 0
    tree: int = NO_SLOT


@frozen(kw_only=True, eq=False, repr=False)
class MountCgroups(Operation):
    """The container's view of /sys/fs/cgroup: one cgroup2 mount, or on v1 a tmpfs with one cgroup mount for each hierarchy.

    ``hierarchies`` holds ``directory=options`` (``cpu,cpuacct=cpu,cpuacct``; ``systemd=none,name=systemd``; ``=`` alone is cgroup2 at the
    target). ``links``: ``name=target`` symlinks (``cpu=cpu,cpuacct``). Needs the cgroup namespace, so that the root is the container's own.
    """

    code: ClassVar[int] = 25
    target: str
    hierarchies: tuple[str, ...]
    links: tuple[str, ...]
    attributes: int


@frozen(kw_only=True, eq=False, repr=False)
class Mkdev(Operation):
    """A device node at ``target``. ``mode`` includes S_IFCHR/S_IFBLK/S_IFIFO; with ``bind`` the host's node ``source`` is bound instead (user namespaces)."""

    code: ClassVar[int] = 26
    target: str
    mode: int
    major: int
    minor: int
    uid: int
    gid: int
    bind: bool = False
    source: str = ""


@frozen(kw_only=True, eq=False, repr=False)
class Symlink(Operation):
    """A symlink at ``target`` holding ``link``; left alone if it already holds that."""

    code: ClassVar[int] = 27
    link: str
    target: str


@frozen(kw_only=True, eq=False, repr=False)
class MaskPath(Operation):
    """Hide ``target`` if it exists: a file under the host's own /dev/null (checked to be 1:3, CVE-2025-31133), a directory under an empty read-only tmpfs."""

    code: ClassVar[int] = 28
    target: str


@frozen(kw_only=True, eq=False, repr=False)
class ReadonlyPath(Operation):
    """Make ``target`` read-only, with all below it, if it exists: open_tree(CLONE, recursive), mount_setattr, move_mount on itself."""

    code: ClassVar[int] = 29
    target: str


@frozen(kw_only=True, eq=False, repr=False)
class PivotRoot(Operation):
    """pivot_root(2) to the root handle, detach the old root, chdir to "/". ``no_pivot``: MS_MOVE and chroot (ramfs hosts)."""

    code: ClassVar[int] = 30
    no_pivot: bool = False


@frozen(kw_only=True, eq=False, repr=False)
class RootPropagation(Operation):
    """Set the propagation of the container's own root after pivot (linux.rootfsPropagation)."""

    code: ClassVar[int] = 31
    flags: int


@frozen(kw_only=True, eq=False, repr=False)
class RootReadonly(Operation):
    """mount_setattr(MOUNT_ATTR_RDONLY) on the container's root mount alone (root.readonly)."""

    code: ClassVar[int] = 32


@frozen(kw_only=True, eq=False, repr=False)
class Remount(Operation):
    """Change what is mounted at ``target``: fspick(2) and fsconfig(2) where there are ``parameters``, then mount_setattr(2) on the mount."""

    code: ClassVar[int] = 33
    target: str
    parameters: tuple[str, ...]
    set_attributes: int
    clear_attributes: int


# -- what the process will be ---------------------------------------------------------------------------------------------------


@frozen(kw_only=True, eq=False, repr=False)
class SetHostname(Operation):
    """sethostname(2)."""

    code: ClassVar[int] = 40
    name: str


@frozen(kw_only=True, eq=False, repr=False)
class SetDomainname(Operation):
    """setdomainname(2)."""

    code: ClassVar[int] = 41
    name: str


@frozen(kw_only=True, eq=False, repr=False)
class LoopbackUp(Operation):
    """Bring up ``lo`` of a new network namespace (SIOCSIFFLAGS)."""

    code: ClassVar[int] = 42


@frozen(kw_only=True, eq=False, repr=False)
class WriteProc(Operation):
    """Write ``value`` to ``name`` below a private, never attached procfs (``sys/net/ipv4/ip_forward``, ``self/oom_score_adj``): CVE-2025-52881."""

    code: ClassVar[int] = 43
    name: str
    value: str


@frozen(kw_only=True, eq=False, repr=False)
class SetRlimit(Operation):
    """prlimit(2) of RLIMIT number ``resource``; 2**64-1 is RLIM_INFINITY."""

    code: ClassVar[int] = 44
    resource: int
    soft: int
    hard: int


@frozen(kw_only=True, eq=False, repr=False)
class OpenConsole(Operation):
    """Open a terminal in the container's own devpts, bind it on /dev/console, make it the controlling terminal and stdio; send the master to the parent.

    ``rows``/``columns`` 0 leave the size. ``uid`` owns the terminal.
    """

    code: ClassVar[int] = 45
    rows: int
    columns: int
    uid: int
    bind_console: bool = True


@frozen(kw_only=True, eq=False, repr=False)
class SetUmask(Operation):
    """umask(2)."""

    code: ClassVar[int] = 46
    mask: int


@frozen(kw_only=True, eq=False, repr=False)
class SetPersonality(Operation):
    """personality(2)."""

    code: ClassVar[int] = 47
    persona: int


@frozen(kw_only=True, eq=False, repr=False)
class SetScheduler(Operation):
    """sched_setattr(2) with the fields of process.scheduler."""

    code: ClassVar[int] = 48
    policy: int
    flags: int
    nice: int
    priority: int
    runtime: int
    deadline: int
    period: int


@frozen(kw_only=True, eq=False, repr=False)
class SetIoPriority(Operation):
    """ioprio_set(2), IOPRIO_WHO_PROCESS, this process."""

    code: ClassVar[int] = 49
    value: int


@frozen(kw_only=True, eq=False, repr=False)
class SetAffinity(Operation):
    """sched_setaffinity(2) with the CPU numbers of ``cpus``."""

    code: ClassVar[int] = 50
    cpus: tuple[int, ...]


@frozen(kw_only=True, eq=False, repr=False)
class NoNewPrivileges(Operation):
    """prctl(PR_SET_NO_NEW_PRIVS)."""

    code: ClassVar[int] = 51


@frozen(kw_only=True, eq=False, repr=False)
class LoadSeccomp(Operation):
    """seccomp(SECCOMP_SET_MODE_FILTER, flags, program). ``program``: struct sock_filter[] as bytes. ``listener``: send the notify descriptor to the parent."""

    code: ClassVar[int] = 52
    program: bytes
    flags: int = 0
    listener: bool = False


@frozen(kw_only=True, eq=False, repr=False)
class LsmLabel(Operation):
    """Write ``value`` to /proc/self/attr/``attribute`` (``apparmor/exec``, ``exec``, ``keycreate``), for the next exec."""

    code: ClassVar[int] = 53
    attribute: str
    value: str


@frozen(kw_only=True, eq=False, repr=False)
class DropBounding(Operation):
    """Keep only the capabilities in the mask ``keep`` in the bounding set (PR_CAPBSET_DROP for every other)."""

    code: ClassVar[int] = 54
    keep: int


@frozen(kw_only=True, eq=False, repr=False)
class SetUser(Operation):
    """PR_SET_KEEPCAPS, setgroups, setresgid, setresuid. ``set_groups`` false where the user namespace denies it."""

    code: ClassVar[int] = 55
    uid: int
    gid: int
    groups: tuple[int, ...]
    set_groups: bool = True


@frozen(kw_only=True, eq=False, repr=False)
class SetCapabilities(Operation):
    """capset(2), then the ambient set (PR_CAP_AMBIENT_CLEAR_ALL, RAISE): 64-bit masks."""

    code: ClassVar[int] = 56
    effective: int
    permitted: int
    inheritable: int
    ambient: int


@frozen(kw_only=True, eq=False, repr=False)
class Chdir(Operation):
    """chdir(2) inside the root, made with mode 0755 if ``create``; afterwards getcwd must not be unreachable (CVE-2024-21626)."""

    code: ClassVar[int] = 57
    directory: str
    create: bool = False


@frozen(kw_only=True, eq=False, repr=False)
class CloseFds(Operation):
    """close_range(2) with CLOSE_RANGE_CLOEXEC from 3 + ``keep``: nothing but stdio and preserved descriptors reaches the program."""

    code: ClassVar[int] = 58
    keep: int = 0


@frozen(kw_only=True, eq=False, repr=False)
class FindExecutable(Operation):
    """Resolve ``name`` as execvp(3) would with ``search`` (the container's PATH), as the container's user; ENOENT/EACCES are reported now, at create."""

    code: ClassVar[int] = 59
    name: str
    search: str


@frozen(kw_only=True, eq=False, repr=False)
class WaitStart(Operation):
    """Report READY to the caller, then block until ``start`` writes to the fifo in slot ``gate``; exec errors go to the fifo in slot ``report``."""

    code: ClassVar[int] = 60
    gate: int
    report: int


@frozen(kw_only=True, eq=False, repr=False)
class SetMemoryPolicy(Operation):
    """set_mempolicy(2): ``mode`` with its flags, and the NUMA nodes."""

    code: ClassVar[int] = 63
    mode: int
    nodes: tuple[int, ...]


@frozen(kw_only=True, eq=False, repr=False)
class StayAsInit(Operation):
    """Go on in a child; this process passes signals on to it, reaps orphans, and ends as it ended (docker's ``--init``)."""

    code: ClassVar[int] = 62


@frozen(kw_only=True, eq=False, repr=False)
class BeBorn(Operation):
    """Go on in a child, a sibling of this process, which ends: the first that is in the container's pid namespace, and so the first that anybody in it
    can see. All descriptors are closed but stdio, ``keep`` more, and those for the report. ``terminal``: the child takes that over.
    """

    code: ClassVar[int] = 17
    keep: int = 0
    terminal: bool = False


@frozen(kw_only=True, eq=False, repr=False)
class ExecVe(Operation):
    """execve(2) of what FindExecutable found, with ``argv`` and ``env``. Reports READY first where there was no WaitStart (exec)."""

    code: ClassVar[int] = 61
    argv: tuple[str, ...]
    env: tuple[str, ...]


@frozen
class Plan:
    """The operations of one container or exec process, in order, with exactly one ``Clone`` and ``ExecVe`` last."""

    operations: tuple[Operation, ...]
