"""Rows of ``volume ls`` (docker's formatter/volume.go)."""

from __future__ import annotations

from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.listing import Layout
from pyctl.app.format.units import decimal_size
from pyctl.models.volumes import Volume

_UNKNOWN = "N/A"

VOLUMES = Layout(
    default=("Driver", "Name"),
    titles={
        "Availability": "AVAILABILITY",
        "Driver": "DRIVER",
        "Group": "GROUP",
        "Labels": "LABELS",
        "Links": "LINKS",
        "Mountpoint": "MOUNTPOINT",
        "Name": "VOLUME NAME",
        "Scope": "SCOPE",
        "Size": "SIZE",
        "Status": "STATUS",
    },
    raw="name: {{.Name}}\ndriver: {{.Driver}}\n",
    quiet="{{.Name}}",
    go_type="*formatter.volumeContext",
    methods=frozenset({"Label"}),
)


def volume_row(volume: Volume) -> Row:
    """One volume. What only volumes of a cluster have is not known of any other."""
    columns: dict[str, Value] = {
        "Availability": _UNKNOWN,
        "Driver": volume.driver,
        "Group": _UNKNOWN,
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(volume.labels.items())),
        "Links": str(volume.usage.ref_count) if volume.counted else _UNKNOWN,
        "Mountpoint": volume.mountpoint,
        "Name": volume.name,
        "Scope": volume.scope,
        "Size": decimal_size(volume.usage.size) if volume.counted else _UNKNOWN,
        "Status": _UNKNOWN,
    }
    return Row(VOLUMES.go_type, columns, {"Label": lambda name: volume.labels.get(str(name), "")})
