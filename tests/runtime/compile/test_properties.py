"""What holds of every plan, whatever was compiled: its shape, its slots, and the order that security depends on."""

from __future__ import annotations

from typing import Any, ClassVar, get_type_hints

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrunc import plan as op
from pyrunc.capabilities import NAMES, names_of
from pyrunc.compile import Compiled, Gate, Report
from pyrunc.compile.security import mask_of
from pyrunc.explain import explain, explain_json, summary
from pyrunc.facts import Facts
from pyrunc.spec import Capabilities, Mount, Namespace, Root, Spec
from tests.runtime.compile.configurations import (
    CONFIGURATIONS,
    FILTER,
    HYBRID,
    LEGACY,
    MINIMAL,
    UNIFIED,
    compiled,
    mapped,
)

AFTER_FILTER = (op.WaitStart, op.Hook, op.ExecVe)
OF_THE_HOST = (op.MountAt, op.Mount, op.MountCgroups, op.Mkdev, op.Symlink)

names = st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=12)
options = st.lists(
    st.sampled_from(
        ["ro", "rw", "nosuid", "noexec", "noatime", "relatime", "rprivate", "rshared", "x-a=b", "defaults"]
    ),
    max_size=5,
)
mount = st.builds(
    lambda where, kind, words: Mount(destination=f"/{where}", type=kind, source="/s", options=tuple(words)),
    names,
    st.sampled_from(["tmpfs", "proc", "sysfs", "bind", "ext4", "cgroup", "mqueue"]),
    options,
)
capabilities = st.lists(st.sampled_from(NAMES), max_size=6, unique=True).map(tuple)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    kinds = draw(st.sets(st.sampled_from(["pid", "network", "uts", "ipc", "cgroup", "time"])))
    new = [Namespace(type=kind, path=draw(st.sampled_from(["", "/run/ns/x"]))) for kind in sorted(kinds)]  # type: ignore[arg-type]  # words above
    permitted = draw(capabilities)
    sets = Capabilities(
        bounding=draw(capabilities), permitted=permitted, effective=permitted[:2], ambient=draw(capabilities)
    )
    spec = MINIMAL.with_linux(
        namespaces=(Namespace(type="mount"), *new),
        seccomp=draw(st.none() | st.just(FILTER)),
        masked_paths=tuple(f"/{name}" for name in draw(st.lists(names, max_size=3))),
        rootfs_propagation=draw(st.sampled_from(["", "private", "rshared", "slave", "unbindable"])),
    ).with_process(
        cwd=f"/{draw(names)}",
        terminal=draw(st.booleans()),
        no_new_privileges=draw(st.booleans()),
        capabilities=draw(st.none() | st.just(sets)),
    )
    spec = attrs.evolve(
        spec, mounts=tuple(draw(st.lists(mount, max_size=5))), root=Root(path="r", readonly=draw(st.booleans()))
    )
    return mapped(spec) if draw(st.booleans()) else spec


def check_plan(found: Compiled) -> None:
    operations = found.plan.operations
    kinds = [type(operation) for operation in operations]
    assert kinds.count(op.Clone) == 1
    assert kinds.index(op.ExecVe) == len(kinds) - 1
    assert set(kinds[: kinds.index(op.Clone)]) <= {op.SetNs}
    assert op.SetNs not in kinds[kinds.index(op.Clone) :]
    assert slots_of(operations) == set(range(len(found.slots)))


def slots_of(operations: tuple[op.Operation, ...]) -> set[int]:
    used: set[int] = set()
    for operation in operations:
        for name in ("slot", "cgroup", "gate", "report", "tree"):
            used.add(getattr(operation, name, op.NO_SLOT))
        used.update(getattr(operation, "slots", ()))
    return used - {op.NO_SLOT}


def check_order(operations: tuple[op.Operation, ...]) -> None:
    kinds = [type(operation) for operation in operations]
    pivot = kinds.index(op.PivotRoot)
    assert not set(kinds[pivot:]) & set(OF_THE_HOST)
    for operation in operations[pivot:]:
        if isinstance(operation, op.Bind):
            assert operation.source == operation.target
    user = kinds.index(op.SetUser)
    assert kinds.index(op.DropBounding) < user < kinds.index(op.SetCapabilities) < kinds.index(op.FindExecutable)
    last_mask = max((index for index, kind in enumerate(kinds) if kind is op.MaskPath), default=0)
    last_chdir = max(index for index, kind in enumerate(kinds) if kind is op.Chdir)
    assert last_mask < last_chdir < user
    check_filter(kinds)


def check_filter(kinds: list[type[op.Operation]]) -> None:
    if op.LoadSeccomp in kinds:
        place = kinds.index(op.LoadSeccomp)
        if op.NoNewPrivileges in kinds:
            assert kinds.index(op.NoNewPrivileges) < place
            assert all(kind in AFTER_FILTER for kind in kinds[place + 1 :])
        else:
            assert place < kinds.index(op.DropBounding)


@settings(max_examples=300, deadline=None)
@given(spec=specs(), facts=st.sampled_from([UNIFIED, LEGACY, HYBRID]))
def test_any_container(spec: Spec, facts: Facts) -> None:
    found = compiled(spec, facts)
    check_plan(found)
    check_order(found.plan.operations)
    assert sum(isinstance(slot, Gate | Report) for slot in found.slots) == 2
    assert found == compiled(spec, facts)
    assert len(explain(found.plan).splitlines()) == len(explain_json(found.plan)) == len(found.plan.operations)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_kept_configurations(name: str) -> None:
    check_plan(CONFIGURATIONS[name])


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_fields_are_of_the_wire_types(name: str) -> None:
    for operation in CONFIGURATIONS[name].plan.operations:
        hints = get_type_hints(type(operation), localns={"ClassVar": ClassVar})
        for attribute in attrs.fields(type(operation)):
            assert is_of(getattr(operation, attribute.name), hints[attribute.name]), (operation, attribute.name)


def is_of(value: Any, kind: Any) -> bool:
    if kind in (int, bool, str, bytes):
        return type(value) is kind
    item = kind.__args__[0]
    return type(value) is tuple and all(type(entry) is item for entry in value)


@given(capabilities)
def test_masks_hold_names(chosen: tuple[str, ...]) -> None:
    assert set(names_of(mask_of(chosen, "p"))) == set(chosen)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_operation_has_a_summary_of_one_line(name: str) -> None:
    for operation in CONFIGURATIONS[name].plan.operations:
        assert summary(operation)
        assert "\n" not in summary(operation)
