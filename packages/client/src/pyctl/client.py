"""`Client`: one daemon, its resources as attributes.

>>> with Client("unix:///run/pydockerd.sock") as client:
...     container = client.containers.create(CreateRequest(image="host", cmd=["true"]))
...     pending = client.containers.wait(container.id, "next-exit")
...     client.containers.start(container.id)
...     print(pending.result().status_code)
"""

from __future__ import annotations

import os
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pyctl.api import Api
from pyctl.hosts import Tls, parse_host
from pyctl.targets import Wish, choose
from pyctl.tracing import NO_TRACE, Tracer
from pyctl.transport import RequestsTransport, Transport

if TYPE_CHECKING:
    from pyctl.resources.containers import Containers
    from pyctl.resources.execs import Execs
    from pyctl.resources.images import Images
    from pyctl.resources.networks import Networks
    from pyctl.resources.system import System
    from pyctl.resources.volumes import Volumes


class Client:
    """A client of one daemon.

    ``host`` is ``unix:///PATH``, ``tcp://HOST:PORT``, ``http://HOST:PORT`` or ``ssh://USER@HOST``, ``tls`` is for the second; ``context`` is the name of
    one of docker's contexts. Without either, PYCTL_HOST, DOCKER_HOST (with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), DOCKER_CONTEXT, the current
    context and the default socket are tried in this order. ``transport`` replaces the network. ``api_version`` pins the Engine API version;
    without it the newest that both sides know is negotiated at first use. Methods raise `pyctl.errors.PyctlError`.
    """

    def __init__(
        self,
        host: str | None = None,
        *,
        context: str | None = None,
        tls: Tls | None = None,
        transport: Transport | None = None,
        api_version: str | None = None,
        tracer: Tracer = NO_TRACE,
    ) -> None:
        if transport is None:
            target = choose(Wish(host=host, context=context), os.environ)
            transport = RequestsTransport(parse_host(target.host, tls or target.tls))
        self._api = Api(transport, api_version, tracer)

    @property
    def api_version(self) -> str:
        """The Engine API version that is spoken."""
        return self._api.version

    @cached_property
    def containers(self) -> Containers:
        """Everything under ``/containers``."""
        from pyctl.resources.containers import Containers

        return Containers(self._api)

    @cached_property
    def execs(self) -> Execs:
        """Processes added to running containers."""
        from pyctl.resources.execs import Execs

        return Execs(self._api)

    @cached_property
    def images(self) -> Images:
        """Everything under ``/images``."""
        from pyctl.resources.images import Images

        return Images(self._api)

    @cached_property
    def networks(self) -> Networks:
        """Everything under ``/networks``."""
        from pyctl.resources.networks import Networks

        return Networks(self._api)

    @cached_property
    def volumes(self) -> Volumes:
        """Everything under ``/volumes``."""
        from pyctl.resources.volumes import Volumes

        return Volumes(self._api)

    @cached_property
    def system(self) -> System:
        """The daemon: version, info, events."""
        from pyctl.resources.system import System

        return System(self._api)

    def close(self) -> None:
        """Close idle connections."""
        self._api.close()

    def interrupt(self) -> None:
        """End the streams that another thread is reading: logs, events, progress. They end there with `DaemonUnavailable`."""
        self._api.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
