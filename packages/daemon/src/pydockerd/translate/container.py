"""A create request to the supervisor's ContainerConfig: the whole of the translation, as one pure function.

What the supervisor has no field for (attach flags, exposed ports...) travels along as JSON under the annotation :data:`ORIGIN`, so that
an inspect shows what was asked for, also by a daemon that was started later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from attrs import frozen

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.restart import RestartPolicy, is_policy
from pycontainerd.logs.config import LogConfig
from pydockerd.cdi.inject import inject, wanted
from pydockerd.cdi.specification import Edits
from pydockerd.config.kinds import size
from pydockerd.errors import BadRequest
from pydockerd.models.create import CreateRequest
from pydockerd.models.host_config import HostConfig
from pydockerd.models.host_config import RestartPolicy as WirePolicy
from pydockerd.translate import namespaces
from pydockerd.translate.health import health_check
from pydockerd.translate.resources import HostFacts, devices, resources, ulimits
from pydockerd.translate.security import security

ORIGIN = "io.pydockerd.request"

_REMEMBERED = 8192
"""Requests that are kept decoded."""

_RESTART_POLICIES = frozenset({"", "no", "always", "unless-stopped", "on-failure"})
_ISOLATIONS = frozenset({"", "default"})
_RUNTIMES = frozenset({"", "pyrunc", "runc", "io.containerd.runc.v2"})
_LOG_DRIVERS = frozenset({"json-file", "local", "none"})


@frozen
class Translation:
    """The supervisor's view of a request, and what the client is to be warned of."""

    config: ContainerConfig
    warnings: tuple[str, ...]


def container_config(
    request: CreateRequest, facts: HostFacts, cdi: Mapping[str, tuple[Edits, ...]] = MappingProxyType({})
) -> Translation:
    """Translate a request that has its defaults; ``cdi`` is what is known of devices by their full names. Raises BadRequest (docker's words), NotServed.

    Mounts are not in it: see `pydockerd.services.mounts`, which makes volumes for them.
    """
    _check(request)
    config, host = request.config, request.host
    secured = security(host, facts)
    userns = namespaces.user(host, remapped=facts.users is not None)
    translated = ContainerConfig(
        image=config.image,
        args=tuple(config.cmd) if config.cmd else None,
        entrypoint=tuple(config.entrypoint) if config.entrypoint is not None else None,
        env=tuple(variable for variable in config.env if "=" in variable),
        cwd=config.working_dir or None,
        user=config.user or None,
        group_add=host.group_add or (),
        terminal=config.tty,
        open_stdin=config.open_stdin,
        stdin_once=config.stdin_once,
        hostname=config.hostname or None,
        domainname=config.domainname or None,
        extra_hosts=host.extra_hosts or (),
        dns=host.dns,
        dns_search=host.dns_search,
        dns_options=host.dns_options,
        read_only=host.readonly_rootfs,
        shm_size=host.shm_size,
        masked_paths=host.masked_paths,
        readonly_paths=host.readonly_paths,
        network=namespaces.network(request),
        pid=namespaces.pid(host.pid_mode),
        ipc=namespaces.ipc(host.ipc_mode),
        uts=namespaces.uts(host.uts_mode),
        cgroupns=namespaces.cgroup(host.cgroupns_mode),
        userns=userns,
        uid_mappings=facts.users.uids if facts.users is not None and userns == "private" else (),
        gid_mappings=facts.users.gids if facts.users is not None and userns == "private" else (),
        cap_add=host.cap_add or (),
        cap_drop=host.cap_drop or (),
        privileged=host.privileged,
        no_new_privileges=secured.no_new_privileges,
        seccomp=secured.seccomp,
        apparmor=secured.apparmor,
        selinux_label=secured.label,
        storage_size=storage_size(host),
        devices=devices(host),
        device_cgroup_rules=host.device_cgroup_rules or (),
        sysctls={**namespaces.own_network(request, userns), **host.sysctls},
        resources=resources(host, facts),
        ulimits=ulimits(host),
        oom_score_adj=host.oom_score_adj,
        cgroup_parent=host.cgroup_parent or None,
        init=bool(host.init),
        stop_signal=config.stop_signal or None,
        stop_timeout=config.stop_timeout,
        remove_on_exit=host.auto_remove,
        restart=restart_policy(host.restart_policy),
        health=health_check(config.healthcheck),
        shell=config.shell or None,
        log=LogConfig(driver=host.log_config.type, options=host.log_config.config),
        labels=config.labels,
        annotations={**host.annotations, ORIGIN: json.dumps(request.to_json(), separators=(",", ":"))},
    )
    return Translation(inject(translated, wanted(host), cdi), tuple(_warnings(request)))


def origin(config: ContainerConfig) -> CreateRequest | None:
    """The request a container was created from; None for one that was not created over the API."""
    text = config.annotations.get(ORIGIN)
    return None if text is None else _parsed(text)


@lru_cache(maxsize=_REMEMBERED)
def _parsed(text: str) -> CreateRequest:
    """Every list asks for that of every container, and it takes longer than all the rest of a list."""
    return CreateRequest.parse(json.loads(text))


def _check(request: CreateRequest) -> None:
    config, host = request.config, request.host
    if not config.image:
        raise BadRequest("config cannot be empty in order to create a container: no image given")
    for variable in config.env:
        if not variable or variable.startswith("=") or "\0" in variable:
            raise BadRequest(f"invalid environment variable: {variable!r}")
    if config.working_dir and not config.working_dir.startswith("/"):
        raise BadRequest(f"the working directory '{config.working_dir}' is invalid, it needs to be an absolute path")
    if host.log_config.type not in _LOG_DRIVERS:
        raise BadRequest(f"logger: no log driver named '{host.log_config.type}' is registered")
    if host.runtime not in _RUNTIMES:
        raise BadRequest(f"unknown or invalid runtime name: {host.runtime}")
    if host.isolation not in _ISOLATIONS:
        raise BadRequest(f"Invalid isolation: {json.dumps(host.isolation)} - linux only supports 'default'")
    if not -1000 <= host.oom_score_adj <= 1000:
        raise BadRequest(f"Invalid value {host.oom_score_adj}, range for oom score adj is [-1000, 1000]")
    if host.shm_size < 0:
        raise BadRequest("SHM size can not be less than 0")
    check_restart(host)
    _check_shared_network(request)


def storage_size(host: HostConfig) -> int | None:
    """The most that the container may write to its layer. BadRequest in docker's words."""
    for name, value in host.storage_opt.items():
        if name.lower() != "size":
            raise BadRequest(f"Unknown option {name}")
        try:
            return size(value) or None
        except ValueError as error:
            raise BadRequest(str(error)) from None
    return None


def restart_policy(policy: WirePolicy) -> RestartPolicy:
    """The supervisor's."""
    if not is_policy(policy.name):
        return RestartPolicy()
    return RestartPolicy(name=policy.name, max_retries=policy.maximum_retry_count)


def check_restart(host: HostConfig) -> None:
    """BadRequest in docker's words."""
    policy = host.restart_policy
    if policy.name not in _RESTART_POLICIES:
        raise BadRequest(
            f"invalid restart policy: unknown policy '{policy.name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
        )
    if policy.maximum_retry_count < 0:
        raise BadRequest("invalid restart policy: maximum retry count cannot be negative")
    if policy.maximum_retry_count and policy.name != "on-failure":
        raise BadRequest("invalid restart policy: maximum retry count can only be used with 'on-failure'")
    if host.auto_remove and policy.name not in {"", "no"}:
        raise BadRequest("can't create 'AutoRemove' container with restart policy")


def _check_shared_network(request: CreateRequest) -> None:
    """A container that joins another's network cannot have names and ports of its own."""
    if not request.host.network_mode.startswith(namespaces.CONTAINER):
        return
    if request.config.hostname:
        raise BadRequest("conflicting options: hostname and the network mode")
    if request.host.dns:
        raise BadRequest("conflicting options: dns and the network mode")
    if request.host.extra_hosts:
        raise BadRequest("conflicting options: custom host-to-IP mapping and the network mode")
    if request.host.port_bindings or request.host.publish_all_ports:
        raise BadRequest("conflicting options: port publishing and the container type network mode")


def _warnings(request: CreateRequest) -> list[str]:
    host, found = request.host, []
    if host.network_mode == "host" and host.port_bindings:
        found.append("Published ports are discarded when using host network mode")
    return found
