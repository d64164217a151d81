"""The seccomp profile of containers that name none, by the daemon's configuration."""

from __future__ import annotations

from pathlib import Path

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import InvalidConfig
from pycontainerd.oci.seccomp import filter_for
from pydockerd.errors import ConfigError


def seccomp_profile(said: str) -> str:
    """As `ContainerConfig.seccomp` has it. A file is read here, once: ConfigError for one that is none, so that it does not come out with the first
    container."""
    if said in ("", "builtin"):
        return "default"
    if said == "unconfined":
        return said
    try:
        text = Path(said).read_text(encoding="utf-8")
        filter_for(ContainerConfig(image="", seccomp=text), ())
    except OSError as error:
        raise ConfigError(f"seccomp-profile: opening seccomp profile ({said}) failed: {error.strerror}") from error
    except (InvalidConfig, UnicodeDecodeError) as error:
        raise ConfigError(f"seccomp-profile: {said}: {error}") from error
    return text
