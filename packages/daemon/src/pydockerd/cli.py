"""The command ``pydockerd``, with dockerd's names for its flags."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydockerd import __version__
from pydockerd.errors import StartupError
from pydockerd.settings import Settings

_LEVELS = ("debug", "info", "warn", "error", "fatal")


def parser() -> argparse.ArgumentParser:
    """The flags; the defaults are those of Settings."""
    default = Settings()
    made = argparse.ArgumentParser(
        prog="pydockerd", description="The Docker Engine API over pycontainerd. Containers go on running when it stops."
    )
    made.add_argument("-v", "--version", action="version", version=f"pydockerd version {__version__}")
    made.add_argument(
        "-H",
        "--host",
        action="append",
        metavar="unix://PATH",
        help=f"where to listen; repeatable (default {default.hosts[0]})",
    )
    made.add_argument(
        "--data-root",
        type=Path,
        default=default.data_root,
        help="what outlives a reboot: images, containers (%(default)s)",
    )
    made.add_argument(
        "--exec-root",
        type=Path,
        default=default.exec_root,
        help="what does not: the state of running containers (%(default)s)",
    )
    made.add_argument(
        "-p", "--pidfile", type=Path, default=None, help=f"where to write the pid (default {default.pidfile})"
    )
    made.add_argument("-G", "--group", default=None, help="the group that may use the socket, beside root")
    made.add_argument(
        "--cgroup-parent", default=default.cgroup_parent, help="the cgroup above all containers (%(default)s)"
    )
    made.add_argument(
        "-l", "--log-level", choices=_LEVELS, default=default.log_level, help="what is logged (%(default)s)"
    )
    made.add_argument(
        "--insecure-registry",
        action="append",
        metavar="HOST|CIDR",
        help="a registry whose certificate is not checked; repeatable (this machine's own always are)",
    )
    made.add_argument(
        "--registry-mirror", action="append", metavar="URL", help="asked before docker.io; repeatable, in this order"
    )
    made.add_argument(
        "--cdi-spec-dir",
        action="append",
        type=Path,
        metavar="DIRECTORY",
        help=f"where CDI describes devices; repeatable, later ones first (default {' '.join(map(str, default.cdi_spec_dirs))})",
    )
    made.add_argument("-D", "--debug", action="store_true", help="the same as --log-level=debug")
    return made


def settings(arguments: Sequence[str] | None = None) -> Settings:
    """What the command line says. Exits with 2 on a wrong flag, as argparse does."""
    said = parser().parse_args(arguments)
    default = Settings()
    return Settings(
        data_root=said.data_root.absolute(),
        exec_root=said.exec_root.absolute(),
        hosts=tuple(said.host or default.hosts),
        pidfile=said.pidfile.absolute() if said.pidfile else _default_pidfile(said.exec_root, default),
        group=said.group,
        cgroup_parent=said.cgroup_parent,
        log_level="debug" if said.debug else said.log_level,
        insecure_registries=tuple(said.insecure_registry or ()),
        registry_mirrors=tuple(said.registry_mirror or ()),
        cdi_spec_dirs=tuple(said.cdi_spec_dir or default.cdi_spec_dirs),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon; 0 after a graceful stop, 1 when it could not start."""
    said = settings(arguments)
    from pydockerd import journal
    from pydockerd.process import daemon

    journal.start(said.log_level)
    try:
        daemon.run(said)
    except StartupError as error:
        print(f"pydockerd: {error}", file=sys.stderr)
        return 1
    return 0


def _default_pidfile(exec_root: Path, default: Settings) -> Path | None:
    """The usual place for the usual daemon; one with its own exec root keeps its pid file there."""
    return default.pidfile if exec_root == default.exec_root else exec_root.absolute() / "pydockerd.pid"
