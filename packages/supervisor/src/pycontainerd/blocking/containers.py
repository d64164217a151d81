"""All containers of a supervisor."""

from __future__ import annotations

import builtins

from pycontainerd.blocking.container import Container
from pycontainerd.blocking.exec import Exec
from pycontainerd.blocking.loop import LoopThread
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.tasks import containers as asynchronous


class Containers:
    """Get it from ``Supervisor.containers``; see `pycontainerd.Containers`."""

    def __init__(self, loop: LoopThread, containers: asynchronous.Containers) -> None:
        self._loop, self._containers = loop, containers

    def create(self, config: ContainerConfig, *, id: str | None = None, name: str | None = None) -> Container:
        """A new container, which does not run yet. Raises what `pycontainerd.Containers.create` raises."""
        return Container(self._loop, self._loop.call(self._containers.create(config, id=id, name=name)))

    def get(self, reference: str) -> Container:
        """By id, by name or by a unique prefix of the id. Raises ContainerNotFound, AmbiguousId."""
        return Container(self._loop, self._loop.do(lambda: self._containers.get(reference)))

    def get_exec(self, exec_id: str) -> Exec:
        """An exec of whichever container. Raises ExecNotFound."""
        return Exec(self._loop, self._loop.do(lambda: self._containers.get_exec(exec_id)))

    def images(self) -> set[str]:
        """The ids of the images that containers are made from, or are just being made from."""
        return self._loop.do(self._containers.images)

    def list(self) -> builtins.list[Container]:
        """All of them, oldest first."""
        return [Container(self._loop, found) for found in self._loop.do(self._containers.list)]
