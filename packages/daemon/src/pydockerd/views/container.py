"""A container of the supervisor as the API's summary and inspect documents."""

from __future__ import annotations

from datetime import datetime

import attrs

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.health import Health
from pycontainerd.containers.info import ContainerInfo, Status
from pydockerd.models.container import (
    ContainerInspect,
    ContainerState,
    ContainerSummary,
    DriverData,
    EndpointView,
    HealthcheckResult,
    HealthSummary,
    MountPoint,
    NetworkModeOnly,
    NetworkSettings,
    NetworksOnly,
)
from pydockerd.models.container import Health as HealthView
from pydockerd.models.container_config import Config
from pydockerd.models.create import CreateRequest
from pydockerd.models.host_config import HostConfig
from pydockerd.models.wire import Words, timestamp
from pydockerd.translate.container import origin
from pydockerd.translate.health import health_config
from pydockerd.translate.networks import exposed
from pydockerd.views.network import Connection, endpoint_view, port_list, port_map
from pydockerd.views.status import status_text
from pydockerd.volumes.point import Point, points_of

DRIVER = "overlay2"


@attrs.frozen(kw_only=True)
class ContainerFacts:
    """All that a view needs of one container; the supervisor's objects do not get further than this.

    ``image`` is the reference the container was created by; ``sizes`` are (writable layer, everything) in bytes when they were counted.
    """

    config: ContainerConfig
    info: ContainerInfo
    image: str
    log_path: str = ""
    exec_ids: tuple[str, ...] = ()
    sizes: tuple[int, int] | None = None
    connections: tuple[Connection, ...] = ()
    driver: str = DRIVER
    """The storage driver, by dockerd's name for it."""

    @property
    def request(self) -> CreateRequest:
        """What was asked for; for a container that did not come over the API, what its configuration shows."""
        return origin(self.config) or _request_of(self.config)


def summary(facts: ContainerFacts, now: datetime, *, health: bool = False) -> ContainerSummary:
    """One line of ``GET /containers/json``; ``health`` is for clients that know it."""
    info, config = facts.info, facts.config
    mode = facts.request.host.network_mode
    return ContainerSummary(
        id=info.id,
        names=(_name(info),),
        image=facts.image,
        image_id=info.image_id,
        command=command_text(config),
        created=int(info.created_at.timestamp()),
        size_rw=facts.sizes[0] if facts.sizes else None,
        size_root_fs=facts.sizes[1] if facts.sizes else None,
        labels=config.labels,
        state=info.status.value,
        status=status_text(info, now),
        host_config=NetworkModeOnly(network_mode=mode),
        ports=port_list(facts.connections, exposed(facts.request)) if info.running else (),
        network_settings=NetworksOnly(networks=networks(facts)),
        mounts=mount_points(config),
        health=_health_summary(info) if health else None,
    )


def inspect(facts: ContainerFacts) -> ContainerInspect:
    """``GET /containers/{id}/json``."""
    info, config, request = facts.info, facts.config, facts.request
    argv, views = command(config), networks(facts)
    return ContainerInspect(
        id=info.id,
        created=info.created_at,
        path=argv[0] if argv else "",
        args=argv[1:],
        state=state(info),
        image=info.image_id,
        log_path=facts.log_path,
        name=_name(info),
        restart_count=info.restart_count,
        driver=facts.driver,
        exec_ids=facts.exec_ids or None,
        host_config=request.host,
        graph_driver=DriverData(name=facts.driver),
        size_rw=facts.sizes[0] if facts.sizes else None,
        size_root_fs=facts.sizes[1] if facts.sizes else None,
        mounts=mount_points(config),
        config=_config(request.config, config, info),
        network_settings=NetworkSettings(
            sandbox_id=info.id if info.running else "",
            sandbox_key=f"/proc/{info.pid}/ns/net" if info.running else "",
            ip_address=next((each.ip_address for each in views.values() if each.ip_address), ""),
            ports=port_map(facts.connections, exposed(request)) if info.running else {},
            networks=views,
        ),
    )


def state(info: ContainerInfo) -> ContainerState:
    """The State of an inspect."""
    return ContainerState(
        status=info.status.value,
        running=info.running or info.status is Status.RESTARTING,
        paused=info.status is Status.PAUSED,
        restarting=info.status is Status.RESTARTING,
        oom_killed=info.oom_killed,
        dead=info.status is Status.DEAD,
        pid=info.pid,
        exit_code=info.exit_code,
        error=info.error,
        started_at=timestamp(info.started_at),
        finished_at=timestamp(info.finished_at),
        health=_health(info.health) if info.health is not None else None,
    )


def _health(health: Health) -> HealthView:
    results = tuple(
        HealthcheckResult(
            start=timestamp(each.started_at),
            end=timestamp(each.ended_at),
            exit_code=each.exit_code,
            output=each.output,
        )
        for each in health.log
    )
    return HealthView(status=health.status, failing_streak=health.failing_streak, log=results)


def _health_summary(info: ContainerInfo) -> HealthSummary:
    if info.health is None or not info.running:
        return HealthSummary(status="none", failing_streak=0)
    return HealthSummary(status=info.health.status, failing_streak=info.health.failing_streak)


def command(config: ContainerConfig) -> tuple[str, ...]:
    """The whole command line: entrypoint, then arguments. The first is the program."""
    entrypoint = () if config.entrypoint in {None, ("",)} else config.entrypoint
    return (*(entrypoint or ()), *(config.args or ()))


def command_text(config: ContainerConfig) -> str:
    """The command line as a list shows it: words with blanks in single quotes, as dockerd quotes them."""
    program, *words = command(config) or ("",)
    return " ".join([program, *(f"'{word}'" if " " in word else word for word in words)])


def mount_points(config: ContainerConfig) -> tuple[MountPoint, ...]:
    """What it mounts, by target; docker lists no tmpfs of ``--tmpfs`` there."""
    shown = (point for point in points_of(config) if not point.hidden)
    return tuple(_mount_point(point) for point in sorted(shown, key=lambda point: point.target))


def networks(facts: ContainerFacts) -> dict[str, EndpointView]:
    """Its networks by name; a container in another's network has none of its own."""
    return {each.name: endpoint_view(each) for each in facts.connections}


def _name(info: ContainerInfo) -> str:
    return f"/{info.name}" if info.name else ""


def _mount_point(point: Point) -> MountPoint:
    return MountPoint(
        type=point.type,
        name=point.name,
        source=point.source,
        destination=point.target,
        driver=point.driver,
        mode=point.mode,
        rw=not point.read_only,
        propagation=point.propagation,
    )


def _config(asked: Config, merged: ContainerConfig, info: ContainerInfo) -> Config:
    """What was asked for with the image's defaults, as the supervisor merged them."""
    return attrs.evolve(
        asked,
        hostname=merged.hostname or asked.hostname or info.id[:12],
        env=merged.env,
        cmd=Words(merged.args) if merged.args is not None else None,
        entrypoint=Words(merged.entrypoint) if merged.entrypoint is not None else None,
        working_dir=merged.cwd or "",
        user=merged.user or "",
        labels=merged.labels,
        stop_signal=merged.stop_signal or "",
        stop_timeout=merged.stop_timeout,
        healthcheck=health_config(merged.health, asked.healthcheck),
    )


def _request_of(config: ContainerConfig) -> CreateRequest:
    from pydockerd.models.create import NetworkingConfig
    from pydockerd.translate.defaults import with_defaults

    host = HostConfig(
        network_mode=config.network,
        ipc_mode=config.ipc,
        privileged=config.privileged,
        readonly_rootfs=config.read_only,
        auto_remove=config.remove_on_exit,
        memory=config.resources.memory or 0,
        nano_cpus=config.resources.nano_cpus or 0,
    )
    asked = Config(image=config.image, tty=config.terminal, open_stdin=config.open_stdin, stdin_once=config.stdin_once)
    return with_defaults(CreateRequest(config=asked, host=host, networking=NetworkingConfig()))
