"""What the flags of ``run`` and ``create`` mean: the body of ContainerCreate. Reads the files that flags name, nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pyctl.app.options import endpoints, environment, mounts, ports, values
from pyctl.app.options.container_flags import ContainerFlags, HealthFlags, LimitFlags
from pyctl.errors import InvalidUsage, InvalidValue
from pyctl.models.create import CreateRequest, HealthCheck, HostConfig, LogConfig

T = TypeVar("T")
_STREAMS = frozenset({"stdin", "stdout", "stderr"})


def create_request(
    flags: ContainerFlags,
    image: str,
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    detach: bool = False,
    console: tuple[int, int] | None = None,
) -> CreateRequest:
    """Put the request together; ``console`` is rows and columns of the user's terminal.

    Raises `InvalidValue` for a value that cannot be understood, `InvalidUsage` for flags that contradict each other.
    """
    attached = attachment(flags, detach=detach)
    volumes = mounts.volumes(flags.volume)
    bindings = ports.publish(flags.publish)
    return CreateRequest(
        image=image,
        hostname=flags.hostname,
        domainname=flags.domainname,
        user=flags.user,
        attach_stdin="stdin" in attached,
        attach_stdout="stdout" in attached,
        attach_stderr="stderr" in attached,
        tty=flags.tty,
        open_stdin=flags.interactive,
        stdin_once=flags.interactive and "stdin" in attached,
        exposed_ports=_set_of([*bindings, *ports.expose(flags.expose)]),
        env=_given(environment.collect(flags.env_file, flags.env, environ)),
        cmd=_given(list(command)),
        # An empty --entrypoint takes the image's away; the API wants it as one empty string.
        entrypoint=None if flags.entrypoint is None else [flags.entrypoint],
        volumes=_set_of(volumes.anonymous),
        working_dir=flags.workdir,
        labels=_given(_labels(flags)),
        stop_signal=flags.stop_signal,
        stop_timeout=flags.stop_timeout,
        healthcheck=_health(flags),
        host_config=_host_config(flags, volumes, console),
        networking_config=endpoints.networking(endpoints.attachments(flags)),
    )


def attachment(flags: ContainerFlags, *, detach: bool) -> frozenset[str]:
    """Which streams the client attaches to: those of ``--attach``, or output and, if it is open, input."""
    asked = frozenset(name.lower() for name in flags.attach)
    for name in asked - _STREAMS:
        raise InvalidValue(
            f'invalid argument "{name}" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR'
        )
    if detach and asked:
        raise InvalidUsage("conflicting options: cannot specify both --attach and --detach")
    if detach:
        return frozenset()
    return asked or (_STREAMS if flags.interactive else _STREAMS - {"stdin"})


def _set_of(names: Iterable[str]) -> dict[str, dict[str, str]] | None:
    """A set, as Go's JSON has it: names with empty objects."""
    return {name: {} for name in names} or None


def _given(value: T) -> T | None:
    return value or None


def _labels(flags: ContainerFlags) -> dict[str, str]:
    lines = [line for file in flags.label_file for line in environment.read_lines(file)]
    return values.pairs([*lines, *flags.label])


def _host_config(flags: ContainerFlags, volumes: mounts.Volumes, console: tuple[int, int] | None) -> HostConfig:
    if flags.rm and flags.restart is not None and flags.restart.name not in ("", "no"):
        raise InvalidUsage("conflicting options: cannot specify both --restart and --rm")
    options, unconfined = _security(flags.security_opt)
    return HostConfig(
        binds=_given(volumes.binds),
        cidfile=flags.cidfile,
        log_config=_log_config(flags),
        network_mode=endpoints.attachments(flags)[0].network if flags.network else None,
        links=_given(flags.link),
        port_bindings=_given(ports.publish(flags.publish)),
        publish_all_ports=_given(flags.publish_all),
        restart_policy=flags.restart,
        auto_remove=_given(flags.rm),
        volumes_from=_given(flags.volumes_from),
        volume_driver=flags.volume_driver,
        mounts=_given(flags.mount),
        console_size=list(console) if console and flags.tty else None,
        annotations=_given(values.strict_pairs(flags.annotation, "--annotation")),
        cap_add=_given(flags.cap_add),
        cap_drop=_given(flags.cap_drop),
        cgroupns_mode=flags.cgroupns,
        cgroup_parent=flags.cgroup_parent,
        dns=_given(flags.dns),
        dns_options=_given(flags.dns_option),
        dns_search=_given(flags.dns_search),
        extra_hosts=_given(_extra_hosts(flags.add_host)),
        group_add=_given(flags.group_add),
        ipc_mode=flags.ipc,
        oom_score_adj=flags.oom_score_adj,
        oom_kill_disable=_given(flags.oom_kill_disable),
        pid_mode=flags.pid,
        privileged=_given(flags.privileged),
        readonly_rootfs=_given(flags.read_only),
        security_opt=_given(options),
        masked_paths=[] if unconfined else None,
        readonly_paths=[] if unconfined else None,
        storage_opt=_given(values.strict_pairs(flags.storage_opt, "--storage-opt")),
        tmpfs=_given(mounts.tmpfs(flags.tmpfs)),
        uts_mode=flags.uts,
        userns_mode=flags.userns,
        shm_size=flags.shm_size,
        sysctls=_given(values.strict_pairs(flags.sysctl, "--sysctl")),
        runtime=flags.runtime,
        **limits(flags),
        memory_swappiness=flags.memory_swappiness,
        kernel_memory=flags.kernel_memory,
        isolation=flags.isolation,
        blkio_weight_device=_given(flags.blkio_weight_device),
        device_read_bps=_given(flags.device_read_bps),
        device_read_iops=_given(flags.device_read_iops),
        device_write_bps=_given(flags.device_write_bps),
        device_write_iops=_given(flags.device_write_iops),
        devices=_given(flags.device),
        device_cgroup_rules=_given(flags.device_cgroup_rule),
        ulimits=_given(flags.ulimit),
        init=_given(flags.init),
    )


def limits(flags: LimitFlags) -> dict[str, Any]:
    """The fields of HostConfig for the limits that can be changed while a container runs."""
    return {
        "cpu_shares": flags.cpu_shares,
        "cpu_period": flags.cpu_period,
        "cpu_quota": flags.cpu_quota,
        "cpu_realtime_period": flags.cpu_rt_period,
        "cpu_realtime_runtime": flags.cpu_rt_runtime,
        "cpuset_cpus": flags.cpuset_cpus,
        "cpuset_mems": flags.cpuset_mems,
        "nano_cpus": flags.cpus,
        "memory": flags.memory,
        "memory_reservation": flags.memory_reservation,
        "memory_swap": flags.memory_swap,
        "blkio_weight": flags.blkio_weight,
        "pids_limit": flags.pids_limit,
    }


def _health(flags: HealthFlags) -> HealthCheck | None:
    numbers = {
        "--health-interval": flags.health_interval,
        "--health-timeout": flags.health_timeout,
        "--health-retries": flags.health_retries,
        "--health-start-period": flags.health_start_period,
        "--health-start-interval": flags.health_start_interval,
    }
    asked = bool(flags.health_cmd) or any(numbers.values())
    if flags.no_healthcheck:
        if asked:
            raise InvalidUsage("--no-healthcheck conflicts with --health-* options")
        return HealthCheck(test=["NONE"])
    for name, number in numbers.items():
        if number is not None and number < 0:
            raise InvalidUsage(f"{name} cannot be negative")
    if not asked:
        return None
    return HealthCheck(
        test=["CMD-SHELL", flags.health_cmd] if flags.health_cmd else None,
        interval=_given(flags.health_interval),
        timeout=_given(flags.health_timeout),
        retries=_given(flags.health_retries),
        start_period=_given(flags.health_start_period),
        start_interval=_given(flags.health_start_interval),
    )


def _log_config(flags: ContainerFlags) -> LogConfig | None:
    options = values.strict_pairs(flags.log_opt, "--log-opt")
    if flags.log_driver is None and not options:
        return None
    if flags.log_driver == "none" and options:
        raise InvalidUsage("invalid logging opts for driver none")
    return LogConfig(type=flags.log_driver or "", config=options)


def _extra_hosts(specs: Iterable[str]) -> list[str]:
    result = []
    for spec in specs:
        name, _, address = spec.partition("=") if "=" in spec else spec.partition(":")
        if not name or not address:
            raise InvalidValue(f'invalid argument "{spec}" for "--add-host" flag: bad format for add-host: "{spec}"')
        result.append(f"{name}:{address.removeprefix('[').removesuffix(']')}")
    return result


def _security(options: Iterable[str]) -> tuple[list[str], bool]:
    """The options as the daemon wants them, and whether the system paths are to be left unmasked."""
    kept = [option for option in options if option != "systempaths=unconfined"]
    return [_seccomp(option) for option in kept], kept != list(options)


def _seccomp(option: str) -> str:
    """A seccomp profile is a file of the client's machine: its content is what is sent."""
    name, found, path = option.partition("=")
    if not found and name != "no-new-privileges" and ":" not in name:
        raise InvalidValue(f'Invalid --security-opt: "{option}"')
    if name != "seccomp" or path in ("unconfined", "builtin"):
        return option
    try:
        return "seccomp=" + json.dumps(json.loads(Path(path).read_bytes()), separators=(",", ":"))
    except OSError as error:
        raise InvalidValue(f"opening seccomp profile ({path}) failed: {error.strerror}") from None
    except ValueError as error:
        raise InvalidValue(f"compacting json for seccomp profile ({path}) failed: {error}") from None
