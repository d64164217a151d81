"""Descriptors that are passed on to the container: those of socket activation (sd_listen_fds(3)) and of ``--preserve-fds``."""

from __future__ import annotations

import os

from pyrunc.errors import UsageError
from pyrunc.model import evolve, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.spec import Process, Spec

_FIRST = 3


@frozen
class Inherited:
    """``listening`` of socket activation, from 3 on, and ``preserved`` after them."""

    listening: int
    preserved: int

    @classmethod
    def find(cls, preserved: int) -> Inherited:
        """What this process was given. Raises UsageError if one of them is not open."""
        listening = os.environ.get("LISTEN_FDS", "") if os.environ.get("LISTEN_PID") == str(os.getpid()) else ""
        found = cls(int(listening) if listening.isdecimal() else 0, preserved)
        for descriptor in range(_FIRST, _FIRST + found.count):
            found._check(descriptor)
        return found

    def _check(self, descriptor: int) -> None:
        try:
            os.fstat(descriptor)
        except OSError:
            option = "LISTEN_FDS" if descriptor < _FIRST + self.listening else "--preserve-fds"
            raise UsageError(f"{option}: descriptor {descriptor} is not open, so it cannot be passed on") from None

    @property
    def count(self) -> int:
        """How many descriptors from 3 on the container gets."""
        return self.listening + self.preserved

    def announced(self, spec: Spec) -> Spec:
        """The specification with the variables of socket activation, which counts its process as number 1."""
        return evolve(spec, process=self.announced_to(spec.process)) if spec.process is not None else spec

    def announced_to(self, process: Process) -> Process:
        """The same for a process alone."""
        if not self.listening:
            return process
        return evolve(process, env=(*process.env, f"LISTEN_FDS={self.listening}", "LISTEN_PID=1"))
