"""TLS for connections that leave HTTP, where one side may end and the other go on: attach and exec.

Python's SSLSocket cannot do that: its ``shutdown`` throws the state away that reading on needs, and two threads must not use one at the same
time. So the protocol is done in memory, between the socket and the two threads, under a lock that nobody holds while waiting for the network.
"""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import threading
from typing import Final

from pyctl.errors import InvalidHost
from pyctl.hosts import Tls

_READ_SIZE: Final = 65536


def context(tls: Tls) -> ssl.SSLContext:
    """What OpenSSL is to do. Raises `InvalidHost` for files that cannot be read."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not tls.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    try:
        if tls.verify and tls.ca:
            made.load_verify_locations(tls.ca)
        elif tls.verify:
            made.load_default_certs()
        if tls.certificate:
            made.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:
        files = ", ".join(file for file in (tls.ca, tls.certificate, tls.key) if file)
        raise InvalidHost(f"cannot use the TLS files {files}: {error}") from error
    return made


class TlsStream(io.RawIOBase):
    """One connection. `readinto` and `sendall` may be called by one thread each at the same time. Raises `OSError`."""

    def __init__(self, sock: socket.socket, tls: Tls, host: str) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context(tls).wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._plain = bytearray()
        self._ended = False
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                self._ssl.do_handshake()
                self._flush()
                return
            self._flush()
            data = sock.recv(_READ_SIZE)
            if not data:
                raise ConnectionResetError(f"{host} ended the connection during the TLS handshake")
            self._incoming.write(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # whatever has a buffer
        while not self._plain and not self._ended:
            data = self._sock.recv(_READ_SIZE)
            with self._lock:
                self._take(data)
        count = min(len(view), len(self._plain))
        view[:count] = self._plain[:count]
        del self._plain[:count]
        return count

    def _take(self, data: bytes) -> None:
        """Decrypt all that has arrived: `shutdown` would take what is still there for a fault of the other side."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        try:
            while piece := self._ssl.read(_READ_SIZE):
                self._plain += piece
            self._ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._ended = True
        self._flush()  # an answer of the protocol's own

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        with self._lock:
            self._ssl.write(data)
            self._flush()

    def shutdown(self, how: int) -> None:
        """As of a socket; the end of what is sent is said in TLS, so that the other side can tell it from a cut."""
        if how == socket.SHUT_WR:
            with self._lock:
                # It says that the connection ends, and would wait for the other side to say so, too.
                with contextlib.suppress(ssl.SSLError):
                    self._ssl.unwrap()
                self._flush()
        else:
            self._sock.shutdown(how)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What http.client reads an answer from."""
        return io.BufferedReader(self, _READ_SIZE)

    def close(self) -> None:
        self._sock.close()
        super().close()

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._sock.sendall(data)
