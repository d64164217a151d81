"""The picture of ``run --trace``: every step on one time axis, and below it what each of the five layers took for itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pyctl.models.system import Span

LAYERS = {
    "client": "client",
    "rest": "REST call",
    "daemon": "daemon",
    "supervisor": "supervisor",
    "runtime": "runtime",
}
"""From the user down to the kernel: a span's layer, and what it is called in the picture."""
_WIDTH = 40  # characters of the time axis
_NAME_WIDTH = 38
_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_Interval = tuple[int, int]


def waterfall(spans: Iterable[Span]) -> str:
    """Draw spans in the order in which they begin, the outer layer first. Spans of unknown layers are drawn, not summed."""
    ordered = sorted(spans, key=lambda span: (span.start_ns, _depth(span), -span.end_ns))
    if not ordered:
        return "no spans"
    start = ordered[0].start_ns
    end = max(span.end_ns for span in ordered)
    head = f"{'LAYER':<11} {'STEP':<{_NAME_WIDTH}} {'START':>9} {'TOOK':>12}"
    lines = [_line(span, start, max(1, end - start)) for span in ordered]
    return "\n".join([head, *lines, "", *_summary(ordered)])


def _line(span: Span, start: int, total: int) -> str:
    name = _ID.sub(r"\1", span.name)
    if len(name) > _NAME_WIDTH:
        name = name[: _NAME_WIDTH - 1] + "…"
    begin = (span.start_ns - start) * _WIDTH // total
    length = max(1, -(-(span.end_ns - start) * _WIDTH // total) - begin)
    bar = " " * begin + "█" * length
    took = f"{_ms(span.end_ns - span.start_ns)} ms"
    return f"{_title(span):<11} {name:<{_NAME_WIDTH}} {_ms(span.start_ns - start):>9} {took:>12}  {bar}"


def _summary(spans: Sequence[Span]) -> list[str]:
    """What each layer took without the layers below it, as shares of the whole that add up."""
    rows = []
    for layer, title in LAYERS.items():
        own = [(span.start_ns, span.end_ns) for span in spans if span.layer == layer]
        below = [(span.start_ns, span.end_ns) for span in spans if _depth(span) > _depth_of(layer)]
        alone = _length(_merged(own + below)) - _length(_merged(below))
        rows.append(f"{title:<11} {_ms(alone):>9} ms  in {len(own)} step{'' if len(own) == 1 else 's'}")
    return rows


def _merged(intervals: Iterable[_Interval]) -> list[_Interval]:
    """The union of intervals, as intervals that do not touch."""
    result: list[_Interval] = []
    for start, end in sorted(intervals):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _length(intervals: Iterable[_Interval]) -> int:
    return sum(end - start for start, end in intervals)


def _title(span: Span) -> str:
    return LAYERS.get(span.layer, span.layer)


def _depth(span: Span) -> int:
    return _depth_of(span.layer)


def _depth_of(layer: str) -> int:
    return list(LAYERS).index(layer) if layer in LAYERS else -1


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.2f}"
