"""Assembler: makes filter programs and remembers them, in this process and, where a directory is given, on disk.

Making docker's default filter costs some 45 ms, most of it libseccomp and loading it; a container costs two. A program depends
on the profile, the machine and the library alone, so it is kept in a file with all three: machine and profile as text, and of the
library's file size and time, since asking the library for its version would mean to load it. The file's name is a checksum of the
text; two texts that have the same keep displacing each other. So no cryptographic hash is needed, whose library would have to be
loaded for it: that takes as long as starting a container.
"""

from __future__ import annotations

import os
from binascii import crc32
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pyrunc.jsontext import dumps
from pyrunc.spec.seccomp import Seccomp

_FORMAT = b"pyrunc-seccomp-2"
_MOST_BYTES = 1024 * 1024
_REMEMBERED = 64


class Assembler:
    """A callable ``assembler(seccomp) -> bytes``. Threads may share one.

    ``directory`` must belong to root or the caller and be writable by nobody else; otherwise it is not trusted and not used. It is
    made (0700) if it is missing, but not what it lies in.
    """

    def __init__(self, directory: str | os.PathLike[str] | None = None) -> None:
        self.directory = directory
        self._remembered: dict[Seccomp, bytes] = {}

    def __call__(self, seccomp: Seccomp) -> bytes:
        """The program of ``seccomp``. Raises as ``pyrunc.seccomp.program`` does; a cache that cannot be used is no error."""
        code = self._remembered.get(seccomp)
        if code is None:
            code = self._made(seccomp)
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[seccomp] = code
        return code

    def _made(self, seccomp: Seccomp) -> bytes:
        with _opened(self.directory) as directory:
            text = _text(seccomp) if directory >= 0 else b""
            code = _kept(directory, text) if directory >= 0 else None
            if code is None:
                from pyrunc.seccomp.program import program

                code = program(seccomp)
                if directory >= 0:
                    with suppress(OSError):
                        _keep(directory, text, code)
            return code


def _text(seccomp: Seccomp) -> bytes:
    """What the program depends on, beside the library: one line."""
    machine = os.uname().machine
    return dumps([machine, seccomp.to_json()], sort_keys=True).encode()


def _name(text: bytes) -> str:
    return f"{crc32(text):08x}"


@contextmanager
def _opened(directory: str | os.PathLike[str] | None) -> Iterator[int]:
    """A descriptor of the directory, or -1 if there is none that can be trusted."""
    descriptor = -1
    if directory is not None:
        with suppress(OSError):
            with suppress(FileExistsError):
                os.mkdir(directory, mode=0o700)
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor if descriptor >= 0 and _is_private(descriptor) else -1
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _is_private(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return status.st_uid in {0, os.geteuid()} and not status.st_mode & 0o022


def _kept(directory: int, text: bytes) -> bytes | None:
    """The program kept for ``text``, if the file is whole, ours, and made by the library that is installed now."""

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)

    try:
        with open(_name(text), "rb", buffering=0, opener=opener) as file:
            data = file.read(_MOST_BYTES) if _is_private(file.fileno()) else b""
    except OSError:
        return None
    head, _, rest = data.partition(b"\n")
    made_of, _, code = rest.partition(b"\n")
    fields = head.split(b" ", 4)
    if len(fields) != 5 or fields[0] != _FORMAT or made_of != text or not code or len(code) % 8:
        return None
    _, checksum, size, time, library = fields
    if _checksum(code) != checksum or (size, time) != _identity(library):
        return None
    return code


def _checksum(code: bytes) -> bytes:
    """Against files that are not whole; whoever may write here needs no checksum to be kept out."""
    return f"{len(code)}-{crc32(code):08x}".encode()


def _keep(directory: int, text: bytes, code: bytes) -> None:
    from pyrunc.seccomp.library import load

    library = os.fsencode(load().file)
    head = b" ".join((_FORMAT, _checksum(code), *_identity(library), library))
    name = _name(text)
    temporary = f".{name}.{os.getpid()}.{os.urandom(4).hex()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        with open(descriptor, "wb") as file:
            file.write(b"\n".join((head, text, code)))
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise


def _identity(library: bytes) -> tuple[bytes, bytes]:
    """Size and modification time of the library's file; nothing matches a file that is gone."""
    try:
        status = os.stat(library)
    except OSError:
        return b"", b"gone"
    return str(status.st_size).encode(), str(status.st_mtime_ns).encode()


assemble = Assembler()
"""The assembler that everything here uses. It remembers in this process only, until `keep_filters` is called."""


def keep_filters(directory: str | os.PathLike[str]) -> None:
    """Let ``assemble`` keep what it makes in ``directory`` too: for commands, each of which is a process of its own."""
    assemble.directory = directory
