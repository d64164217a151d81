"""requests over connections that are made by a function: where neither a unix socket nor a host and port leads to the daemon."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

Dial = Callable[[], socket.socket]


class DialingAdapter(HTTPAdapter):
    """Mounted for a scheme of its own; the URL's host says nothing."""

    def __init__(self, dial: Dial) -> None:
        super().__init__()

        class Connection(HTTPConnection):
            def connect(self) -> None:
                self.sock = dial()

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool("localhost")

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        return self._pool

    def get_connection(self, *_: Any, **__: Any) -> HTTPConnectionPool:  # by which requests before 2.32.2 asks
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> str:
        return str(request.path_url)

    def close(self) -> None:
        self._pool.close()
        super().close()
