"""The interface of a container's cgroup, whatever manages cgroups on this machine."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.cgroups.oom import OomWatch
    from pyrunc.cgroups.stats import Stats
    from pyrunc.spec.resources import Resources

REMOVAL_PATIENCE = 5.0
"""Seconds that ``remove`` waits for killed processes to leave."""


@frozen
class Setting:
    """One value for one file of a cgroup, and the ``field`` of the specification that asked for it.

    ``controller`` is the kernel's name of the controller, ``interface`` the attribute of its class in ``v1_controllers`` or
    ``v2_controllers`` (or a file name, for what the specification names by file). An ``implied`` setting was not asked for as such,
    and is left out where the kernel lacks the file.
    """

    controller: str
    interface: str
    value: object
    field: str
    implied: bool = False


class Cgroup(ABC):
    """The cgroup of one container: one directory of cgroup2, or one in each hierarchy of version 1.

    Its life, in order:

    - ``prepare`` makes the directories, and their parents. Nothing is in them, nothing is limited.
    - ``limit`` puts the resources of the specification into force. It comes before the first process, so that nothing the container
      does is ever uncounted or unlimited. If a field cannot be honoured, the container is not made.
    - ``open_procs`` opens the files through which a process enters; the container process itself writes to them, before it unshares its
      cgroup namespace, so that the root that it sees is its own cgroup.
    - ``settle`` says that the container's first process is in it.
    - While it lives: ``processes``, ``stats``, ``update``, ``freeze`` and ``thaw`` (pause and resume), ``kill`` for every process at
      once, and ``oom_kills`` for the verdict afterwards.
    - ``remove`` takes the directories away when the last process has left, with the parents that were made for them and are empty.
      It may be called at any time and more than once; what ``prepare`` made half is removed too.

    An object only knows where its directories are, never what is in them: any process can build it from the paths that the container's
    state holds, and the kernel is the only place where facts about the cgroup live.

    Every method raises CgroupError, naming the field of the specification (``linux.resources.memory.swap``) or the directory.
    """

    path: str
    """The cgroup below each mount point (``/pyrunc/web``); empty if there is none."""

    @property
    def unit_name(self) -> str:
        """The unit of systemd that this cgroup is; empty if systemd does not manage it."""
        return ""

    @abstractmethod
    def paths(self) -> dict[str, str]:
        """The directories by controller, as runc's state has them (``{"memory": "/sys/fs/cgroup/memory/pyrunc/web"}``; cgroup2: ``""``)."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the directories, with their parents."""

    @abstractmethod
    def limit(self, resources: Resources | None) -> None:
        """Put ``linux.resources`` into force in the empty cgroup; without any, the devices of every container are the only rule."""

    @abstractmethod
    def update(self, changes: Resources, before: Resources | None = None) -> None:
        """Change the limits that ``changes`` has of a cgroup in use; what it leaves out stays, and so do device rules.

        ``before``: the limits in force. If one of the new ones is refused, the old ones are in force again.
        """

    def settle(self) -> None:  # noqa: B027 - most have nothing to do
        """The first process is in the cgroup: what kept it in being is not needed any more. May be called at any time."""

    @abstractmethod
    def hierarchies(self) -> dict[str, str]:
        """The directory in each hierarchy that a process is to join, by the hierarchy's name: ``""`` for cgroup2, ``cpu,cpuacct`` …"""

    @abstractmethod
    def open_procs(self, hierarchy: str) -> int:
        """A new descriptor for writing in the hierarchy with this key: a process of one thread that writes ``0`` to it has joined."""

    @abstractmethod
    def open_directory(self) -> int:
        """A new descriptor of the cgroup2 directory, for CLONE_INTO_CGROUP."""

    @abstractmethod
    def processes(self) -> list[int]:
        """The pids of all processes, also of cgroups that the container made below its own."""

    @abstractmethod
    def freeze(self) -> None:
        """Stop every process; returns when the kernel says that all are stopped."""

    @abstractmethod
    def thaw(self) -> None:
        """Let them go on."""

    @abstractmethod
    def frozen(self) -> bool:
        """Whether ``freeze`` is in force."""

    @abstractmethod
    def kill(self, signal: int) -> None:
        """Send ``signal`` to every process, leaving none out that was forked meanwhile (SIGKILL) or that exists now (others)."""

    @abstractmethod
    def stats(self) -> Stats:
        """What the kernel has counted until now."""

    @abstractmethod
    def oom_kills(self) -> int:
        """How many processes the kernel killed because the memory limit was reached."""

    @abstractmethod
    def watch_oom(self) -> OomWatch:
        """A new watch, the caller's to close, that is told when the memory limit is reached."""

    @abstractmethod
    def remove(self, patience: float = REMOVAL_PATIENCE) -> None:
        """Remove everything that ``prepare`` made."""
