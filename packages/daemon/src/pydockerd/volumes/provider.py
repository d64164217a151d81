"""Volumes ready before a container's run, and put away after it: what the supervisor asks of who keeps them (`pycontainerd.MountProvider`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from pathlib import Path

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import RuntimeFailed, SupervisorError
from pydockerd.errors import ApiError, NotFound
from pydockerd.volumes import copyup, kernel
from pydockerd.volumes.options import mount_call, resolved
from pydockerd.volumes.point import Point, points_of
from pydockerd.volumes.store import VolumeStore
from pydockerd.volumes.views import ImageViews
from pydockerd.volumes.volume import LOCAL, State, Volume

_logger = logging.getLogger("pydockerd.volumes")

Told = Callable[[str, str, Mapping[str, str]], Awaitable[None]]
"""An action that happened to a volume, its name, and the event's attributes."""


class VolumeMounts:
    """Counts who uses a volume that has to be mounted, and binds the parts that are named by a subpath below ``directory``, which need not outlive a
    reboot.

    The supervisor calls it already while it opens. Whose volumes go is decided when it is open, and all containers are known: see ``begin``.
    """

    def __init__(self, store: VolumeStore, directory: Path, views: ImageViews) -> None:
        self._store, self._directory, self.views = store, directory, views
        self._users: defaultdict[str, set[str]] = defaultdict(set)
        self._gone: dict[str, ContainerConfig] | None = {}
        self._told: Told | None = None

    # -- for the supervisor -----------------------------------------------------------------------------------------------------

    async def prepare(self, id: str, config: ContainerConfig) -> None:
        """See MountProvider. Raises RuntimeFailed in docker's words."""
        for number, point in enumerate(points_of(config)):
            if point.type == "image":
                await self._mount_image(id, number, point)
            if point.type != "volume":
                continue
            volume = await self._take(id, point)
            if point.subpath:
                await self._bind_subpath(volume, point, self.place(id, number))
            await self._tell("mount", point, id, **_how(point))

    async def release(self, id: str, config: ContainerConfig) -> None:
        """See MountProvider."""
        for number, point in enumerate(points_of(config)):
            if point.placed:
                await asyncio.to_thread(kernel.clear_point, self.place(id, number))
            if point.type != "volume":
                continue
            async with self._store.lock(point.name):
                if id not in self._users[point.name]:
                    continue
                self._users[point.name].discard(id)
                await self._put_away(point.name)
            await self._tell("unmount", point, id)

    async def removed(self, id: str, config: ContainerConfig) -> None:
        """See MountProvider. Anonymous volumes go with it if that was decided, and nobody else has them."""
        if self._gone is not None:
            self._gone[id] = config
            return
        points = points_of(config)
        if not points:
            return
        await self.unreserve(id, points)
        self._store.forget(id, {point.name for point in points if point.type == "volume"})
        anonymous = {point.name for point in points if point.anonymous}
        await self._remove_leaving(id, anonymous, all=config.remove_on_exit)

    # -- for the daemon ---------------------------------------------------------------------------------------------------------

    async def begin(self, containers: Collection[tuple[str, ContainerConfig, int]], told: Told) -> None:
        """The supervisor is open. ``containers`` are all that there are: their ids, and the pids of those that run, 0 for others.

        What is mounted for nobody is put away, and what a daemon that was killed has left undone is done.
        """
        self._told = told
        known = {container: config for container, config, _ in containers}
        running = {container: pid for container, _, pid in containers if pid}
        for container, config in known.items():
            for name in {point.name for point in points_of(config) if point.type == "volume"}:
                with contextlib.suppress(
                    ApiError
                ):  # it is gone, and the container will not start: that is when it is told
                    self._store.refer(container, [name])
                if container in running:
                    self._users[name].add(container)
        gone, self._gone = self._gone or {}, None
        for volume in self._store.list():
            if volume.mounted:
                async with self._store.lock(volume.name):
                    await self._put_away(volume.name)
                    await self._recover(
                        volume,
                        [(running[each], known[each]) for each in self._users.get(volume.name, ()) if each in running],
                    )
        await self._clear_points(known, running)
        await self._decide(known)
        for container, config in gone.items():
            await self.removed(container, config)

    async def fill(self, volume: Volume, root: int, target: str) -> None:
        """Copy up what an image has at ``target``. Raises `copyup.NotADirectory`, OSError, RuntimeFailed."""
        async with self._store.lock(volume.name):
            used = bool(self._users[volume.name])
            if volume.mounted and not used:
                await self._mount(volume)
            try:
                mounted = used or await asyncio.to_thread(kernel.is_mounted, volume.path)
                await asyncio.to_thread(copyup.fill, root, target, volume.path, mounted=mounted)
            finally:
                await self._put_away(volume.name)

    def place(self, id: str, number: int) -> Path:
        """Where the part of a volume that a container's n-th mount names is bound."""
        return self._directory / id / str(number)

    async def reserve(self, id: str, points: Iterable[Point]) -> None:
        """Something is at those places, as the supervisor wants to see it when a container is created."""
        for number, point in enumerate(points):
            if point.placed:
                place = self.place(id, number)
                await asyncio.to_thread(place.mkdir, parents=True, exist_ok=True, mode=0o700)

    async def unreserve(self, id: str, points: Iterable[Point]) -> None:
        """The container is gone, or will not be there: so are those places, and the views of images."""
        for number, point in enumerate(points):
            if point.placed:
                await asyncio.to_thread(kernel.clear_point, self.place(id, number))
            if point.type == "image":
                await asyncio.to_thread(self.views.remove, id, number)
        with contextlib.suppress(OSError):
            (self._directory / id).rmdir()

    # -- inside -----------------------------------------------------------------------------------------------------------------

    async def _take(self, id: str, point: Point) -> Volume:
        async with self._store.lock(point.name):
            try:
                volume = self._store.get(point.name)
            except ApiError as error:
                raise RuntimeFailed(str(error)) from None
            if volume.mounted and not self._users[volume.name]:
                await self._mount(volume)
            self._users[volume.name].add(id)
            return volume

    async def _mount(self, volume: Volume) -> None:
        """Under its lock. What is mounted already, by a daemon that was killed, is taken as it is."""

        def mount() -> None:
            volume.path.mkdir(parents=True, exist_ok=True)
            if not kernel.is_mounted(volume.path):
                kernel.mount(resolved(call), volume.path)

        call = mount_call(volume.options)
        try:
            await asyncio.to_thread(mount)
        except OSError as error:
            shown = f"{call.source}:{volume.path}, flags: {call.flags:#x}" + (
                f", data: {call.data}" if call.data else ""
            )
            reason = (error.strerror or str(error)).lower()
            raise RuntimeFailed(
                f"error while mounting volume '{volume.path}': failed to mount local volume: mount {shown}: {reason}"
            ) from error

    async def _put_away(self, name: str) -> None:
        """Under its lock: unmount what nobody uses."""
        if self._users[name]:
            return
        del self._users[name]
        with contextlib.suppress(ApiError):
            volume = self._store.get(name)
            if volume.mounted:
                await asyncio.to_thread(_unmount, volume.path)

    async def _bind_subpath(self, volume: Volume, point: Point, place: Path) -> None:
        try:
            await asyncio.to_thread(kernel.bind_inside, volume.path, point.subpath, place)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise RuntimeFailed(f"cannot access path {volume.path / point.subpath}: {reason}") from error

    async def _mount_image(self, id: str, number: int, point: Point) -> None:
        try:
            await asyncio.to_thread(self.views.mount, id, number, point.subpath, self.place(id, number))
        except (SupervisorError, OSError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise RuntimeFailed(f"failed to mount image {point.name} at {point.target}: {reason}") from error

    async def _recover(self, volume: Volume, users: Iterable[tuple[int, ContainerConfig]]) -> None:
        """A daemon with a mount namespace of its own (systemd's PrivateMounts=) takes its mounts along when it dies, and containers go on with theirs."""
        ways = [
            (point.read_only, pid, point.target)
            for pid, config in users
            for point in points_of(config)
            if point.name == volume.name and not point.subpath
        ]
        if not ways or await asyncio.to_thread(kernel.is_mounted, volume.path):
            return
        read_only, pid, target = min(ways)

        def recover() -> None:
            tree = kernel.taken_from(pid, target)
            try:
                kernel.attach(tree, volume.path, make=False)
            finally:
                os.close(tree)
            if read_only:
                kernel.make_writable(volume.path)

        try:
            await asyncio.to_thread(recover)
        except OSError as error:
            _logger.error("volume %s is in use, and is no longer mounted at %s: %s", volume.name, volume.path, error)
        else:
            _logger.warning("volume %s was no longer mounted, and is taken from a container that uses it", volume.name)

    async def _clear_points(self, known: Collection[str], running: Collection[str]) -> None:
        """Nothing stays bound for containers that do not run, and nothing at all is left of those that are no more."""

        def clear() -> None:
            for home in self._directory.iterdir() if self._directory.is_dir() else ():
                for point in home.iterdir() if home.name not in running else ():
                    kernel.clear_point(point)  # never a deletion of what is mounted there
                if home.name not in known:
                    home.rmdir()

        try:
            await asyncio.to_thread(clear)
            await asyncio.to_thread(self.views.clear, known)
        except (SupervisorError, OSError) as error:
            _logger.warning("what a killed daemon had bound is not put away: %s", error)

    async def _decide(self, known: Mapping[str, ContainerConfig]) -> None:
        """What was made for a container, or is to go with it, once that is there for sure, or not."""
        for volume in self._store.list():
            if volume.state not in {State.PENDING, State.LEAVING}:
                continue
            config = known.get(volume.made_for)
            if config is None:
                await self._remove_leaving(volume.made_for, [volume.name])
            else:
                state = State.LEAVING if config.remove_on_exit else State.READY
                await self._store.settle([volume.name], volume.made_for, state)

    async def _remove_leaving(self, id: str, names: Iterable[str], *, all: bool = False) -> None:
        """The container is gone: ``all`` of these, or those that were to go with it, unless another one has them, too."""
        for name in names:
            try:
                volume = self._store.get(name)
                if not all and (volume.made_for != id or volume.state not in {State.LEAVING, State.PENDING}):
                    continue
                if self._store.references(name):
                    await self._store.settle([name], id, State.READY)
                    continue
                await self._store.remove(name)
            except NotFound:
                continue
            except ApiError as error:
                _logger.warning("anonymous volume %s does not go with container %s: %s", name, id, error)
            else:
                if self._told is not None:
                    await self._told("destroy", name, {"driver": LOCAL})

    async def _tell(self, action: str, point: Point, id: str, **attributes: str) -> None:
        if self._told is not None:
            known = {"container": id, "destination": point.target} if action == "mount" else {"container": id}
            await self._told(action, point.name, {**known, "driver": point.driver or LOCAL, **attributes})


def _unmount(path: Path) -> None:
    if kernel.is_mounted(path):
        kernel.unmount(path)


def _how(point: Point) -> dict[str, str]:
    return {"propagation": point.propagation, "read/write": "false" if point.read_only else "true"}
