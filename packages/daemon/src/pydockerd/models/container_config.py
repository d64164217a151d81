"""``ContainerConfig`` of the Engine API: the part of a container that is independent of the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from pydockerd.models.wire import Words, wire


@frozen(kw_only=True)
class HealthConfig:
    """How a container's health is probed; times are nanoseconds."""

    test: tuple[str, ...] = ()
    interval: int = wire(default=0, omit_empty=True)
    timeout: int = wire(default=0, omit_empty=True)
    retries: int = wire(default=0, omit_empty=True)
    start_period: int = wire(default=0, omit_empty=True)
    start_interval: int = wire(default=0, omit_empty=True)


@frozen(kw_only=True)
class Config:
    """Source: definition ContainerConfig; None where docker tells "not said" from "empty"."""

    hostname: str = ""
    domainname: str = ""
    user: str = ""
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    exposed_ports: Mapping[str, Any] = wire(factory=dict, omit_empty=True)
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    env: tuple[str, ...] = ()
    cmd: Words | None = None
    healthcheck: HealthConfig | None = wire(default=None, omit_empty=True)  # noqa: RUF009
    args_escaped: bool = wire(default=False, omit_empty=True)
    image: str = ""
    volumes: Mapping[str, Any] | None = None
    working_dir: str = ""
    entrypoint: Words | None = None
    network_disabled: bool = wire(default=False, omit_empty=True)
    mac_address: str = wire(default="", omit_empty=True)
    on_build: tuple[str, ...] | None = None
    labels: Mapping[str, str] = field(factory=dict)
    stop_signal: str = wire(default="", omit_empty=True)
    stop_timeout: int | None = wire(default=None, omit_none=True)
    shell: tuple[str, ...] | None = wire(default=None, omit_empty=True)
