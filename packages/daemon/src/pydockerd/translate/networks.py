"""What a container wants of networks, from the request that it was created by; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from attrs import evolve

from pycontainerd.containers.config import ContainerConfig
from pydockerd.errors import BadRequest
from pydockerd.models.create import CreateRequest, EndpointIpam, EndpointSettings
from pydockerd.network import ports
from pydockerd.network.model import BRIDGE, Attachment
from pydockerd.network.planning import check_settings
from pydockerd.network.ports import Port, Wish
from pydockerd.translate import namespaces
from pydockerd.translate.container import ORIGIN

_REMEMBERED: Final = 8192
"""Containers whose networks are kept in mind: every list asks for those of every container."""

_DEFAULT: Final = frozenset({"", "default", BRIDGE})


def attachments(request: CreateRequest) -> tuple[Attachment, ...]:
    """The networks that it is to be connected to; that of its network mode is the first."""
    if namespaces.network(request) != namespaces.MANAGED:
        return ()
    mode = request.host.network_mode
    names = _DEFAULT if mode in _DEFAULT else frozenset({mode})
    asked = request.networking.endpoints_config
    first = next((settings for name, settings in asked.items() if name in names), EndpointSettings())
    main = attachment(BRIDGE if mode in _DEFAULT else mode, first)
    if request.config.mac_address and not main.mac:
        main = evolve(main, mac=request.config.mac_address)
    return (main, *(attachment(name, settings) for name, settings in asked.items() if name not in names))


def attachment(network: str, settings: EndpointSettings) -> Attachment:
    """Of one network."""
    ipam = settings.ipam_config or EndpointIpam()
    return Attachment(
        network=network,
        aliases=tuple(dict.fromkeys(settings.aliases or ())),
        links=settings.links or (),
        ipv4=ipam.ipv4_address,
        ipv6=ipam.ipv6_address,
        link_local=ipam.link_local_ips or (),
        mac=settings.mac_address,
        driver_opts=settings.driver_opts or {},
        gw_priority=settings.gw_priority,
    )


def published(request: CreateRequest) -> tuple[Wish, ...]:
    """The ports that are to be reached from the machine. BadRequest."""
    bindings = {
        port: [(each.host_ip, each.host_port) for each in bound] for port, bound in request.host.port_bindings.items()
    }
    return ports.wishes(bindings, request.config.exposed_ports if request.host.publish_all_ports else ())


def exposed(request: CreateRequest) -> tuple[Port, ...]:
    """The ports that it says it listens on, in order."""
    texts: Iterable[str] = (*request.config.exposed_ports, *request.host.port_bindings)
    return tuple(sorted({port for text in texts for port in ports.parse_ports(text)}))


def with_exposed(request: CreateRequest, image: Iterable[str]) -> CreateRequest:
    """The request with the ports of its image among those that it exposes."""
    everything = {**{port: {} for port in image}, **request.config.exposed_ports}
    return evolve(request, config=evolve(request.config, exposed_ports=everything))


def check(request: CreateRequest) -> None:
    """BadRequest for what no network could do."""
    published(request)
    exposed(request)
    wanted = attachments(request)
    mode = request.host.network_mode
    if not wanted and [
        name for name in request.networking.endpoints_config if name not in {mode, "none", "host", *_DEFAULT}
    ]:
        raise BadRequest(
            f"conflicting options: cannot attach both user-defined and non-user-defined network-modes: {mode}"
        )
    for each in wanted:
        check_settings(each, default=each.network == BRIDGE)


def requested(config: ContainerConfig) -> tuple[tuple[Attachment, ...], tuple[Wish, ...]]:
    """Networks and ports of a container; one that did not come over the API is on the default network."""
    return _requested(config.annotations.get(ORIGIN, ""))


@lru_cache(maxsize=_REMEMBERED)
def _requested(text: str) -> tuple[tuple[Attachment, ...], tuple[Wish, ...]]:
    if not text:
        return (Attachment(network=BRIDGE),), ()
    request = CreateRequest.parse(json.loads(text))
    return attachments(request), published(request)
