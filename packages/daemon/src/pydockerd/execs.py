"""What clients asked of the execs they created and the supervisor has no field for: which streams they want, and how they detach."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from pydockerd.models.exec import ExecCreate

KEPT: Final = 4096


class ExecRequests:
    """The newest requests by exec id. An exec that another daemon created is taken to want its output."""

    def __init__(self) -> None:
        self._requests: OrderedDict[str, ExecCreate] = OrderedDict()

    def remember(self, exec_id: str, request: ExecCreate) -> None:
        """Keep a request; the oldest is forgotten when there are too many."""
        self._requests[exec_id] = request
        while len(self._requests) > KEPT:
            self._requests.popitem(last=False)

    def recall(self, exec_id: str) -> ExecCreate:
        """The request of an exec."""
        return self._requests.get(exec_id) or ExecCreate(attach_stdout=True, attach_stderr=True)
