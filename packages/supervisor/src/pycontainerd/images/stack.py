"""The layers of one image on their way to snapshots: unpacked side by side as they arrive, and put on each other from the lowest up.

Each layer goes two steps. (1) As soon as its blob is there, it is unpacked into a snapshot without a parent, wherever it lies in the image;
whoever needs the same takes such a *loose* one. (2) When all below it are committed, it is put on top of them and committed. Where the
snapshotter does not rebase, and where there is no loose one, the second step does all of it.

Whoever works on a layer has a claim on its chain id, and has it only while working: nobody waits for somebody who waits for a registry.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import IO

from attrs import frozen

from pycontainerd.content.claims import Claim
from pycontainerd.images.image import Layer, chain_ids
from pycontainerd.images.layers import Layers
from pycontainerd.images.progress import Step

Told = Callable[[int, Step], None]
"""Is called in the thread of ``run`` with the number of a layer and EXTRACTING or EXTRACTED."""


class GivenUp(Exception):  # noqa: N818 - named for what happened; whoever gave up knows why
    """Not all layers will arrive."""


@frozen
class _Work:
    claim: Claim
    done: Future[None]
    source: IO[bytes] | None


class Stack:
    """``run`` is called once, in a thread that may wait; ``arriving``, ``arrived`` and ``give_up`` by any thread. Layers have numbers, 0 is the lowest.

    ``verify`` is called for a layer that somebody has unpacked before: this may be another blob.
    """

    def __init__(self, layers: Layers, diff_ids: tuple[str, ...], verify: Callable[[Layer], None], told: Told) -> None:
        self._layers, self._chains = layers, chain_ids(diff_ids)
        self._blobs: dict[int, Layer] = {}
        self._verify, self._told = verify, told
        self._news: SimpleQueue[int | None] = SimpleQueue()
        """Numbers of layers of which something has changed; None: nothing more will."""
        self._there: set[int] = set()
        self._sources: dict[int, tuple[IO[bytes], bool]] = {}
        self._ended = False
        self._working: dict[int, _Work] = {}
        self._next = 0
        """The lowest layer that is not committed."""

    def arriving(self, number: int, blob: Layer, source: IO[bytes], *, verified: bool = True) -> None:
        """``source`` is the blob of this layer, not stored yet; not ``verified``: nor is its digest known to be right. The stack closes it."""
        self._blobs[number] = blob
        self._sources[number] = (source, verified)
        self._news.put(number)
        if self._ended:
            self._close_sources()

    def arrived(self, number: int, blob: Layer) -> None:
        """The blob of this layer is stored."""
        self._blobs[number] = blob
        self._there.add(number)
        self._news.put(number)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do before another layer arrives, or somebody else has done something."""
        return self._news.empty() and all(work.done.done() for work in self._working.values())

    def give_up(self) -> None:
        """Let ``run`` end, if it has not: GivenUp."""
        self._news.put(None)

    def run(self) -> None:
        """Until all layers have arrived and are committed. What was not committed is removed then, and nobody works on it.

        Raises the first failure: LayerError, DigestMismatch, ContentNotFound, OSError; GivenUp.
        """
        try:
            while self._next < len(self._chains):
                number = self._news.get()
                if number is None:
                    raise GivenUp
                self._begin(number)
                while self._put_next():
                    self._next += 1
        finally:
            self._end()

    def _begin(self, number: int) -> None:
        """The first step, unless it was made or somebody else is working on the layer, who will be heard of."""
        source, verified = self._sources.pop(number, (None, True))
        if (work := self._working.get(number)) is not None:
            if work.done.done():
                work.done.result()
        elif self._layers.rebases and number >= self._next and (source or number in self._there):
            claim = self._claimed(number)
            if claim is not None:
                self._told(number, Step.EXTRACTING)
                done = self._layers.threads.submit(self._first_step, claim, number, source, verified)
                self._working[number] = _Work(claim, done, source)
                done.add_done_callback(lambda _: self._news.put(number))
                return
        if source is not None:
            source.close()

    def _first_step(self, claim: Claim, number: int, source: IO[bytes] | None, verified: bool) -> None:
        with claim, source or contextlib.nullcontext():
            chain, blob = self._chains[number], self._blobs[number]
            if not self._layers.exists(chain):
                self._layers.loosen(chain, blob, source, verified=verified)
            elif source is None:  # else there is time for that when it is stored
                self._verify(blob)

    def _put_next(self) -> bool:
        """The second step of the next layer. False when it is not its time yet."""
        number = self._next
        if number not in self._there:  # nor is one behind the last
            return False
        work = self._working.get(number)
        if work is not None and not work.done.done():
            return False
        if work is not None:
            work.done.result()
        claim = self._claimed(number)
        if claim is None:
            return False
        with claim:
            self._second_step(number, told=work is not None)
        self._told(number, Step.EXTRACTED)
        return True

    def _second_step(self, number: int, *, told: bool) -> None:
        chain, blob = self._chains[number], self._blobs[number]
        if not told:
            self._told(number, Step.EXTRACTING)
        if self._layers.exists(chain):
            self._verify(blob)
            return
        self._layers.put(chain, self._chains[number - 1] if number else None, blob)
        if not self._layers.is_checked(blob):  # it was somebody else's that was loose
            self._verify(blob)

    def _claimed(self, number: int) -> Claim | None:
        """The right to work on a layer; None while somebody else does."""
        claim = self._layers.claims.claim(self._chains[number])
        if isinstance(claim, Claim):
            return claim
        claim.add_done_callback(lambda _: self._news.put(number))
        return None

    def _end(self) -> None:
        for work in self._working.values():
            if work.done.cancel():
                work.claim.__exit__(None, None, None)
                if work.source is not None:
                    work.source.close()
        wait([work.done for work in self._working.values()])
        self._ended = True
        self._close_sources()
        for number in self._working:
            if number >= self._next:
                self._layers.drop(self._chains[number])

    def _close_sources(self) -> None:
        while self._sources:
            with contextlib.suppress(KeyError):  # two threads may be at it
                self._sources.popitem()[1][0].close()


@contextlib.contextmanager
def running(stack: Stack) -> Iterator[Future[None]]:
    """The stack at work in a thread of its own. Leaving the context waits for it, and raises what it raises; an error of the context's own ends it."""
    with ThreadPoolExecutor(1, thread_name_prefix="pycontainerd-stack") as thread:
        done = thread.submit(stack.run)
        try:
            yield done
        except BaseException:
            stack.give_up()
            raise
        done.result()
