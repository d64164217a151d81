"""Which system calls a container may make."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from functools import cache

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import InvalidConfig
from pyrunc import seccomp
from pyrunc.errors import SpecError
from pyrunc.spec import Seccomp


def filter_for(config: ContainerConfig, capabilities: Collection[str]) -> Seccomp | None:
    """The filter; None where there is none (privileged, or ``unconfined``). Rules of the profile may depend on the capabilities."""
    if config.seccomp == "unconfined" or (config.privileged and config.seccomp == "default"):
        return None
    machine, kernel = _host()
    if config.seccomp == "default":
        return seccomp.default_profile(capabilities, machine, kernel)
    try:
        return seccomp.from_docker_profile(config.seccomp.encode(), capabilities, machine, kernel)
    except SpecError as error:
        raise InvalidConfig(error.path, f"decoding seccomp profile failed: {error.rule}") from error


@cache
def _host() -> tuple[str, tuple[int, int]]:
    """uname(2): the machine, and the kernel's version as profiles ask for it."""
    names = os.uname()
    major, minor = re.findall(r"\d+", names.release)[:2]
    return names.machine, (int(major), int(minor))
