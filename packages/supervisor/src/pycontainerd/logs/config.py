"""Which log driver a container has, and its options."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class LogConfig:
    """docker's ``HostConfig.LogConfig``.

    ``driver`` is ``json-file`` (docker's own file format, readable by everything that reads docker's), ``local`` (compact, and several
    times as fast; see `pycontainerd.logs.local`) or ``none``. ``options`` of the first two: ``max-size`` (``10m``), ``max-file`` (``3``) and
    ``compress`` (``true``: the older files); of json-file also ``labels``, ``labels-regex``, ``env``, ``env-regex`` and ``tag``, which put
    attributes into each record; and of both ``mode`` and ``max-buffer-size``: ``non-blocking`` keeps up to that much (``1m``) in memory while the disk
    is slow, and drops what comes when it is full (see `pycontainerd.logs.buffered`); ``blocking``, the default, lets the process wait. Without options a json-file log is never rotated; a local one has up to five files of 20 MiB. Unknown options
    are refused at create.
    """

    driver: str = "json-file"
    options: Mapping[str, str] = field(factory=dict)
