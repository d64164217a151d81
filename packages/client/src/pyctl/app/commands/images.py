"""``pyctl images``: list images."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import attrs

from pyctl.app.flags import operand, switch, value
from pyctl.app.format.images import IMAGES, WITH_DIGESTS, image_rows
from pyctl.app.format.listing import Format
from pyctl.app.options.filters import Filter, collected, filter_
from pyctl.app.session import client


@attrs.frozen(kw_only=True)
class ListFlags:
    """Which images, and how they are shown."""

    all: Annotated[bool, switch("--all", "-a", help="Show all images (default hides intermediate images)")] = False
    digests: Annotated[bool, switch("--digests", help="Show digests")] = False
    filter: Annotated[
        list[Filter],
        value("--filter", "-f", metavar="filter", help="Filter output based on conditions provided", read=filter_),
    ] = attrs.field(factory=list)
    format: Annotated[
        str | None,
        value("--format", help="Format output: 'table', 'table TEMPLATE', 'json', or a Go template for each image"),
    ] = None
    no_trunc: Annotated[bool, switch("--no-trunc", help="Don't truncate output")] = False
    quiet: Annotated[bool, switch("--quiet", "-q", help="Only show image IDs")] = False


def images(flags: ListFlags, reference: Annotated[str | None, operand("[REPOSITORY[:TAG]]")] = None) -> None:
    """ImageList."""
    layout = Format.read(
        flags.format, IMAGES, quiet=flags.quiet, columns=WITH_DIGESTS if flags.digests else IMAGES.default
    )
    filters = collected([*flags.filter, *([Filter("reference", reference)] if reference else [])])
    found = client().images.list(all=flags.all, filters=filters)
    digests = flags.digests or (bool(flags.format) and layout.uses("Digest"))
    now = time.time()
    rows = [row for image in found for row in image_rows(image, truncate=not flags.no_trunc, digests=digests, now=now)]
    sys.stdout.write(layout.render(rows))
