"""``run --trace``: the client's own timed steps, and the header that joins the daemon's to them.

Times are CLOCK_MONOTONIC nanoseconds, which all processes of one machine share; that is why the daemon's spans can be drawn
on the same axis without any correction.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pyctl.models.system import Span


class Tracer:
    """Collects spans when it is on; costs one comparison when it is off."""

    def __init__(self, enabled: bool = True) -> None:
        self._enabled = enabled
        self.trace_id = os.urandom(16).hex() if enabled else ""
        self.spans: list[Span] = []

    def headers(self) -> dict[str, str]:
        """The W3C Trace Context header of the next request: version, trace, a new parent span, sampled."""
        return {"traceparent": f"00-{self.trace_id}-{os.urandom(8).hex()}-01"} if self._enabled else {}

    @contextmanager
    def span(self, layer: str, name: str) -> Iterator[None]:
        """Time the body of the with statement, also when it fails."""
        start = time.monotonic_ns()
        try:
            yield
        finally:
            self.add(layer, name, start, time.monotonic_ns())

    def add(self, layer: str, name: str, start_ns: int, end_ns: int) -> None:
        """Record a step that was timed elsewhere."""
        if self._enabled:
            self.spans.append(Span(layer=layer, name=name, start_ns=start_ns, end_ns=end_ns))


NO_TRACE = Tracer(enabled=False)
"""What everybody gets who did not ask for a trace."""
