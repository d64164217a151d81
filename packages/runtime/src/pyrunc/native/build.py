"""How the C sources are compiled: the description of the cffi extension and the command line of pyrunc-init."""

import os
import platform
import shlex
from pathlib import Path

from cffi import FFI

NATIVE = Path(__file__).resolve().parent

LAYOUT = (
    "-static",
    "-no-pie",
    "-fno-pie",
    "-Os",
    "-ffunction-sections",
    "-fdata-sections",
    "-s",
    "-Wl,--gc-sections,--build-id=none,-z,noexecstack,-z,noseparate-code,-z,max-page-size=4096",
)
"""Small, and in few pages: touching a page costs more than most of what this program does."""

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")

INIT_SOURCES = (
    "birth.c",
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
    "reaper.c",
    "root.c",
)
"""What pyrunc-init is made of."""

EXTENSION_SOURCES = ("spawn.c", "decode.c")
"""What the extension is made of."""


FREESTANDING = ("x86_64", "aarch64")
"""Machines that native/libc.c knows; on others pyrunc-init is linked with the static libc of the system."""


def init_command(target: Path, *, freestanding: bool = platform.machine() in FREESTANDING) -> list[str]:
    """The command that links the static pyrunc-init at ``target``.

    Static and at a fixed address: it is executed from a memfd inside a root that may hold no libc at all, and every
    page it doesn't relocate is shared by all monitors.
    """
    compiler = shlex.split(os.environ.get("CC", "gcc"))
    command = [*compiler, "-std=gnu11", "-D_GNU_SOURCE", *WARNINGS, *LAYOUT, "-o", str(target)]
    sources = [str(NATIVE / name) for name in INIT_SOURCES]
    if not freestanding:
        return [*command, "-fstack-protector-strong", *sources]
    guard = ["-mstack-protector-guard=global"] if platform.machine() == "x86_64" else []
    bare = ["-ffreestanding", "-nostdlib", "-fno-tree-loop-distribute-patterns", "-fno-asynchronous-unwind-tables"]
    return [*command, *bare, "-fstack-protector-strong", *guard, *sources, str(NATIVE / "libc.c")]


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
