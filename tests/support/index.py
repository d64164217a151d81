"""A registry that can only be searched, on loopback: docker's old index protocol, of which Debian's docker-registry knows nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

KNOWN: Final = (
    {"name": "busybox", "description": "Small", "star_count": 7, "is_official": True, "is_automated": False},
    {"name": "someone/busybox", "description": "Smaller", "star_count": 1, "is_official": False, "is_automated": False},
)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        if parts.path != "/v1/search":
            self._answer(404, {"errors": []})
            return
        words, limit = asked["q"][0], int(asked["n"][0])
        found: list[Any] = [each for each in KNOWN if words in str(each["name"])]
        self._answer(200, {"query": words, "num_results": len(found), "results": found[:limit]})

    def _answer(self, status: int, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests look at answers."""


@contextmanager
def index() -> Iterator[str]:
    """``HOST:PORT`` of one."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
