"""The decoder under AddressSanitizer and UndefinedBehaviorSanitizer: right plans, cut plans, and thousands of damaged ones."""

from __future__ import annotations

import random
import struct
import subprocess
from pathlib import Path

import pytest

from pyrunc import _native
from pyrunc import plan as plan_module
from pyrunc.encode import encode, layout
from pyrunc.native.build import NATIVE, WARNINGS
from pyrunc.plan import Bind, Clone, ExecVe, Hook, JoinCgroup, LoadSeccomp, Mkdev, Operation, Plan, SetNs, SetUser
from tests.runtime.native.plans import container, exec_plan

HEADER = 40


def plans() -> list[Plan]:
    """Every kind of field is in one of them."""
    rich = (
        JoinCgroup(slots=(0, 1)),
        Hook(program="/bin/true", argv=("true", "", "x"), env=(), state='{"pid":@PID@}', timeout=3),
        Bind(source="/etc/hosts", target="/etc/hosts", recursive=True, tree=1),
        Mkdev(target="/dev/zero", mode=0o20666, major=1, minor=5, uid=0, gid=0),
        SetUser(uid=1000, gid=1000, groups=(4, 24, 27)),
        LoadSeccomp(program=struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)),
    )
    return [container(Path("/nowhere"), "echo", first=rich, gate=True), exec_plan("true")]


def check(data: bytes) -> tuple[str, int] | None:
    """None, or why it was refused and the index of the operation."""
    index = _native.ffi.new("uint32_t *")
    reason = _native.lib.pyrunc_check(data, len(data), index)
    return (_native.ffi.string(reason).decode(), index[0]) if reason else None


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sanitized") / "check_plans"
    sources = [str(Path(__file__).with_name("check_plans.c")), str(NATIVE / "decode.c")]
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
    command = ["gcc", "-std=gnu11", *WARNINGS, *sanitizers, f"-I{NATIVE}", *sources, "-o", str(target)]
    subprocess.run(command, check=True)
    return target


def run_checker(checker: Path, inputs: list[bytes], directory: Path) -> list[str]:
    file = directory / "inputs"
    file.write_bytes(b"".join(struct.pack("=I", len(data)) + data for data in inputs))
    result = subprocess.run([checker, file], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == len(inputs)
    return lines


def damaged(data: bytes, chance: random.Random) -> bytes:
    """One of: some bits flipped, a word replaced by a hostile number, a piece cut out, doubled or moved."""
    changed = bytearray(data)
    kind = chance.randrange(4)
    if kind == 0:
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        at = chance.randrange(len(changed) // 8) * 8
        changed[at : at + 8] = struct.pack(
            "=Q", chance.choice([0, 1, 7, 2**31, 2**32 - 1, 2**63, 2**64 - 1, len(data)])
        )
    else:
        start, end = sorted(chance.randrange(len(changed)) & ~7 for _ in range(2))
        piece = changed[start:end]
        changed[start:end] = b"" if kind == 2 else piece * 2
    if chance.random() < 0.7:  # else most are refused for their length alone
        changed[16:24] = struct.pack("=Q", len(changed))
    return bytes(changed)


def test_right_plans_pass(checker: Path, tmp_path: Path) -> None:
    assert run_checker(checker, [encode(plan, slots=2) for plan in plans()], tmp_path) == ["0 ", "0 "]


def test_every_cut_is_refused(checker: Path, tmp_path: Path) -> None:
    data = encode(plans()[0], slots=2)
    cuts = [data[:size] for size in range(len(data))]
    told = [data[:16] + struct.pack("=Q", size) + data[24:size] for size in range(HEADER, len(data))]
    for line in run_checker(checker, cuts + told, tmp_path):
        assert line.startswith("-1 ")


def test_damaged_plans_never_read_elsewhere(checker: Path, tmp_path: Path) -> None:
    chance = random.Random(20190219)
    originals = [encode(plan, slots=2) for plan in plans()]
    inputs = [damaged(chance.choice(originals), chance) for _ in range(6000)]
    lines = run_checker(checker, inputs, tmp_path)
    # A flipped bit in a path is still a plan; most others are not. Both must have been seen for the test to mean anything.
    assert 500 < sum(line.startswith("-1") for line in lines) < 5900


def test_the_two_tables_of_operations_agree() -> None:
    """ops.def, which the C side is compiled from, and the annotations of plan.py."""
    to_python = str.maketrans("udD", "iiN")
    seen = {}
    row = _native.lib.plan_shape(0)
    while row != _native.ffi.NULL:
        text = [_native.ffi.string(part).decode() for part in (row.name, row.kinds, row.fields)]
        seen[row.code] = (text[0], text[1].translate(to_python), tuple(filter(None, text[2].split(","))))
        row = _native.lib.plan_shape(len(seen))
    classes = [cls for cls in vars(plan_module).values() if isinstance(cls, type) and issubclass(cls, Operation)]
    layouts = {cls.__name__: layout(cls) for cls in classes if cls is not Operation}
    expected = {known.code: (name, known.kinds, known.names) for name, known in layouts.items()}
    assert seen == expected


END = ExecVe(argv=("x",), env=())


@pytest.mark.parametrize(
    ("plan", "slots", "reason", "index"),
    [
        (Plan((END,)), 0, "no operations", 0xFFFFFFFF),
        (Plan((Clone(flags=0), Clone(flags=0), END)), 0, "a second Clone", 1),
        (Plan((Clone(flags=0), SetNs(slot=0, kind=0), END)), 1, "on the wrong side of Clone", 1),
        (Plan((END, Clone(flags=0))), 0, "on the wrong side of Clone", 0),
        (Plan((Clone(flags=0), END, SetUser(uid=0, gid=0, groups=()))), 0, "ExecVe is not the last operation", 1),
        (Plan((SetNs(slot=3, kind=0), Clone(flags=0), END)), 3, "a slot that was not handed over", 0),
        (Plan((Clone(flags=0), JoinCgroup(slots=(-1,)), END)), 3, "a slot that was not handed over", 1),
        (Plan((Clone(flags=0), SetUser(uid=2**32, gid=0, groups=()), END)), 0, "a number is out of range", 1),
        (Plan((Clone(flags=0), SetUser(uid=0, gid=0, groups=(-1,)), END)), 0, "a number is out of range", 1),
    ],
)
def test_refused_plans_say_why_and_where(plan: Plan, slots: int, reason: str, index: int) -> None:
    assert check(encode(plan, slots=slots)) == (reason, index)
