"""The blocking classes have the names of the asynchronous ones, with the same parameters."""

from __future__ import annotations

import inspect

import pytest

import pycontainerd
from pycontainerd import blocking

# What the asynchronous classes have for each other: it is no part of the interface.
INTERNAL = {
    "Attachment": set[str](),
    "Container": {
        *("adopt", "begin_with_the_supervisor", "begins_with_the_supervisor", "close"),
        *("finish_removal", "on_process", "record", "shift_clock", "vanished", "writable"),
    },
    "Containers": {"add", "begin", "close", "fork", "forget", "free_name", "record_of", "take_name"},
    "Events": {"announce", "close"},
    "Exec": {"close", "container_ended", "record", "take_over"},
    "Faults": set[str](),
    "Images": {"in_use", "kept", "snapshot_for", "spool"},
    "Killing": {"call_off"},
    "LeaseManager": set[str](),
    "Namespace": set[str](),
    "Registries": set[str](),
    "Supervisor": set[str](),
}


def public(thing: type) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(INTERNAL))
def test_names(name: str) -> None:
    assert set(blocking.__all__) == set(INTERNAL)
    theirs, ours = public(getattr(pycontainerd, name)), public(getattr(blocking, name))
    # set when it is opened, or in its constructor
    fields = {"cgroup_parent", "ephemeral", "root", "runtime_root", "state"} if name == "Supervisor" else set()
    assert ours - fields == theirs - INTERNAL[name]


@pytest.mark.parametrize("name", sorted(INTERNAL))
def test_parameters(name: str) -> None:
    theirs, ours = getattr(pycontainerd, name), getattr(blocking, name)
    for method in public(ours) & public(theirs):
        if not callable(getattr(ours, method)):
            continue
        wanted = inspect.signature(getattr(theirs, method)).parameters
        found = dict(inspect.signature(getattr(ours, method)).parameters)
        if method in {"wait", "happened"}:
            found.pop("timeout")  # what asyncio.timeout is for the others
        assert [(p.name, p.kind, p.default) for p in found.values()] == [
            (p.name, p.kind, p.default) for p in wanted.values()
        ], f"{name}.{method}"
