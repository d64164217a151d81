"""Hijacked connections: the raw stream under ``POST /containers/{id}/attach`` and ``POST /exec/{id}/start``.

The client asks with ``Connection: Upgrade`` and ``Upgrade: tcp``; the daemon answers ``101 UPGRADED`` (``200`` before API 1.21
or without the headers) and both then own the socket. http.client reads the head; what follows is read from the buffer that it
left behind, because the daemon may have sent output in the same packet as the head.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from pyctl.hosts import Endpoint

if TYPE_CHECKING:
    from pyctl.ssh import Dialer

_READ_SIZE = 65536
_RAW_TYPES = ("application/vnd.docker.raw-stream", "application/vnd.docker.multiplexed-stream")


class Wire(Protocol):
    """What a connection is made of: a socket, or TLS over one."""

    def sendall(self, data: bytes, /) -> None: ...

    def shutdown(self, how: int, /) -> None: ...

    def close(self) -> None: ...


class Hijacked:
    """A connection that left HTTP. One thread may read while another writes."""

    def __init__(self, sock: Wire, reader: io.BufferedIOBase) -> None:
        self._sock = sock
        self._reader = reader

    def read(self) -> bytes:
        """Return what has arrived, waiting for at least one byte; empty at the end."""
        return self._reader.read1(_READ_SIZE)

    def write(self, data: bytes) -> None:
        """Send all of the data. Raises `OSError` when the daemon closed its end."""
        self._sock.sendall(data)

    def close_write(self) -> None:
        """Half close: the container sees the end of its standard input, its output still arrives."""
        # When the daemon was faster, its end of the stream is what the reader reports.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def shutdown(self) -> None:
        """End both directions, which also wakes a thread that is blocked in `read`."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._reader.close()
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Refusal:
    """The daemon's ordinary answer where an upgrade was asked for (a `pyctl.transport.Response`)."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = dict(answer.getheaders())
        with answer:
            self._body = answer.read()

    def read(self) -> bytes:
        return self._body

    def stream(self) -> Iterator[bytes]:
        yield self._body

    def close(self) -> None:
        """Nothing is open any more."""


def open_socket(endpoint: Endpoint, dialer: Dialer | None = None) -> socket.socket:
    """Connect to the daemon's address, blocking and without TLS; ``dialer`` is for ssh. Raises `OSError`."""
    if dialer is not None:
        return dialer.dial()
    if endpoint.path is None:
        sock = socket.create_connection(endpoint.address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a key typed is a packet sent
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # an idle shell outlives a NAT's memory
        return sock
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(endpoint.path)
    except OSError:
        sock.close()
        raise
    return sock


class _Connection(http.client.HTTPConnection):
    def __init__(self, endpoint: Endpoint, dialer: Dialer | None) -> None:
        super().__init__(*endpoint.address)
        self._endpoint = endpoint
        self._dialer = dialer

    def connect(self) -> None:
        self.sock = open_socket(self._endpoint, self._dialer)
        if self._endpoint.tls is not None:
            from pyctl.tls import TlsStream

            try:
                stream = TlsStream(self.sock, self._endpoint.tls, self._endpoint.address[0])
            except BaseException:
                self.sock.close()
                raise
            self.sock = stream  # it has what http.client uses of a socket


def open_hijacked(
    endpoint: Endpoint, path: str, headers: Mapping[str, str], body: bytes, dialer: Dialer | None = None
) -> Hijacked | Refusal:
    """POST and take the connection over; the daemon's answer when it does not hand it over. Raises `OSError`."""
    connection = _Connection(endpoint, dialer)
    try:
        connection.request("POST", path, body, {**headers, "Connection": "Upgrade", "Upgrade": "tcp"})
        sock = connection.sock
        answer = connection.getresponse()
    except (http.client.HTTPException, OSError) as error:
        connection.close()
        raise error if isinstance(error, OSError) else OSError(f"malformed HTTP answer: {error}") from error
    if answer.status == http.client.SWITCHING_PROTOCOLS or _is_raw(answer):
        reader = answer.fp
        # Else the response, which nobody needs any more, would close the stream that goes on.
        answer.fp = None  # type: ignore[assignment]  # what http.client itself does at the end of a body
        return Hijacked(sock, reader)
    refusal = Refusal(answer)
    connection.close()
    return refusal


def _is_raw(answer: http.client.HTTPResponse) -> bool:
    return answer.status == http.client.OK and answer.headers.get_content_type() in _RAW_TYPES
