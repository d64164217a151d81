"""How the C sources are compiled: the description of the cffi extension and the command line of pyrunc-init."""

import os
import shlex
from pathlib import Path

from cffi import FFI

NATIVE = Path(__file__).resolve().parent

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")

INIT_SOURCES = (
    "cgroups.c",
    "console.c",
    "container.c",
    "copyup.c",
    "decode.c",
    "descriptors.c",
    "devices.c",
    "execute.c",
    "hooks.c",
    "main.c",
    "masks.c",
    "messages.c",
    "monitor.c",
    "mounts.c",
    "namespaces.c",
    "paths.c",
    "privileges.c",
    "process.c",
    "procfs.c",
    "root.c",
)
"""What pyrunc-init is made of."""

EXTENSION_SOURCES = ("spawn.c", "decode.c")
"""What the extension is made of."""


def init_command(target: Path) -> list[str]:
    """The command that links the static pyrunc-init at ``target``.

    Static and at a fixed address: it is executed from a memfd inside a root that may hold no libc at all, and every
    page it doesn't relocate is shared by all monitors.
    """
    compiler = shlex.split(os.environ.get("CC", "gcc"))
    layout = ("-static", "-no-pie", "-fno-pie", "-Os", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-s")
    hardening = ("-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now,-z,noexecstack")
    sources = [str(NATIVE / name) for name in INIT_SOURCES]
    return [*compiler, "-std=gnu11", "-D_GNU_SOURCE", *WARNINGS, *layout, *hardening, "-o", str(target), *sources]


def _relative(name: str) -> str:
    """Relative to the directory of setup.py, which is where setuptools wants its sources."""
    return f"src/pyrunc/native/{name}"


ffi = FFI()
ffi.cdef((NATIVE / "spawn.cdef").read_text())
ffi.set_source(
    "pyrunc._native",
    '#include "spawn.h"',
    sources=[_relative(name) for name in EXTENSION_SOURCES],
    include_dirs=[_relative(".")],
    extra_compile_args=["-std=gnu11", "-O2", "-Wall", "-Wextra"],
    py_limited_api=True,
    define_macros=[("Py_LIMITED_API", "0x030b0000"), ("_GNU_SOURCE", None)],
)
