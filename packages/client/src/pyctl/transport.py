"""How bytes reach the daemon: the interface, and its implementation over requests and requests-unixsocket.

A transport carries one request at a time to one daemon and gives back the status, the headers and the body, either whole or
as it arrives. `Transport.hijack` is the Engine API's own addition to HTTP: the daemon answers ``101 UPGRADED`` and from then
on the connection belongs to the two ends of a container's terminal. Nothing here knows the API's paths or JSON, so a test
replaces the whole network by passing `pyctl.Client` another transport.
"""

from __future__ import annotations

import contextlib
import socket
import weakref
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Protocol

from pyctl.errors import DaemonUnavailable
from pyctl.hijack import Hijacked, open_hijacked
from pyctl.hosts import Endpoint, Tls

if TYPE_CHECKING:
    import requests

    from pyctl.ssh import Dialer

Body = bytes | IO[bytes] | Iterable[bytes] | None
"""Bytes are sent with their length; a file or an iterable is sent chunked."""

_READ_SIZE = 65536


class Response(Protocol):
    """One answer. ``status`` and ``headers`` (any case) are there at once, the body when it is asked for."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def read(self) -> bytes:
        """Wait for the whole body, then release the connection."""

    def stream(self) -> Iterator[bytes]:
        """Yield pieces of the body as they arrive; releases the connection at the end or when closed."""

    def close(self) -> None:
        """Give up on the rest of the body."""


class Transport(Protocol):
    """A way to one daemon. Raises `pyctl.errors.DaemonUnavailable` when nobody answers."""

    def request(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> Response:
        """Send one request (``path`` includes the query) and return as soon as the answer's headers are there."""

    def hijack(self, path: str, headers: Mapping[str, str], body: bytes) -> Hijacked | Response:
        """POST with ``Upgrade: tcp``; the raw connection when the daemon agrees, its answer when it refuses."""

    def close(self) -> None:
        """Release what is kept open between requests."""

    def interrupt(self) -> None:
        """End the answers that are being read. For another thread than the one that reads: that gets `DaemonUnavailable`."""


class RequestsTransport:
    """Over requests; unix sockets through requests-unixsocket's adapter."""

    def __init__(self, endpoint: Endpoint) -> None:
        # requests takes half of the start-up time of a command: it is imported when a transport is really made.
        import requests

        self._endpoint = endpoint
        self._open: weakref.WeakSet[_RequestsResponse] = weakref.WeakSet()
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy from the environment must never see the daemon's traffic
        if endpoint.path is not None:
            from requests_unixsocket import UnixAdapter

            self._session.mount("http+unix://", UnixAdapter())
        self._dialer: Dialer | None = None
        if endpoint.ssh is not None:
            from pyctl.dialing import DialingAdapter
            from pyctl.ssh import Dialer

            self._dialer = Dialer(endpoint.ssh)
            self._session.mount("http+ssh://", DialingAdapter(self._dialer.dial))
        if endpoint.tls is not None:
            self._secure(endpoint.tls)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> Response:
        import requests

        try:
            answer = self._session.request(
                method, self._endpoint.http_base + path, headers=dict(headers), data=body, stream=True, timeout=None
            )
        except requests.RequestException as error:
            raise unavailable(self._endpoint, root_cause(error)) from error
        response = _RequestsResponse(answer, self._endpoint)
        self._open.add(response)
        return response

    def hijack(self, path: str, headers: Mapping[str, str], body: bytes) -> Hijacked | Response:
        try:
            return open_hijacked(self._endpoint, path, headers, body, self._dialer)
        except OSError as error:
            raise unavailable(self._endpoint, error) from error

    def close(self) -> None:
        self._session.close()
        if self._dialer is not None:
            self._dialer.close()

    def interrupt(self) -> None:
        for response in list(self._open):
            response.interrupt()

    def _secure(self, tls: Tls) -> None:
        """By requests itself. Raises `InvalidHost` for files that cannot be read, which requests would tell in every request."""
        from pyctl.tls import context

        context(tls)
        self._session.verify = (tls.ca or True) if tls.verify else False
        if tls.certificate:
            self._session.cert = (tls.certificate, tls.key) if tls.key else tls.certificate
        if not tls.verify:
            import urllib3

            # It was the user who said so.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


class _RequestsResponse:
    def __init__(self, answer: requests.Response, endpoint: Endpoint) -> None:
        self._answer = answer
        self._endpoint = endpoint
        self.status = answer.status_code
        self.headers: Mapping[str, str] = answer.headers

    def read(self) -> bytes:
        return b"".join(self.stream())

    def stream(self) -> Iterator[bytes]:
        import urllib3.exceptions

        try:
            # read1 gives what has arrived; iter_content would wait for a full block of an unchunked stream.
            while data := self._answer.raw.read1(_READ_SIZE):
                yield data
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unavailable(self._endpoint, root_cause(error)) from error
        finally:
            self._answer.close()

    def close(self) -> None:
        self._answer.close()

    def interrupt(self) -> None:
        connection = getattr(self._answer.raw, "connection", None)  # None as soon as the answer is read
        sock = getattr(connection, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def root_cause(error: BaseException) -> BaseException:
    """Dig out the operating system's own error from under requests' and urllib3's wrappings."""
    while (inner := error.__cause__ or error.__context__ or _wrapped(error)) is not None:
        error = inner
    return error


def _wrapped(error: BaseException) -> BaseException | None:
    inner = error.args[-1] if error.args else None
    return inner if isinstance(inner, BaseException) else None


def unavailable(endpoint: Endpoint, cause: BaseException) -> DaemonUnavailable:
    """Word a connection failure as the docker CLI does."""
    if isinstance(cause, PermissionError):
        return DaemonUnavailable(
            f"permission denied while trying to connect to the Docker daemon socket at {endpoint.url}"
        )
    if isinstance(cause, FileNotFoundError | ConnectionRefusedError):
        return DaemonUnavailable(
            f"Cannot connect to the Docker daemon at {endpoint.url}. Is the docker daemon running?"
        )
    return DaemonUnavailable(f"error during connect: {endpoint.url}: {str(cause) or type(cause).__name__}")
