"""What a running daemon takes over of other settings."""

from __future__ import annotations

import attrs
import pytest

from pydockerd.config.load import changed
from pydockerd.config.option import options
from pydockerd.settings import ContainerDefaults, NetworkSettings, Settings

RELOADED = {
    "authorization-plugins",
    "debug",
    "default-runtime",
    "features",
    "insecure-registries",
    "labels",
    "live-restore",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "registry-mirrors",
    "runtimes",
    "shutdown-timeout",
}
"""By dockerd's documentation."""


def test_what_reloads_is_what_dockerd_reloads() -> None:
    assert {option.key for _, option in options(Settings) if option.reloads} == RELOADED


@pytest.mark.parametrize(
    ("new", "taken", "later"),
    [
        (Settings(), Settings(), []),
        (Settings(debug=True, labels=("a=b",)), Settings(debug=True, labels=("a=b",)), []),
        (Settings(storage_driver="vfs", debug=True), Settings(debug=True), ["storage-driver"]),
        (
            Settings(defaults=ContainerDefaults(runtime="runc", init=True)),
            Settings(defaults=ContainerDefaults(runtime="runc")),
            ["init"],
        ),
        (Settings(network=NetworkSettings(mtu=9)), Settings(), ["mtu"]),
    ],
)
def test_the_rest_waits_for_a_new_start(new: Settings, taken: Settings, later: list[str]) -> None:
    assert changed(Settings(), new) == (taken, later)


def test_what_is_said_no_more_has_its_default_again() -> None:
    assert changed(Settings(labels=("a=b",)), Settings()) == (Settings(), [])
    assert changed(attrs.evolve(Settings(), debug=True), Settings())[0].debug is False
