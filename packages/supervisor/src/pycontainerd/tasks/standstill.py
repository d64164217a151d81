"""Holding a container's processes still for the moment of a fork, in a way that a supervisor that is killed meanwhile does not leave them so."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pyrunc
from pycontainerd.tasks.services import Services

_MARK = "still"
_PAUSE = 0.005
_T = TypeVar("_T")


@contextlib.contextmanager
def still(services: Services, id: str, process: pyrunc.Container) -> Iterator[None]:
    """Blocks. Inside, nothing in the container runs; who pauses it in his own name holds the container's lock, and so cannot do it now."""
    mark = _mark(services, id)
    mark.touch()
    try:
        with contextlib.suppress(pyrunc.InvalidState):  # it has ended, and so it is still
            process.pause()
        yield
    finally:
        go_on(services, id, process)


def once_it_moves(services: Services, id: str, do: Callable[[], _T]) -> _T:
    """Call ``do``, which the runtime refuses in what stands still, and again as long as that is why it was refused. Blocks."""
    while True:
        stands = _mark(services, id).exists()
        try:
            return do()
        except pyrunc.InvalidState:
            if not stands and not _mark(services, id).exists():
                raise
        time.sleep(_PAUSE)


def go_on(services: Services, id: str, process: pyrunc.Container) -> None:
    """Let one go on that is held still; recovery does it for those that a supervisor has left."""
    mark = _mark(services, id)
    if mark.exists():
        with contextlib.suppress(pyrunc.InvalidState):
            process.resume()
        mark.unlink()


def _mark(services: Services, id: str) -> Path:
    return services.bundle(id) / _MARK
