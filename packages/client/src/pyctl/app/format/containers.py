"""Rows of ``ps`` (docker's formatter/container.go)."""

from __future__ import annotations

import json
from itertools import groupby

from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.listing import Layout
from pyctl.app.format.times import go_time
from pyctl.app.format.units import decimal_size, duration, short_id, shorten
from pyctl.models.containers import ContainerSummary, Port

_COMMAND_WIDTH, _MOUNT_WIDTH = 20, 15

CONTAINERS = Layout(
    default=("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"),
    titles={
        "Command": "COMMAND",
        "CreatedAt": "CREATED AT",
        "ID": "CONTAINER ID",
        "Image": "IMAGE",
        "Labels": "LABELS",
        "LocalVolumes": "LOCAL VOLUMES",
        "Mounts": "MOUNTS",
        "Names": "NAMES",
        "Networks": "NETWORKS",
        "Platform": "PLATFORM",
        "Ports": "PORTS",
        "RunningFor": "CREATED",
        "Size": "SIZE",
        "State": "STATE",
        "Status": "STATUS",
    },
    raw=(
        "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\nstate: {{.State}}\n"
        "status: {{.Status}}\nnames: {{.Names}}\nlabels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n"
    ),
    go_type="*formatter.ContainerContext",
    methods=frozenset({"Label"}),
)


def container_row(container: ContainerSummary, *, truncate: bool, now: float) -> Row:
    """One container; ``now`` is seconds since 1970."""
    columns: dict[str, Value] = {
        "Command": _command(container.command, truncate),
        "CreatedAt": go_time(container.created),
        "ID": short_id(container.id) if truncate else container.id,
        "Image": _image(container, truncate),
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(container.labels.items())),
        "LocalVolumes": str(sum(1 for mount in container.mounts if mount.driver == "local")),
        "Mounts": _mounts(container, truncate),
        "Names": _names(container.names, truncate),
        "Networks": ",".join(container.network_settings.networks),
        "Platform": None,
        "Ports": ports(container.ports),
        "RunningFor": duration(now - container.created) + " ago",
        "Size": _size(container),
        "State": container.state,
        "Status": container.status,
    }
    return Row(CONTAINERS.go_type, columns, {"Label": lambda name: container.labels.get(str(name), "")})


def _command(command: str, truncate: bool) -> str:
    return json.dumps(shorten(command, _COMMAND_WIDTH) if truncate else command, ensure_ascii=False)


def _image(container: ContainerSummary, truncate: bool) -> str:
    if not container.image:
        return "<no image>"
    if not truncate:
        return container.image
    if short_id(container.image) == short_id(container.image_id):
        return short_id(container.image_id)
    return container.image.partition("@")[0]


def _names(names: tuple[str, ...], truncate: bool) -> str:
    plain = [name.removeprefix("/") for name in names]
    # A name with another slash inside is what a link calls it.
    return ",".join([name for name in plain if "/" not in name][:1] if truncate else plain)


def _mounts(container: ContainerSummary, truncate: bool) -> str:
    sources = [mount.name or mount.source for mount in container.mounts]
    return ",".join(shorten(source, _MOUNT_WIDTH) if truncate else source for source in sources)


def _size(container: ContainerSummary) -> str:
    written = decimal_size(container.size_rw, 3)
    return f"{written} (virtual {decimal_size(container.size_root_fs, 3)})" if container.size_root_fs > 0 else written


def ports(found: tuple[Port, ...]) -> str:
    """``0.0.0.0:8000-8001->80-81/tcp, 443/tcp``: neighbouring ports of one address as ranges, the published ones last."""
    ordered = sorted(found, key=lambda port: (port.ip != "", port.ip, port.protocol, port.private, port.public))
    numbered = enumerate(ordered)
    ranges = [
        [port for _, port in group]
        for _, group in groupby(numbered, lambda item: (_kind(item[1]), item[1].private - item[0], _offset(item[1])))
    ]
    return ", ".join(_range(group) for group in ranges)


def _kind(port: Port) -> tuple[str, str]:
    return port.ip, port.protocol


def _offset(port: Port) -> int | None:
    return port.public - port.private if port.ip else None


def _range(group: list[Port]) -> str:
    first, last = group[0], group[-1]
    inner = _span(first.private, last.private)
    if not first.ip:
        return f"{inner}/{first.protocol}"
    address = f"[{first.ip}]" if ":" in first.ip else first.ip
    return f"{address}:{_span(first.public, last.public)}->{inner}/{first.protocol}"


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
