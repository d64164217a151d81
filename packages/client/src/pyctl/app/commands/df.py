"""``pyctl system df``: what images, containers, volumes and build cache take of the disk."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Annotated

import attrs

from pyctl.app.commands.rendering import parsed
from pyctl.app.flags import switch, value
from pyctl.app.format.containers import CONTAINERS, container_row
from pyctl.app.format.disk import (
    CACHE,
    CONTAINER_COLUMNS,
    IMAGE_COLUMNS,
    SUMMARY,
    VOLUME_COLUMNS,
    cache_rows,
    cache_size,
    summary,
)
from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.gotemplate.values import html_safe
from pyctl.app.format.images import IMAGES, image_rows
from pyctl.app.format.listing import Format, Layout
from pyctl.app.format.units import decimal_size
from pyctl.app.format.volumes import VOLUMES, volume_row
from pyctl.app.session import client
from pyctl.models.disk import DiskUsage


def df(
    format: Annotated[
        str | None,
        value("--format", help="Format output: 'table', 'table TEMPLATE', 'json', or a Go template"),
    ] = None,
    verbose: Annotated[bool, switch("--verbose", "-v", help="Show detailed information on space usage")] = False,
) -> None:
    """SystemDataUsage."""
    usage = client().system.disk_usage()
    if not verbose:
        sys.stdout.write(Format.read(format, SUMMARY).render(summary(usage)))
    elif format and format != "table":
        sys.stdout.write(_document(usage, format))
    else:
        sys.stdout.write(_details(usage))


def _details(usage: DiskUsage) -> str:
    images, containers, volumes, cache = _rows(usage, truncate=True)
    parts = [
        ("Images space usage:", IMAGES, images, IMAGE_COLUMNS),
        ("Containers space usage:", CONTAINERS, containers, CONTAINER_COLUMNS),
        ("Local Volumes space usage:", VOLUMES, volumes, VOLUME_COLUMNS),
        (f"Build cache usage: {decimal_size(cache_size(usage))}", CACHE, cache, CACHE.default),
    ]
    return "\n".join(f"{title}\n\n{_table(layout, rows, columns)}" for title, layout, rows, columns in parts)


def _table(layout: Layout, rows: Iterable[Row], columns: Sequence[str]) -> str:
    return Format.read("table", layout, columns=columns).render(rows)


def _rows(usage: DiskUsage, *, truncate: bool) -> tuple[list[Row], list[Row], list[Row], list[Row]]:
    now = time.time()
    return (
        [row for image in usage.images for row in image_rows(image, truncate=truncate, digests=False, now=now)],
        # Without the size of their images, which are counted as such.
        [container_row(attrs.evolve(each, size_root_fs=0), truncate=truncate, now=now) for each in usage.containers],
        [volume_row(volume) for volume in usage.volumes],
        list(cache_rows(usage.build_cache, truncate=truncate, now=now)),
    )


def _document(usage: DiskUsage, format: str) -> str:
    names = ("Images", "Containers", "Volumes", "BuildCache")
    columns: dict[str, Value] = {
        name: [{**row.columns, **({"Digest": ""} if name == "Images" else {})} for row in rows]
        for name, rows in zip(names, _rows(usage, truncate=False), strict=True)
    }
    if format == "json":
        return html_safe(json.dumps(columns, separators=(",", ":"), ensure_ascii=False))
    return parsed(format).render(Row("*formatter.diskUsageContext", columns))
