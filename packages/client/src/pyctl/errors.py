# ruff: noqa: N818 - errors are named for what happened, in the field's own words: NotFound, Detached, UnsupportedVersion
"""Every error of pyctl, as one tree.

PyctlError
├── InvalidHost              --host, PYCTL_HOST or DOCKER_HOST names no address
├── InvalidConfiguration     docker's config.json cannot be read
├── InvalidContext           a context that is not there, or cannot be made
├── InvalidValue             a flag's value cannot be understood
├── InvalidUsage             flags or operands that do not go together
├── WrongCommandLine         an unknown flag or command, too few or too many operands
├── CommandFailed            a command has done its part of the work and exits with a code of its own
├── TemplateError            a --format template does not parse or does not apply
├── DaemonUnavailable        nobody answers on the daemon's address
│   └── DaemonNotInstalled   ... and there is none to start
├── UnsupportedVersion       the daemon speaks no API version that we know
├── MalformedAnswer          the daemon's answer does not have the API's shape
├── Detached                 the user typed the detach keys
└── ApiError                 the daemon answered with an error status
    ├── BadRequest           400
    ├── Unauthorized         401
    ├── Forbidden            403
    ├── NotFound             404
    ├── Conflict             409
    ├── ServerError          500
    ├── NotImplementedByDaemon  501
    └── ServiceUnavailable   503
"""

from __future__ import annotations

from typing import ClassVar


class PyctlError(Exception):
    """Base of all; ``str()`` of it is what the command prints on standard error."""

    exit_code: ClassVar[int] = 1
    """What the command exits with, when no command knows better (``run`` and ``create`` do)."""


class InvalidHost(PyctlError):
    """The daemon's address has a scheme or form that is not supported."""


class InvalidConfiguration(PyctlError):
    """docker's config.json cannot be read."""


class InvalidContext(PyctlError):
    """A context that is not there, or that cannot be made."""


class InvalidValue(PyctlError, ValueError):
    """A flag's value cannot be understood. The command line adds which flag, and exits with 125 as docker does."""

    exit_code = 125


class InvalidUsage(PyctlError):
    """Each part can be understood, together they make no sense."""


class WrongCommandLine(PyctlError):
    """The command line does not parse; the text says how the command is used.

    ``code`` is docker's: 125 for a flag, 1 for operands and for an unknown command.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class CommandFailed(PyctlError):
    """A command fails with an exit code that says how: 125 the daemon, 126 not executable, 127 not found (``run``, ``exec``)."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class TemplateError(PyctlError):
    """A ``--format`` template does not parse, or asks for something that is not there."""

    partial = ""
    """What came out before that: docker prints it."""


class DaemonUnavailable(PyctlError):
    """Nobody listens on the daemon's address."""


class DaemonNotInstalled(DaemonUnavailable):
    """Nobody listens on the default socket, and there is no pydockerd to start."""


class UnsupportedVersion(PyctlError):
    """The daemon's newest API version is older than the oldest this client speaks."""


class MalformedAnswer(PyctlError):
    """The daemon's answer does not have the shape of the Engine API; names the place in the answer."""


class Detached(PyctlError):
    """The user typed the detach keys; the container goes on running."""

    def __init__(self) -> None:
        super().__init__("read escape sequence")


class ApiError(PyctlError):
    """The daemon answered with an error status.

    ``status`` is the HTTP status, ``message`` the daemon's own text (the ``message`` of the API's ErrorResponse).
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"Error response from daemon: {message}")
        self.status = status
        self.message = message


class BadRequest(ApiError):
    """400: the daemon does not accept a parameter."""


class Unauthorized(ApiError):
    """401: credentials are missing or wrong."""


class Forbidden(ApiError):
    """403: the operation is not permitted."""


class NotFound(ApiError):
    """404: no such container, image, network, exec instance."""


class Conflict(ApiError):
    """409: a name in use, a container in the wrong state, an image still used."""


class ServerError(ApiError):
    """500, and every status that has no class of its own."""


class NotImplementedByDaemon(ApiError):
    """501: the daemon does not have this operation."""


class ServiceUnavailable(ApiError):
    """503: the daemon is not ready."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    501: NotImplementedByDaemon,
    503: ServiceUnavailable,
}


def api_error(status: int, message: str) -> ApiError:
    """Make the error that stands for an HTTP status (400 to 599) of the Engine API."""
    return _BY_STATUS.get(status, ServerError)(status, message)
