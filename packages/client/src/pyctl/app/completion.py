"""Completion in bash, zsh and fish: click's own machinery, with the names that the daemon knows.

``pyctl completion bash`` prints what the shell is to source. The shell then runs ``pyctl`` with _PYCTL_COMPLETE in its environment for each completion; no
daemon is started for that, and where there is none, there are no names.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import attrs
import click

from pyctl.app.session import Session
from pyctl.errors import PyctlError

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

    from pyctl.client import Client

VARIABLE: Final = "_PYCTL_COMPLETE"
SHELLS: Final = ("bash", "fish", "zsh")
_PATIENCE: Final = 100  # names; more are of no use in a list


def names_for(metavar: str) -> Callable[[click.Context, str], list[str]] | None:
    """What completes an operand that is called so; None for what only the user knows."""
    for word, find in _FINDERS.items():
        if word in metavar:
            return _completer(find)
    return None


def _completer(find: Callable[[Client], Iterator[str]]) -> Callable[[click.Context, str], list[str]]:
    def complete(ctx: click.Context, incomplete: str) -> list[str]:
        session = ctx.find_object(Session)
        if session is None:
            return []
        given = ctx.find_root().params
        session.wish = attrs.evolve(
            session.wish, host=given.get("host"), context=given.get("context"), config=given.get("config")
        )
        with contextlib.suppress(PyctlError), contextlib.closing(session.another_client()) as client:
            return sorted({name for name in find(client) if name.startswith(incomplete)})[:_PATIENCE]
        return []

    return complete


def _containers(client: Client) -> Iterator[str]:
    for found in client.containers.list(all=True):
        yield from (name.removeprefix("/") for name in found.names if name.count("/") == 1)


def _images(client: Client) -> Iterator[str]:
    for found in client.images.list():
        for tag in found.repo_tags:
            yield tag
            yield tag.removesuffix(":latest")


def _networks(client: Client) -> Iterator[str]:
    return (found.name for found in client.networks.list())


def _volumes(client: Client) -> Iterator[str]:
    return (found.name for found in client.volumes.list())


_FINDERS: Final = {"CONTAINER": _containers, "IMAGE": _images, "NETWORK": _networks, "VOLUME": _volumes}


def script(shell: str, command: click.Command) -> str:
    """What the shell is to source."""
    return _shell(shell)(command, {}, "pyctl", VARIABLE).source()


def answer(command: click.Command, session: Session) -> None:
    """Print the completions that the shell asks for."""
    shell = os.environ[VARIABLE].partition("_")[0]
    if shell in SHELLS:
        print(_shell(shell)(command, {"obj": session}, "pyctl", VARIABLE).complete())


def _shell(name: str) -> type[ShellComplete]:
    # By their classes: typer puts its own in the place where click keeps them.
    from click import shell_completion

    classes: dict[str, type[ShellComplete]] = {
        "bash": shell_completion.BashComplete,
        "fish": shell_completion.FishComplete,
        "zsh": shell_completion.ZshComplete,
    }
    return classes[name]
