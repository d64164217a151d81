"""All volumes of a daemon: made, found, counted, removed. See the package for what keeps data safe."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
import weakref
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from pathlib import Path

from attrs import evolve

from pycontainerd import tree
from pycontainerd.metadata.database import Database
from pydockerd.errors import Conflict, InternalError, NotFound
from pydockerd.volumes import kernel, table
from pydockerd.volumes.options import check_options
from pydockerd.volumes.volume import ANONYMOUS, LOCAL, State, Volume, check_name

_TRASH = ".removed"
_logger = logging.getLogger("pydockerd.volumes")


class VolumeStore:
    """Opened by its constructor, which blocks; a data root has one.

    Which containers have a volume among their mounts is told to it (``refer``, ``forget``) and not written down: the containers' own
    configurations say it, and a daemon that starts reads them.
    """

    def __init__(self, database: Database, data_root: Path) -> None:
        self._database = database
        self.root = data_root / "volumes"
        self._volumes: dict[str, Volume] = {}
        self._references: defaultdict[str, set[str]] = defaultdict(set)
        self._locks = weakref.WeakValueDictionary[str, asyncio.Lock]()
        self._open()

    # -- asking -----------------------------------------------------------------------------------------------------------------

    def list(self) -> list[Volume]:
        """By name."""
        return sorted(self._volumes.values(), key=lambda volume: volume.name)

    def get(self, name: str) -> Volume:
        """Raises NotFound in docker's words."""
        found = self._volumes.get(name)
        if found is None or found.state is State.REMOVING:
            raise NotFound(f"get {name}: no such volume")
        return found

    def references(self, name: str) -> frozenset[str]:
        """The ids of the containers that have it among their mounts, running or not."""
        return frozenset(self._references.get(name, ()))

    @staticmethod
    def size(volume: Volume) -> int:
        """Bytes on the disk; nothing of what is mounted in it. Blocks."""
        return 0 if volume.mounted else tree.measure(str(volume.path))[0]

    # -- changing ---------------------------------------------------------------------------------------------------------------

    async def create(
        self,
        name: str = "",
        driver: str = LOCAL,
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        *,
        made_for: str = "",
    ) -> tuple[Volume, bool]:
        """The volume of this name, and whether it is new: one that is there stays as it is, as docker has it. No name: an anonymous one.

        ``made_for`` is the id of a container that is being made: until ``settle`` it goes again when the daemon dies. Raises BadRequest, NotFound
        for another driver.
        """
        check_driver(name, driver)
        if name:
            check_name(name)
        check_options(name, options or {})
        wanted = name or secrets.token_hex(32)
        async with self.lock(wanted):
            found = self._volumes.get(wanted)
            if found is not None:
                return self.get(wanted), False
            volume = Volume(
                name=wanted,
                path=self.root / wanted / table.DATA,
                options=dict(options or {}),
                labels={**(labels or {}), **({} if name else {ANONYMOUS: ""})},
                created_ns=time.time_ns(),
                state=State.PENDING if made_for and not name else State.READY,
                made_for=made_for,
            )
            await asyncio.to_thread(_make_directory, volume.path)
            await self._database.write(lambda connection: table.insert(connection, volume))
            self._volumes[wanted] = volume
            return volume, True

    async def settle(self, volumes: Collection[str], container: str, state: State) -> None:
        """Write down what is to become of anonymous volumes of a container: ``READY`` or ``LEAVING``."""
        known = [self._volumes[name] for name in volumes if name in self._volumes]
        changed = [evolve(volume, state=state, made_for=container) for volume in known]
        if changed:
            await self._database.write(lambda connection: table.mark(connection, changed))
            self._volumes.update((volume.name, volume) for volume in changed)

    def refer(self, container: str, names: Iterable[str]) -> None:
        """A container has these among its mounts, or is going to. Raises NotFound for one that is not there."""
        wanted = set(names)
        for name in wanted:
            self.get(name)
        for name in wanted:
            self._references[name].add(container)

    def forget(self, container: str, names: Iterable[str]) -> None:
        """It has them no longer."""
        for name in names:
            self._references[name].discard(container)
            if not self._references[name]:
                del self._references[name]

    async def remove(self, name: str) -> None:
        """Delete it with all that is in it. Raises NotFound; Conflict while a container has it; InternalError when something is mounted in it."""
        async with self.lock(name):
            volume = self.get(name)
            if users := self.references(name):
                raise Conflict(f"remove {name}: volume is in use - [{', '.join(sorted(users))}]")
            self._volumes[name] = evolve(volume, state=State.REMOVING)  # from now on nobody can come to have it
            try:
                await asyncio.to_thread(self._free, volume)
            except BaseException:
                self._volumes[name] = volume
                raise
            await self._remove(volume)

    @contextlib.asynccontextmanager
    async def lock(self, name: str) -> AsyncIterator[None]:
        """One at a time makes, mounts, fills or removes a volume."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        async with lock:
            yield

    # -- inside -----------------------------------------------------------------------------------------------------------------

    async def _remove(self, volume: Volume) -> None:
        """Written down first, then out of the way in one step; what is killed after that is ended at the next start."""
        going = evolve(volume, state=State.REMOVING)
        await self._database.write(lambda connection: table.mark(connection, [going]))
        self._volumes[volume.name] = going
        await asyncio.to_thread(self._put_away, going)
        await self._database.write(lambda connection: table.delete(connection, volume.name))
        del self._volumes[volume.name]
        await asyncio.to_thread(self._empty_trash)

    def _free(self, volume: Volume) -> None:
        """Nothing is mounted in it that a deletion could walk into."""
        if volume.mounted and kernel.is_mounted(volume.path):
            kernel.unmount(volume.path)
        if below := kernel.mounts_below(volume.path.parent):
            raise InternalError(
                f"remove {volume.name}: unable to remove volume: device or resource busy: {below[-1]} is mounted"
            )

    def _put_away(self, volume: Volume) -> None:
        home = volume.path.parent
        if volume.mounted:  # whatever is in there is somebody else's: these calls cannot delete it
            for directory in (volume.path, home):
                with contextlib.suppress(FileNotFoundError):
                    directory.rmdir()
            return
        trash = self.root / _TRASH
        trash.mkdir(exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            home.rename(trash / f"{secrets.token_hex(8)}.{volume.name[:64]}")

    def _empty_trash(self) -> None:
        trash = self.root / _TRASH
        for entry in trash.iterdir() if trash.is_dir() else ():
            try:
                tree.remove(entry)
            except FileNotFoundError:
                continue  # somebody else removes it at the same time
            except OSError as error:
                _logger.warning("%s, which was a volume, is not deleted: %s", entry, error)

    def _open(self) -> None:
        """Read the rows, and end what was begun."""
        self.root.mkdir(exist_ok=True, mode=0o701)
        for volume in self._database.read_now(lambda connection: table.load(connection, self.root)):
            if volume.state is State.REMOVING:
                self._end_removal(volume)
            else:
                self._volumes[volume.name] = volume
        self._adopt()
        self._empty_trash()

    def _end_removal(self, volume: Volume) -> None:
        try:
            self._free(volume)
            self._put_away(volume)
        except (OSError, InternalError) as error:
            _logger.error("volume %s is still to be removed: %s", volume.name, error)
            self._volumes[volume.name] = volume
            return
        self._database.write_now(lambda connection: table.delete(connection, volume.name))

    def _adopt(self) -> None:
        """Directories without a row: what is empty was about to become a volume, the rest is one."""
        for entry in self.root.iterdir():
            if entry.name.startswith(".") or entry.name in self._volumes or not entry.is_dir():
                continue
            data = entry / table.DATA
            with contextlib.suppress(OSError):  # not empty
                if data.is_dir():
                    data.rmdir()
                entry.rmdir()
                continue
            if not data.is_dir():
                continue
            _logger.warning("volume %s is not in the database, and is taken in as it lies there", entry.name)
            volume = Volume(name=entry.name, path=data, created_ns=int(data.stat().st_mtime_ns))
            self._database.write_now(lambda connection, volume=volume: table.insert(connection, volume))  # type: ignore[misc]
            self._volumes[volume.name] = volume


def check_driver(name: str, driver: str) -> None:
    """Raises NotFound in docker's words for one that is not there."""
    if driver not in {"", LOCAL}:
        raise NotFound(f'create {name}: error looking up volume plugin {driver}: plugin "{driver}" not found')


def _make_directory(path: Path) -> None:
    path.parent.mkdir(exist_ok=True, mode=0o701)
    path.mkdir(exist_ok=True, mode=0o755)
    path.chmod(0o755)  # whatever the umask
