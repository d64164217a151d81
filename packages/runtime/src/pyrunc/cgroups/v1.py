"""Cgroup version 1, alone or beside cgroup2 (hybrid): one directory in each hierarchy."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from errno import EBUSY, EINVAL, ENOENT, EOPNOTSUPP

from pyrunc.cgroups import devices, directory, v1_limits
from pyrunc.cgroups.driver import REMOVAL_PATIENCE, Cgroup, Setting
from pyrunc.errors import CgroupError
from pyrunc.model import define, field
from pyrunc.signals import SIGKILL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrunc.cgroups.oom import OomWatch
    from pyrunc.cgroups.stats import Stats
    from pyrunc.cgroups.updating import Undo
    from pyrunc.facts import Hierarchy
    from pyrunc.spec.resources import Resources

_FREEZE_PATIENCE = 10.0
_POLL = 0.001
_KILL_ROUNDS = 200

_ALTERNATIVES = {"weight": "bfq_weight", "weight_device": "bfq_weight_device"}
"""The CFQ scheduler had blkio.weight; since Linux 5.0 the files are there with BFQ's name, if at all."""


@define
class CgroupV1(Cgroup):
    """The directories ``<mount point of each hierarchy><path>``.

    On a hybrid machine the container also gets a directory in cgroup2: no limits there, but cgroup.kill, which reaches every process in
    one step, and membership that systemd's tools show.
    """

    trees: dict[str, Hierarchy]
    path: str
    _mounts: dict[str, str] = field(init=False)
    _unified: str | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._mounts = {
            name: tree.mountpoint for tree in self.trees.values() if not tree.is_v2 for name in tree.controllers
        }
        self._unified = self.trees[""].mountpoint if "" in self.trees else None

    # -- where ---------------------------------------------------------------------------------------------------------------

    def _directory(self, controller: str) -> str | None:
        mountpoint = self._mounts.get(controller)
        return None if mountpoint is None else mountpoint + self.path

    def paths(self) -> dict[str, str]:
        """See Cgroup."""
        found = {name: mountpoint + self.path for name, mountpoint in self._mounts.items()}
        found.update(
            {
                name: tree.mountpoint + self.path
                for name, tree in self.trees.items()
                if tree.is_v2 or not tree.controllers
            }
        )
        return found

    def hierarchies(self) -> dict[str, str]:
        """See Cgroup."""
        return {name: tree.mountpoint + self.path for name, tree in self.trees.items()}

    def open_procs(self, hierarchy: str) -> int:
        """See Cgroup."""
        tree = self.trees[hierarchy]
        # The process that joins has one thread, which it may move without a lock (Linux 5.5): writing to cgroup.procs waits for an
        # RCU grace period, 5 ms and more.
        procs = f"{tree.mountpoint}{self.path}/{'cgroup.procs' if tree.is_v2 else 'tasks'}"
        try:
            return os.open(procs, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise CgroupError(procs, "cannot be joined", error.errno or 0) from error

    def open_directory(self) -> int:
        """See Cgroup."""
        if self._unified is None:
            raise CgroupError(self.path, "cgroup2 is not mounted on this machine")
        return os.open(self._unified + self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    # -- making and removing ---------------------------------------------------------------------------------------------------

    def prepare(self, *, in_use: bool = False) -> None:
        """See Cgroup. ``in_use``: some of the directories have been made by the caller, with a process in them."""
        for tree in self.trees.values():
            if "cpuset" in tree.controllers and not tree.is_v2:
                made = directory.make(tree.mountpoint, self.path, _inherit_cpuset, in_use=in_use)
                _inherit_cpuset(made)
            else:
                directory.make(tree.mountpoint, self.path, in_use=in_use)

    def remove(self, patience: float = REMOVAL_PATIENCE) -> None:
        """See Cgroup."""
        for tree in self.trees.values():
            directory.remove(tree.mountpoint, self.path, patience)

    # -- limits -----------------------------------------------------------------------------------------------------------------

    def limit(self, resources: Resources | None) -> None:
        """See Cgroup."""
        self._allow_devices(resources)
        if resources is not None:
            for setting in v1_limits.settings(resources):
                self._put(setting)

    def update(self, changes: Resources, before: Resources | None = None) -> None:
        """See Cgroup."""
        from pyrunc.cgroups.updating import Undo, write_all

        with Undo() as undo:
            write_all(v1_limits.settings(changes), lambda setting: self._put(setting, undo))

    def _allow_devices(self, resources: Resources | None) -> None:
        rules = devices.rules(resources)
        for allow, batch in devices.batches(rules):
            interface = "allow" if allow else "deny"
            self._put(Setting("devices", interface, "\n".join(map(str, batch)), batch[-1].field))

    def _controller(self, name: str, undo: Undo | None = None) -> Any:
        # Imported here: state, kill and delete need no controller, and are commands that people wait for.
        from pyrunc.cgroups.v1_controllers import controller

        place = self._directory(name)
        if place is None:
            raise CgroupError(name, f"no hierarchy with the cgroup controller {name} is mounted on this machine")
        made = controller(name, place)
        if undo is not None:
            made.before_writing = undo.remember
        return made

    def _put(self, setting: Setting, undo: Undo | None = None) -> None:
        """Write one setting. Raises CgroupError naming its field."""
        if setting.controller == "unified":
            raise CgroupError(setting.field, "needs cgroup v2; this machine limits with cgroup v1")
        if setting.controller not in self._mounts:
            raise CgroupError(
                setting.field,
                f"no hierarchy with the cgroup controller {setting.controller} is mounted on this machine",
            )
        controller = self._controller(setting.controller, undo)
        interface = setting.interface
        try:
            if "." in interface:
                controller.set_property(interface.encode(), setting.value)
            else:
                setattr(controller, interface, setting.value)
        except FileNotFoundError as error:
            if interface in _ALTERNATIVES:
                self._put(Setting(setting.controller, _ALTERNATIVES[interface], setting.value, setting.field), undo)
            elif not setting.implied:
                raise CgroupError(setting.field, "this kernel's cgroups have no such limit", ENOENT) from error
        except OSError as error:
            raise CgroupError(setting.field, self._reason(setting, error), error.errno or 0) from error

    def _reason(self, setting: Setting, error: OSError) -> str:
        told = f"{setting.value!r} was refused"
        if setting.interface == "limit_in_bytes" and error.errno == EBUSY:
            used = self._controller("memory").usage_in_bytes
            return f"{told}: {used} bytes are in use and cannot be reclaimed"
        if setting.interface in ("limit_in_bytes", "memsw_limit_in_bytes") and error.errno == EINVAL:
            return f"{told}: memory must not be above memory and swap together"
        return told

    # -- processes --------------------------------------------------------------------------------------------------------------

    def _following(self) -> str:
        """A hierarchy that has all of the container's processes; the freezer's, because it can hold them still."""
        found = self._directory("freezer") or next(iter(self.paths().values()), None)
        if found is None:
            raise CgroupError(self.path, "no cgroup hierarchy is mounted on this machine")
        return found

    def processes(self) -> list[int]:
        """See Cgroup."""
        return list(directory.processes(self._following()))

    def freeze(self) -> None:
        """See Cgroup."""
        freezer = self._controller("freezer")
        deadline = time.monotonic() + _FREEZE_PATIENCE
        try:
            freezer.state = "FROZEN"
            # A process that forks while it is being frozen leaves FREEZING behind; asking again takes the child in (kernel: freezer-subsystem).
            while (state := freezer.state) != "FROZEN":
                if time.monotonic() > deadline:
                    freezer.state = "THAWED"
                    raise CgroupError(
                        freezer.path(b"freezer.state"), f"stayed {state} for {_FREEZE_PATIENCE:.0f} seconds"
                    )
                time.sleep(_POLL)
                freezer.state = "FROZEN"
        except OSError as error:
            raise CgroupError(freezer.path(b"freezer.state"), "cannot freeze", error.errno or 0) from error

    def thaw(self) -> None:
        """See Cgroup."""
        freezer = self._controller("freezer")
        try:
            freezer.state = "THAWED"
        except OSError as error:
            raise CgroupError(freezer.path(b"freezer.state"), "cannot thaw", error.errno or 0) from error

    def frozen(self) -> bool:
        """See Cgroup."""
        place = self._directory("freezer")
        if place is None:
            return False
        try:
            return directory.read(f"{place}/freezer.state").startswith("FR")
        except OSError:
            return False

    def kill(self, signal: int) -> None:
        """See Cgroup."""
        if signal == SIGKILL and self._kill_unified():
            self._thaw_if_frozen()
            return
        for _ in range(_KILL_ROUNDS if signal == SIGKILL else 1):
            if not self._signal_frozen(signal):
                return

    def _kill_unified(self) -> bool:
        """cgroup.kill (Linux 5.14) takes processes that fork meanwhile too. Only if all are in cgroup2: something may have moved them."""
        if self._unified is None:
            return False
        place = self._unified + self.path
        try:
            if set(directory.processes(self._following())) - set(directory.processes(place)):
                return False
            directory.write(f"{place}/cgroup.kill", "1")
        except OSError as error:
            if error.errno in (ENOENT, EOPNOTSUPP):
                return False
            raise CgroupError(f"{place}/cgroup.kill", "cannot kill", error.errno or 0) from error
        return True

    def _thaw_if_frozen(self) -> None:
        """A process frozen by version 1 dies of SIGKILL only when it is thawed."""
        if self.frozen():
            self.thaw()

    def _signal_frozen(self, signal: int) -> bool:
        """Signal all while none can fork. Returns whether there was any."""
        was_frozen = self.frozen()
        can_freeze = self._directory("freezer") is not None
        if can_freeze and not was_frozen:
            with suppress(CgroupError):
                self.freeze()
        try:
            pids = self.processes()
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal)
        finally:
            if can_freeze and (signal == SIGKILL or not was_frozen):
                with suppress(CgroupError):
                    self.thaw()
        if pids and signal == SIGKILL:
            time.sleep(_POLL)
        return bool(pids)

    # -- counters ---------------------------------------------------------------------------------------------------------------

    def stats(self) -> Stats:
        """See Cgroup."""
        from pyrunc.cgroups import v1_stats

        return v1_stats.read(self.paths())

    def oom_kills(self) -> int:
        """See Cgroup."""
        place = self._directory("memory")
        if place is None:
            return 0
        try:  # the line came with Linux 4.13
            return directory.parse_pairs(directory.read(f"{place}/memory.oom_control")).get("oom_kill", 0)
        except OSError:
            return 0

    def watch_oom(self) -> OomWatch:
        """See Cgroup."""
        from pyrunc.cgroups.oom import EventfdWatch

        place = self._directory("memory")
        if place is None:
            raise CgroupError("memory", "no hierarchy with the cgroup controller memory is mounted on this machine")
        return EventfdWatch.open(place)


def _inherit_cpuset(made: str) -> None:
    """A new cpuset of version 1 is empty, and nothing can join it, unless its parent has cgroup.clone_children.

    So the first parent that pyrunc makes gets that flag, which the kernel hands on, and lists that are still empty are copied from above.
    The parent may be another's, who has made it in this moment and has not come to its lists: then they are copied here.
    """
    parent = os.path.dirname(made)
    with suppress(FileNotFoundError):
        for name in ("cpuset.cpus", "cpuset.mems"):
            if directory.read(f"{made}/{name}").strip():
                continue
            if not (inherited := directory.read(f"{parent}/{name}").strip()):
                _inherit_cpuset(parent)
                inherited = directory.read(f"{parent}/{name}").strip()
            directory.write(f"{made}/{name}", inherited)
            directory.write(f"{made}/cgroup.clone_children", "1")
