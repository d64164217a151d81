"""Reading tars from anywhere: without the leniency of Python's tarfile, and with a bound on what one header may cost.

tarfile takes whatever is not a header for the end of the archive, reads extended headers of any size into memory, lets an entry of a negative
size send it back to where it was, and looks for one record with a regular expression that takes the square of the header's length, during
which no other thread of the program runs (CVE-2024-6232; in Debian 12's Python, too).
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, Any, Self

MOST_OF_A_HEADER = 1 << 20
"""Bytes of all the headers of one entry, its long names, attributes and map of holes included: what Go's archive/tar reads as well."""

_LONGEST_LENGTH = 8
"""Digits of the length of a record that fits."""

# By names of their own, because tarfile's own name for a parameter hides the module.
_HEADER_ERRORS, _READ_ERROR, _GLOBAL = tarfile.HeaderError, tarfile.ReadError, tarfile.XGLTYPE
_SUPPORTED = tarfile.SUPPORTED_TYPES
_END: type[Exception] = vars(tarfile)["EOFHeaderError"]  # not among what typeshed knows


class StrictEntry(tarfile.TarInfo):
    """An archive ends with its end marker (a block of zeros, tar(5)), and with nothing else.

    tarfile raises ReadError for anything but a header only at the very beginning; later it ends as if all were well, so that an archive
    that was cut short, or is damaged, would be half an archive in silence.
    """

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        """The next header; the end marker raises what it always does. ReadError for anything else."""
        try:
            return super().fromtarfile(tarfile)
        except _HEADER_ERRORS as error:
            if isinstance(error, _END):
                raise
            raise _READ_ERROR(f"no header where one has to be ({error})") from error

    def _proc_pax(self, tarfile: Any) -> tarfile.TarInfo:
        """An extended header (pax(1)), and the entry that it belongs to. What a global one says is passed over, as docker does."""
        content = tarfile.fileobj.read(self._block(self.size))  # type: ignore[attr-defined]
        said = {} if self.type == _GLOBAL else dict(_records(content[: self.size]))
        try:
            entry: Any = self.fromtarfile(tarfile)
        except _HEADER_ERRORS as error:
            raise _READ_ERROR(f"an extended header without an entry ({error})") from None
        if said:
            _find_holes(entry, said, tarfile)
            entry._apply_pax_info(said, tarfile.encoding, tarfile.errors)
        if "size" in said:
            has_content = entry.isreg() or entry.type not in _SUPPORTED
            tarfile.offset = entry.offset_data + (entry._block(entry.size) if has_content else 0)
        entry.offset = self.offset
        return entry  # type: ignore[no-any-return]


class StrictArchive(tarfile.TarFile):
    """``StrictArchive.open(…)`` reads a tar of ``StrictEntry``. ReadError for what is damaged, malformed, or has a header of unlikely size."""

    tarinfo = StrictEntry

    def __init__(self, name: Any = None, mode: Any = "r", fileobj: Any = None, **more: Any) -> None:
        super().__init__(name, mode, _Bounded(fileobj), **more)

    def next(self) -> tarfile.TarInfo | None:
        """The next entry, None at the end."""
        bounded: Any = self.fileobj
        bounded.left = MOST_OF_A_HEADER
        try:
            entry = super().next()
        except (ValueError, IndexError, RecursionError) as error:
            raise _READ_ERROR(f"a malformed header: {error}") from None
        finally:
            bounded.left = None
        if entry is not None and entry.size < 0:
            raise _READ_ERROR(f"{entry.name!r} has a size of {entry.size} bytes")
        return entry


class _Bounded:
    """The file of an archive. While ``left`` is a number, what is read is a header, and must not be more than that."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.left: int | None = None

    def read(self, size: int) -> bytes:
        if self.left is not None:
            if not 0 <= size <= self.left:
                raise _READ_ERROR(f"the headers of an entry are larger than {MOST_OF_A_HEADER} bytes")
            self.left -= size
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _records(content: bytes) -> Iterator[tuple[str, str]]:
    """``LENGTH KEY=VALUE\\n``, LENGTH counting all of it; zeros end them. What is not UTF-8 is kept as surrogates (os.fsencode)."""
    at = 0
    while at < len(content) and content[at]:
        space = content.find(b" ", at, at + _LONGEST_LENGTH)
        digits = content[at : max(space, at)]
        end = at + int(digits) if digits.isdigit() else at
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if end > len(content) or content[end - 1 : end] != b"\n" or not key or not equals:
            raise _READ_ERROR("a malformed record in an extended header")
        yield key.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape")
        at = end


def _find_holes(entry: Any, said: dict[str, str], archive: Any) -> None:
    """The map of a sparse file, in the two forms that GNU tar has written since 2006."""
    if "GNU.sparse.map" in said:
        entry._proc_gnusparse_01(entry, said)
    elif said.get("GNU.sparse.major") == "1" and said.get("GNU.sparse.minor") == "0":
        entry._proc_gnusparse_10(entry, said, archive)
    elif "GNU.sparse.size" in said:
        raise _READ_ERROR("a sparse file in GNU tar's form 0.0, which is not supported")
