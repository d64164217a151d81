"""Device rules on cgroup version 2: a small BPF program that the kernel asks at every mknod and open of a device.

``assemble`` is pure and makes the program from the same rules that version 1 writes to devices.allow; ``attach`` loads it (bpf(2)).
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

from pyrunc.cgroups.devices import WILDCARD, Rule
from pyrunc.cgroups.fields import RESOURCES
from pyrunc.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_SYSCALL = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351, "armv7l": 386, "i686": 357}

_PROG_LOAD, _PROG_ATTACH = 5, 8
_TYPE_CGROUP_DEVICE, _ATTACH_CGROUP_DEVICE, _ALLOW_MULTI = 15, 6, 2
_ATTRIBUTES = 128
_LICENSE = b"Apache-2.0"

# struct bpf_cgroup_dev_ctx: u32 access_type (access << 16 | type), u32 major, u32 minor
_TYPES = {"b": 1, "c": 2}
_ACCESS = {"m": 1, "r": 2, "w": 4}
_ALL = 7

_LOAD_WORD, _MOVE, _MOVE_VALUE, _AND_VALUE = 0x61, 0xBF, 0xB7, 0x57
_SHIFT_RIGHT, _IF_NOT, _IF, _EXIT = 0x77, 0x55, 0x15, 0x95
_RESULT, _CONTEXT, _TYPE, _WANTED, _MAJOR, _MINOR = 0, 1, 2, 3, 4, 5
_SCRATCH = _CONTEXT  # the context is not needed once its fields are in registers


def _instruction(code: int, target: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("=BBhi", code, source << 4 | target, offset, value)


_PROLOGUE = [
    _instruction(_LOAD_WORD, _TYPE, _CONTEXT, 0),
    _instruction(_MOVE, _WANTED, _TYPE),
    _instruction(_AND_VALUE, _TYPE, value=0xFFFF),
    _instruction(_SHIFT_RIGHT, _WANTED, value=16),
    _instruction(_LOAD_WORD, _MAJOR, _CONTEXT, 4),
    _instruction(_LOAD_WORD, _MINOR, _CONTEXT, 8),
]


def assemble(rules: Iterable[Rule]) -> bytes:
    """struct bpf_insn[] that decides as the rules do: the last one that matches counts, so the program asks them from the last to the first.

    An allowing rule matches if it allows all of what is wanted, a denying one if it denies any of it.
    """
    program = list(_PROLOGUE)
    for rule in reversed(merged(rules)):
        conditions = _conditions(rule)
        program += _rule(conditions, rule.allow)
        if not conditions:
            return b"".join(program)  # what follows could never run, and the kernel refuses programs with such code
    return b"".join([*program, *_verdict(False)])


def merged(rules: Iterable[Rule]) -> list[Rule]:
    """Allowing rules for the same devices as one, so that ``r`` and ``w`` together allow to open for both."""
    result: list[Rule] = []
    places: dict[tuple[str, int, int], int] = {}
    for rule in rules:
        key = (rule.kind, rule.major, rule.minor)
        if not rule.allow:
            places.clear()
        elif key in places:
            before = result[places[key]]
            access = "".join(letter for letter in "rwm" if letter in before.access + rule.access)
            result[places[key]] = Rule(True, rule.kind, rule.major, rule.minor, access, rule.field)
            continue
        else:
            places[key] = len(result)
        result.append(rule)
    return result


def _conditions(rule: Rule) -> list[tuple[list[bytes], int, int, int]]:
    """What must hold: instructions before the test, and the test that leads to the next rule: (code, register, value)."""
    conditions: list[tuple[list[bytes], int, int, int]] = []
    if rule.kind in _TYPES:
        conditions.append(([], _IF_NOT, _TYPE, _TYPES[rule.kind]))
    mask = sum(_ACCESS[letter] for letter in set(rule.access))
    if mask != _ALL:
        looked_at, leave = (_ALL & ~mask, _IF_NOT) if rule.allow else (mask, _IF)
        conditions.append(
            (
                [_instruction(_MOVE, _SCRATCH, _WANTED), _instruction(_AND_VALUE, _SCRATCH, value=looked_at)],
                leave,
                _SCRATCH,
                0,
            )
        )
    if rule.kind in _TYPES and rule.major != WILDCARD:
        conditions.append(([], _IF_NOT, _MAJOR, rule.major))
    if rule.kind in _TYPES and rule.minor != WILDCARD:
        conditions.append(([], _IF_NOT, _MINOR, rule.minor))
    return conditions


def _rule(conditions: list[tuple[list[bytes], int, int, int]], allow: bool) -> list[bytes]:
    code = _verdict(allow)
    for before, leave, register, value in reversed(conditions):
        code = [*before, _instruction(leave, register, offset=len(code), value=value), *code]
    return code


def _verdict(allow: bool) -> list[bytes]:
    return [_instruction(_MOVE_VALUE, _RESULT, value=int(allow)), _instruction(_EXIT)]


def attach(program: bytes, cgroup: int) -> None:
    """Load the program and attach it to the cgroup2 directory with descriptor ``cgroup``; it goes with the cgroup. Raises CgroupError."""
    instructions = ctypes.create_string_buffer(program, len(program))
    license_text = ctypes.create_string_buffer(_LICENSE)
    loaded = _bpf(
        _PROG_LOAD,
        struct.pack(
            "=IIQQ",
            _TYPE_CGROUP_DEVICE,
            len(program) // 8,
            ctypes.addressof(instructions),
            ctypes.addressof(license_text),
        ),
    )
    try:
        _bpf(_PROG_ATTACH, struct.pack("=IIII", cgroup, loaded, _ATTACH_CGROUP_DEVICE, _ALLOW_MULTI))
    finally:
        os.close(loaded)


def _bpf(command: int, attributes: bytes) -> int:
    number = _SYSCALL.get(platform.machine())
    if number is None:
        raise CgroupError(f"{RESOURCES}.devices", f"bpf(2) has no known number on {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes, _ATTRIBUTES)
    result: int = libc.syscall(ctypes.c_long(number), ctypes.c_int(command), buffer, ctypes.c_uint(_ATTRIBUTES))
    if result < 0:
        step = "loaded" if command == _PROG_LOAD else "attached"
        raise CgroupError(
            f"{RESOURCES}.devices", f"the device program of cgroup v2 could not be {step}", ctypes.get_errno()
        )
    return result
