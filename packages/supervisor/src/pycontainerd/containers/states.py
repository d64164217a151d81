"""The life of a container as a pure function: what may be done when, and what comes of it.

created ──start──▶ running ◀──resume── paused
                    │   └────pause─────▶ │
   exited ◀──exit───┴────────exit────────┘
running, paused ──exit, and its policy wants it again──▶ restarting ──start again──▶ running; ──give up──▶ exited
created, exited, dead (and, by force, running, paused and restarting) ──remove──▶ removing ──▶ gone
dead is one whose removal has failed
"""

from __future__ import annotations

from enum import StrEnum

from pycontainerd.containers.info import Status
from pycontainerd.errors import (
    AlreadyRunning,
    Conflict,
    ContainerRunning,
    NotPaused,
    NotRunning,
    Paused,
    RemovalInProgress,
    Restarting,
)


class Action(StrEnum):
    """What is done to, or happens to, a container."""

    START = "start"
    EXIT = "exit"
    EXIT_TO_RESTART = "exit, to be restarted"
    START_AGAIN = "start again"
    GIVE_UP = "stop restarting"
    PAUSE = "pause"
    RESUME = "unpause"
    KILL = "kill"
    EXEC = "exec in"
    REMOVE = "remove"
    REMOVE_BY_FORCE = "force-remove"


_AFTER: dict[tuple[Status, Action], Status] = {
    (Status.CREATED, Action.START): Status.RUNNING,
    (Status.EXITED, Action.START): Status.RUNNING,
    (Status.RUNNING, Action.EXIT): Status.EXITED,
    (Status.PAUSED, Action.EXIT): Status.EXITED,
    (Status.REMOVING, Action.EXIT): Status.REMOVING,
    (Status.DEAD, Action.EXIT): Status.DEAD,
    (Status.RUNNING, Action.EXIT_TO_RESTART): Status.RESTARTING,
    (Status.PAUSED, Action.EXIT_TO_RESTART): Status.RESTARTING,
    (Status.RESTARTING, Action.START_AGAIN): Status.RUNNING,
    (Status.RESTARTING, Action.GIVE_UP): Status.EXITED,
    (Status.RUNNING, Action.PAUSE): Status.PAUSED,
    (Status.PAUSED, Action.RESUME): Status.RUNNING,
    (Status.RUNNING, Action.KILL): Status.RUNNING,
    (Status.PAUSED, Action.KILL): Status.PAUSED,
    (Status.REMOVING, Action.KILL): Status.REMOVING,
    (Status.RUNNING, Action.EXEC): Status.RUNNING,
    (Status.CREATED, Action.REMOVE): Status.REMOVING,
    (Status.EXITED, Action.REMOVE): Status.REMOVING,
    (Status.DEAD, Action.REMOVE): Status.REMOVING,
    **{(status, Action.REMOVE_BY_FORCE): Status.REMOVING for status in Status if status is not Status.REMOVING},
}


def after(container: str, status: Status, action: Action) -> Status:
    """The status that ``action`` leads to. Where it is not allowed, raises the Conflict that says why; ``container`` is how to call it."""
    following = _AFTER.get((status, action))
    if following is None:
        raise refusal(container, status, action)
    return following


def refusal(container: str, status: Status, action: Action) -> Conflict:
    """Why ``action`` is not allowed in ``status``, in dockerd's words."""
    if status is Status.REMOVING:
        return RemovalInProgress(f"removal of container {container} is already in progress")
    if status is Status.RESTARTING and action in {Action.PAUSE, Action.EXEC}:
        return Restarting(f"Container {container} is restarting, wait until the container is running")
    if action is Action.START and status in {Status.RUNNING, Status.RESTARTING}:
        return AlreadyRunning(f"container {container} is already running")
    if action is Action.START and status is Status.PAUSED:
        return Paused("cannot start a paused container, try unpause instead")
    if action is Action.EXEC and status is Status.PAUSED:
        return Paused(f"Container {container} is paused, unpause the container before exec")
    if action is Action.PAUSE and status is Status.PAUSED:
        return Paused(f"Container {container} is already paused")
    if action is Action.RESUME:
        return NotPaused(f"Container {container} is not paused")
    if action is Action.REMOVE:
        advice = "unpause and then stop" if status is Status.PAUSED else "stop"
        state = "paused and must be unpaused first" if status is Status.PAUSED else status.value
        return ContainerRunning(
            f"cannot remove container {container!r}: container is {state}: {advice} the container before removing or force remove"
        )
    return NotRunning(f"container {container} is not running")
