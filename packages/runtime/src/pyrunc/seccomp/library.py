"""libseccomp, the library that runc and crun use too, through cffi in ABI mode: no header and no compiler is needed to run.

Importing this module costs some 40 ms (cffi parses the declarations), so only the assembler imports it, on a cache miss.
"""

from __future__ import annotations

import os
from functools import cache

from cffi import FFI

from pyrunc.errors import MissingLibrary, Unsupported
from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAME = "libseccomp.so.2"

ffi = FFI()
ffi.cdef("""
    typedef void *scmp_filter_ctx;
    struct scmp_arg_cmp { unsigned int arg; int op; uint64_t datum_a; uint64_t datum_b; };
    struct scmp_version { unsigned int major; unsigned int minor; unsigned int micro; };
    const struct scmp_version *seccomp_version(void);
    uint32_t seccomp_arch_resolve_name(const char *arch_name);
    uint32_t seccomp_arch_native(void);
    scmp_filter_ctx seccomp_init(uint32_t def_action);
    void seccomp_release(scmp_filter_ctx ctx);
    int seccomp_arch_add(scmp_filter_ctx ctx, uint32_t arch_token);
    int seccomp_attr_set(scmp_filter_ctx ctx, int attr, uint32_t value);
    int seccomp_syscall_resolve_name(const char *name);
    int seccomp_syscall_resolve_name_arch(uint32_t arch_token, const char *name);
    int seccomp_rule_add_array(scmp_filter_ctx ctx, uint32_t action, int syscall, unsigned int arg_cnt,
                               const struct scmp_arg_cmp *arg_array);
    int seccomp_export_bpf(scmp_filter_ctx ctx, int fd);
""")

UNKNOWN = -1
"""What seccomp_syscall_resolve_name answers for a name that it does not know (__NR_SCMP_ERROR)."""


@frozen
class Library:
    """The loaded library: ``calls`` has its functions, ``file`` is where it was found, ``version`` its own word on that."""

    calls: Any
    file: str
    version: str

    def arch(self, name: str) -> int:
        """The token of ``SCMP_ARCH_X86_64`` and the like; raises Unsupported for one that this version does not know."""
        token = self._token(name)
        if not token:
            raise Unsupported("linux.seccomp.architectures", f"libseccomp {self.version} does not know {name}")
        return token

    def knows(self, name: str) -> bool:
        """Whether it has this architecture."""
        return bool(self._token(name))

    def _token(self, name: str) -> int:
        token: int = self.calls.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
        return token


@cache
def load() -> Library:
    """Load the library; raises MissingLibrary naming the package that brings it."""
    try:
        calls = ffi.dlopen(_NAME)
    except OSError as error:
        raise MissingLibrary(_NAME, "libseccomp2", "linux.seccomp") from error
    version = calls.seccomp_version()
    return Library(calls, _file(), f"{version.major}.{version.minor}.{version.micro}")


def _file() -> str:
    """The path of the library as it was mapped into this process."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        return next((os.path.realpath(line.split(None, 5)[5].strip()) for line in maps if "/libseccomp.so" in line), "")
