"""``pyctl stats``: what containers use, again and again."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Sequence
from typing import Annotated

import attrs

from pyctl.app.flags import operand, switch, value
from pyctl.app.format.listing import Format
from pyctl.app.format.stats import STATS, stats_row
from pyctl.app.session import Session, client, session
from pyctl.errors import ApiError
from pyctl.models.stats import Stats

_REFRESH = 0.5  # seconds; the daemon has a new sample every second
_HOME, _CLEAR_BELOW = "\x1b[H", "\x1b[J"


@attrs.frozen(kw_only=True)
class StatsFlags:
    """Which containers, and how they are shown."""

    all: Annotated[bool, switch("--all", "-a", help="Show all containers (default shows just running)")] = False
    format: Annotated[
        str | None, value("--format", help="Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
    ] = None
    no_stream: Annotated[bool, switch("--no-stream", help="Disable streaming stats and only pull the first result")] = (
        False
    )
    no_trunc: Annotated[bool, switch("--no-trunc", help="Do not truncate output")] = False


def stats(flags: StatsFlags, containers: Annotated[list[str] | None, operand("[CONTAINER...]")] = None) -> None:
    """ContainerStats of some containers, or of all that run; without ``--no-stream`` until it is interrupted."""
    layout = Format.read(flags.format, STATS)
    layout.uses("ID")  # an error in the template is to be told before anything is measured
    watch = _Watch(session(), once=flags.no_stream)
    for name in containers or []:
        client().containers.inspect(name)
    while True:
        asked = containers or [found.id[:12] for found in client().containers.list(all=flags.all)]
        samples = watch.samples(asked)
        text = layout.render(stats_row(name, sample, truncate=not flags.no_trunc) for name, sample in samples)
        if flags.no_stream:
            sys.stdout.write(text)
            return
        print(_HOME + text.replace("\n", "\x1b[K\n") + _CLEAR_BELOW, end="", flush=True)
        time.sleep(_REFRESH)


class _Watch:
    """A thread for each container keeps its newest sample: the daemon takes a second or two for each."""

    def __init__(self, own: Session, *, once: bool) -> None:
        self._session = own
        self._once = once
        self._threads: dict[str, threading.Thread] = {}
        self._newest: dict[str, Stats] = {}

    def samples(self, containers: Sequence[str]) -> list[tuple[str, Stats]]:
        """The newest of each, in this order; with ``once`` it is waited for."""
        for name in containers:
            if name not in self._threads:
                self._threads[name] = threading.Thread(target=self._follow, args=(name,), daemon=True)
                self._threads[name].start()
        if self._once:
            for thread in self._threads.values():
                thread.join()
        return [(name, self._newest[name]) for name in containers if name in self._newest]

    def _follow(self, name: str) -> None:
        # One that is removed meanwhile is shown no longer.
        with contextlib.closing(self._session.another_client()) as own, contextlib.suppress(ApiError):
            for sample in own.containers.stats(name, stream=not self._once):
                self._newest[name] = sample
        if not self._once:
            self._newest.pop(name, None)
