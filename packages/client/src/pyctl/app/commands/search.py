"""``pyctl search``: look for images in a registry."""

from __future__ import annotations

import sys
from typing import Annotated

import attrs

from pyctl.app.credentials import registry_auth
from pyctl.app.flags import operand, switch, value
from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.listing import Format, Layout
from pyctl.app.format.units import shorten
from pyctl.app.options.filters import Filter, collected, filter_
from pyctl.app.session import client
from pyctl.models.images import Found

_WIDTH = 45
_LAYOUT = Layout(
    default=("Name", "Description", "StarCount", "IsOfficial"),
    titles={
        "Description": "DESCRIPTION",
        "IsOfficial": "OFFICIAL",
        "Name": "NAME",
        "StarCount": "STARS",
    },
    go_type="*registry.searchContext",
)


@attrs.frozen(kw_only=True)
class SearchFlags:
    """What is looked for, and how it is shown."""

    filter: Annotated[
        list[Filter],
        value("--filter", "-f", metavar="filter", help="Filter output based on conditions provided", read=filter_),
    ] = attrs.field(factory=list)
    format: Annotated[str | None, value("--format", help="Pretty-print search using a Go template")] = None
    limit: Annotated[int, value("--limit", metavar="int", help="Max number of search results")] = 0
    no_trunc: Annotated[bool, switch("--no-trunc", help="Don't truncate output")] = False


def search(term: Annotated[str, operand("TERM")], flags: SearchFlags) -> None:
    """ImageSearch."""
    layout = Format.read(flags.format, _LAYOUT)
    auth = registry_auth(term)
    found = client().images.search(term, limit=flags.limit or None, filters=collected(flags.filter), auth=auth)
    as_json = flags.format == "json"
    sys.stdout.write(layout.render(_row(image, truncate=not flags.no_trunc, as_json=as_json) for image in found))


def _row(image: Found, *, truncate: bool, as_json: bool) -> Row:
    description = image.description.replace("\n", " ").replace("\r", " ")
    columns: dict[str, Value] = {
        "Description": shorten(description, _WIDTH) if truncate else description,
        "IsOfficial": str(image.official).lower() if as_json else "[OK]" if image.official else "",
        "Name": image.name,
        "StarCount": str(image.stars),
    }
    return Row(_LAYOUT.go_type, columns)
