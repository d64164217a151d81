"""What a client wants of a build: the parameters of ImageBuild, read."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from pydockerd.models.host_config import Ulimit


@frozen(kw_only=True)
class Limits:
    """Of the containers that RUN runs in, in docker's units; 0 and empty: none."""

    memory: int = 0
    memory_swap: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    shm_size: int = 0
    ulimits: tuple[Ulimit, ...] = ()
    cgroup_parent: str = ""


@frozen(kw_only=True)
class BuildOptions:
    """Source: operation ImageBuild. ``dockerfile`` is its path in the context, ``remote`` where the context is if it is not the body."""

    dockerfile: str = "Dockerfile"
    tags: tuple[str, ...] = ()
    remote: str = ""
    quiet: bool = False
    no_cache: bool = False
    pull: bool = False
    arguments: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)
    target: str = ""
    platform: str = ""
    network_mode: str = ""
    extra_hosts: tuple[str, ...] = ()
    squash: bool = False
    cache_from: tuple[str, ...] = ()
    limits: Limits = field(factory=Limits)
    secrets: Mapping[str, bytes] = field(factory=dict, repr=False)
