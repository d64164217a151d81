"""Telling the service manager how far we are. Source: sd_notify(3); without ``NOTIFY_SOCKET`` nobody is told."""

from __future__ import annotations

import logging
import os
import socket
import time

logger = logging.getLogger("pydockerd")


class ServiceManager:
    """Whoever has started us. The variable is taken out of the environment: no container is to find it."""

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")

    def ready(self) -> None:
        """Clients can come."""
        self._tell(f"READY=1\nMAINPID={os.getpid()}")

    def reloading(self) -> None:
        """The configuration is being read again; ``ready`` says that this is done."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Clients cannot come any more."""
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        if not self._address.startswith(("/", "@")):
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            ) as sender:
                sender.sendto(state.encode(), address)
        except OSError as error:
            logger.warning("the service manager at %s is not told: %s", self._address, error.strerror)
