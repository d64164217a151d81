"""What is asked of the network provider, when, and what becomes of its errors."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.networking import MANAGED, NetworkSubject, NoNetworks
from pycontainerd.containers.record import ContainerRecord
from pycontainerd.errors import InvalidConfig, NetworkFailed, SupervisorError
from pycontainerd.tasks.prepare import hostname_of
from pycontainerd.tasks.services import Services
from pycontainerd.tracing import span

_logger = logging.getLogger(__name__)


def check(services: Services, config: ContainerConfig) -> None:
    """InvalidConfig where there is nobody to connect it."""
    if config.network == MANAGED and isinstance(services.networks, NoNetworks):
        raise InvalidConfig("network", "'managed' needs a network provider: Supervisor(networks=...)")


async def connect(services: Services, record: ContainerRecord, pid: int) -> None:
    """Before the process begins. NetworkFailed, or whatever SupervisorError the provider raises."""
    if record.config.network != MANAGED:
        return
    with span("supervisor", "connect networks"):
        try:
            await services.networks.connect(_subject(services, record, pid))
        except SupervisorError:
            raise
        except Exception as error:
            raise NetworkFailed(f"failed to set up container networking: {error}") from error


async def disconnect(services: Services, record: ContainerRecord) -> None:
    """After a run, or an attempt at one. Whatever goes wrong, the container has ended."""
    if record.config.network != MANAGED:
        return
    with span("supervisor", "disconnect networks"):
        try:
            await services.networks.disconnect(record.id)
        except Exception:
            _logger.exception("container %s: its networks are not disconnected", record.id)


async def removed(services: Services, record: ContainerRecord) -> None:
    """The container is gone for good."""
    if record.config.network != MANAGED:
        return
    try:
        await services.networks.removed(record.id)
    except Exception:
        _logger.exception("container %s: the network provider is not told that it is removed", record.id)


async def reconcile(services: Services, records: Iterable[ContainerRecord]) -> None:
    """When a supervisor has found out what runs. Containers that cannot be connected run on without."""
    everything = list(records)
    running = [_subject(services, each, each.pid) for each in everything if each.pid and each.config.network == MANAGED]
    try:
        await services.networks.reconcile(running, {each.id for each in everything})
    except Exception:
        _logger.exception("the networks of the running containers are not as they should be")


def _subject(services: Services, record: ContainerRecord, pid: int) -> NetworkSubject:
    return NetworkSubject(
        id=record.id,
        name=record.name,
        config=record.config,
        hostname=hostname_of(record),
        pid=pid,
        files=services.home(record.id),
    )
