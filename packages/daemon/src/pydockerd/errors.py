"""What the daemon answers when it cannot do what it was asked.

    ApiError                      the answer's status and message
    ├── BadRequest            400 the request is wrong in itself
    │   └── DockerfileError       a Dockerfile is; with line, column and a caret
    ├── Unauthorized          401 a registry wants other credentials
    ├── Forbidden             403
    ├── NotFound              404 what it names does not exist
    ├── Conflict              409 it does not fit the state of what it names
    ├── InternalError         500
    │   └── BuildFailed           a step of a build ended with another exit code than 0
    ├── NotServed             501 an operation of the Engine API that this daemon does not have yet
    └── Unavailable           503 an operation that needs a service that is not there (a swarm)
    NotModified               304 nothing to do; not an error to the client, and has no body
    PluginFailed                  an authorization plugin does not answer, or not as it should
    StartupError                  the process cannot serve: another daemon, a bad address (exit code 1)
    └── ConfigError               a flag or daemon.json is wrong

Exceptions of the supervisor become these in :mod:`pydockerd.faults`, and nowhere else.
"""

from __future__ import annotations

from typing import ClassVar


class PydockerdError(Exception):
    """Base of everything this package raises on purpose."""


class ApiError(PydockerdError):
    """An answer with ``status`` and the API's error body ``{"message": ...}``."""

    status: ClassVar[int] = 500

    @property
    def message(self) -> str:
        """What the client is told."""
        return str(self)


class BadRequest(ApiError):  # noqa: N818
    """The request is wrong in itself, whatever the daemon's state."""

    status = 400


class DockerfileError(BadRequest):
    """Something is wrong in a Dockerfile, at ``line`` and ``column`` (from 1; 0: of the whole). ``shown`` is that line with a caret below the column."""

    def __init__(
        self, message: str, *, name: str = "Dockerfile", line: int = 0, column: int = 0, shown: str = ""
    ) -> None:
        self.reason, self.name, self.line, self.column, self.shown = message, name, line, column, shown
        place = f"{name}:{line}:{column}: " if line else ""
        super().__init__(f"{place}{message}\n{shown}" if shown else f"{place}{message}")


class Unauthorized(ApiError):  # noqa: N818
    """A registry wants other credentials than those that came with the request."""

    status = 401


class Forbidden(ApiError):  # noqa: N818
    """The request is understood and never allowed."""

    status = 403


class NotFound(ApiError):  # noqa: N818
    """What the request names does not exist."""

    status = 404


class Conflict(ApiError):  # noqa: N818
    """The request does not fit the state of what it names."""

    status = 409


class InternalError(ApiError):
    """The daemon failed; the log has the traceback."""

    status = 500


class BuildFailed(InternalError):  # noqa: N818
    """A step of a build ended with ``code``."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class NotServed(ApiError):  # noqa: N818
    """An operation of the Engine API that this daemon does not have yet."""

    status = 501


class Unavailable(ApiError):  # noqa: N818
    """An operation of a service that this daemon is not part of."""

    status = 503


class NotModified(PydockerdError):  # noqa: N818
    """The object is already in the state that was asked for (started, stopped)."""


class PluginFailed(PydockerdError):  # noqa: N818
    """An authorization plugin does not answer, or not as it should. The client gets 500."""


class StartupError(PydockerdError):
    """The daemon cannot start: says what is in the way."""


class ConfigError(StartupError):
    """The flags or the file of the configuration are wrong: names the option."""
