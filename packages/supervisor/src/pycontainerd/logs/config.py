"""Which log driver a container has, and its options."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class LogConfig:
    """docker's ``HostConfig.LogConfig``.

    ``driver`` is ``json-file`` (docker's own file format, readable by everything that reads docker's) or ``none``.
    ``options`` of json-file: ``max-size`` (``10m``), ``max-file`` (``3``); unknown options are refused at create.
    """

    driver: str = "json-file"
    options: Mapping[str, str] = field(factory=dict)
