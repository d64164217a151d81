"""Cgroups that systemd makes: a transient scope for each container, delegated to it (systemd's CGROUP_DELEGATION.md)."""

from __future__ import annotations

import subprocess

from pyrunc.cgroups import devices, systemd_properties
from pyrunc.cgroups.changes import completed
from pyrunc.cgroups.driver import REMOVAL_PATIENCE, Cgroup
from pyrunc.cgroups.systemd_bus import Refused, connected
from pyrunc.cgroups.systemd_units import FIELD
from pyrunc.cgroups.v2 import CgroupV2
from pyrunc.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.cgroups.oom import OomWatch
    from pyrunc.cgroups.stats import Stats
    from pyrunc.cgroups.systemd_properties import Property
    from pyrunc.cgroups.systemd_units import Unit
    from pyrunc.cgroups.v1 import CgroupV1
    from pyrunc.spec.resources import Resources

_HOLDER = "cat"


class SystemdCgroup(Cgroup):
    """``inner`` is the same cgroup as the kernel has it: who may make, limit and remove it is all that systemd is about.

    systemd refuses a scope without a process and removes one that has lost its last, and the container's process is to be born in its
    cgroup. So ``prepare`` puts a process there that waits for the end of its input, and ``settle`` ends it; if this process is killed
    meanwhile, that is the end of its input, too.
    """

    def __init__(
        self,
        inner: CgroupV1 | CgroupV2,
        unit: Unit,
        resources: Resources | None = None,
        extra: tuple[Property, ...] = (),
    ) -> None:
        self.inner = inner
        self.unit = unit
        self.path = inner.path
        self._v2 = isinstance(inner, CgroupV2)
        self._resources = resources
        self._extra = extra
        self._holder: subprocess.Popen[bytes] | None = None
        self._another = False
        """Somebody else has a unit or a cgroup of this name, which is not to be removed."""

    @property
    def unit_name(self) -> str:
        """See Cgroup."""
        return self.unit.name

    # -- made, limited and removed by systemd -------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """See Cgroup."""
        if self.inner.processes():
            self._another = True
            raise CgroupError(FIELD, f"the cgroup {self.path} exists and has processes in it")
        properties = self._properties()
        if not self.unit.is_slice:
            self._holder = self._hold()
            properties.append(("PIDs", ("au", [self._holder.pid])))
        with connected(FIELD) as systemd:
            try:
                systemd.start(self.unit.name, properties)
            except Refused as error:
                self._another = error.name == "UnitExists"
                raise
        # systemd knows neither all hierarchies of version 1 nor all controllers of version 2.
        self.inner.prepare(in_use=True)

    def _properties(self) -> list[Property]:
        found: list[Property] = [
            ("Description", ("s", f"container {self.unit.name}")),
            ("DefaultDependencies", ("b", False)),
            *systemd_properties.accounting(v2=self._v2),
            *systemd_properties.devices(devices.rules(self._resources)),
        ]
        if self.unit.is_slice:
            found.append(("Wants", ("as", [self.unit.parent])))
        else:
            found += [("Slice", ("s", self.unit.parent)), ("Delegate", ("b", True))]
        if self._resources is not None:
            found += systemd_properties.limits(self._resources, v2=self._v2)
        return [*found, *self._extra]

    def _hold(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([_HOLDER], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def settle(self) -> None:
        """See Cgroup."""
        holder, self._holder = self._holder, None
        if holder is not None:
            holder.kill()
            holder.communicate()

    def limit(self, resources: Resources | None) -> None:
        """See Cgroup."""
        self.inner.limit(resources)

    def update(self, changes: Resources, before: Resources | None = None) -> None:
        """See Cgroup. systemd first: it would write its old values over the new ones."""
        new = systemd_properties.limits(completed(before, changes), v2=self._v2)
        self._set(new)
        try:
            self.inner.update(changes, before)
        except CgroupError:
            names = {name for name, _ in new}
            old = systemd_properties.limits(before, v2=self._v2) if before is not None else []
            self._set([entry for entry in old if entry[0] in names])
            raise

    def _set(self, properties: list[Property]) -> None:
        if properties:
            with connected("linux.resources") as systemd:
                systemd.set(self.unit.name, properties)

    def remove(self, patience: float = REMOVAL_PATIENCE) -> None:
        """See Cgroup."""
        self.settle()
        if self._another:
            return
        with connected(FIELD) as systemd:
            systemd.stop(self.unit.name)
        self.inner.remove(patience)

    # -- and all else by the kernel -----------------------------------------------------------------------------------------------

    def paths(self) -> dict[str, str]:
        """See Cgroup."""
        return self.inner.paths()

    def hierarchies(self) -> dict[str, str]:
        """See Cgroup."""
        return self.inner.hierarchies()

    def open_procs(self, hierarchy: str) -> int:
        """See Cgroup."""
        return self.inner.open_procs(hierarchy)

    def open_directory(self) -> int:
        """See Cgroup."""
        return self.inner.open_directory()

    def processes(self) -> list[int]:
        """See Cgroup."""
        return self.inner.processes()

    def freeze(self) -> None:
        """See Cgroup."""
        self.inner.freeze()

    def thaw(self) -> None:
        """See Cgroup."""
        self.inner.thaw()

    def frozen(self) -> bool:
        """See Cgroup."""
        return self.inner.frozen()

    def kill(self, signal: int) -> None:
        """See Cgroup."""
        self.inner.kill(signal)

    def stats(self) -> Stats:
        """See Cgroup."""
        return self.inner.stats()

    def oom_kills(self) -> int:
        """See Cgroup."""
        return self.inner.oom_kills()

    def watch_oom(self) -> OomWatch:
        """See Cgroup."""
        return self.inner.watch_oom()
