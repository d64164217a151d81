"""``pyctl volume``: create, list, inspect, remove, prune."""

from __future__ import annotations

import sys
from typing import Annotated

import attrs

from pyctl.app.commands.confirm import confirmed
from pyctl.app.commands.lifecycle import for_each
from pyctl.app.flags import operand, switch, value
from pyctl.app.format.listing import Format
from pyctl.app.format.units import decimal_size
from pyctl.app.format.volumes import VOLUMES, volume_row
from pyctl.app.options.filters import Filter, collected, filter_
from pyctl.app.options.order import natural
from pyctl.app.options.values import pairs
from pyctl.app.session import client
from pyctl.errors import InvalidUsage
from pyctl.models.volumes import VolumeRequest

Filters = Annotated[
    list[Filter],
    value("--filter", "-f", metavar="filter", help='Provide filter values (e.g. "dangling=true")', read=filter_),
]
Volumes = Annotated[list[str], operand("VOLUME [VOLUME...]")]


@attrs.frozen(kw_only=True)
class CreateFlags:
    """What the new volume is."""

    driver: Annotated[str, value("--driver", "-d", help="Specify volume driver name")] = "local"
    label: Annotated[list[str], value("--label", metavar="list", help="Set metadata for a volume")] = attrs.field(
        factory=list
    )
    name: Annotated[str | None, value("--name", help="Specify volume name")] = None
    opt: Annotated[list[str], value("--opt", "-o", metavar="map", help="Set driver specific options")] = attrs.field(
        factory=list
    )


@attrs.frozen(kw_only=True)
class ListFlags:
    """Which volumes, and how they are shown."""

    filter: Filters = attrs.field(factory=list)
    format: Annotated[
        str | None,
        value("--format", help="Format output: 'table', 'table TEMPLATE', 'json', or a Go template for each volume"),
    ] = None
    quiet: Annotated[bool, switch("--quiet", "-q", help="Only display volume names")] = False


def create(flags: CreateFlags, volume: Annotated[str | None, operand("[VOLUME]")] = None) -> None:
    """VolumeCreate."""
    if volume is not None and flags.name is not None:
        raise InvalidUsage(
            "conflicting options: cannot specify a volume-name through both --name and as a positional arg"
        )
    request = VolumeRequest(
        name=volume or flags.name,
        driver=flags.driver,
        options=pairs(flags.opt),
        labels=pairs(flags.label),
    )
    print(client().volumes.create(request).name)


def ls(flags: ListFlags) -> None:
    """VolumeList."""
    layout = Format.read(flags.format, VOLUMES, quiet=flags.quiet)
    found = client().volumes.list(filters=collected(flags.filter))
    rows = [volume_row(volume) for volume in sorted(found, key=lambda volume: natural(volume.name))]
    sys.stdout.write(layout.render(rows))


def rm(
    volumes: Volumes,
    force: Annotated[bool, switch("--force", "-f", help="Force the removal of one or more volumes")] = False,
) -> int:
    """VolumeDelete."""
    return for_each(volumes, lambda name: client().volumes.remove(name, force=force))


def prune(
    all: Annotated[bool, switch("--all", "-a", help="Remove all unused volumes, not just anonymous ones")] = False,
    filter: Annotated[
        list[Filter] | None,
        value("--filter", metavar="filter", help='Provide filter values (e.g. "label=<label>")', read=filter_),
    ] = None,
    force: Annotated[bool, switch("--force", "-f", help="Do not prompt for confirmation")] = False,
) -> None:
    """VolumePrune."""
    filters = collected(filter or [])
    if all:
        if "all" in filters:
            raise InvalidUsage("conflicting options: cannot specify both --all and --filter all=1")
        filters["all"] = ["true"]
    which = "all" if all else "anonymous"
    warning = f"WARNING! This will remove {which} local volumes not used by at least one container."
    if not (force or confirmed(warning)):
        return
    pruned = client().volumes.prune(filters=filters)
    if pruned.deleted:
        print("Deleted Volumes:\n" + "".join(f"{name}\n" for name in pruned.deleted))
    print(f"Total reclaimed space: {decimal_size(pruned.reclaimed)}")
