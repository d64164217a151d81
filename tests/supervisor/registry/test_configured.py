"""Configuring registries while a supervisor runs, and identity tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pycontainerd import Credentials, RegistryConfig, Supervisor
from pycontainerd.errors import AccessDenied, RegistryError
from tests.supervisor.registry.test_registry import LAYERS, made
from tests.support.registry import PASSWORD, USER, Registry, TokenServer, registry


@pytest.fixture
def tokens(tmp_short: Path) -> Iterator[TokenServer]:
    with TokenServer(tmp_short / "tokens").serving() as serving:
        yield serving


@pytest.fixture
def guarded(tmp_short: Path, tokens: TokenServer) -> Iterator[Registry]:
    with registry(tmp_short / "registry", tokens=tokens) as started:
        yield started


async def test_an_identity_token_does_for_name_and_password(
    supervisor: Supervisor, guarded: Registry, tokens: TokenServer
) -> None:
    given = await supervisor.registries.login(guarded.host, Credentials(username=USER, password=PASSWORD))
    assert given == tokens.identity
    tokens.asked.clear()
    assert await supervisor.registries.login(guarded.host, Credentials(identity_token=given)) == ""
    assert [each["refresh_token"] for each in tokens.asked] == [given]
    with pytest.raises(AccessDenied):
        await supervisor.registries.login(guarded.host, Credentials(identity_token="nobody's"))
    with pytest.raises(AccessDenied):
        await supervisor.registries.login(guarded.host, Credentials(username=USER, password="wrong"))


async def test_registries_are_reached_as_is_configured_last(
    supervisor: Supervisor, tmp_short: Path, tmp_path: Path
) -> None:
    with registry(tmp_short / "registry") as mirror:
        name = f"{mirror.host}/library/mine:1"
        await made(supervisor, tmp_path, name, LAYERS[0])
        digest = await supervisor.images.push(name)
        await supervisor.registries.configure(RegistryConfig(mirrors={"docker.io": (f"http://{mirror.host}",)}))
        assert (await supervisor.registries.inspect("mine:1")).descriptor.digest == digest
        await supervisor.registries.configure(RegistryConfig(attempts=1))
        with pytest.raises(RegistryError):
            await supervisor.registries.inspect("mine:1")
