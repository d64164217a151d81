"""Commands that do one thing to each container they are given: ``stop``, ``restart``, ``kill``, ``pause``, ``rm``, ``wait``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from pyctl.app.flags import Name, Names, operand, switch, value
from pyctl.app.session import client, complain
from pyctl.app.suggest import existing
from pyctl.errors import ApiError, InvalidUsage, NotFound


def for_each(names: Sequence[str], act: Callable[[str], object]) -> int:
    """Act on each name; print the name, or what ``act`` returned if that is not empty.

    One that fails is reported and the rest still done; returns the exit code.
    """
    failed = False
    for name in names:
        try:
            answer = act(name)
        except ApiError as error:
            complain(f"{error}{existing(error, client())}")
            failed = True
        else:
            if answer != "":
                print(name if answer is None else answer, flush=True)
    return int(failed)


def stop(
    containers: Names,
    signal: Annotated[str | None, value("--signal", "-s", help="Signal to send to the container")] = None,
    time: Annotated[
        int | None,
        value("--timeout", "--time", "-t", metavar="int", help="Seconds to wait before killing the container"),
    ] = None,
) -> int:
    """ContainerStop."""
    return for_each(containers, lambda name: client().containers.stop(name, timeout=time, signal=signal))


def restart(
    containers: Names,
    signal: Annotated[str | None, value("--signal", "-s", help="Signal to send to the container")] = None,
    time: Annotated[
        int | None,
        value("--timeout", "--time", "-t", metavar="int", help="Seconds to wait before killing the container"),
    ] = None,
) -> int:
    """ContainerRestart."""
    return for_each(containers, lambda name: client().containers.restart(name, timeout=time, signal=signal))


def pause(containers: Names) -> int:
    """ContainerPause."""
    return for_each(containers, client().containers.pause)


def unpause(containers: Names) -> int:
    """ContainerUnpause."""
    return for_each(containers, client().containers.unpause)


def rename(container: Name, name: Annotated[str, operand("NEW_NAME")]) -> None:
    """ContainerRename."""
    try:
        client().containers.rename(container, name)
    except ApiError as error:
        raise InvalidUsage(f"{error}\nError: failed to rename container named {container}") from error


def kill(
    containers: Names,
    signal: Annotated[str | None, value("--signal", "-s", help="Signal to send to the container")] = None,
) -> int:
    """ContainerKill."""
    return for_each(containers, lambda name: client().containers.kill(name, signal))


def wait(containers: Names) -> int:
    """ContainerWait; prints exit codes."""
    return for_each(containers, lambda name: client().containers.wait(name).result().status_code)


def rm(
    containers: Names,
    force: Annotated[
        bool, switch("--force", "-f", help="Force the removal of a running container (uses SIGKILL)")
    ] = False,
    volumes: Annotated[
        bool, switch("--volumes", "-v", help="Remove anonymous volumes associated with the container")
    ] = False,
    link: Annotated[bool, switch("--link", "-l", help="Remove the specified link")] = False,
) -> int:
    """ContainerDelete; with ``--force`` a container that is not there is only worth a message."""

    def remove(name: str) -> str:
        try:
            client().containers.remove(name.strip("/"), force=force, volumes=volumes, link=link)
        except NotFound as error:
            if not force:
                raise
            complain(str(error))
            return ""
        return name

    return for_each(containers, remove)
