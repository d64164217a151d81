"""The directory of one container below the runtime's root: made once, locked around each operation, removed with all in it.

    <root>/<id>/               held by flock(2) while somebody changes the container
      config.json              the specification that the container was made of
      state.json               who it is (``state``), and once create has succeeded, its first process
      start, started           the fifos on which the container process waits; there from create to start
      exit                     how the first process ended, written by the monitor or by the parent that waited
      monitor.sock             the monitor's socket
      exec/<exec id>/          the same for each monitored exec: state.json, exit, monitor.sock

All access goes through one descriptor of the directory, so that a container that is removed and made again under the same name is
never touched by an operation that began on the old one.
"""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import suppress

from pyrunc.errors import ContainerExists, ContainerNotFound, InvalidId

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

CONFIG = "config.json"
STATE = "state.json"
EXIT = "exit"
GATE = "start"
REPORT = "started"
EXECS = "exec"

_FS_IOC_GETVERSION = 0x8008_7601
"""linux/fs.h, for 64-bit machines; it writes an int all the same."""

_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-")
_LONGEST_ID = 1024
_LONGEST_NAME = 255


def check_id(id: str) -> str:
    """``id``, if it can be a container's or an exec's name: runc's rule. Raises InvalidId."""
    if not id or not _ID_CHARACTERS.issuperset(id) or id in (".", ".."):
        raise InvalidId(id)
    if len(id) > min(_LONGEST_ID, _LONGEST_NAME):
        raise InvalidId(id, f"at most {_LONGEST_NAME} characters, which is what a file name can have")
    return id


class StateDirectory:
    """An open container directory. A context manager that closes its descriptor, and with it the lock."""

    def __init__(self, root: str, id: str, descriptor: int) -> None:
        self.root = root
        self.id = id
        self.descriptor = descriptor

    @classmethod
    def create(cls, root: str, id: str) -> Self:
        """Make the directory, and the root if missing; returned locked. Raises ContainerExists, InvalidId, OSError."""
        check_id(id)
        try:
            os.mkdir(f"{root}/{id}", 0o711)
        except FileExistsError:
            if not cls._clear_abandoned(root, id):
                raise ContainerExists(id) from None
            return cls.create(root, id)
        except FileNotFoundError:
            os.makedirs(root, 0o711, exist_ok=True)
            return cls.create(root, id)
        made = cls._opened(root, id)
        made.lock()
        return made

    @classmethod
    def _clear_abandoned(cls, root: str, id: str) -> bool:
        """Whether the directory was the rest of a create that was killed before it made anything else; then it is gone now."""
        try:
            with cls._opened(root, id) as found:
                if found.exists(STATE) or found.busy():
                    return False
                found.lock()
                if found.exists(STATE):
                    return False
                found.remove()
        except ContainerNotFound:
            pass
        return True

    @classmethod
    def open(cls, root: str, id: str, identity: tuple[int, int] | None = None) -> Self:
        """Raises ContainerNotFound, also if ``identity`` is given and the directory is another one by now, and InvalidId."""
        opened = cls._opened(root, check_id(id))
        if identity is not None and opened.identity != identity:
            opened.close()
            raise ContainerNotFound(id)
        return opened

    @classmethod
    def _opened(cls, root: str, id: str) -> Self:
        try:
            descriptor = os.open(f"{root}/{id}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            raise ContainerNotFound(id) from None
        return cls(root, id, descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor, which gives up the lock."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def detach(self) -> int:
        """Give the descriptor away: it is the caller's to close from now on."""
        descriptor, self.descriptor = self.descriptor, -1
        return descriptor

    @property
    def identity(self) -> tuple[int, int]:
        """Tells this directory from one that has the same path later: the inode's number, and its generation, because file systems on
        disk use a free number again at once. Those in memory have no generations, and count on."""
        generation = bytearray(8)
        with suppress(OSError):
            fcntl.ioctl(self.descriptor, _FS_IOC_GETVERSION, generation)
        return os.fstat(self.descriptor).st_ino, int.from_bytes(generation, sys.byteorder)

    @property
    def path(self) -> str:
        """For messages and for those who can only take paths."""
        return f"{self.root}/{self.id}"

    def lock(self, *, shared: bool = False) -> None:
        """Wait until nobody else changes this container; ``shared`` lets others in who share too (execs).

        Raises ContainerNotFound if the container was deleted while this waited.
        """
        fcntl.flock(self.descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        if os.fstat(self.descriptor).st_nlink == 0:
            raise ContainerNotFound(self.id)

    def busy(self) -> bool:
        """Whether somebody is changing the container right now."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        return False

    # -- files ------------------------------------------------------------------------------------------------------------------

    def exists(self, name: str) -> bool:
        """Whether the directory has an entry of this name."""
        try:
            os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """The content of one file. Raises FileNotFoundError."""
        return read_at(self.descriptor, name)

    def write(self, name: str, content: bytes) -> None:
        """Put a whole file in place at once: readers see the old one, or none, or all of the new one."""
        write_at(self.descriptor, name, content)

    def make_gate(self) -> None:
        """The two fifos between a created container and ``start``."""
        os.mkfifo(GATE, 0o600, dir_fd=self.descriptor)
        os.mkfifo(REPORT, 0o600, dir_fd=self.descriptor)

    def open_gate(self) -> int:
        """The fifo that ``start`` writes to, O_RDWR: it never reads as ended, so the container waits on even if its maker dies."""
        return os.open(GATE, os.O_RDWR | os.O_CLOEXEC, dir_fd=self.descriptor)

    def open_report(self) -> int:
        """The fifo that tells ``start`` how exec went."""
        return os.open(REPORT, os.O_RDWR | os.O_CLOEXEC, dir_fd=self.descriptor)

    def drop_gate(self) -> None:
        """The container is started, so nobody will wait here again."""
        for name in (GATE, REPORT):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.descriptor)

    # -- execs ------------------------------------------------------------------------------------------------------------------

    def create_exec(self, exec_id: str) -> int:
        """Make the directory of a monitored exec; returns a descriptor of it. Raises FileExistsError, InvalidId."""
        check_id(exec_id)
        with suppress(FileExistsError):
            os.mkdir(EXECS, 0o700, dir_fd=self.descriptor)
        os.mkdir(f"{EXECS}/{exec_id}", 0o700, dir_fd=self.descriptor)
        return self.open_exec(exec_id)

    def open_exec(self, exec_id: str) -> int:
        """A descriptor of the exec's directory. Raises FileNotFoundError, InvalidId."""
        place = f"{EXECS}/{check_id(exec_id)}"
        return os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.descriptor)

    def exec_ids(self) -> list[str]:
        """The ids of the monitored execs, in no order."""
        try:
            execs = os.open(EXECS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.descriptor)
        except FileNotFoundError:
            return []
        try:
            return os.listdir(execs)
        finally:
            os.close(execs)

    def remove_exec(self, exec_id: str) -> None:
        """Remove an exec's directory; none is no error."""
        with suppress(FileNotFoundError):
            execs = os.open(EXECS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.descriptor)
            try:
                _remove_tree(execs, check_id(exec_id))
            finally:
                os.close(execs)

    def remove(self) -> None:
        """Remove the directory with all in it. state.json goes first: from then on nobody takes it for a whole container."""
        with suppress(FileNotFoundError):
            os.unlink(STATE, dir_fd=self.descriptor)
        root = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _remove_tree(root, self.id)
        finally:
            os.close(root)


def ids(root: str) -> list[str]:
    """The names below the root that can be containers', sorted."""
    try:
        with os.scandir(root) as entries:
            return sorted(
                entry.name
                for entry in entries
                if _ID_CHARACTERS.issuperset(entry.name) and entry.is_dir(follow_symlinks=False)
            )
    except FileNotFoundError:
        return []


def read_at(directory: int, name: str) -> bytes:
    """The content of file ``name``. Raises FileNotFoundError."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    with open(descriptor, "rb") as file:
        return file.read()


def write_at(directory: int, name: str, content: bytes) -> None:
    """Write beside and rename. No fsync: the root is on a tmpfs, and no container outlives the machine."""
    fresh = f".{name}.{os.getpid()}"
    descriptor = os.open(
        fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory
    )
    with open(descriptor, "wb") as file:
        file.write(content)
    os.rename(fresh, name, src_dir_fd=directory, dst_dir_fd=directory)


def _remove_tree(parent: int, name: str) -> None:
    """rm -r without following anything: each directory is entered by its descriptor."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except FileNotFoundError:
        return
    try:
        with os.scandir(descriptor) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    _remove_tree(descriptor, entry.name)
                else:
                    with suppress(FileNotFoundError):
                        os.unlink(entry.name, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    with suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=parent)
