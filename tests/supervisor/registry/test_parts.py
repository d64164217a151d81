"""The parts of the client that need no registry: challenges, patience, addresses, references, credentials."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pycontainerd import Credentials, RegistryConfig
from pycontainerd.errors import InvalidInput, InvalidReference, RegistryRefused
from pycontainerd.images.reference import remote
from pycontainerd.registry.auth import Authorizer
from pycontainerd.registry.backoff import pause
from pycontainerd.registry.challenge import Challenge, challenges
from pycontainerd.registry.credentials import NOBODY, DockerConfig, Given
from pycontainerd.registry.endpoints import Endpoint, endpoints
from pycontainerd.registry.http import Http, origin, shown
from pycontainerd.registry.registries import domain_of


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("Basic", [Challenge("basic", {})]),
        ('Basic realm="a b"', [Challenge("basic", {"realm": "a b"})]),
        (
            'Bearer realm="https://x/t?a=b",service="s, t",scope="repository:a:pull,push"',
            [Challenge("bearer", {"realm": "https://x/t?a=b", "service": "s, t", "scope": "repository:a:pull,push"})],
        ),
        (
            'BEARER Realm=x , Basic realm="q\\"r"',
            [Challenge("bearer", {"realm": "x"}), Challenge("basic", {"realm": 'q"r'})],
        ),
        ("", []),
        ('="', []),
        ("Negotiate abc==", [Challenge("negotiate", {})]),
    ],
)
def test_challenges(header: str, found: list[Challenge]) -> None:
    assert challenges([header])[: len(found)] == found


def test_challenges_end() -> None:
    assert challenges(['Bearer realm="' + "\\" * 50_000]) is not None


def test_patience() -> None:
    config = RegistryConfig(attempts=5, pause=0.5, longest_pause=3.0)
    assert [pause(config, attempt, None, 0.5) for attempt in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, None]
    assert pause(config, 1, None, 0.0) == 0.375
    assert pause(config, 1, 2.0, 0.9) == 2.0
    assert pause(config, 1, 3.5, 0.9) is None
    assert pause(config, 5, 0.0, 0.9) is None


@pytest.mark.parametrize(
    ("reference", "domain", "repository", "asked"),
    [
        ("busybox", "docker.io", "library/busybox", "latest"),
        ("some/busybox:1", "docker.io", "some/busybox", "1"),
        ("docker.io/busybox", "docker.io", "library/busybox", "latest"),
        ("index.docker.io/library/busybox", "docker.io", "library/busybox", "latest"),
        ("localhost/busybox", "localhost", "busybox", "latest"),
        ("localhost:5000/a/b/c:2", "localhost:5000", "a/b/c", "2"),
        ("reg.example/a", "reg.example", "a", "latest"),
        ("Reg/a", "Reg", "a", "latest"),
        ("[::1]:5000/a", "[::1]:5000", "a", "latest"),
        ("a@sha256:" + "0" * 64, "docker.io", "library/a", "sha256:" + "0" * 64),
        ("a:1@sha256:" + "0" * 64, "docker.io", "library/a", "sha256:" + "0" * 64),
    ],
)
def test_where_a_reference_leads(reference: str, domain: str, repository: str, asked: str) -> None:
    found = remote(reference)
    assert (found.domain, found.repository, found.reference) == (domain, repository, asked)


def test_what_leads_nowhere() -> None:
    with pytest.raises(InvalidReference):
        remote("a//b")


def test_addresses(tmp_path: Path) -> None:
    config = RegistryConfig(
        certificates=tmp_path,
        insecure=("plain.example",),
        mirrors={"docker.io": ("https://m.example/x/", "plain.example")},
    )
    first, second, last = endpoints(config, "docker.io")
    assert (first.host, first.addresses, first.is_mirror) == ("m.example", ("https://m.example/x",), True)
    assert second.addresses == ("https://plain.example", "http://plain.example")
    assert (last.host, last.addresses, last.insecure) == ("docker.io", ("https://registry-1.docker.io",), False)
    (tmp_path / "plain.example").mkdir()
    assert endpoints(config, "plain.example")[0].addresses == ("https://plain.example",), "its authority was ignored"
    for wrong in ("ftp://x", "http://", "http://me:secret@x"):
        with pytest.raises(InvalidInput, match="registry mirror"):
            endpoints(RegistryConfig(mirrors={"a": (wrong,)}), "a")


def test_origins_and_what_is_shown() -> None:
    assert origin("https://X.example/a") == origin("https://x.example:443/b")
    assert origin("https://x.example/") != origin("http://x.example/")
    assert origin("https://x.example:1/") != origin("https://x.example:2/")
    assert origin("http://x:99999999/") != origin("http://x/")
    assert shown("https://me:secret@x.example/a?signature=b#c") == "https://x.example/a"


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
        ("reg.example:5000", "reg.example:5000"),
        ("http://127.0.0.1:5000/v2/", "127.0.0.1:5000"),
    ],
)
def test_where_to_log_in(address: str, domain: str) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize("address", ["", "https://", "me@x", "x?y", "x#y"])
def test_where_nobody_can_log_in(address: str) -> None:
    with pytest.raises(InvalidInput, match="not the address of a registry"):
        domain_of(address)


async def test_a_token_server_must_be_encrypted_if_the_registry_is() -> None:
    config = RegistryConfig()
    http = Http(config)
    endpoint = Endpoint("reg.example", ("https://reg.example",), insecure=False)
    authorizer = Authorizer(http, config, endpoint, Given("reg.example", Credentials(username="a", password="b")))
    assert authorizer.challenged(['Bearer realm="http://reg.example/token"'], ())
    with pytest.raises(RegistryRefused, match=r"token server http://reg\.example/token is not encrypted"):
        await authorizer.header(("repository:a:pull",))
    await http.close()


# -- credentials ------------------------------------------------------------------------------------------------------------


def auth(name: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("entries", "host", "found"),
    [
        ({"r:5000": auth("a", "b:c")}, "r:5000", Credentials(username="a", password="b:c")),
        ({"https://r:5000/v1/": auth("a", "b")}, "r:5000", Credentials(username="a", password="b")),
        ({"https://index.docker.io/v1/": auth("a", "b")}, "docker.io", Credentials(username="a", password="b")),
        ({"r": {"identitytoken": "t"}}, "r", Credentials(identity_token="t")),
        ({"r": {"registrytoken": "t"}}, "r", Credentials(registry_token="t")),
        ({"r": {"username": "a", "password": "b"}}, "r", Credentials(username="a", password="b")),
        ({"other": auth("a", "b")}, "r", NOBODY),
        ({"r.evil": auth("a", "b")}, "r", NOBODY),
        ({"r": {}}, "r", NOBODY),
    ],
)
async def test_what_docker_login_leaves(
    tmp_path: Path, entries: dict[str, object], host: str, found: Credentials
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": entries}))
    assert await DockerConfig(path).find(host) == found


async def test_no_configuration_is_nobody(tmp_path: Path) -> None:
    assert await DockerConfig(tmp_path / "none.json").find("r") == NOBODY


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": {"r": {"auth": "%%"}}}'])
async def test_a_configuration_that_is_broken_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=str(path)):
        await DockerConfig(path).find("r")


def test_secrets_are_in_no_repr() -> None:
    shown_ = repr(Credentials(username="me", password="s1", identity_token="s2", registry_token="s3"))
    assert "me" in shown_
    assert not [secret for secret in ("s1", "s2", "s3") if secret in shown_]


def test_who_asks_no_registry_does_without_aiohttp() -> None:
    program = "import sys, pycontainerd, pycontainerd.blocking; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
