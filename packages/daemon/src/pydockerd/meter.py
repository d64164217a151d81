"""What is measured while requests are served. A daemon without ``--metrics-addr`` measures nothing, and imports no library for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from pydockerd.errors import DockerfileError


class Meter(Protocol):
    """Told of every request that was answered, and of every build."""

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """``path`` is the operation's in the API's document, with its braces."""

    def built(self, failure: str = "") -> None:
        """A build has ended; ``failure`` is dockerd's word for why it has failed."""


class Unmeasured:
    """Measures nothing."""

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Nothing."""

    def built(self, failure: str = "") -> None:
        """Nothing."""


@contextmanager
def counted(meter: Meter) -> Iterator[None]:
    """What is done inside is a build."""
    try:
        yield
    except (GeneratorExit, asyncio.CancelledError):
        meter.built("build_canceled")
        raise
    except Exception as error:
        meter.built(
            "dockerfile_syntax_error" if isinstance(error, DockerfileError) else "error_processing_commands_error"
        )
        raise
    meter.built()
