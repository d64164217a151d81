"""Where the time goes: spans that every layer opens around its steps, kept only while somebody records.

    with recording() as spans:
        container = runtime.create("web", "/bundles/web")
    for span in spans:
        print(span.layer, span.name, span.milliseconds)

Who records is a context variable, so a recording sees only what its own task does, also through ``asyncio.to_thread``, and two
requests recorded at the same time do not mix. When nobody records, a span costs one look at that variable.

Somebody else may watch all of them, whoever works for whom (``observe``): a daemon that logs each step.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic_ns

from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType


@frozen
class Span:
    """One step: ``layer`` (``runtime``, ``supervisor`` …), ``name``, and its limits in nanoseconds of CLOCK_MONOTONIC.

    That clock is the same in all processes of a machine, so the spans of client, daemon and runtime fit into one picture.
    """

    layer: str
    name: str
    start_ns: int
    end_ns: int

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return (self.end_ns - self.start_ns) / 1e6


_recorder: ContextVar[list[Span] | None] = ContextVar("pyrunc_recorder", default=None)
_observers: tuple[Callable[[Span], None], ...] = ()


def observe(observer: Callable[[Span], None]) -> Callable[[], None]:
    """Call ``observer`` with every span of this process as it ends, in the thread and the context that it ends in. It must not raise.

    What is returned ends that; it is safe to repeat.
    """
    global _observers  # noqa: PLW0603 - for the whole process, as with sys.settrace
    _observers = (*_observers, observer)

    def end() -> None:
        global _observers  # noqa: PLW0603
        _observers = tuple(each for each in _observers if each is not observer)

    return end


@contextmanager
def recording() -> Iterator[list[Span]]:
    """Collect the spans of what runs inside, in the order in which they end. An inner recording keeps its spans from the outer one."""
    spans: list[Span] = []
    token = _recorder.set(spans)
    try:
        yield spans
    finally:
        _recorder.reset(token)


class span:  # noqa: N801 - used as a function; a class, because a generator costs three times as much
    """``with span("runtime", "clone"):`` is one Span, also when what is inside raises."""

    __slots__ = ("_layer", "_name", "_spans", "_start")

    def __init__(self, layer: str, name: str) -> None:
        self._layer = layer
        self._name = name
        self._spans: list[Span] | None = None
        self._start = 0

    def __enter__(self) -> None:
        self._spans = _recorder.get()
        if self._spans is not None or _observers:
            self._start = monotonic_ns()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._start:
            return
        ended = Span(self._layer, self._name, self._start, monotonic_ns())
        if self._spans is not None:
            self._spans.append(ended)
        for observer in _observers:
            observer(ended)
