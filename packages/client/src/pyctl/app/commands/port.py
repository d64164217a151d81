"""``pyctl port``: where a container's ports are published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pyctl.app.flags import Name, operand
from pyctl.app.session import client
from pyctl.errors import InvalidUsage
from pyctl.models.containers import HostAddress


def port(container: Name, private_port: Annotated[str | None, operand("[PRIVATE_PORT[/PROTO]]")] = None) -> None:
    """ContainerInspect, its ports; one of them or all."""
    published = client().containers.inspect(container).network_settings.ports
    if private_port is None:
        lines = [f"{name} -> {address}" for name in sorted(published) for address in _addresses(published[name])]
    else:
        name = private_port if "/" in private_port else f"{private_port}/tcp"
        lines = list(_addresses(published.get(name, ())))
        if not lines:
            raise InvalidUsage(f"Error: No public port '{private_port}' published for {container}")
    print("".join(line + "\n" for line in lines), end="")


def _addresses(found: Iterable[HostAddress]) -> list[str]:
    return [f"[{a.ip}]:{a.port}" if ":" in a.ip else f"{a.ip}:{a.port}" for a in found]
