"""Signals that mean the container and not this command: they are acted on in a thread of their own.

A Python signal handler would run in the middle of whatever the main thread does, most likely a read from the daemon; a
request made there could meet another one half sent. So the handlers do nothing, and the numbers arrive over a socket
(signal.set_wakeup_fd) at a thread that acts on one after the other.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

_NAMES = "HUP INT QUIT USR1 USR2 ALRM TERM CONT TSTP WINCH IO PWR"
PROXIED = tuple(signal.Signals[f"SIG{name}"] for name in _NAMES.split())
"""What ``--sig-proxy`` forwards: all that can be caught, but for those that tell a process about itself (its children, its
pipes, its faults)."""
_STOP = b"\0"  # no signal has this number


@contextmanager
def acting_on(actions: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Perform the action of each signal that arrives while the body runs. Only from the main thread (signal(2))."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        thread = threading.Thread(target=_act, args=(ours, actions), name="signals", daemon=True)
        before_fd = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, _ignore) for number in actions}
        thread.start()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before_fd)
            theirs.send(_STOP)
            thread.join()


def _ignore(number: int, frame: FrameType | None) -> None:
    """Python writes the number to the socket before it calls this."""


def _act(numbers: socket.socket, actions: Mapping[signal.Signals, Callable[[], None]]) -> None:
    while (arrived := numbers.recv(1)) != _STOP:
        if (action := actions.get(signal.Signals(arrived[0]))) is not None:
            action()
