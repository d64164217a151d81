"""Publishing the ports of a sandbox: which of its endpoints has them, which ports of the machine they get, and who passes on what rules cannot."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from ipaddress import ip_address

from attrs import evolve, frozen

from pydockerd.errors import InternalError
from pydockerd.network import machine, ports
from pydockerd.network.model import Endpoint, Network, Published
from pydockerd.network.options import BridgeOptions, bridge_options
from pydockerd.network.ports import Wish
from pydockerd.network.proxy import Proxy
from pydockerd.network.reserve import Held, Reservations
from pydockerd.network.sandbox import Sandbox
from pydockerd.settings import NetworkSettings

_logger = logging.getLogger(__name__)


@frozen
class Opened:
    """A port that is held: ``endpoint`` is what it leads to, ``inside`` its number there."""

    endpoint: Endpoint
    inside: int
    held: Held


class Publishing:
    """The published ports of one daemon, while it lives: sockets, and what they pass on. What the rules do is `ruleset`'s."""

    def __init__(self, settings: NetworkSettings) -> None:
        self._settings = settings
        self._reservations = Reservations()
        self._proxy = Proxy()

    def open(self, sandbox: Sandbox, endpoint: Endpoint, network: Network) -> tuple[Endpoint, list[Opened]]:
        """Hold all ports that a sandbox wants at ``endpoint``, which says so from now on. InternalError in docker's words names the one that is in use."""
        options = bridge_options(network)
        try:
            held = [(wish, self._take(sandbox, wish, endpoint, options)) for wish in sandbox.ports]
        except InternalError as error:
            self._reservations.release(sandbox.id)
            raise InternalError(
                f"failed to set up container networking: driver failed programming external connectivity on endpoint {sandbox.label} ({endpoint.id}): {error}"
            ) from error
        published = tuple(port for wish, each in held for port in _published(wish, each))
        changed = evolve(endpoint, published=published)
        return changed, [Opened(changed, wish.port.number, each) for wish, each in held]

    def take_up(self, sandbox: Sandbox, endpoint: Endpoint) -> None:
        """Hold the ports of an endpoint that has had them since before this daemon. One that another program has taken meanwhile is logged."""
        by_port: dict[tuple[str, int, int], list[Published]] = {}
        for port in endpoint.published:
            by_port.setdefault((port.protocol, port.port, port.host_port), []).append(port)
        for (protocol, inside, number), published in by_port.items():
            addresses = [ip_address(each.host_ip) for each in published]
            try:
                held = self._reservations.again(sandbox.id, protocol, addresses, number)
            except InternalError as error:
                _logger.warning(
                    "container %s: its port %d/%s cannot be held: %s", sandbox.label, number, protocol, error
                )
            else:
                self.pass_on(sandbox.id, [Opened(endpoint, inside, held)])

    def pass_on(self, sandbox: str, opened: Sequence[Opened]) -> None:
        """What packet rules cannot send on: IPv6 to one that has only IPv4. Once that one is connected."""
        if not self._settings.userland_proxy:
            return
        for each in opened:
            target = (each.endpoint.ipv4.partition("/")[0], each.inside)
            for address, listener in each.held.sockets.items():
                if each.held.protocol == "tcp" and address.version == 6 and listener is not None and target[0]:
                    self._proxy.serve(sandbox, listener, target)

    def close(self, sandbox: str) -> None:
        """Give back the ports of a sandbox."""
        self._proxy.stop(sandbox)
        self._reservations.release(sandbox)

    async def close_all(self) -> None:
        """The same for all; sandboxes keep what the rules do."""
        await self._proxy.close()
        self._reservations.close()

    def _take(self, sandbox: Sandbox, wish: Wish, endpoint: Endpoint, options: BridgeOptions) -> Held:
        six = machine.has_ipv6() and bool(endpoint.ipv6 or self._settings.userland_proxy)
        default = options.host_binding or str(self._settings.ip)
        addresses = ports.addresses(wish, default=default, ipv4=bool(endpoint.ipv4), ipv6=six)
        return self._reservations.take(sandbox.id, wish, addresses)


def _published(wish: Wish, held: Held) -> list[Published]:
    return [
        Published(protocol=held.protocol, port=wish.port.number, host_ip=str(address), host_port=held.port)
        for address in held.sockets
    ]
