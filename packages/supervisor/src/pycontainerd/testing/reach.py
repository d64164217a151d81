"""Talking to what listens inside a container's network namespace: no port is published, so none can be taken.

A socket belongs for its whole life to the network namespace of the thread that made it (network_namespaces(7)). So a thread joins the
container's, makes a socket there and ends; whoever has the socket may be anywhere.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
from concurrent.futures import ThreadPoolExecutor

from pycontainerd.errors import NotRunning
from pycontainerd.tasks.container import Container

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


async def connect(container: Container, port: int, host: str = "127.0.0.1") -> socket.socket:
    """A connected, non-blocking TCP socket to ``host`` as the container sees it. Raises NotRunning, ConnectionRefusedError, OSError."""
    inside = await asyncio.to_thread(inner_socket, _pid(container), socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        inside.setblocking(False)
        await asyncio.get_running_loop().sock_connect(inside, (host, port))
    except BaseException:
        inside.close()
        raise
    return inside


def inner_socket(pid: int, family: socket.AddressFamily) -> socket.socket:
    """An unconnected TCP socket of the network namespace of process ``pid``. OSError when there is no such process any more."""
    with ThreadPoolExecutor(1) as once:  # the thread cannot be used for anything else afterwards
        return once.submit(_inner_socket, pid, family).result()


def _inner_socket(pid: int, family: socket.AddressFamily) -> socket.socket:
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(namespace, _CLONE_NEWNET) < 0:
            error = ctypes.get_errno()
            raise OSError(error, f"the network namespace of process {pid} cannot be joined: {os.strerror(error)}")
    finally:
        os.close(namespace)
    return socket.socket(family, socket.SOCK_STREAM)


def _pid(container: Container) -> int:
    if not (pid := container.info().pid):
        raise NotRunning(f"container {container.name or container.id} is not running: nothing listens in it")
    return pid
