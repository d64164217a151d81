"""Snapshots as whole copies: ``NUMBER/fs`` holds everything, its parent's files too.

For where overlayfs cannot be had, or where a layer must be plain files. A copy shares the blocks of the original where the file system can
(FICLONE: XFS, btrfs), so that it costs no space and a moment for each file; elsewhere everything is copied. A view is no copy: it is the parent, mounted
read-only.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pyrunc
from pycontainerd.diff.change import Difference
from pycontainerd.errors import SnapshotNotFound, Unsupported
from pycontainerd.snapshots import copying
from pycontainerd.snapshots.snapshotter import Kind
from pycontainerd.snapshots.stored import HOST, StoredSnapshotter


class NativeSnapshotter(StoredSnapshotter):
    """Below ``root``. The built-in parent ``host`` is Unsupported: it would be a copy of the whole machine."""

    in_place = True

    def mounts(self, key: str) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        number, parent, kind = self._row(key)
        if kind == Kind.VIEW:
            return (_bind(self._fs(self._row(str(parent))[0]), "ro"),)
        return (_bind(self._fs(number), "rw"),)

    def below(self, key: str) -> tuple[str, ...]:
        """See Snapshotter. None: what the parents have is there."""
        self._row(key)
        return ()

    def difference(self, key: str) -> Difference:
        """See Snapshotter."""
        number, parent, _ = self._row(key)
        lowers = (self._fs(self._row(parent)[0]),) if parent is not None else ()
        return Difference(upper=self._fs(number), lowers=lowers, marked=False)

    def prepare_forkable(self, key: str, parent: str | None) -> tuple[pyrunc.RootMount, ...]:
        """See ForkingSnapshotter: any is, as quickly as the file system copies."""
        return self.prepare(key, parent)

    def flush(self, source: str) -> None:
        """See ForkingSnapshotter. There is nothing that would help."""
        self._row(source)

    def fork(self, key: str, source: str, *, in_use: bool) -> None:
        """See ForkingSnapshotter."""
        number, parent, kind = self._row(source)
        if kind != Kind.ACTIVE:
            raise SnapshotNotFound(source)
        self._make(key, parent, Kind.ACTIVE, partial(self._copy, number))

    def close(self) -> None:
        """See Snapshotter."""

    def _fill(self, own: Path, parent: str | None) -> None:
        if parent == HOST:
            raise Unsupported(
                "the image host: the native snapshotter copies, and would copy all of this machine; use overlayfs"
            )
        if parent is not None:
            self._copy(self._row(parent)[0], own, parent)
            return
        self._fill_view(own, parent)

    def _fill_view(self, own: Path, parent: str | None) -> None:
        if parent == HOST:
            raise Unsupported("the image host: needs overlayfs")
        own.mkdir()
        (own / "fs").mkdir()
        (own / "fs").chmod(0o755)

    def _copy(self, number: int, own: Path, parent: str | None) -> None:
        own.mkdir()
        copying.copy(self._fs(number), str(own / "fs"))

    def _fs(self, number: int) -> str:
        return str(self._root / str(number) / "fs")


def _bind(source: str, access: str) -> pyrunc.RootMount:
    return pyrunc.RootMount(fstype="bind", source=source, options=("bind", access))
