"""What the settings become for the supervisor."""

from __future__ import annotations

import pytest

from pydockerd.config.checks import STORAGE_DRIVERS
from pydockerd.process.supervision import SNAPSHOTTERS, registry_config
from pydockerd.settings import Settings


def test_registries_are_reached_as_is_configured() -> None:
    found = registry_config(
        Settings(
            insecure_registries=("reg.example:5000", "10.0.0.0/8"),
            registry_mirrors=("https://one.example", "https://two.example"),
            max_concurrent_downloads=2,
            max_concurrent_uploads=3,
            max_download_attempts=7,
        )
    )
    assert found.mirrors == {"docker.io": ("https://one.example", "https://two.example")}
    assert (found.downloads, found.uploads, found.attempts) == (2, 3, 7)


@pytest.mark.parametrize(
    ("host", "insecure"),
    [("reg.example:5000", True), ("reg.example", False), ("10.1.2.3:80", True), ("127.0.0.1:5000", True)],
)
def test_who_need_not_prove_who_he_is(host: str, insecure: bool) -> None:
    settings = Settings(insecure_registries=("reg.example:5000", "10.0.0.0/8"))
    assert registry_config(settings).is_insecure(host) is insecure


def test_every_storage_driver_has_a_snapshotter() -> None:
    assert set(SNAPSHOTTERS) == set(STORAGE_DRIVERS)
