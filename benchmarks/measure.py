"""Measuring in turn: A B C, B C A, C A B … so that whatever else the machine does in between falls on all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import frozen

WARM_UP: Final = 3


class NotComparable(Exception):  # noqa: N818 - not a failure of ours: a peer that cannot do this here
    """A contender cannot run on this machine; the text says why, and goes into the report."""


@frozen
class Contender:
    """Who is measured. ``once`` does the thing one time and returns the seconds that it took."""

    name: str
    once: Callable[[], float]


@frozen
class Comparison:
    """One benchmark: ``ours`` is the first contender; ``targets`` are the greatest ratios of medians to a peer that we may have."""

    name: str
    title: str
    contenders: tuple[Contender, ...]
    targets: Mapping[str, float] = {}
    notes: tuple[str, ...] = ()
    warm_up: int = WARM_UP

    @property
    def ours(self) -> str:
        return self.contenders[0].name


@frozen
class Sample:
    """The seconds of one contender, in the order in which they were measured; never empty."""

    seconds: tuple[float, ...]

    @property
    def least(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """The value that 95 % do not exceed (nearest rank)."""
        ordered = sorted(self.seconds)
        return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]


@frozen
class Outcome:
    """What came of a comparison; ``absent`` tells for each contender that could not run why it could not."""

    comparison: Comparison
    samples: Mapping[str, Sample]
    absent: Mapping[str, str]

    def ratio(self, peer: str) -> float:
        """Our median by the peer's: less than 1 is faster."""
        return self.samples[self.comparison.ours].median / self.samples[peer].median

    def misses(self) -> list[str]:
        """One line for each target that was not met."""
        return [
            f"{self.comparison.name}: {self.ratio(peer):.2f} of {peer}, more than {limit:.2f}"
            for peer, limit in self.comparison.targets.items()
            if peer in self.samples and self.ratio(peer) > limit
        ]


def timed(action: Callable[[], object]) -> float:
    """The seconds of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(comparison: Comparison, rounds: int) -> Outcome:
    """Warm everybody up, then measure ``rounds`` times, each round beginning with another contender."""
    absent: dict[str, str] = {}
    present = [contender for contender in comparison.contenders if _warm(contender, comparison.warm_up, absent)]
    seconds: dict[str, list[float]] = {contender.name: [] for contender in present}
    for number in range(rounds):
        for contender in rotated(present, number):
            seconds[contender.name].append(contender.once())
    return Outcome(comparison, {name: Sample(tuple(values)) for name, values in seconds.items()}, absent)


def rotated(contenders: Sequence[Contender], by: int) -> list[Contender]:
    """The same contenders, beginning with another one."""
    first = by % len(contenders) if contenders else 0
    return [*contenders[first:], *contenders[:first]]


def _warm(contender: Contender, times: int, absent: dict[str, str]) -> bool:
    try:
        for _ in range(times):
            contender.once()
    except NotComparable as reason:
        absent[contender.name] = str(reason)
        return False
    return True
