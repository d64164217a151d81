"""``process`` (config.md, Process): what runs in the container and as whom."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import BOOLEAN, INT32, STRING, STRINGS, UINT32, UINT32S, UINT64, named
from pyrunc.spec.section import Section, lazy, section, sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.spec.scheduling import ExecCpuAffinity, IoPriority, Scheduler

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@frozen(kw_only=True, eq=False, repr=False)
class ConsoleSize(Section):
    """The terminal's size in characters."""

    height: int = field(metadata=UINT64)
    width: int = field(metadata=UINT64)


@frozen(kw_only=True, eq=False, repr=False)
class User(Section):
    """Ids as they are inside the container."""

    uid: int = field(default=0, metadata={**UINT32, "always": True})
    gid: int = field(default=0, metadata={**UINT32, "always": True})
    umask: int | None = field(default=None, metadata=UINT32)
    additional_gids: tuple[int, ...] = field(default=(), metadata=UINT32S)
    username: str = field(default="", metadata=STRING)


@frozen(kw_only=True, eq=False, repr=False)
class Capabilities(Section):
    """Five sets of names as capabilities(7) has them: ``CAP_NET_BIND_SERVICE``."""

    bounding: tuple[str, ...] = field(default=(), metadata=STRINGS)
    effective: tuple[str, ...] = field(default=(), metadata=STRINGS)
    inheritable: tuple[str, ...] = field(default=(), metadata=STRINGS)
    permitted: tuple[str, ...] = field(default=(), metadata=STRINGS)
    ambient: tuple[str, ...] = field(default=(), metadata=STRINGS)


@frozen(kw_only=True, eq=False, repr=False)
class Rlimit(Section):
    """One limit of getrlimit(2); 2**64-1 is no limit."""

    type: str = field(metadata=STRING)
    hard: int = field(metadata=UINT64)
    soft: int = field(metadata=UINT64)


@frozen(kw_only=True, eq=False, repr=False)
class Process(Section):
    """The program, its environment, rights and limits. ``cwd`` is absolute, inside the container."""

    cwd: str = field(metadata=STRING)
    terminal: bool = field(default=False, metadata=BOOLEAN)
    console_size: ConsoleSize | None = field(default=None, metadata=section(ConsoleSize))
    user: User = field(default=User(), metadata={**section(User), "always": True})
    args: tuple[str, ...] = field(default=(), metadata=STRINGS)
    command_line: str = field(default="", metadata=STRING)
    env: tuple[str, ...] = field(default=(), metadata=STRINGS)
    capabilities: Capabilities | None = field(default=None, metadata=section(Capabilities))
    rlimits: tuple[Rlimit, ...] = field(default=(), metadata=sections(Rlimit))
    no_new_privileges: bool = field(default=False, metadata=BOOLEAN)
    apparmor_profile: str = field(default="", metadata=STRING)
    oom_score_adj: int | None = field(default=None, metadata=INT32)
    selinux_label: str = field(default="", metadata=STRING)
    scheduler: Scheduler | None = field(default=None, metadata=lazy("scheduling", "Scheduler"))
    io_priority: IoPriority | None = field(default=None, metadata=lazy("scheduling", "IoPriority"))
    exec_cpu_affinity: ExecCpuAffinity | None = field(
        default=None, metadata=named("execCPUAffinity", lazy("scheduling", "ExecCpuAffinity"))
    )

    def variable(self, name: str) -> str | None:
        """The value of an environment variable; the last one counts, as it does for a program that reads them in order."""
        prefix = f"{name}="
        return next((entry[len(prefix) :] for entry in reversed(self.env) if entry.startswith(prefix)), None)
