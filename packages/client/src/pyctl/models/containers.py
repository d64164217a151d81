# ruff: noqa: RUF009 - api() declares an attribute, as attrs.field does
"""Containers as the daemon reports them (Engine API: ContainerList, ContainerInspect, ContainerTop, ContainerWait)."""

from __future__ import annotations

import attrs

from pyctl.models.fields import (
    JsonObject,
    api,
    document,
    flag,
    integer,
    listed,
    model,
    named,
    text,
    texts,
    texts_by_name,
)


@attrs.frozen
class Port:
    """One published or exposed port (PortSummary)."""

    ip: str = api("IP", text)
    private: int = api("PrivatePort", integer)
    public: int = api("PublicPort", integer)
    """0 when it is exposed only."""
    protocol: str = api("Type", text)


@attrs.frozen
class MountPoint:
    """What is mounted where (MountPoint)."""

    kind: str = api("Type", text)
    name: str = api("Name", text)
    source: str = api("Source", text)
    destination: str = api("Destination", text)
    driver: str = api("Driver", text)
    """Of a volume."""


@attrs.frozen
class NetworkNames:
    """The part of a container's network settings that a listing carries: names to endpoint documents."""

    networks: dict[str, JsonObject] = api("Networks", named(document))


@attrs.frozen
class ContainerSummary:
    """One line of a listing (ContainerSummary)."""

    id: str = api("Id", text)
    names: tuple[str, ...] = api("Names", texts)
    """Each with its leading slash; more than one where links are used."""
    image: str = api("Image", text)
    image_id: str = api("ImageID", text)
    command: str = api("Command", text)
    created: int = api("Created", integer)
    """Seconds since 1970."""
    ports: tuple[Port, ...] = api("Ports", listed(model(Port)))
    size_rw: int = api("SizeRw", integer)
    """Bytes in the writable layer; 0 unless sizes were asked for."""
    size_root_fs: int = api("SizeRootFs", integer)
    labels: dict[str, str] = api("Labels", texts_by_name)
    state: str = api("State", text)
    status: str = api("Status", text)
    network_settings: NetworkNames = api("NetworkSettings", model(NetworkNames))
    mounts: tuple[MountPoint, ...] = api("Mounts", listed(model(MountPoint)))


@attrs.frozen
class ContainerState:
    """What a container is doing (ContainerState)."""

    status: str = api("Status", text)
    """created, running, paused, restarting, removing, exited or dead."""
    running: bool = api("Running", flag)
    paused: bool = api("Paused", flag)
    restarting: bool = api("Restarting", flag)
    pid: int = api("Pid", integer)
    exit_code: int = api("ExitCode", integer)
    error: str = api("Error", text)
    started_at: str = api("StartedAt", text)
    finished_at: str = api("FinishedAt", text)


@attrs.frozen
class HostAddress:
    """Where on the host a port is published (PortBinding)."""

    ip: str = api("HostIp", text)
    port: str = api("HostPort", text)


@attrs.frozen
class ContainerConfig:
    """The part of a container's configuration that the client acts on (ContainerConfig)."""

    tty: bool = api("Tty", flag)
    open_stdin: bool = api("OpenStdin", flag)
    image: str = api("Image", text)


@attrs.frozen
class ContainerHostConfig:
    """The part of a container's host configuration that the client acts on (HostConfig)."""

    auto_remove: bool = api("AutoRemove", flag)


@attrs.frozen
class NetworkPorts:
    """The part of a container's network settings that ``port`` prints: ``80/tcp`` to addresses on the host."""

    ports: dict[str, tuple[HostAddress, ...]] = api("Ports", named(listed(model(HostAddress))))


@attrs.frozen
class ContainerDetail:
    """Everything about one container (ContainerInspectResponse)."""

    document: JsonObject
    """The whole answer, with the fields that have no attribute here."""
    id: str = api("Id", text)
    name: str = api("Name", text)
    created: str = api("Created", text)
    state: ContainerState = api("State", model(ContainerState))
    config: ContainerConfig = api("Config", model(ContainerConfig))
    host_config: ContainerHostConfig = api("HostConfig", model(ContainerHostConfig))
    network_settings: NetworkPorts = api("NetworkSettings", model(NetworkPorts))


@attrs.frozen
class Created:
    """The answer to a creation (ContainerCreateResponse)."""

    id: str = api("Id", text)
    warnings: tuple[str, ...] = api("Warnings", texts)


@attrs.frozen
class Updated:
    """The answer to an update (ContainerUpdateResponse)."""

    warnings: tuple[str, ...] = api("Warnings", texts)


@attrs.frozen
class WaitFailure:
    """Why the daemon could not wait (ContainerWaitExitError)."""

    message: str = api("Message", text)


@attrs.frozen
class WaitResult:
    """How a container ended (ContainerWaitResponse)."""

    status_code: int = api("StatusCode", integer)
    error: WaitFailure = api("Error", model(WaitFailure))


@attrs.frozen
class Finished:
    """A container or a command in one that has ended (`Containers.run`, `Execs.run`)."""

    id: str
    """The container's, or the exec instance's."""
    status_code: int
    stdout: bytes = attrs.field(repr=False)
    stderr: bytes = attrs.field(repr=False)
    """Empty with a terminal, which has one stream."""


@attrs.frozen
class ProcessTable:
    """Processes as ``ps`` printed them (ContainerTopResponse): titles, and one row of texts a process."""

    titles: tuple[str, ...] = api("Titles", texts)
    processes: tuple[tuple[str, ...], ...] = api("Processes", listed(texts))


@attrs.frozen
class ExecDetail:
    """A process added to a container (ExecInspectResponse)."""

    id: str = api("ID", text)
    running: bool = api("Running", flag)
    exit_code: int = api("ExitCode", integer)
    pid: int = api("Pid", integer)


@attrs.frozen
class Change:
    """One path that differs from the image (FilesystemChange)."""

    path: str = api("Path", text)
    kind: int = api("Kind", integer)
    """0 modified, 1 added, 2 deleted."""


@attrs.frozen
class PathStat:
    """What is at a path in a container (ContainerPathStat)."""

    name: str = api("name", text)
    size: int = api("size", integer)
    """Bytes."""
    mode: int = api("mode", integer)
    """Go's os.FileMode: permissions as usual, the kind in the upper bits."""
    mtime: str = api("mtime", text)
    link_target: str = api("linkTarget", text)

    @property
    def is_directory(self) -> bool:
        return bool(self.mode & _GO_DIRECTORY)

    @property
    def is_link(self) -> bool:
        return bool(self.mode & _GO_LINK)

    @property
    def is_device(self) -> bool:
        return bool(self.mode & _GO_DEVICE)


_GO_DIRECTORY, _GO_LINK, _GO_DEVICE = 1 << 31, 1 << 27, 1 << 26


@attrs.frozen
class Pruned:
    """Which containers a prune has removed (ContainerPruneResponse)."""

    deleted: tuple[str, ...] = api("ContainersDeleted", texts)
    reclaimed: int = api("SpaceReclaimed", integer)
    """Bytes."""
