"""What it can mean that a container is ready: a port, a line in its log, an answer over HTTP, a command that succeeds.

A condition's ``wait`` returns once it holds. Until then it tells ``report`` why it does not, which is what a time-out has to say.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection, HTTPException
from typing import Protocol

from attrs import frozen

from pycontainerd.containers.config import ExecConfig
from pycontainerd.errors import CommandNotExecutable, CommandNotFound, NotRunning, StartFailed
from pycontainerd.tasks.container import Container
from pycontainerd.testing.reach import connect

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.2
_PATIENCE = 5.0
"""Seconds that one try may take: a service that takes a connection and then says nothing is not ready."""

Report = Callable[[str], None]


class Condition(Protocol):
    """Anything with such a method: write your own."""

    async def wait(self, container: Container, report: Report) -> None:
        """Return once it holds."""
        ...


@frozen
class Port:
    """Something accepts TCP connections on ``number``, at ``host`` as the container sees it."""

    number: int
    host: str = "127.0.0.1"

    async def wait(self, container: Container, report: Report) -> None:
        """See Condition."""

        async def check() -> None:
            (await connect(container, self.number, self.host)).close()

        await _until(check, f"port {self.number}", report)


@frozen
class LogLine:
    """The regular expression ``pattern`` is found in a line of its output (re.search), ``times`` times."""

    pattern: str
    times: int = 1

    async def wait(self, container: Container, report: Report) -> None:
        """See Condition."""
        report(f"no line of its log matches {self.pattern!r}" + (f" for the {self.times}th time" * (self.times > 1)))
        wanted, missing, line = re.compile(self.pattern), self.times, ""
        async for record in container.logs(follow=True):
            line += record.data.decode(errors="replace")
            if not line.endswith("\n"):  # a long one comes in pieces
                continue
            missing -= wanted.search(line) is not None
            if missing == 0:
                return
            line = ""
        await asyncio.Event().wait()  # it has ended, and whoever waits for that will say so


@frozen
class Http:
    """``GET path`` at ``port`` is answered with ``status``, and with a body that has ``text`` in it."""

    port: int
    path: str = "/"
    status: int = 200
    text: str = ""

    async def wait(self, container: Container, report: Report) -> None:
        """See Condition."""

        async def check() -> None:
            inside = await connect(container, self.port)
            status, body = await asyncio.to_thread(_get, inside, self.path)
            if status != self.status:
                raise OSError(f"status {status} instead of {self.status}")
            if self.text not in body:
                raise OSError(f"{self.text!r} is not in the answer")

        await _until(check, f"http://:{self.port}{self.path}", report)


@frozen(init=False)
class Command:
    """A command that is executed in the container ends with 0: ``Command("pg_isready", "-q")``."""

    args: tuple[str, ...]

    def __init__(self, *args: str) -> None:
        self.__attrs_init__(args)

    async def wait(self, container: Container, report: Report) -> None:
        """See Condition."""

        async def check() -> None:
            lookup = await container.exec(ExecConfig(args=self.args))
            await lookup.start()
            if code := await lookup.wait():
                raise OSError(f"ended with {code}")

        await _until(check, " ".join(self.args), report)


@frozen
class Healthy:
    """Its health check (``ContainerConfig.health``, or its image's) says ``healthy``. Without one, it never is."""

    async def wait(self, container: Container, report: Report) -> None:
        """See Condition."""

        async def check() -> None:
            health = container.info().health
            if health is None:
                raise OSError("it has no health check")
            if health.status != "healthy":
                raise OSError(f"{health.status}: {health.log[-1].output.strip()}" if health.log else health.status)

        await _until(check, "health", report)


async def _until(check: Callable[[], Awaitable[None]], what: str, report: Report) -> None:
    pause = _FIRST_PAUSE
    while True:
        try:
            await asyncio.wait_for(check(), _PATIENCE)
        except TimeoutError:
            report(f"{what}: no answer within {_PATIENCE:g} seconds")
        except (CommandNotFound, CommandNotExecutable):
            raise  # and that will not change
        except (OSError, HTTPException, NotRunning, StartFailed) as error:
            number = getattr(error, "errno", None)  # asyncio's texts have the address instead of the reason
            report(f"{what}: {os.strerror(number) if number else error}")
        else:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _get(connection: socket.socket, path: str) -> tuple[int, str]:
    with connection:
        connection.settimeout(_PATIENCE)
        client = HTTPConnection("127.0.0.1")
        client.sock = connection
        client.request("GET", path, headers={"Connection": "close"})
        answer = client.getresponse()
        return answer.status, answer.read().decode(errors="replace")
