"""Apply a layer (image-spec, layer.md) to a directory: files, links, devices, whiteouts, owners, modes, times, extended attributes.

Two threads share the work. The caller's reads, decompresses and hashes; the other one parses and makes the files. Both spend nearly all of
their time in the kernel or in C, where they do not hold each other up.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import IO

from attrs import define, field, frozen

from pycontainerd.diff import attributes
from pycontainerd.diff.blocks import PIECE, Belt, Blocks, Source
from pycontainerd.diff.compression import DAMAGED, decompressed
from pycontainerd.diff.confined import Confined
from pycontainerd.diff.entries import entries
from pycontainerd.diff.header import Entry
from pycontainerd.diff.making import Maker
from pycontainerd.diff.owners import AS_THEY_ARE, Owners, act_as
from pycontainerd.diff.thread import start_without_umask
from pycontainerd.diff.whiteouts import Marks, NoLayer, Removal, Whiteouts
from pycontainerd.errors import LayerError

_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""The machine's fault and not the layer's."""


@frozen
class Applied:
    """What a layer was: ``diff_id`` is the digest of the plain tar, ``size`` the bytes of its files. ``implied``: see ``settle``."""

    diff_id: str
    size: int
    implied: frozenset[bytes] = frozenset()


@frozen(kw_only=True)
class UnpackLimits:
    """The most that a layer may become: bytes of its files (holes count, as whoever reads them gets zeros) and entries. None: no limit."""

    size: int | None = None
    entries: int | None = None


def apply(
    layer: IO[bytes],
    directory: str,
    below: Sequence[str] | None = (),
    *,
    limits: UnpackLimits | None = None,
    in_place: bool = False,
    hashing: bool = True,
) -> Applied:
    """Unpack ``layer`` (seekable; plain, gzip or zstd) into ``directory``.

    Memory is bounded by four pieces of 512 KiB, one header of 1 MiB and 64 open directories; with ``in_place`` the names of the layer's
    entries come on top. ``directory`` holds this one layer, and whiteouts become overlayfs' marks; with ``in_place`` it holds the layers
    underneath, too, and what is whited out is removed. ``below`` are the directories of the layers underneath, nearest first; None: they are
    not there yet, and ``settle`` is to be called when they are. TooManyImplied then for a layer with thousands of directories without entries.

    Not ``hashing``: who calls knows the digest, and ``diff_id`` is empty.

    LayerError names the entry that is malformed, would leave the directory, or is more than ``limits`` allow. What was written before it
    stays: the caller throws the directory away.
    """
    whiteouts = Removal() if in_place else Marks()
    work = partial(_Work, directory=directory, below=below, limits=limits or UnpackLimits(), whiteouts=whiteouts)
    return _unpacked(layer, work, hashing=hashing)


def settle(directory: str, below: Sequence[str], implied: Iterable[bytes]) -> None:
    """Finish what was unpacked before it was known what is underneath: ``implied`` are the directories that the layer has something in, but no
    entry for. Each becomes like the one that it covers.
    """
    names, alone = set(implied), set[bytes]()
    with Confined(directory, below) as root:
        for name in sorted(names - {b""}):  # what is in a directory that covers none covers none
            if name.rpartition(b"/")[0] in alone or not root.settle(name):
                alone.add(name)
    if b"" in names and below:
        attributes.dress(below[0], directory)


def put(tar: IO[bytes], directory: str, *, keep_kinds: bool, owners: Owners = AS_THEY_ARE) -> None:
    """Unpack a tar that is no layer over the files of a directory that may be in use. Names that begin with ``.wh.`` are names.

    ``keep_kinds``: no directory is replaced by what is none, nor the other way round. ``owners``: the tar's are those of that user namespace.
    LayerError, OSError; what was written before stays.
    """
    whiteouts = NoLayer(keep_kinds=keep_kinds)
    work = partial(_Work, directory=directory, below=(), limits=UnpackLimits(), whiteouts=whiteouts, owners=owners)
    _unpacked(tar, work, hashing=False)


def _unpacked(layer: IO[bytes], work_on: Callable[[Belt], _Work], *, hashing: bool) -> Applied:
    source, belt = Source(decompressed(layer), hashing=hashing), Belt()
    work = work_on(belt)
    done = start_without_umask(work.run, "pycontainerd-unpack")
    try:
        try:
            belt.carry(source)
        except DAMAGED as error:
            raise _damaged(error) from error
    except BaseException:
        done.exception()  # it hears of the end, and fails too; nobody writes there any more
        raise
    else:
        done.result()
    finally:
        belt.clear()
    _drain(source)
    return Applied(source.digest, work.size, frozenset(work.implied))


def diff_id(layer: IO[bytes]) -> str:
    """The digest of the plain tar of ``layer`` (seekable; plain, gzip or zstd). LayerError when it is damaged."""
    source = Source(decompressed(layer))
    _drain(source)
    return source.digest


def _drain(source: Source) -> None:
    try:
        source.drain(bytearray(PIECE))
    except DAMAGED as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> LayerError:
    return LayerError("(archive)", f"damaged or truncated: {error}")


@define
class _Work:
    """What the second thread does."""

    _belt: Belt
    _directory: str
    _below: Sequence[str] | None
    _limits: UnpackLimits
    _whiteouts: Whiteouts
    _owners: Owners = AS_THEY_ARE
    size: int = field(default=0, init=False)
    implied: set[bytes] = field(factory=set, init=False)

    def run(self) -> None:
        with contextlib.closing(self._belt.pieces()) as pieces:
            blocks = Blocks(pieces)
            try:
                maker = None
                if self._owners is not AS_THEY_ARE:
                    act_as(*(maker := self._owners.outside(0, 0)))
                live = self._whiteouts.literal
                with Confined(self._directory, self._below, live=live, maker=maker) as root:
                    self._unpack(blocks, root)
                    self.implied = root.implied or set()
            finally:
                self._belt.stop()
                blocks.forget()

    def _unpack(self, blocks: Blocks, root: Confined) -> None:
        maker = Maker(root, blocks, self._whiteouts)
        for count, entry in enumerate(entries(blocks), 1):
            self.size += entry.size if entry.segments is None else entry.length
            self._check(entry, count)
            try:
                if self._owners is not AS_THEY_ARE:
                    entry.uid, entry.gid = self._owners.outside(entry.uid, entry.gid)
                maker.make(entry)
            except OSError as error:
                if error.errno in _MACHINE:
                    raise
                raise LayerError(entry.label, error.strerror or str(error)) from error
            except (ValueError, OverflowError) as error:
                raise LayerError(entry.label, str(error)) from error

    def _check(self, entry: Entry, count: int) -> None:
        size, most = self._limits.size, self._limits.entries
        if size is not None and self.size > size:
            raise LayerError(entry.label, f"with it the layer has more than the {size} bytes that it may have")
        if most is not None and count > most:
            raise LayerError(entry.label, f"the layer has more than the {most} entries that it may have")
