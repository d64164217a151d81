"""``pyctl inspect``: everything the daemon knows about containers and images, as JSON or through a template."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, cast

from pyctl.app.commands.rendering import parsed
from pyctl.app.flags import Names, operand, switch, value
from pyctl.app.format.gotemplate import Value
from pyctl.app.session import client, complain
from pyctl.errors import ApiError, CommandFailed, InvalidUsage, NotFound, PyctlError, TemplateError
from pyctl.models.fields import JsonObject

Find = Callable[[str], JsonObject]
_ELSEWHERE = ("config", "node", "plugin", "secret", "service", "task")

Format = Annotated[
    str | None, value("--format", "-f", help="Format output using a custom template: 'json' or a Go template")
]
Size = Annotated[bool, switch("--size", "-s", help="Display total file sizes if the type is container")]


def inspect(
    names: Annotated[list[str], operand("NAME|ID [NAME|ID...]")],
    format: Format = None,
    size: Size = False,
    type: Annotated[str | None, value("--type", help="Only inspect objects of the given type")] = None,
) -> int:
    """ContainerInspect, ImageInspect, NetworkInspect or VolumeInspect, whichever finds the name first."""
    finders = _finders(size)
    if type is None:
        return _inspect(names, lambda name: _any(finders, name), format)
    if type not in finders:
        raise InvalidUsage(_no_type(type, finders))
    return _inspect(names, finders[type], format)


def inspect_containers(names: Names, format: Format = None, size: Size = False) -> int:
    """ContainerInspect."""
    return _inspect(names, _finders(size)["container"], format)


def inspect_images(
    names: Annotated[list[str], operand("IMAGE [IMAGE...]")],
    format: Format = None,
) -> int:
    """ImageInspect."""
    return _inspect(names, _finders(False)["image"], format)


def inspect_volumes(
    names: Annotated[list[str], operand("VOLUME [VOLUME...]")],
    format: Format = None,
) -> int:
    """VolumeInspect."""
    return _inspect(names, _finders(False)["volume"], format)


def inspect_networks(
    names: Annotated[list[str], operand("NETWORK [NETWORK...]")],
    format: Format = None,
    verbose: Annotated[bool, switch("--verbose", "-v", help="Verbose output for diagnostics")] = False,
) -> int:
    """NetworkInspect."""
    return _inspect(names, lambda name: client().networks.inspect(name, verbose=verbose).document, format)


def _no_type(given: str, finders: Mapping[str, Find]) -> str:
    if given in _ELSEWHERE:
        return f'inspecting objects of type "{given}" is not supported by this client'
    known = ", ".join(f'"{name}"' for name in sorted([*finders, *_ELSEWHERE]))
    return f'unknown type: "{given}": must be one of {known}'


def _finders(size: bool) -> dict[str, Find]:
    return {
        "container": lambda name: client().containers.inspect(name, size=size).document,
        "image": lambda name: client().images.inspect(name).document,
        "network": lambda name: client().networks.inspect(name).document,
        "volume": lambda name: client().volumes.inspect(name).document,
    }


def _any(finders: Mapping[str, Find], name: str) -> JsonObject:
    for find in finders.values():
        try:
            return find(name)
        except NotFound:
            continue
    raise InvalidUsage(f"Error: No such object: {name}")


def _inspect(names: Sequence[str], find: Find, format: str | None) -> int:
    template = parsed(format) if format and format != "json" else None
    found: list[Value] = []
    failures: list[PyctlError] = []
    for name in names:
        try:
            found.append(cast(Value, find(name)))
        except (ApiError, InvalidUsage) as error:
            failures.append(error)
    if template is None:
        compact = {"separators": (",", ":")} if format else {"indent": 4}
        print(json.dumps(found, ensure_ascii=False, **compact))
    else:
        _print_each(template.render, found)
    for failure in failures:
        complain(str(failure))
    return int(bool(failures))


def _print_each(render: Callable[[Value], str], found: Sequence[Value]) -> None:
    try:
        for document in found:
            print(render(document))
    except TemplateError as error:
        print()  # docker ends the line that it has not begun
        raise CommandFailed(f"template parsing error: {error}", 1) from error
    if not found:
        print()
