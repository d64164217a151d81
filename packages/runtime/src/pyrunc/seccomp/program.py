"""linux.seccomp into a filter program: rules to libseccomp, which makes BPF of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EEXIST, ENOSYS, EPERM

from pyrunc.errors import SpecError, Unsupported, describe_errno
from pyrunc.seccomp.library import UNKNOWN, Library, ffi, load
from pyrunc.seccomp.unknown_calls import unknown_calls
from pyrunc.spec.seccomp import Argument, Seccomp, Syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INSTRUCTION_SIZE = 8
"""sizeof(struct sock_filter)."""

MOST_INSTRUCTIONS = 4096
"""BPF_MAXINSNS: the kernel takes no longer program."""

_ACTIONS = {
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_NOTIFY": 0x7FC00000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
_WITH_DATA = frozenset({"SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"})
_OPERATORS = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}
_ATTRIBUTE_NNP = 3
_ATTRIBUTE_OPTIMIZE = 8
_BINARY_TREE = 2


def program(seccomp: Seccomp) -> bytes:
    """The filter for this machine: struct sock_filter[] as seccomp(2) takes it.

    Raises MissingLibrary, SpecError for a rule that cannot be expressed, Unsupported for what this libseccomp does not know.
    """
    library = load()
    default = action(seccomp.default_action, seccomp.default_errno_ret)
    with _context(library, default) as context:
        _set(library, context, _ATTRIBUTE_NNP, 0)
        _add_architectures(library, context, seccomp)
        # A tree of comparisons instead of a row of some 400: since libseccomp 2.5, and the older ones do well without.
        library.calls.seccomp_attr_set(context, _ATTRIBUTE_OPTIMIZE, _BINARY_TREE)
        for index, syscall in enumerate(seccomp.syscalls):
            _add_rules(library, context, syscall, default, f"linux.seccomp.syscalls[{index}]")
        code = _exported(library, context)
    code = unknown_calls(library, seccomp) + code if _refuses(seccomp) else code
    if len(code) > MOST_INSTRUCTIONS * INSTRUCTION_SIZE:
        raise SpecError(
            "linux.seccomp", f"makes a program of {len(code) // INSTRUCTION_SIZE} instructions, the kernel takes 4096"
        )
    return code


def action(name: str, errno_ret: int | None) -> int:
    """The kernel's number for an action; ERRNO and TRACE carry a value, EPERM if none is given."""
    data = (EPERM if errno_ret is None else errno_ret) & 0xFFFF if name in _WITH_DATA else 0
    return _ACTIONS[name] | data


def _refuses(seccomp: Seccomp) -> bool:
    """Whether unknown system calls are to be told apart: not if they are allowed, or get ENOSYS, anyway."""
    if seccomp.default_action == "SCMP_ACT_ERRNO":
        return seccomp.default_errno_ret != ENOSYS
    return seccomp.default_action in {"SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS"}


@contextmanager
def _context(library: Library, default: int) -> Iterator[Any]:
    context = library.calls.seccomp_init(default)
    if context == ffi.NULL:
        raise Unsupported("linux.seccomp.defaultAction", f"libseccomp {library.version} refuses it")
    try:
        yield context
    finally:
        library.calls.seccomp_release(context)


def _set(library: Library, context: Any, attribute: int, value: int) -> None:
    result = library.calls.seccomp_attr_set(context, attribute, value)
    if result:
        raise Unsupported(
            "linux.seccomp", f"libseccomp {library.version}: attribute {attribute}: {describe_errno(-result)}"
        )


def _add_architectures(library: Library, context: Any, seccomp: Seccomp) -> None:
    for name in seccomp.architectures:
        result = library.calls.seccomp_arch_add(context, library.arch(name))
        if result not in {0, -EEXIST}:
            raise Unsupported("linux.seccomp.architectures", f"{name}: {describe_errno(-result)}")


def _add_rules(library: Library, context: Any, syscall: Syscall, default: int, path: str) -> None:
    number = action(syscall.action, syscall.errno_ret)
    # libseccomp refuses a rule that says what the default says; runc leaves it out as well.
    if number == default:
        return
    for name in syscall.names:
        call = library.calls.seccomp_syscall_resolve_name(name.encode("utf-8", "surrogateescape"))
        # A profile names the calls of every kernel and machine. Those that do not exist here cannot be made.
        if call == UNKNOWN:
            continue
        for arguments in _alternatives(syscall.args):
            result = library.calls.seccomp_rule_add_array(context, number, call, len(arguments), _compared(arguments))
            if result:
                raise SpecError(path, f"libseccomp refuses the rule for {name}: {describe_errno(-result)}", name)


def _alternatives(arguments: tuple[Argument, ...]) -> list[tuple[Argument, ...]]:
    """All comparisons must hold, but libseccomp takes only one for each argument: where there are more, any of all will do, as in runc."""
    indices = [argument.index for argument in arguments]
    if len(set(indices)) == len(indices):
        return [arguments]
    return [(argument,) for argument in arguments]


def _compared(arguments: tuple[Argument, ...]) -> Any:
    if not arguments:
        return ffi.NULL
    return ffi.new(
        "struct scmp_arg_cmp[]",
        [(argument.index, _OPERATORS[argument.op], argument.value, argument.value_two) for argument in arguments],
    )


def _exported(library: Library, context: Any) -> bytes:
    descriptor = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    with open(descriptor, "r+b", buffering=0) as file:
        result = library.calls.seccomp_export_bpf(context, descriptor)
        if result:
            raise SpecError("linux.seccomp", f"libseccomp cannot make a program of it: {describe_errno(-result)}")
        file.seek(0)
        return file.read()
