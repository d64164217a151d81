"""System calls that are newer than the profile: they get ENOSYS, so that a C library falls back to an older call.

A profile that refuses with EPERM what it does not list would tell a program "you may not" about a call that its author had never
heard of, and the program gives up: glibc's clone3 and faccessat2 broke containers this way. So, as runc does since 1.0.0-rc93,
a call with a number above every one that the profile names is answered as a kernel would that does not have it.
"""

from __future__ import annotations

import struct
from errno import ENOSYS

from pyrunc.seccomp.library import Library
from pyrunc.spec.seccomp import Seccomp

_LOAD_WORD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_GREATER = 0x25
_JUMP_GREATER_EQUAL = 0x35
_RETURN = 0x06
_RETURN_ENOSYS = 0x00050000 | ENOSYS
_OFFSET_NUMBER = 0
_OFFSET_ARCH = 4
_X32_BIT = 0x40000000


def unknown_calls(library: Library, seccomp: Seccomp) -> bytes:
    """Instructions to put before the filter: for each architecture, ENOSYS above its highest known number, else go on."""
    tokens = dict.fromkeys(
        [library.calls.seccomp_arch_native(), *(library.arch(name) for name in seccomp.architectures)]
    )
    x32 = library.arch("SCMP_ARCH_X32")
    code = b""
    for token in tokens:
        last = _last_known(library, token, seccomp)
        # x32 shares its architecture's number with x86_64 and tells itself apart by a bit: its calls are left to the filter.
        if token != x32 and last >= 0:
            code += _stub(token, last)
    return code


def _last_known(library: Library, token: int, seccomp: Seccomp) -> int:
    names = {name for syscall in seccomp.syscalls for name in syscall.names}
    resolve = library.calls.seccomp_syscall_resolve_name_arch
    return max((resolve(token, name.encode("utf-8", "surrogateescape")) for name in names), default=-1)


def _stub(token: int, last: int) -> bytes:
    """``if (arch == token && nr < x32 && nr > last) return ENOSYS``; whatever follows loads the data again by itself."""
    return b"".join(
        (
            _instruction(_LOAD_WORD, 0, 0, _OFFSET_ARCH),
            _instruction(_JUMP_EQUAL, 0, 4, token),
            _instruction(_LOAD_WORD, 0, 0, _OFFSET_NUMBER),
            _instruction(_JUMP_GREATER_EQUAL, 2, 0, _X32_BIT),
            _instruction(_JUMP_GREATER, 0, 1, last),
            _instruction(_RETURN, 0, 0, _RETURN_ENOSYS),
        )
    )


def _instruction(code: int, if_true: int, if_false: int, operand: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)
