"""How a daemon is set up: the flags of the command, as values."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen


@frozen(kw_only=True)
class Settings:
    """Names and meanings are dockerd's."""

    data_root: Path = Path("/var/lib/pydockerd")
    exec_root: Path = Path("/run/pydockerd")
    hosts: tuple[str, ...] = ("unix:///run/pydockerd.sock",)
    pidfile: Path | None = Path("/run/pydockerd.pid")
    group: str | None = None
    cgroup_parent: str = "/pydockerd"
    log_level: str = "info"
    insecure_registries: tuple[str, ...] = ()
    """Hosts and networks whose certificates are not checked and that may speak plain HTTP."""
    registry_mirrors: tuple[str, ...] = ()
    """Addresses that are asked before docker.io."""

    cdi_spec_dirs: tuple[Path, ...] = (Path("/etc/cdi"), Path("/var/run/cdi"))
    """Where devices are described; later ones have precedence."""

    @property
    def debug(self) -> bool:
        """Whether everything is logged."""
        return self.log_level == "debug"
