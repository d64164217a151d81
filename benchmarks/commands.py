"""Commands as contenders: run and timed by a `benchmarks.timer` of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from benchmarks.measure import NotComparable

_TIMER = Path(__file__).with_name("timer.py")


class CommandError(Exception):
    """A command that is measured ended with another exit code than 0."""


@frozen
class Timer:
    """A running timer process."""

    process: subprocess.Popen[str]

    def run(self, command: Sequence[str]) -> float:
        """Run the command to its end; the seconds that it took. Raises CommandError with what it wrote to standard error."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(list(command)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer["code"] != 0:
            raise CommandError(f"{Path(command[0]).name} ended with {answer['code']}: {answer['complaint'].strip()}")
        return float(answer["seconds"])

    def times(self, *command: str) -> Callable[[], float]:
        """For a Contender: this command, the same each time."""
        return lambda: self.run(command)

    def numbered(self, command: Callable[[], Sequence[str]]) -> Callable[[], float]:
        """For a Contender: another command each time."""
        return lambda: self.run(command())


@contextmanager
def timer(environment: Mapping[str, str] | None = None, *, hide: str | None = None) -> Iterator[Timer]:
    """Start a timer; ``hide`` unmounts that directory for its commands, in a mount namespace of their own."""
    own_mounts = ["unshare", "--mount", "--propagation", "private"] if hide else []
    command = [*own_mounts, sys.executable, str(_TIMER), *(["--hide", hide] if hide else [])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Timer(process)
        assert process.stdin is not None
        process.stdin.close()


def comparable(once: Callable[[], float]) -> Callable[[], float]:
    """The same, but a command that fails is one that this machine cannot run: for peers whose failure is no fault of ours."""

    def attempt() -> float:
        try:
            return once()
        except CommandError as failure:
            raise NotComparable(str(failure)) from failure

    return attempt
