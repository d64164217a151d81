"""pydockerd as the tests of this folder start it: the daemon itself, which also writes down what it answers: ``recorded_daemon.py FILE ARGUMENTS…``.

One line of JSON for each answer: the operation by the document's own path, the API version, the status, and the body where it was one document of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from typing import IO, Any

from aiohttp import web

from pydockerd.api.routes import ROUTES
from pydockerd.app import application
from pydockerd.cli import main
from pydockerd.engine import Engine
from pydockerd.errors import ApiError
from pydockerd.process import daemon
from pydockerd.router import Router
from pydockerd.versions import split_path

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LARGEST = 1 << 20
"""Bytes of a body that is kept."""


def recorder(file: IO[str]) -> Any:
    """A middleware that writes to ``file``."""
    router = Router(ROUTES)

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        try:
            version, path = split_path(request.rel_url.raw_path)
        except ApiError:
            return response
        found = router.find(request.method, path)
        if found is not None:
            line = {
                "method": request.method,
                "path": found[0].path,
                "version": list(version),
                "status": response.status,
            }
            line |= body(response)
            print(json.dumps(line), file=file, flush=True)
        return response

    return record


def body(response: web.StreamResponse) -> dict[str, Any]:
    """The decoded body, where there is one and it is whole."""
    content = getattr(response, "body", None)
    if response.content_type != "application/json" or not isinstance(content, bytes) or len(content) > LARGEST:
        return {}
    try:
        return {"body": json.loads(content)}
    except ValueError:
        return {}  # several documents, one for each line


if __name__ == "__main__":
    with open(sys.argv[1], "a", encoding="utf-8") as answers:

        def recorded(engine: Engine) -> web.Application:
            """The daemon's application, recording."""
            app = application(engine)
            app.middlewares.append(recorder(answers))
            return app

        vars(daemon)["application"] = recorded
        sys.argv[1:] = sys.argv[2:]
        sys.exit(main())
