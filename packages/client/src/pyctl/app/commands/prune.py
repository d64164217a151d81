"""``pyctl container prune``, ``image prune`` and ``system prune``: remove what nobody uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pyctl.app.commands.confirm import confirmed
from pyctl.app.flags import switch, value
from pyctl.app.format.units import decimal_size
from pyctl.app.options.filters import Filter, collected, filter_
from pyctl.app.session import client
from pyctl.errors import ApiError, InvalidUsage, NotFound, NotImplementedByDaemon
from pyctl.models.images import Deleted

Until = Annotated[
    list[Filter] | None,
    value("--filter", metavar="filter", help='Provide filter values (e.g. "until=<timestamp>")', read=filter_),
]
Force = Annotated[bool, switch("--force", "-f", help="Do not prompt for confirmation")]


def containers(filter: Until = None, force: Force = False) -> None:
    """ContainerPrune."""
    if not (force or confirmed("WARNING! This will remove all stopped containers.")):
        return
    print(f"Total reclaimed space: {decimal_size(_containers(collected(filter or [])))}")


def images(
    all: Annotated[bool, switch("--all", "-a", help="Remove all unused images, not just dangling ones")] = False,
    filter: Until = None,
    force: Force = False,
) -> None:
    """ImagePrune."""
    which = "all images without at least one container associated to them" if all else "all dangling images"
    if not (force or confirmed(f"WARNING! This will remove {which}.")):
        return
    print(f"Total reclaimed space: {decimal_size(_images(collected(filter or []), all=all))}")


def system(
    all: Annotated[bool, switch("--all", "-a", help="Remove all unused images not just dangling ones")] = False,
    filter: Annotated[
        list[Filter] | None,
        value("--filter", metavar="filter", help='Provide filter values (e.g. "label=<key>=<value>")', read=filter_),
    ] = None,
    force: Force = False,
    volumes: Annotated[bool, switch("--volumes", help="Prune anonymous volumes")] = False,
) -> None:
    """ContainerPrune, NetworkPrune, VolumePrune if asked to, ImagePrune and BuildPrune."""
    filters = collected(filter or [])
    if volumes and "until" in filters:
        raise InvalidUsage('ERROR: The "until" filter is not supported with "--volumes"')
    if not (force or confirmed(_warning(filter or [], all=all, volumes=volumes))):
        return
    reclaimed = _containers(filters) + _networks(filters)
    if volumes:
        reclaimed += _volumes(filters)
    reclaimed += _images(filters, all=all) + _cache(filters, all=all)
    print(f"Total reclaimed space: {decimal_size(reclaimed)}")


def _warning(filters: Iterable[Filter], *, all: bool, volumes: bool) -> str:
    lines = ["all stopped containers", "all networks not used by at least one container"]
    if volumes:
        lines.append("all anonymous volumes not used by at least one container")
    if all:
        lines += ["all images without at least one container associated to them", "all build cache"]
    else:
        lines += ["all dangling images", "unused build cache"]
    text = "WARNING! This will remove:\n" + "".join(f"  - {line}\n" for line in lines)
    given = "".join(f"  - {each.name}={each.value}\n" for each in filters)
    return text + (f"\n  Items to be pruned will be filtered with:\n{given}" if given else "")


def _containers(filters: dict[str, list[str]]) -> int:
    pruned = client().containers.prune(filters=filters)
    _listed("Deleted Containers", pruned.deleted)
    return pruned.reclaimed


def _images(filters: dict[str, list[str]], *, all: bool) -> int:
    pruned = client().images.prune(filters={**filters, "dangling": ["false" if all else "true"]})
    _listed("Deleted Images", [_step(step) for step in pruned.deleted])
    return pruned.reclaimed


def _step(step: Deleted) -> str:
    return f"untagged: {step.untagged}" if step.untagged else f"deleted: {step.deleted}"


def _networks(filters: dict[str, list[str]]) -> int:
    _listed("Deleted Networks", client().networks.prune(filters=filters).deleted)
    return 0


def _volumes(filters: dict[str, list[str]]) -> int:
    pruned = client().volumes.prune(filters=filters)
    _listed("Deleted Volumes", pruned.deleted)
    return pruned.reclaimed


def _cache(filters: dict[str, list[str]], *, all: bool) -> int:
    try:
        pruned = client().system.prune_build_cache(all=all, filters=filters)
    except (NotImplementedByDaemon, NotFound):
        return 0  # a daemon that builds nothing has no cache
    except ApiError as error:
        if error.status in (405, 501):
            return 0
        raise
    _listed("Deleted build cache objects", pruned.deleted)
    return pruned.reclaimed


def _listed(title: str, lines: Iterable[str]) -> None:
    if text := "".join(f"{line}\n" for line in lines):
        print(f"{title}:\n{text}")
