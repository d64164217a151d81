"""What is counted and measured, by the names that dockerd has for it.

Only this module and the server beside it know the library; a daemon that serves no metrics imports neither. Every daemon has a registry of its own, so
that several live in one process. Source of the names: moby's daemon/metrics.go and builder/dockerfile/metrics.go.
"""

from __future__ import annotations

import platform
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from pycontainerd.containers.info import Status
from pycontainerd.tracing import Span, observe
from pydockerd import __version__
from pydockerd.engine import Engine
from pydockerd.host import machine
from pydockerd.services.system import identity

_CONTAINER_ACTIONS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("GET", "/containers/{id}/changes"): "changes",
        ("POST", "/commit"): "commit",
        ("POST", "/containers/create"): "create",
        ("DELETE", "/containers/{id}"): "delete",
        ("POST", "/containers/{id}/start"): "start",
    }
)
_HOST_INFO: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {("GET", "/info"): "system_info", ("GET", "/version"): "system_version"}
)
_FAILED: Final = 400


class Collected:
    """One daemon's metrics. Made on the daemon's loop; ``close`` ends the counting."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._actions = Histogram(
            "engine_daemon_container_actions_seconds",
            "The number of seconds it takes to process each container action",
            ["action"],
            registry=registry,
        )
        for action in _CONTAINER_ACTIONS.values():
            self._actions.labels(action)
        self._host_info = Histogram(
            "engine_daemon_host_info_functions_seconds",
            "The number of seconds it takes to call functions gathering info about the host",
            ["function"],
            registry=registry,
        )
        self._requests = Histogram(
            "engine_daemon_http_request_duration_seconds",
            "The number of seconds until a request is answered, streams as a whole",
            ["method", "path", "code"],
            registry=registry,
        )
        self._events = Counter("engine_daemon_events", "The number of events logged", registry=registry)
        self._checks = Counter("engine_daemon_health_checks", "The total number of health checks", registry=registry)
        self._failed_checks = Counter(
            "engine_daemon_health_checks_failed", "The total number of failed health checks", registry=registry
        )
        self._check_seconds = Histogram(
            "engine_daemon_health_check_duration_seconds",
            "The number of seconds a health check takes",
            registry=registry,
        )
        self._builds = Counter("builder_builds_triggered", "Number of triggered image builds", registry=registry)
        self._failed_builds = Counter(
            "builder_builds_failed", "Number of failed image builds", ["reason"], registry=registry
        )
        registry.register(_Present(engine))
        self.close: Callable[[], None] = observe(self._step)

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """See `pydockerd.meter`."""
        self._requests.labels(method, path, str(status)).observe(seconds)
        if (action := _CONTAINER_ACTIONS.get((method, path))) is not None and status < _FAILED:
            self._actions.labels(action).observe(seconds)
        if (function := _HOST_INFO.get((method, path))) is not None:
            self._host_info.labels(function).observe(seconds)

    def built(self, failure: str = "") -> None:
        """See `pydockerd.meter`."""
        self._builds.inc()
        if failure:
            self._failed_builds.labels(failure).inc()

    def event(self) -> None:
        """One has happened."""
        self._events.inc()

    def _step(self, span: Span) -> None:
        if span.name == "health check":
            self._checks.inc()
            self._check_seconds.observe(span.milliseconds / 1000)
        elif span.name == "health check failed":
            self._failed_checks.inc()


class _Present:
    """What is read when somebody asks, and not counted."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """The states of containers, who listens, and the machine."""
        yield self._states()
        yield _one(
            "engine_daemon_engine_cpus_cpus",
            "The number of cpus that the host system of the engine has",
            self._engine.facts.cpus,
        )
        yield _one(
            "engine_daemon_engine_memory_bytes",
            "The number of bytes of memory that the host system of the engine has",
            machine.memory_total(),
        )
        yield _one(
            "engine_daemon_requests_in_progress",
            "The number of requests that are being served",
            len(self._engine.requests),
        )
        yield _one(
            "engine_daemon_events_subscribers_total",
            "The number of current subscribers to events",
            self._engine.event_listeners,
        )
        yield self._info()

    def _states(self) -> Metric:
        states = Tally(container.info().status for container in self._engine.supervisor.containers.list())
        running, paused = states[Status.RUNNING], states[Status.PAUSED]
        family = GaugeMetricFamily(
            "engine_daemon_container_states_containers", "The count of containers in various states", labels=["state"]
        )
        for state, count in (("paused", paused), ("running", running), ("stopped", states.total() - running - paused)):
            family.add_metric([state], count)
        return family

    def _info(self) -> Metric:
        name, release = machine.operating_system()
        labels = {
            "architecture": platform.machine(),
            "commit": "",
            "daemon_id": identity(self._engine),
            "graphdriver": self._engine.settings.storage_driver,
            "kernel": machine.kernel_version(),
            "os": name,
            "os_type": "linux",
            "os_version": release,
            "version": __version__,
        }
        family = GaugeMetricFamily(
            "engine_daemon_engine_info",
            "The information related to the engine and the OS it is running on",
            labels=list(labels),
        )
        family.add_metric(list(labels.values()), 1)
        return family


def _one(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
