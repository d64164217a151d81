"""Working leases: what work in progress needs, although no image refers to it yet (or any more).

An import stores blobs before the image exists, and a create uses them while somebody may remove the image: each holds a lease on what it
touches, and the collection (``pycontainerd.gc``) leaves that alone. They are in memory: however a supervisor ends, its work in progress ends
with it, and what that has left is collected by the next one.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Set


class Leases:
    """From any thread; ``hold`` may block for as long as a deletion takes. Names are digests of blobs and chain ids of snapshots.

    Each namespace has its own, made with ``sibling`` of another: what one of them holds is held for all, what it has proven is its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing = threading.Lock()
        self._held: Counter[str] = Counter()
        self._proven: Counter[str] = Counter()

    def sibling(self) -> Leases:
        """Leases of another namespace on the same stores."""
        made = Leases()
        made._lock, made._standing, made._held = self._lock, self._standing, self._held
        return made

    @contextlib.contextmanager
    def lease(self) -> Iterator[Lease]:
        """A lease that ends with the context."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            self._release(lease)

    @contextlib.contextmanager
    def standing(self) -> Iterator[Set[str]]:
        """All that is held. Nobody begins to hold anything before the context is left: who deletes does it in here.

        Who ends to hold does not wait. So look here first and then at what else refers to things: whoever has ended by now has made sure
        that something does.
        """
        with self._standing:
            with self._lock:
                held = set(self._held)
            yield held

    def proven(self, digest: str) -> bool:
        """Whether work in progress here has brought this blob in, every byte of it."""
        with self._lock:
            return digest in self._proven

    def _hold(self, lease: Lease, names: tuple[str, ...]) -> None:
        with self._standing, self._lock:
            fresh = set(names) - lease.names
            lease.names |= fresh
            self._held.update(fresh)

    def _prove(self, lease: Lease, digest: str) -> None:
        with self._lock:
            self._proven.update({digest} - lease.proven)
            lease.proven.add(digest)

    def _release(self, lease: Lease) -> None:
        with self._lock:
            _take_away(self._held, lease.names)
            _take_away(self._proven, lease.proven)


def _take_away(counted: Counter[str], names: set[str]) -> None:
    """One of each, in place: others count in the same one."""
    for name in names:
        counted[name] -= 1
        if not counted[name]:
            del counted[name]
    names.clear()


class Lease:
    """One piece of work's. ``names`` is what it holds, ``proven`` what it has brought in."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self.names: set[str] = set()
        self.proven: set[str] = set()

    def hold(self, *names: str) -> None:
        """Hold these too: before looking whether they are there, or before they become visible."""
        self._leases._hold(self, names)

    def prove(self, digest: str) -> None:
        """This work has had all bytes of the blob in its hands, and may read it back, whoever else has stored it."""
        self._leases._prove(self, digest)
