"""Pull, push, log in: what the supervisor tells, in docker's messages; and whose credentials it is given."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pycontainerd import Credentials, RemoteImage, Step
from pycontainerd import Progress as Told
from pycontainerd.errors import AccessDenied, DigestMismatch, ImageNotFound, ManifestNotFound, RegistryUnavailable
from pycontainerd.images.documents import Descriptor
from pycontainerd.images.platforms import Platform
from pydockerd.services.registries import credentials, wanted
from pydockerd.views.progress import bar
from tests.daemon.conftest import Api

DIGEST = "sha256:" + "cd" * 32
LAYER = "sha256:" + "0123456789abcdef" * 4
SHORT = "0123456789ab"


def told_by(api: Api, *steps: Told, then: Exception | None = None) -> list[dict[str, Any]]:
    """Let pulls and pushes tell these steps, and then fail. What they were called with comes into the list."""
    calls: list[dict[str, Any]] = []

    async def work(reference: str, *, progress: Callable[[Told], None], **options: Any) -> str:
        calls.append({"reference": reference, **options})
        for step in steps:
            progress(step)
        if then is not None:
            raise then
        return DIGEST

    api.supervisor.images.pull = api.supervisor.images.push = work
    return calls


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


async def test_a_pull_in_dockers_messages(api: Api) -> None:
    calls = told_by(
        api,
        Told(Step.RESOLVED, DIGEST),
        Told(Step.WAITING, LAYER, 0, 100),
        Told(Step.DOWNLOADING, LAYER, 50, 100),
        Told(Step.DOWNLOADING, LAYER, 51, 100),
        Told(Step.DOWNLOADED, LAYER, 100, 100),
        Told(Step.EXTRACTING, LAYER, 0, 100),
        Told(Step.EXTRACTED, LAYER, 100, 100),
        Told(Step.DONE, DIGEST, detail="1"),
    )
    reply = await api.ask("POST", "/images/create?fromImage=busybox&tag=1&platform=linux/arm64")
    assert reply.status == 200
    found = lines(reply.content)
    assert [(each["status"], each.get("id")) for each in found] == [
        ("Pulling from library/busybox", "1"),
        ("Pulling fs layer", SHORT),
        ("Downloading", SHORT),
        ("Verifying Checksum", SHORT),
        ("Download complete", SHORT),
        ("Extracting", SHORT),
        ("Pull complete", SHORT),
        (f"Digest: {DIGEST}", None),
        ("Status: Image is up to date for busybox:1", None),
    ]
    assert found[1]["progressDetail"] == {}
    assert found[2]["progressDetail"] == {"current": 50, "total": 100}
    assert found[2]["progress"].startswith("[=========================>")
    assert calls == [{"reference": "busybox:1", "auth": Credentials(), "platform": "linux/arm64"}]


async def test_a_layer_that_is_there_is_told_once(api: Api) -> None:
    told_by(
        api,
        Told(Step.RESOLVED, DIGEST),
        Told(Step.EXISTS, LAYER),
        Told(Step.EXTRACTING, LAYER),
        Told(Step.EXTRACTED, LAYER),
    )
    reply = await api.ask("POST", "/images/create?fromImage=a&tag=1")
    assert [each["status"] for each in lines(reply.content) if each.get("id") == SHORT] == ["Already exists"]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ManifestNotFound("x:1"), 404, "manifest for x:1 not found"),
        (
            AccessDenied("r", "401"),
            404,
            "pull access denied for busybox, repository does not exist or may require 'docker login'",
        ),
        (RegistryUnavailable("r", "no answer"), 500, "no answer"),
    ],
)
async def test_what_fails_at_once_is_a_status(api: Api, error: Exception, status: int, text: str) -> None:
    told_by(api, then=error)
    reply = await api.ask("POST", "/images/create?fromImage=busybox&tag=1")
    assert reply.status == status
    assert text in reply.message


async def test_what_fails_later_is_the_last_message(api: Api) -> None:
    told_by(api, Told(Step.RESOLVED, DIGEST), then=DigestMismatch("layer", "a", "b"))
    reply = await api.ask("POST", "/images/create?fromImage=busybox&tag=1")
    assert reply.status == 200
    assert lines(reply.content)[-1] == {
        "error": "layer: expected a, got b",
        "errorDetail": {"message": "layer: expected a, got b"},
    }


async def test_a_push_in_dockers_messages(api: Api) -> None:
    api.supervisor.images.get = lambda reference: SimpleNamespace(id="sha256:1")
    told_by(
        api,
        Told(Step.PREPARING, LAYER),
        Told(Step.MOUNTED, LAYER, detail="library/other"),
        Told(Step.DONE, DIGEST, 528, detail="1"),
    )
    reply = await api.ask("POST", "/images/reg.example:5000/a/b/push?tag=1")
    found = lines(reply.content)
    assert [each.get("status") for each in found] == [
        "The push refers to repository [reg.example:5000/a/b]",
        "Preparing",
        "Mounted from library/other",
        f"1: digest: {DIGEST} size: 528",
        None,
    ]
    assert found[-1] == {"progressDetail": {}, "aux": {"Tag": "1", "Digest": DIGEST, "Size": 528}}


async def test_a_push_of_nothing(api: Api) -> None:
    def missing(reference: str) -> None:
        raise ImageNotFound(reference)

    api.supervisor.images.get = missing
    reply = await api.ask("POST", "/images/a/push?tag=1")
    assert (reply.status, reply.message) == (404, "An image does not exist locally with the tag: a")


async def test_log_in(api: Api) -> None:
    tried: list[tuple[str, Credentials]] = []

    async def login(address: str, found: Credentials) -> str:
        tried.append((address, found))
        if found.password != "right":
            raise AccessDenied(address, "log in: the answer was 401 Unauthorized")
        return ""

    api.supervisor.registries = SimpleNamespace(login=login)  # type: ignore[attr-defined]
    body = {"username": "me", "password": "right", "serveraddress": "reg.example"}
    reply = await api.ask("POST", "/auth", body)
    assert (reply.status, reply.json) == (200, {"Status": "Login Succeeded", "IdentityToken": ""})
    assert tried == [("reg.example", Credentials(username="me", password="right"))]
    wrong = await api.ask("POST", "/auth", {**body, "password": "wrong"})
    assert wrong.status == 401
    assert "wrong" not in wrong.message


async def test_what_a_registry_has(api: Api) -> None:
    found = RemoteImage(
        descriptor=Descriptor(media_type="application/x", digest=DIGEST, size=5),
        platforms=(Platform("linux", "arm", "v7"),),
    )

    async def inspect(reference: str, *, auth: Credentials) -> RemoteImage:
        assert (reference, auth) == ("a/b:1", Credentials())
        return found

    api.supervisor.registries = SimpleNamespace(inspect=inspect)  # type: ignore[attr-defined]
    reply = await api.ask("GET", "/distribution/a%2Fb:1/json")
    assert reply.json == {
        "Descriptor": {"mediaType": "application/x", "digest": DIGEST, "size": 5},
        "Platforms": [{"architecture": "arm", "os": "linux", "variant": "v7"}],
    }


def encoded(**said: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", Credentials()),
        (encoded(), Credentials()),
        (encoded(username="a", password="b?>"), Credentials(username="a", password="b?>")),
        (encoded(username="a", password="b").rstrip("="), Credentials(username="a", password="b")),
        (encoded(identitytoken="t"), Credentials(identity_token="t")),
        (encoded(registrytoken="t"), Credentials(registry_token="t")),
        (encoded(auth=base64.b64encode(b"a:b:c").decode()), Credentials(username="a", password="b:c")),
        ("nonsense!", Credentials()),
        (base64.urlsafe_b64encode(b"[" * 100_000).decode(), Credentials()),
    ],
)
def test_credentials(header: str, found: Credentials) -> None:
    assert credentials(header) == found


@pytest.mark.parametrize(
    ("name", "tag", "together"),
    [
        ("a", "", "a"),
        ("a", "1", "a:1"),
        ("a:2", "1", "a:1"),
        ("r:5000/a", DIGEST, f"r:5000/a@{DIGEST}"),
        (f"a@{DIGEST}", "1", f"a@{DIGEST}"),
    ],
)
def test_name_and_tag(name: str, tag: str, together: str) -> None:
    assert wanted(name, tag) == together


def test_the_bar_is_dockers() -> None:
    assert bar(0, 0) == ""
    assert bar(1500, 0) == "   1.5kB"
    assert bar(50, 100) == "[=========================>                         ]      50B/100B"
    assert bar(3_400_000, 3_400_000).endswith("=>]    3.4MB/3.4MB")
