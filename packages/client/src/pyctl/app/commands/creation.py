"""What ``run`` and ``create`` do alike: make the container, pull its image when that is due, keep the ID in ``--cidfile``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import click

from pyctl.app.commands.foreground import DAEMON_CODE
from pyctl.app.commands.progress import show
from pyctl.app.credentials import registry_auth
from pyctl.app.options.container_flags import ContainerFlags
from pyctl.app.options.request import create_request
from pyctl.app.references import checked, familiar, split
from pyctl.app.session import client, complain
from pyctl.app.terminal import console
from pyctl.errors import CommandFailed, InvalidUsage, NotFound, PyctlError
from pyctl.models.containers import Created
from pyctl.models.create import CreateRequest

T = TypeVar("T")
_PULLS = ("always", "missing", "never")
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127


def create(flags: ContainerFlags, request: CreateRequest) -> Created:
    """Create the container, and print the daemon's warnings.

    Raises `PyctlError` when it cannot be made; then no ``--cidfile`` is left.
    """
    checked(request.image)
    with _CidFile(flags.cidfile) as file:
        if flags.pull == "always":
            _pull(flags, request.image)
        created = _create_or_pull(flags, request)
        file.write(created.id)
    for warning in created.warnings:
        complain(f"WARNING: {warning}")
    return created


def request_of(flags: ContainerFlags, image: str, command: Sequence[str], *, detach: bool = False) -> CreateRequest:
    """Understand the command line; what cannot be understood fails as docker fails, before the daemon is asked."""

    def understand() -> CreateRequest:
        if flags.pull not in _PULLS:
            raise InvalidUsage(f'invalid pull option: \'{flags.pull}\': must be one of "always", "missing" or "never"')
        return create_request(flags, image, command, os.environ, detach=detach, console=console.size())

    return failing_as_docker(understand)


def _create_or_pull(flags: ContainerFlags, request: CreateRequest) -> Created:
    try:
        return client().containers.create(request, name=flags.name, platform=flags.platform)
    except NotFound as error:
        # An unknown network or volume is a 404 too: only a missing image is worth a pull.
        if flags.pull != "missing" or "image" not in error.message.lower():
            raise
    if not flags.quiet:
        complain(f"Unable to find image '{familiar(request.image)}' locally")
    _pull(flags, request.image)
    return client().containers.create(request, name=flags.name, platform=flags.platform)


def _pull(flags: ContainerFlags, image: str) -> None:
    repository, tag = split(image)
    # On standard error: the output of the command belongs to the container.
    show(
        client().images.pull(repository, tag=tag or "latest", platform=flags.platform, auth=registry_auth(repository)),
        to_stderr=True,
        quiet=flags.quiet,
    )


class _CidFile:
    """Refuses a file that exists, and takes the file back when nothing was written to it."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._stack = ExitStack()
        self._written = False

    def __enter__(self) -> _CidFile:
        if self._path is not None:
            try:
                self._file = self._stack.enter_context(self._path.open("x", encoding="ascii"))
            except FileExistsError:
                raise InvalidUsage(
                    f"container ID file found, make sure the other container isn't running or delete {self._path}"
                ) from None
            except OSError as error:
                reason = (error.strerror or "").lower()
                raise InvalidUsage(f"failed to create the container ID file: open {self._path}: {reason}") from None
        return self

    def write(self, container: str) -> None:
        if self._path is not None:
            self._file.write(container)
            self._written = True

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        if self._path is not None and not self._written:
            os.unlink(self._path)


def failing_as_docker(act: Callable[[], T], code: Callable[[PyctlError], int] = lambda _: DAEMON_CODE) -> T:
    """Do it; turn a failure into docker's words for ``run`` and ``create``, and an exit code."""
    try:
        return act()
    except (CommandFailed, KeyboardInterrupt):
        raise
    except PyctlError as error:
        raise run_failure(error, code(error)) from error


def run_failure(error: PyctlError, code: int) -> CommandFailed:
    """Put docker's frame around the message of an error."""
    context = click.get_current_context()
    path = context.command_path
    return CommandFailed(
        f"{context.find_root().command_path}: {error}\n\nRun '{path} --help' for more information", code
    )


def start_code(error: PyctlError) -> int:
    """The exit code for a container that could not be made or started, by what the message says (docker's toStatusError)."""
    text = str(error).lower()
    if "executable file not found" in text or "no such file or directory" in text:
        return _NOT_FOUND
    if "permission denied" in text or "is a directory" in text:
        return _NOT_EXECUTABLE
    return DAEMON_CODE
