"""The collection: blobs and snapshots that no image refers to, no container is made from and no lease holds are deleted.

It runs when the supervisor opens (what a crash has left), after each import (a layer that was there already, in another compression) and
each import that failed, after each removal, and when a lease ends. Work goes on meanwhile, and three things see to it that nothing in use is
deleted:

- whoever brings something in, or begins to use it, first holds it by a working lease. Nobody begins to hold anything while a deletion is
  decided on and done (``Leases.standing``), so nothing is held too late;
- the leases are looked at first and the metadata afterwards. Work that ended in between has written down what refers to its results;
- a snapshot goes only in a transaction that finds no other made from it. Active snapshots and views are containers' file systems, or
  somebody's work, and keep what they are made from; the collection never touches them.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Set
from itertools import chain

from attrs import frozen

from pycontainerd.content import visibility
from pycontainerd.content.store import ContentStore
from pycontainerd.errors import Conflict, SnapshotNotFound, StoreFailed
from pycontainerd.gc import roots
from pycontainerd.gc.graph import reachable
from pycontainerd.leases import Leases
from pycontainerd.leases import table as lease_table
from pycontainerd.leases.resource import LeaseResource
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots.snapshotter import Kind, Snapshot, Snapshotter

_logger = logging.getLogger(__name__)


@frozen(kw_only=True)
class Collected:
    """What a collection has deleted: ``blobs`` of together ``size`` bytes, and ``snapshots``."""

    blobs: int
    snapshots: int
    size: int


class Collector:
    """``collect`` blocks, and may be called from several threads at once: the second waits for the first. ``done`` is called after each."""

    def __init__(
        self,
        database: Database,
        content: ContentStore,
        snapshots: Snapshotter,
        leases: Leases,
        done: Callable[[], None],
    ) -> None:
        self._database, self._content, self._snapshots, self._leases = database, content, snapshots, leases
        self._done = done
        self._one = threading.Lock()

    def collect(self) -> Collected:
        """Delete what is unreachable. OSError when the disk refuses; what is left then goes the next time."""
        with self._one:
            self._end_leases()
            with self._leases.standing() as held:
                references = self._references()
                snapshots = self._snapshots.walk()
                kept = needed(references, snapshots)
                blobs, size = self._collect_blobs(references, kept, held)
                forgotten = self._forget_snapshots(snapshots, kept, held)
            for delete in forgotten:  # which may take long, and is nobody's any more
                delete()
            self._done()
            return Collected(blobs=blobs, snapshots=len(forgotten), size=size)

    def _end_leases(self) -> None:
        """Those that have expired hold nothing from then on; that they are forgotten is only tidiness."""
        now = time.time_ns()
        expiry = self._database.read_now(lease_table.next_expiry)
        if expiry is not None and expiry <= now:
            with contextlib.suppress(StoreFailed):
                self._database.write_now(lambda connection: lease_table.delete_expired(connection, now))

    def _collect_blobs(self, references: roots.References, kept: Set[LeaseResource], held: Set[str]) -> tuple[int, int]:
        count = size = 0
        stale = self._stale(references, held)
        forgotten = self._forget(stale)
        for blob in self._content.walk():
            if blob.digest not in held and LeaseResource.content(blob.digest) not in kept:
                self._content.delete(blob.digest)
                count, size = count + 1, size + blob.size
        if not forgotten:  # the disk was full; now there may be room
            self._forget(stale)
        return count, size

    def _stale(self, references: roots.References, held: Set[str]) -> list[tuple[str, str]]:
        """Blobs that a namespace has brought in and needs no longer, whoever else does."""
        known = self._database.read_now(visibility.load)
        reached = {namespace: needed_in(namespace, references) for namespace in {namespace for namespace, _ in known}}
        return [
            (namespace, digest)
            for namespace, digest in known
            if digest not in held and LeaseResource.content(digest) not in reached[namespace]
        ]

    def _forget(self, stale: list[tuple[str, str]]) -> bool:
        try:
            if stale:
                self._database.write_now(lambda connection: visibility.forget(connection, stale))
        except StoreFailed:
            return False
        return True

    def _forget_snapshots(
        self, snapshots: Iterable[Snapshot], kept: Set[LeaseResource], held: Set[str]
    ) -> list[Callable[[], None]]:
        """From the top down: what the last ones were made from has nothing on top of it then. What is returned deletes the files."""
        left, refused = {each.key: each for each in snapshots}, set[str]()
        forgotten: list[Callable[[], None]] = []
        while names := [name for name in collectable(left.values(), kept, held) if name not in refused]:
            for name in names:
                try:
                    forgotten.append(self._snapshots.forget(name))
                    del left[name]
                except (Conflict, SnapshotNotFound):
                    refused.add(name)  # a container or somebody else was faster
                except StoreFailed:
                    _logger.exception("snapshot %s is not collected yet", name)
                    return forgotten
        return forgotten

    def _references(self) -> roots.References:
        """What the metadata say. Read after the working leases: see above."""
        return self._database.read_now(lambda connection: roots.load(connection, time.time_ns()))


def needed(referred: roots.References, snapshots: Iterable[Snapshot]) -> set[LeaseResource]:
    """What the metadata of all namespaces refer to, and the active snapshots; and what all of those are made from."""
    known = {LeaseResource.snapshot(each.key): each for each in snapshots}

    def references(resource: LeaseResource) -> Iterable[LeaseResource]:
        found = known.get(resource)
        if found is not None and found.parent is not None:
            yield LeaseResource.snapshot(found.parent)

    active = (resource for resource, each in known.items() if each.kind is not Kind.COMMITTED)
    referred_to = (needed_in(namespace, referred) for namespace in referred.roots)
    return reachable(chain(active, *referred_to), references)


def needed_in(namespace: str, referred: roots.References) -> set[LeaseResource]:
    """What the metadata of one namespace refer to."""
    return reachable(referred.roots.get(namespace, ()), lambda resource: referred.of(namespace, resource))


def collectable(snapshots: Iterable[Snapshot], needed: Set[LeaseResource], held: Set[str]) -> list[str]:
    """The committed snapshots that may go now: neither needed nor held, and nothing is made from them."""
    known = list(snapshots)
    parents = {snapshot.parent for snapshot in known}
    return [
        snapshot.key
        for snapshot in known
        if snapshot.kind is Kind.COMMITTED
        and LeaseResource.snapshot(snapshot.key) not in needed
        and snapshot.key not in held
        and snapshot.key not in parents
    ]
