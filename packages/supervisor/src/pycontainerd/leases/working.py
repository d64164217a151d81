"""Working leases: what work in progress needs, although no image refers to it yet (or any more).

An import stores blobs before the image exists, and a create uses them while somebody may remove the image: each holds a lease on what it
touches, and the collection (``pycontainerd.gc``) leaves that alone. They are in memory: however a supervisor ends, its work in progress ends
with it, and what that has left is collected by the next one.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Set


class Leases:
    """From any thread; ``hold`` may block for as long as a deletion takes. Names are digests of blobs and chain ids of snapshots.

    Each namespace has its own, made with ``of_namespace``: what one of them holds is held for all, but ``prove`` is told what work in one
    has brought in.
    """

    def __init__(self, prove: Callable[[str], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._standing = threading.Lock()
        self._held: Counter[str] = Counter()
        self.prove = prove

    def of_namespace(self, prove: Callable[[str], None]) -> Leases:
        """Leases on the same stores."""
        made = Leases(prove)
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

    def _hold(self, lease: Lease, names: tuple[str, ...]) -> None:
        with self._standing, self._lock:
            fresh = set(names) - lease.names
            lease.names |= fresh
            self._held.update(fresh)

    def _release(self, lease: Lease) -> None:
        with self._lock:
            for name in lease.names:  # in place: others count in the same one
                self._held[name] -= 1
                if not self._held[name]:
                    del self._held[name]
            lease.names.clear()


class Lease:
    """One piece of work's. ``names`` is what it holds."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self.names: set[str] = set()

    def hold(self, *names: str) -> None:
        """Hold these too: before looking whether they are there, or before they become visible."""
        self._leases._hold(self, names)

    def prove(self, digest: str) -> None:
        """All bytes of the blob went through the hands of this work: its namespace may read them back. StoreFailed."""
        if self._leases.prove is not None:
            self._leases.prove(digest)
