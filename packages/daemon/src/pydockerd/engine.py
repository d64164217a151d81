"""What the handlers work with: the supervisor and what the daemon knows beside it."""

from __future__ import annotations

import os
import platform
from functools import cached_property

from attrs import define, field

from pycontainerd import Supervisor
from pydockerd.access.gate import Gate
from pydockerd.builder.cache import BuildCache
from pydockerd.execs import ExecRequests
from pydockerd.host import machine
from pydockerd.host.seccomp import seccomp_profile
from pydockerd.host.subids import remapping
from pydockerd.inflight import Requests
from pydockerd.meter import Meter, Unmeasured
from pydockerd.network.networks import Networks
from pydockerd.settings import Settings
from pydockerd.traces import Traces
from pydockerd.translate.resources import HostFacts
from pydockerd.views.summaries import Summaries
from pydockerd.volumes.provider import VolumeMounts
from pydockerd.volumes.store import VolumeStore


@define(slots=False)
class Engine:
    """One daemon's state. It owns no container: everything that outlives a request is the supervisor's."""

    supervisor: Supervisor
    settings: Settings
    volumes: VolumeStore
    volume_mounts: VolumeMounts
    networks: Networks
    build_cache: BuildCache
    traces: Traces = field(factory=Traces)
    exec_requests: ExecRequests = field(factory=ExecRequests)
    requests: Requests = field(factory=Requests)
    gate: Gate = field(factory=Gate)
    meter: Meter = field(factory=Unmeasured)
    summaries: Summaries = field(factory=Summaries)
    event_listeners: int = 0
    """How many clients follow the events."""

    @cached_property
    def facts(self) -> HostFacts:
        """What requests are checked against."""
        return HostFacts(
            cpus=os.cpu_count() or 1,
            users=remapping(self.settings.userns_remap),
            apparmor=machine.has_apparmor(),
            selinux=machine.has_selinux(),
            seccomp=seccomp_profile(self.settings.defaults.seccomp_profile),
            no_new_privileges=self.settings.defaults.no_new_privileges,
        )

    @cached_property
    def architecture(self) -> str:
        """The machine's architecture in the names that images use."""
        machine = platform.machine()
        return {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}.get(machine, machine)
