"""The daemon's doors: where it listens, and how each is guarded."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from pydockerd.config.checks import tcp_address
from pydockerd.process import activation, tls
from pydockerd.process.sockets import address_path, listen, listen_tcp
from pydockerd.settings import Settings

PORT: Final = 2375
TLS_PORT: Final = 2376
"""dockerd's, where an address names none."""

logger = logging.getLogger("pydockerd")


@frozen
class Door:
    """One listening socket. ``context`` is TLS, on TCP where it is wanted."""

    address: str
    listener: socket.socket
    context: ssl.SSLContext | None = None

    def __str__(self) -> str:
        """The address that clients connect to, with the port that it really has."""
        if self.listener.family == socket.AF_UNIX:
            return f"unix://{self.listener.getsockname()}"
        host, port = self.listener.getsockname()[:2]
        return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


@contextlib.contextmanager
def doors(settings: Settings) -> Iterator[list[Door]]:
    """Everything that ``hosts`` names, listening; closed, and unix sockets removed, on the way out. StartupError, and nothing is left behind."""
    with contextlib.ExitStack() as stack:
        inherited = activation.handed_over(os.environ)
        context = tls.server_context(settings.tls)
        found: list[Door] = []
        for address in dict.fromkeys(settings.hosts):
            for listener in _opened(address, settings, inherited, stack):
                stack.enter_context(contextlib.closing(listener))
                found.append(_guarded(address, listener, settings, context))
        yield found


def _opened(
    address: str, settings: Settings, inherited: list[tuple[str, int]], stack: contextlib.ExitStack
) -> list[socket.socket]:
    if address.startswith("fd://"):
        return activation.chosen(address, inherited)
    if address.startswith("tcp://"):
        tls.check_tcp(address, settings.tls)
        encrypted = bool(settings.tls.verify) or settings.tls.enabled is not False
        return listen_tcp(f"-H {address}", *tcp_address(address, TLS_PORT if encrypted else PORT))
    path = address_path(address)
    listener = listen(path, settings.group)
    stack.callback(path.unlink, missing_ok=True)
    return [listener]


def _guarded(address: str, listener: socket.socket, settings: Settings, context: ssl.SSLContext | None) -> Door:
    if listener.family == socket.AF_UNIX:
        return Door(address, listener)
    tls.check_tcp(address, settings.tls)  # one that was handed over may be of TCP, too
    if context is None or context.verify_mode is not ssl.CERT_REQUIRED:
        logger.warning(
            "%s: %s: everybody who reaches it is root on this machine",
            address,
            "not encrypted, and nobody has to prove who he is" if context is None else "nobody has to prove who he is",
        )
    return Door(address, listener, context)
