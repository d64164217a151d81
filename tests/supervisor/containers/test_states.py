"""The life of a container: what is allowed when, and the words that refuse the rest."""

from __future__ import annotations

import pytest

from pycontainerd import errors
from pycontainerd.containers.info import Status
from pycontainerd.containers.states import Action, after


@pytest.mark.parametrize(
    ("status", "action", "following"),
    [
        (Status.CREATED, Action.START, Status.RUNNING),
        (Status.EXITED, Action.START, Status.RUNNING),
        (Status.RUNNING, Action.PAUSE, Status.PAUSED),
        (Status.PAUSED, Action.RESUME, Status.RUNNING),
        (Status.PAUSED, Action.EXIT, Status.EXITED),
        (Status.REMOVING, Action.EXIT, Status.REMOVING),
        (Status.PAUSED, Action.KILL, Status.PAUSED),
        (Status.DEAD, Action.REMOVE, Status.REMOVING),
        (Status.RUNNING, Action.REMOVE_BY_FORCE, Status.REMOVING),
    ],
)
def test_what_is_allowed(status: Status, action: Action, following: Status) -> None:
    assert after("/c", status, action) is following


@pytest.mark.parametrize(
    ("status", "action", "error", "text"),
    [
        (Status.RUNNING, Action.START, errors.AlreadyRunning, "already running"),
        (Status.PAUSED, Action.START, errors.Paused, "unpause"),
        (Status.REMOVING, Action.START, errors.RemovalInProgress, "removal of container"),
        (Status.REMOVING, Action.REMOVE_BY_FORCE, errors.RemovalInProgress, "in progress"),
        (Status.CREATED, Action.KILL, errors.NotRunning, "not running"),
        (Status.EXITED, Action.PAUSE, errors.NotRunning, "not running"),
        (Status.RUNNING, Action.RESUME, errors.NotPaused, "not paused"),
        (Status.PAUSED, Action.EXEC, errors.Paused, "unpause the container before exec"),
        (Status.RUNNING, Action.REMOVE, errors.ContainerRunning, "stop the container before removing"),
        (Status.PAUSED, Action.REMOVE, errors.ContainerRunning, "unpause and then stop"),
    ],
)
def test_what_is_refused(status: Status, action: Action, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        after("/c", status, action)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("action", Action)
def test_every_pair_is_decided(status: Status, action: Action) -> None:
    assert _decision(status, action)


def _decision(status: Status, action: Action) -> str:
    try:
        return after("/c", status, action)
    except errors.Conflict as refused:
        return str(refused)
