"""Trying again: how often, and how long to wait in between."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pycontainerd.errors import RegistryUnavailable
from pycontainerd.registry.config import RegistryConfig

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


class Transient(Exception):  # noqa: N818 - not an error yet
    """An attempt that failed in a way that may pass. ``after`` are the seconds that the registry asks us to wait, if it does.

    ``patient`` is false where waiting is of no use to somebody who sits in front of it; another address may still be tried.
    """

    def __init__(self, reason: str, after: float | None = None, *, patient: bool = True) -> None:
        super().__init__(reason)
        self.after = after
        self.patient = patient


def pause(config: RegistryConfig, attempt: int, after: float | None, chance: float) -> float | None:
    """Seconds to wait after the ``attempt``-th failure, or None to give up. ``chance`` (0 to 1) keeps many clients from coming back at once."""
    if attempt >= config.attempts or (after is not None and after > config.longest_pause):
        return None
    if after is not None:
        return after
    return min(config.longest_pause, config.pause * 2.0 ** (attempt - 1)) * (0.75 + chance / 2)


async def retried(
    config: RegistryConfig,
    host: str,
    what: str,
    attempt: Callable[[], Awaitable[_T]],
    progressed: Callable[[], bool] = lambda: False,
) -> _T:
    """What ``attempt`` gives, which raises Transient for another one. RegistryUnavailable with the last reason when it is enough.

    When ``progressed`` says that something came of the attempt, it counts for the first.
    """
    number = 0
    while True:
        try:
            return await attempt()
        except Transient as failure:
            number = 1 if progressed() else number + 1
            seconds = pause(config, number, failure.after, random.random()) if failure.patient else None
            if seconds is None:
                wait = f", and asks to wait {failure.after:.0f} s" if failure.after else ""
                raise RegistryUnavailable(host, f"{what}: {failure}{wait} (attempt {number})") from failure
            _logger.info("registry %s: %s: %s; trying again in %.1f s", host, what, failure, seconds)
            await asyncio.sleep(seconds)
