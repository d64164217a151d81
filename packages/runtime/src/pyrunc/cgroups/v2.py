"""Cgroup version 2: one directory, all controllers in it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from errno import EBUSY, EINVAL, ENOENT, ENOTSUP

from pyrunc.cgroups import devices, directory, v2_limits, v2_stats
from pyrunc.cgroups.directory import parse_pairs
from pyrunc.cgroups.driver import REMOVAL_PATIENCE, Cgroup, Setting
from pyrunc.errors import CgroupError
from pyrunc.model import define
from pyrunc.signals import SIGKILL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrunc.cgroups.oom import OomWatch
    from pyrunc.cgroups.stats import Stats
    from pyrunc.cgroups.updating import Undo
    from pyrunc.spec.resources import Resources

_FREEZE_PATIENCE = 10.0
_POLL = 0.001
_KILL_ROUNDS = 200


@define
class CgroupV2(Cgroup):
    """The directory ``<mountpoint><path>``."""

    mountpoint: str
    path: str

    @property
    def directory(self) -> str:
        """The container's cgroup."""
        return self.mountpoint + self.path

    def paths(self) -> dict[str, str]:
        """See Cgroup."""
        return {"": self.directory}

    def hierarchies(self) -> dict[str, str]:
        """See Cgroup."""
        return {"": self.directory}

    def open_procs(self, hierarchy: str) -> int:
        """See Cgroup."""
        try:
            return os.open(f"{self.directory}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise CgroupError(f"{self.directory}/cgroup.procs", "cannot be joined", error.errno or 0) from error

    def open_directory(self) -> int:
        """See Cgroup."""
        try:
            return os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise CgroupError(self.directory, "cannot be opened", error.errno or 0) from error

    # -- making and removing ---------------------------------------------------------------------------------------------------

    def prepare(self, *, in_use: bool = False) -> None:
        """See Cgroup. Controllers work in a cgroup only if every cgroup above it passes them on.

        ``in_use``: the directory has been made by the caller, with a process in it.
        """
        directory.make(self.mountpoint, self.path, in_use=in_use)
        available = directory.read(f"{self.mountpoint}/cgroup.controllers").split()
        above = self.mountpoint
        for name in ["", *self.path.strip("/").split("/")[:-1]]:
            above = f"{above}/{name}" if name else above
            self._pass_on(above, available)

    def _pass_on(self, place: str, controllers: list[str]) -> None:
        """Enable one by one what is not: one that cannot be (EBUSY: the cgroup has processes of its own) must not keep the others out.

        It is not an error yet; it becomes one, with the field's name, when a limit of that controller is wanted.
        """
        enabled = directory.read(f"{place}/cgroup.subtree_control").split()
        for controller in controllers:
            if controller not in enabled:
                try:
                    directory.write(f"{place}/cgroup.subtree_control", f"+{controller}")
                except OSError as error:
                    if error.errno not in (EBUSY, EINVAL, ENOENT, ENOTSUP):
                        raise CgroupError(
                            place, f"cannot pass on the controller {controller}", error.errno or 0
                        ) from error

    def remove(self, patience: float = REMOVAL_PATIENCE) -> None:
        """See Cgroup."""
        directory.remove(self.mountpoint, self.path, patience)

    # -- limits -----------------------------------------------------------------------------------------------------------------

    def limit(self, resources: Resources | None) -> None:
        """See Cgroup."""
        self._allow_devices(resources)
        if resources is not None:
            for setting in v2_limits.settings(resources):
                self._put(setting)

    def update(self, changes: Resources, before: Resources | None = None) -> None:
        """See Cgroup."""
        from pyrunc.cgroups.changes import completed
        from pyrunc.cgroups.updating import Undo, write_all

        self._check_usage(changes)
        with Undo() as undo:
            write_all(list(v2_limits.settings(completed(before, changes))), lambda setting: self._put(setting, undo))

    def _allow_devices(self, resources: Resources | None) -> None:
        rules = devices.rules(resources)
        if len(rules) == 1 and rules[0].allow:
            return
        from pyrunc.cgroups import device_program

        place = self.open_directory()
        try:
            device_program.attach(device_program.assemble(rules), place)
        finally:
            os.close(place)

    def _check_usage(self, resources: Resources) -> None:
        """memory.checkBeforeUpdate: on version 2 a limit below the usage would kill instead of being refused."""
        memory = resources.memory
        if memory is None or not memory.check_before_update or not memory.limit or memory.limit < 0:
            return
        current = self._controller("memory").current
        if current > memory.limit:
            raise CgroupError("linux.resources.memory.limit", f"{memory.limit} is below the {current} bytes in use")

    def _controller(self, name: str, undo: Undo | None = None) -> Any:
        from pyrunc.cgroups.v2_controllers import controller

        made = controller(name, self.directory)
        if undo is not None:
            made.before_writing = undo.remember
        return made

    def _put(self, setting: Setting, undo: Undo | None = None) -> None:
        """Write one setting. Raises CgroupError naming its field."""
        controller = self._controller(setting.controller, undo)
        interface = setting.interface
        if (setting.controller, interface) == ("io", "weight") and os.path.exists(controller.path(b"io.bfq.weight")):
            interface = "bfq_weight"
        try:
            if "." in interface:
                controller.set_property(interface.encode(), setting.value)
            else:
                setattr(controller, interface, setting.value)
        except FileNotFoundError as error:
            if not setting.implied:
                reason = f"the cgroup controller {setting.controller} is not available below {os.path.dirname(self.directory)}"
                raise CgroupError(setting.field, reason, ENOENT) from error
        except OSError as error:
            raise CgroupError(setting.field, f"{setting.value!r} was refused", error.errno or 0) from error

    # -- processes --------------------------------------------------------------------------------------------------------------

    def processes(self) -> list[int]:
        """See Cgroup."""
        return list(directory.processes(self.directory))

    def freeze(self) -> None:
        """See Cgroup."""
        self._set_frozen(True)
        deadline = time.monotonic() + _FREEZE_PATIENCE
        while not parse_pairs(directory.read(f"{self.directory}/cgroup.events")).get("frozen"):
            if time.monotonic() > deadline:
                self._set_frozen(False)
                raise CgroupError(
                    f"{self.directory}/cgroup.freeze",
                    f"not all processes stopped within {_FREEZE_PATIENCE:.0f} seconds",
                )
            time.sleep(_POLL)

    def thaw(self) -> None:
        """See Cgroup."""
        self._set_frozen(False)

    def _set_frozen(self, wanted: bool) -> None:
        try:
            self._controller("cgroup").freeze = wanted
        except OSError as error:
            raise CgroupError(
                f"{self.directory}/cgroup.freeze", f"cannot {'freeze' if wanted else 'thaw'}", error.errno or 0
            ) from error

    def frozen(self) -> bool:
        """See Cgroup."""
        try:
            return directory.read(f"{self.directory}/cgroup.freeze").strip() == "1"
        except OSError:
            return False

    def kill(self, signal: int) -> None:
        """See Cgroup. Before Linux 5.14 there is no cgroup.kill; then it is asked again until nobody is left."""
        if signal == SIGKILL:
            try:
                self._controller("cgroup").kill = True
            except FileNotFoundError:
                pass
            except OSError as error:
                raise CgroupError(f"{self.directory}/cgroup.kill", "cannot kill", error.errno or 0) from error
            else:
                return
        for _ in range(_KILL_ROUNDS if signal == SIGKILL else 1):
            pids = self.processes()
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal)
            if not pids:
                return
            if signal == SIGKILL:
                time.sleep(_POLL)

    # -- counters ---------------------------------------------------------------------------------------------------------------

    def stats(self) -> Stats:
        """See Cgroup."""
        return v2_stats.read(self.directory)

    def oom_kills(self) -> int:
        """See Cgroup."""
        return v2_stats.oom_kills(self.directory)

    def watch_oom(self) -> OomWatch:
        """See Cgroup."""
        from pyrunc.cgroups.oom import EventsFileWatch

        return EventsFileWatch.open(self.directory)
