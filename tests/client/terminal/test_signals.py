"""Signals that are acted on in a thread."""

from __future__ import annotations

import os
import signal
import threading
import time

from pyctl.app.terminal.signals import PROXIED, acting_on


def test_each_signal_has_its_action_and_the_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    seen: list[str] = []
    both = threading.Barrier(2, timeout=10)

    def act(name: str) -> None:
        seen.append(name)
        both.wait()

    with acting_on({signal.SIGUSR1: lambda: act("one"), signal.SIGUSR2: lambda: act("two")}):
        os.kill(os.getpid(), signal.SIGUSR1)
        both.wait()
        os.kill(os.getpid(), signal.SIGUSR2)
        both.wait()
    assert seen == ["one", "two"]
    assert signal.getsignal(signal.SIGUSR1) is before


def test_an_interrupted_sleep_goes_on() -> None:
    acted = threading.Event()
    with acting_on({signal.SIGINT: acted.set}):
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        start = time.monotonic()
        time.sleep(0.3)
        assert time.monotonic() - start >= 0.3
        timer.join()
    assert acted.is_set()


def test_what_a_process_learns_about_itself_is_not_proxied() -> None:
    assert not {signal.SIGCHLD, signal.SIGPIPE, signal.SIGURG, signal.SIGKILL, signal.SIGSEGV} & set(PROXIED)
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT} <= set(PROXIED)
