"""A container as a test wants it: commands that return, sockets into it, ports that lead to it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

from attrs import field, frozen

from pycontainerd.blocking.container import Container
from pycontainerd.containers.config import ContainerConfig, ExecConfig
from pycontainerd.testing.conditions import Condition
from pycontainerd.testing.forward import forward
from pycontainerd.testing.reach import connect
from pycontainerd.testing.readiness import until_ready


@frozen
class Completed:
    """How a command in a container ended, and what it said."""

    args: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def check(self) -> Completed:
        """Itself if the code is 0; AssertionError with all that it said otherwise."""
        assert self.code == 0, f"{' '.join(self.args)}: ended with {self.code}\n{self.stdout}{self.stderr}"
        return self


@frozen(eq=False)
class Guest(Container):
    """A `pycontainerd.blocking.Container` with a few words more. It is removed at the end of the test, or the session, that it is for."""

    _until_then: contextlib.ExitStack = field(factory=contextlib.ExitStack, repr=False)
    _adopt: Callable[[Container], Guest] | None = field(default=None, repr=False)
    _ports: dict[int, int] = field(factory=dict, repr=False)

    def fork(
        self,
        *,
        name: str | None = None,
        id: str | None = None,
        config: ContainerConfig | None = None,
        start: bool = True,
    ) -> Guest:
        """See `pycontainerd.Container.fork`. The fork is removed with the others of this one's factory; see also `Guests.fork`."""
        made = super().fork(name=name, id=id, config=config, start=start)
        return self._adopt(made) if self._adopt is not None else Guest(made._loop, made._container)

    def until_ready(self, *conditions: Condition, timeout: float = 60.0) -> None:
        """Return once all ``conditions`` hold. Raises NotReady after ``timeout`` seconds, or as soon as it has ended."""
        self._loop.call(until_ready(self._container, *conditions, timeout=timeout))

    def run(self, *args: str, user: str | None = None, input: str | None = None, cwd: str | None = None) -> Completed:
        """Execute a command in it and return when that has ended. Raises NotRunning, CommandNotFound, CommandNotExecutable."""
        made = self.exec(ExecConfig(args=args, user=user, cwd=cwd, stdin=input is not None))
        said: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        with made.attach(stdin=input is not None) as attachment:
            made.start()
            if input is not None:
                with contextlib.suppress(BrokenPipeError):  # it did not want to hear all
                    attachment.write(input.encode())
                attachment.close_stdin()
            for chunk in attachment:
                said[chunk.stream] += chunk.data
        texts = {name: data.decode(errors="replace") for name, data in said.items()}
        return Completed(args, made.wait(), texts["stdout"], texts["stderr"])

    def output(self) -> str:
        """All that its log has, as text."""
        return b"".join(record.data for record in self.logs()).decode(errors="replace")

    def connect(self, port: int, *, timeout: float | None = 10.0) -> socket.socket:
        """A socket to what listens on its loopback; the caller's to close. Raises NotRunning, ConnectionRefusedError, OSError."""
        found = self._loop.call(connect(self._container, port))
        found.settimeout(timeout)
        return found

    def port(self, number: int) -> int:
        """A port of this machine's 127.0.0.1 that leads to port ``number`` on its loopback, from now on."""
        if number not in self._ports:
            leading = self._loop.context(forward(self._container, number))
            self._ports[number] = self._until_then.enter_context(leading)
        return self._ports[number]
