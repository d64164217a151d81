"""seccomp: from linux.seccomp, or a profile in docker's format, to the program that the kernel runs before each system call."""

from __future__ import annotations

from pyrunc.seccomp.assembler import Assembler, assemble, keep_filters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.seccomp.profile import default_profile, from_docker_profile, with_default_profile

__all__ = ["Assembler", "assemble", "default_profile", "from_docker_profile", "keep_filters", "with_default_profile"]


def __getattr__(name: str) -> object:
    """Profiles are for who writes specifications; a runtime that is given one does not need them."""
    if name in {"default_profile", "from_docker_profile", "with_default_profile"}:
        from pyrunc.seccomp import profile

        return getattr(profile, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
