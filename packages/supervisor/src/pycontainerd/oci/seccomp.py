"""Which system calls a container may make."""

from __future__ import annotations

from collections.abc import Collection

from pyrunc import seccomp
from pyrunc.errors import SpecError
from pyrunc.spec import Seccomp

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import InvalidConfig


def filter_for(config: ContainerConfig, capabilities: Collection[str]) -> Seccomp | None:
    """The filter; None where there is none (privileged, or ``unconfined``). Rules of the profile may depend on the capabilities."""
    if config.seccomp == "unconfined" or (config.privileged and config.seccomp == "default"):
        return None
    if config.seccomp == "default":
        return seccomp.default_profile(capabilities)
    try:
        return seccomp.load_profile(config.seccomp, capabilities)
    except (ValueError, SpecError) as error:
        raise InvalidConfig("seccomp", f"decoding seccomp profile failed: {error}") from error
