"""What has to be looked up and laid out before a container's process can be made. All of it blocks: it runs in a worker's thread."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

import pyrunc
from pycontainerd import tree
from pycontainerd.containers.config import BindMount, ContainerConfig, ExecConfig
from pycontainerd.containers.record import ContainerRecord
from pycontainerd.errors import InvalidConfig, StartFailed
from pycontainerd.oci import block_io, etc_files
from pycontainerd.oci.build import Surroundings, build, exec_process
from pycontainerd.oci.devices import host_devices
from pycontainerd.oci.users import Account, resolve
from pycontainerd.tasks.detached import detached
from pycontainerd.tasks.services import Services


@frozen(kw_only=True)
class Shared:
    """Other running containers whose namespaces are joined: pids by namespace, and whose /etc files to use."""

    pids: Mapping[str, int]
    network_of: str | None = None


def hostname_of(record: ContainerRecord) -> str:
    """docker's rule: what was asked for; with the host's network the host's; else the short id."""
    config = record.config
    if config.hostname:
        return config.hostname
    return socket.gethostname() if "host" in {config.network, config.uts} else record.id[:12]


def lay_out(services: Services, record: ContainerRecord) -> None:
    """Make the directories of a new container and its own files of /etc."""
    home = services.home(record.id)
    home.parent.mkdir(exist_ok=True, mode=0o700)
    home.mkdir(mode=0o700)
    for name, text in etc_files.contents(record.config, hostname_of(record)).items():
        (home / name).write_text(text, encoding="utf-8")
        (home / name).chmod(0o644)


def clear_away(services: Services, id: str) -> None:
    """Delete them again; what is gone already is no failure."""
    for directory in (services.home(id), services.bundle(id)):
        with contextlib.suppress(FileNotFoundError):
            tree.remove(directory)


def bundle(services: Services, id: str) -> Path:
    """The bundle's directory, made when it is not there: after a reboot the state directory is empty."""
    path = services.bundle(id)
    (path / "rootfs").mkdir(parents=True, exist_ok=True)
    os.chmod(path, 0o700)
    return path


def specification(
    services: Services,
    record: ContainerRecord,
    roots: Sequence[pyrunc.RootMount],
    shared: Shared,
    console_size: tuple[int, int] | None,
) -> pyrunc.Spec:
    """The Spec for the next run. InvalidConfig names what of the configuration cannot be."""
    config = record.config
    _make_sources(config)
    with detached(roots, read_only=True) as root:
        account = resolve(root, config.user or "", config.group_add)
    files = services.home(shared.network_of or record.id)
    around = Surroundings(
        hostname=hostname_of(record),
        account=account,
        cgroups_path=f"{config.cgroup_parent or services.cgroup_parent}/{record.id}",
        capabilities=services.capabilities,
        devices=host_devices(config),
        block_devices=block_io.host_devices(config.resources),
        etc_files={name: files / name for name in etc_files.NAMES},
        shared_pids=shared.pids,
        console_size=console_size,
    )
    return build(config, around)


def exec_specification(
    services: Services, record: ContainerRecord, config: ExecConfig, console_size: tuple[int, int] | None
) -> pyrunc.Process:
    """The Process of an exec; its user is looked up in the running container's files."""
    around = Surroundings(
        hostname=hostname_of(record),
        account=_account_inside(record, config),
        cgroups_path="",
        capabilities=services.capabilities,
        console_size=console_size,
    )
    return exec_process(record.config, config, around)


def _account_inside(record: ContainerRecord, config: ExecConfig) -> Account:
    try:
        root = os.open(f"/proc/{record.pid}/root", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StartFailed(f"container {record.id} has just ended") from error
    try:
        extra = record.config.group_add if config.user is None else ()
        return resolve(root, config.user or record.config.user or "", extra)
    finally:
        os.close(root)


def _make_sources(config: ContainerConfig) -> None:
    for index, mount in enumerate(config.mounts):
        if not isinstance(mount, BindMount) or os.path.exists(mount.source):
            continue
        if not mount.create_source:
            raise InvalidConfig(f"mounts[{index}].source", f"bind source path does not exist: {mount.source}")
        os.makedirs(mount.source, mode=0o755, exist_ok=True)
