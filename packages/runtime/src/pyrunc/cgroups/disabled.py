"""No cgroups at all: for callers that put the container into a cgroup of their own, and for machines without any."""

from __future__ import annotations

from pyrunc.cgroups.driver import REMOVAL_PATIENCE, Cgroup
from pyrunc.cgroups.stats import Stats
from pyrunc.errors import CgroupError
from pyrunc.model import define

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.cgroups.oom import OomWatch
    from pyrunc.spec.resources import Resources


@define
class NoCgroup(Cgroup):
    """The container stays in its caller's cgroups; a specification with limits is refused, and device rules cannot be enforced."""

    path: str = ""

    def paths(self) -> dict[str, str]:
        """See Cgroup."""
        return {}

    def hierarchies(self) -> dict[str, str]:
        """See Cgroup."""
        return {}

    def open_procs(self, hierarchy: str) -> int:
        """See Cgroup."""
        raise self._refusal("cgroup.procs")

    def open_directory(self) -> int:
        """See Cgroup."""
        raise self._refusal("its directory")

    def prepare(self) -> None:
        """See Cgroup."""

    def remove(self, patience: float = REMOVAL_PATIENCE) -> None:
        """See Cgroup."""

    def limit(self, resources: Resources | None) -> None:
        """See Cgroup."""
        if resources is not None:
            self.update(resources)

    def update(self, changes: Resources, before: Resources | None = None) -> None:
        """See Cgroup."""
        from pyrunc.cgroups.v1_limits import settings

        for setting in settings(changes):
            raise CgroupError(setting.field, "cannot be limited: cgroups are disabled (cgroup manager 'disabled')")

    def processes(self) -> list[int]:
        """See Cgroup."""
        raise self._refusal("the list of processes")

    def freeze(self) -> None:
        """See Cgroup."""
        raise self._refusal("pause")

    def thaw(self) -> None:
        """See Cgroup."""
        raise self._refusal("resume")

    def frozen(self) -> bool:
        """See Cgroup."""
        return False

    def kill(self, signal: int) -> None:
        """See Cgroup."""
        raise self._refusal("a signal to all processes")

    def stats(self) -> Stats:
        """See Cgroup."""
        return Stats()

    def oom_kills(self) -> int:
        """See Cgroup."""
        return 0

    def watch_oom(self) -> OomWatch:
        """See Cgroup."""
        raise self._refusal("a notice of memory that is used up")

    def _refusal(self, what: str) -> CgroupError:
        return CgroupError("cgroups", f"{what} needs a cgroup, and cgroups are disabled for this container")
