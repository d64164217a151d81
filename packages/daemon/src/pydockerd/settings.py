"""The settings of a daemon; see `pydockerd.config.settings`, where each option is."""

from __future__ import annotations

from pydockerd.config.settings import ContainerDefaults, NetworkSettings, Settings, TlsSettings

__all__ = ["ContainerDefaults", "NetworkSettings", "Settings", "TlsSettings"]
