"""Traces of requests: what each layer spent its time on, kept for the client that asked (``pyctl run --trace``).

A client names its trace in a W3C ``traceparent`` header; all requests with one trace id add to one trace. Only the newest traces are kept.
Source: https://www.w3.org/TR/trace-context/ (traceparent header).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pycontainerd.tracing import Span, recording, span

KEPT: Final = 64
SPANS_KEPT: Final = 4096

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def trace_id(traceparent: str) -> str | None:
    """The trace id of the header; None when it is not a valid one."""
    found = _TRACEPARENT.fullmatch(traceparent.strip())
    return None if found is None or set(found[1]) == {"0"} else found[1]


class Traces:
    """The newest traces by id."""

    def __init__(self) -> None:
        self._traces: OrderedDict[str, list[Span]] = OrderedDict()

    def get(self, trace: str) -> list[Span] | None:
        """The spans recorded so far, in the order in which they began; None for a trace that is not known (any more)."""
        spans = self._traces.get(trace)
        return None if spans is None else sorted(spans, key=lambda item: item.start_ns)

    @contextmanager
    def record(self, trace: str, name: str) -> Iterator[None]:
        """Record what is done inside, within a span of the daemon's own."""
        with recording() as spans:
            try:
                with span("daemon", name):
                    yield
            finally:
                self._add(trace, spans)

    def _add(self, trace: str, spans: list[Span]) -> None:
        known = self._traces.setdefault(trace, [])
        self._traces.move_to_end(trace)
        known += spans[: SPANS_KEPT - len(known)]
        while len(self._traces) > KEPT:
            self._traces.popitem(last=False)
