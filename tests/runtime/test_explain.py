"""Plans as text and as JSON, and the few words of an operation in an error."""

from __future__ import annotations

import json
from errno import EACCES, ENOENT, ENOTDIR, EPERM

import pytest

from pyrunc import plan as op
from pyrunc.compile import flags
from pyrunc.errors import ExecutableNotFound, ExecutableNotPermitted, OperationFailed, SpecError
from pyrunc.explain import explain, explain_json, summary
from pyrunc.plan import Plan

TMPFS = op.Mount(
    path="mounts[3]",
    fstype="tmpfs",
    device="shm",
    parameters=("size=1m",),
    attributes=0x6,
    target="/dev/shm",
    propagation=0,
)


def test_a_line_an_operation() -> None:
    plan = Plan(
        (
            op.Clone(path="linux.namespaces", flags=flags.CLONE_NEWPID | flags.CLONE_NEWNS),
            TMPFS,
            op.SetCapabilities(effective=1 << 5, permitted=1 << 5 | 1 << 63, inheritable=0, ambient=0),
            op.LoadSeccomp(program=bytes(80), listener=True),
            op.ExecVe(argv=("sh", "a b", ""), env=()),
        )
    )
    assert explain(plan).splitlines() == [
        "0  Clone flags=mount,pid  ← linux.namespaces",
        "1  Mount fstype=tmpfs device=shm parameters=[size=1m] attributes=nosuid,nodev target=/dev/shm  ← mounts[3]",
        "2  SetCapabilities effective=kill permitted=kill,63 inheritable=none ambient=none",
        "3  LoadSeccomp program=<10 instructions> listener=yes",
        "4  ExecVe argv=[sh, 'a b', ''] env=[]",
    ]


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in explain(Plan((op.SetHostname(name="\x1b[31m"),)))


def test_json_has_every_field() -> None:
    (found,) = json.loads(json.dumps(explain_json(Plan((TMPFS,)))))
    assert found == {
        "operation": "Mount",
        "path": "mounts[3]",
        "fstype": "tmpfs",
        "device": "shm",
        "parameters": ["size=1m"],
        "attributes": 6,
        "target": "/dev/shm",
        "propagation": 0,
        "copy_up": False,
    }
    (found,) = json.loads(json.dumps(explain_json(Plan((op.LoadSeccomp(program=bytes(8)),)))))
    assert found["program"] == "<8 bytes>"


def test_every_kind_of_operation_is_named() -> None:
    assert summary(op.SetSid()) == "set sid"
    assert summary(TMPFS) == "tmpfs on /dev/shm"


def test_a_failure_names_the_line_of_the_specification() -> None:
    assert str(OperationFailed.of(3, TMPFS, EPERM)) == "mounts[3] tmpfs on /dev/shm: EPERM (Operation not permitted)"
    told = str(OperationFailed.of(3, TMPFS, 22, "tmpfs: Unknown parameter 'x'"))
    assert told == "mounts[3] tmpfs on /dev/shm: EINVAL (Invalid argument): tmpfs: Unknown parameter 'x'"
    assert str(OperationFailed.of(0, op.SetSid(), 0, "not now")) == "set sid: not now"


@pytest.mark.parametrize(
    ("name", "errno", "kind", "message"),
    [
        ("foo", ENOENT, ExecutableNotFound, 'exec: "foo": executable file not found in $PATH'),
        ("/foo", ENOENT, ExecutableNotFound, 'exec: "/foo": stat /foo: no such file or directory'),
        ("/etc/passwd/x", ENOTDIR, ExecutableNotFound, 'exec: "/etc/passwd/x": stat /etc/passwd/x: not a directory'),
        ("/etc/passwd", EACCES, ExecutableNotPermitted, 'exec: "/etc/passwd": permission denied'),
    ],
)
def test_a_missing_command_is_worded_as_by_runc(
    name: str, errno: int, kind: type[OperationFailed], message: str
) -> None:
    for operation in (op.FindExecutable(name=name, search="/bin"), op.ExecVe(argv=(name,), env=())):
        error = OperationFailed.of(9, operation, errno)
        assert type(error) is kind
        assert str(error) == message
        assert error.exit_code == (127 if kind is ExecutableNotFound else 126)


def test_a_specification_error_names_the_document_itself() -> None:
    assert str(SpecError("", "is not JSON")) == "config.json: is not JSON"
