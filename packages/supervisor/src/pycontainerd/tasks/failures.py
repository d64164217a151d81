"""The runtime's errors as the supervisor's: a layer's users need to know only the errors of that layer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from errno import ENOENT

import pyrunc
from pycontainerd.errors import (
    CommandNotExecutable,
    CommandNotFound,
    InvalidConfig,
    NotRunning,
    RuntimeFailed,
    StartFailed,
    Unsupported,
)


@contextlib.contextmanager
def starting(prefix: str) -> Iterator[None]:
    """Around the making of a process; ``prefix`` opens the text."""
    try:
        yield
    except pyrunc.ExecutableNotFound as error:
        raise CommandNotFound(f"{prefix}: {error}") from error
    except pyrunc.ExecutableNotPermitted as error:
        raise CommandNotExecutable(f"{prefix}: {error}") from error
    except pyrunc.MissingLibrary as error:
        raise Unsupported(str(error)) from error
    except pyrunc.SpecError as error:
        raise InvalidConfig(error.path, error.rule) from error
    except pyrunc.OperationFailed as error:
        # docker's clients end with 127 where the working directory does not exist, too
        missing = error.operation.path == "process.cwd" and error.errno == ENOENT
        raise (CommandNotFound if missing else StartFailed)(f"{prefix}: {error}") from error
    except (pyrunc.PyruncError, OSError) as error:
        raise StartFailed(f"{prefix}: {error}") from error
    except (
        ValueError
    ) as error:  # a text that the kernel cannot take, with a NUL or half a surrogate pair: images may have such
        raise InvalidConfig("config", str(error)) from error


@contextlib.contextmanager
def needing(container: str) -> Iterator[None]:
    """Around whatever needs a running container, which may have ended in this moment."""
    try:
        yield
    except (pyrunc.ProcessGone, pyrunc.InvalidState, pyrunc.ContainerNotFound, ProcessLookupError) as error:
        raise NotRunning(f"container {container} is not running") from error


@contextlib.contextmanager
def asking(container: str) -> Iterator[None]:
    """Around a request to a running container."""
    try:
        with needing(container):
            yield
    except (pyrunc.Unsupported, pyrunc.MissingLibrary) as error:
        raise Unsupported(f"container {container}: {error}") from error
    except pyrunc.PyruncError as error:
        raise RuntimeFailed(f"container {container}: {error}") from error
