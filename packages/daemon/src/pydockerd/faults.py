"""The supervisor's exceptions as the API's answers: the one place where it is decided which becomes which."""

from __future__ import annotations

import errno
import logging

from pycontainerd import errors as supervisor
from pydockerd.errors import ApiError, BadRequest, Conflict, Forbidden, InternalError, NotFound, NotServed, Unauthorized

logger = logging.getLogger("pydockerd.api")

RUNTIME_PREFIX = "failed to create task for container: failed to create shim task: OCI runtime create failed: "
"""Before what the runtime says. The docker CLI ends with 127 or 126 by the words "executable file not found" and "permission denied" behind it."""

_OWN_PREFIX = "failed to create task for container: "

_ANSWERS: tuple[tuple[type[Exception], type[ApiError]], ...] = (
    (supervisor.NotFound, NotFound),
    (supervisor.AmbiguousReference, BadRequest),
    (supervisor.InvalidInput, BadRequest),
    (supervisor.DigestMismatch, BadRequest),
    (supervisor.Conflict, Conflict),
    (supervisor.Unsupported, NotServed),
    (supervisor.AccessDenied, Unauthorized),
    (supervisor.SupervisorError, InternalError),
)

_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What the machine has run out of: no fault of the daemon's that a traceback would help to find."""


def as_answer(error: Exception) -> ApiError:
    """What the client is told. An exception nobody planned for is logged with its traceback and told in short."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, supervisor.StartFailed):
        return _start_failed(error)
    if isinstance(error, supervisor.NetworkFailed) and isinstance(error.__cause__, ApiError):
        return error.__cause__
    if isinstance(error, supervisor.NameInUse):
        return Conflict(f"Conflict. {error}")
    if isinstance(error, supervisor.ReadOnly):
        return Forbidden(error.rule)
    for kind, answer in _ANSWERS:
        if isinstance(error, kind):
            return answer(str(error))
    if isinstance(error, OSError) and error.errno in _MACHINE:
        return InternalError(f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror))
    logger.error("unexpected failure", exc_info=error)
    return InternalError(f"{type(error).__name__}: {error}")


def _start_failed(error: supervisor.StartFailed) -> ApiError:
    """400 where the command or its configuration is to blame, as dockerd answers; 500 where the machine is."""
    text = str(error)
    if isinstance(error, supervisor.CommandNotFound | supervisor.CommandNotExecutable):
        return BadRequest(_with_prefix(text))
    return InternalError(_with_prefix(text))


def _with_prefix(text: str) -> str:
    return text if "OCI runtime" in text else RUNTIME_PREFIX + text.removeprefix(_OWN_PREFIX)
