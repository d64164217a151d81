"""What compiling gives: a Plan, and the descriptors it must be launched with.

A Plan is pure data, so it cannot hold a descriptor. It names each by *slot*, an index into the table that the caller hands over
at launch. The compiler decides which descriptors are needed and in which order, and says so as *slot requests*; whoever launches
opens one for each, in that order, and passes them as ``fds``:

    compiled = compile(spec, facts, ...)
    with ExitStack() as stack:
        fds = [stack.enter_context(opened(request)) for request in compiled.slots]
        launched = launch(compiled.plan, fds=fds, ...)

Slot ``i`` of the plan is ``fds[i]``, the answer to ``slots[i]``. Every descriptor is to be opened with O_CLOEXEC in the caller's
own namespaces and credentials, and may be closed by the caller as soon as launch has returned. ``path`` says which line of the
specification asked, so that a failure to open it names that line (SpecError or OperationFailed are the caller's choice).
"""

from __future__ import annotations

from collections.abc import Mapping

from pyrunc.model import field, frozen
from pyrunc.plan import Plan


@frozen(kw_only=True)
class SlotRequest:
    """One descriptor that the plan needs."""

    path: str = field(default="", eq=False)


@frozen(kw_only=True)
class NamespacePath(SlotRequest):
    """Open the namespace file ``file``, O_RDONLY.

    Must be on nsfs and, by ioctl NS_GET_NSTYPE, of ``kind`` (one CLONE_NEW* bit): a path that was swapped for another kind of
    namespace is refused before anything is made.

    With ``sysctl``, the place of a sysctl of that namespace, it must not be the caller's own, whose settings are the machine's.
    """

    file: str
    kind: int
    sysctl: str = ""


@frozen(kw_only=True)
class ContainerProcess(SlotRequest):
    """A pidfd of the container's first process: an exec joins the namespaces of that very process, whatever its pid is by then."""


@frozen(kw_only=True)
class CgroupProcs(SlotRequest):
    """Open ``<the container's cgroup in this hierarchy>/cgroup.procs``, or ``tasks`` on v1, O_WRONLY.

    ``hierarchy`` is a key of the mapping ``cgroups`` that was given to compile: ``""`` for cgroup v2, ``cpu,cpuacct`` or
    ``name=systemd`` for v1. The kernel checks the opener's rights (since 5.16 and its backports), so the container process may
    write to it from within its own user namespace.
    """

    hierarchy: str


@frozen(kw_only=True)
class CgroupDirectory(SlotRequest):
    """Open the container's cgroup v2 directory itself, O_PATH|O_DIRECTORY, for CLONE_INTO_CGROUP."""


@frozen(kw_only=True)
class Gate(SlotRequest):
    """The fifo ``start`` of the state directory, O_RDWR, so that it never reads as ended while the container waits."""


@frozen(kw_only=True)
class Report(SlotRequest):
    """The fifo ``started`` of the state directory, O_RDWR: its end of file (exec closed it) tells ``start`` that the program runs."""


@frozen(kw_only=True)
class IdmapNamespace(SlotRequest):
    """A user namespace with these maps (the texts of /proc/PID/uid_map and gid_map), for an idmapped mount. Nobody need live in it."""

    uid_map: str
    gid_map: str


@frozen(kw_only=True)
class MountSource(SlotRequest):
    """A detached copy of the mounts at ``source`` (open_tree(2)), made with the caller's rights: what the container's root may not do.

    With a ``process``, it is the source as that process sees it, which may have put symlinks there.
    ``users`` gives the user namespace by which it is idmapped, if it is. Two mounts of the same source need a copy each, so ``path``
    counts among what tells requests apart.
    """

    path: str = field(default="", eq=True)
    source: str
    recursive: bool
    process: int = 0
    users: IdmapNamespace | NamespacePath | None = None
    recursive_users: bool = False


@frozen(kw_only=True)
class RootTree(SlotRequest):
    """The caller's detached mount that is to be the root (``Runtime.create``, ``root_tree``)."""


@frozen(kw_only=True)
class RdtGroup:
    """A group of resctrl (linux.intelRdt). ``own``: made for this container, and removed with it.
    ``monitored_as`` names its monitoring group, empty for none."""

    directory: str
    schemata: tuple[str, ...]
    own: bool
    monitored_as: str = ""


@frozen
class Compiled:
    """``plan`` and, for each of its slots, what is to be opened.

    Where the plan stops at a Sync of the point ``netDevices``, the network devices ``net_devices`` (their names, outside and inside)
    are to be moved to the process; at ``intelRdt`` it is to be put into the group ``rdt``.
    """

    plan: Plan
    slots: tuple[SlotRequest, ...]
    net_devices: Mapping[str, str] = field(factory=dict)
    rdt: RdtGroup | None = None
