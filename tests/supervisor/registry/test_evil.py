"""A registry that stalls, truncates, lies, redirects and refuses: what can be had is had, and everything else is refused with the reason.

Never is there wrong content. Never are credentials shown to anybody else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from pycontainerd import Credentials, Supervisor
from pycontainerd.errors import (
    AccessDenied,
    DigestMismatch,
    ImageError,
    LayerError,
    ManifestNotFound,
    RegistryError,
    RegistryRefused,
    RegistryUnavailable,
    SupervisorError,
)
from tests.supervisor.archives import COMPRESSIONS, layer, oci_layout, sha
from tests.supervisor.registry.conftest import impatient, supervisor_with
from tests.supervisor.registry.evil import Answer, Evil, for_ever, hang_up, only, part
from tests.supervisor.stores import Stored

BIG = layer(("big", os.urandom(3_000_000)))
SMALL = layer(("small", b"1"))
SECRET = Credentials(username="me", password="my-secret")
MANY = 10**6


@pytest.fixture
async def evil() -> AsyncIterator[Evil]:
    async with Evil().serving() as serving:
        serving.serve(SMALL, BIG)
        yield serving


async def whole(supervisor: Supervisor, evil: Evil, **options: object) -> None:
    """Pull, and see that every byte is right."""
    image = await supervisor.images.pull(evil.name, **options)  # type: ignore[arg-type]
    assert image.references == (evil.name,)
    for blob, data in zip(image.blobs, (SMALL, BIG), strict=True):
        assert supervisor.content.path(blob.digest).read_bytes() == data
    assert not Stored.of(supervisor).partials


async def refused(
    supervisor: Supervisor, evil: Evil, error: type[SupervisorError], text: str, **options: object
) -> None:
    """The pull fails, and nothing at all is left."""
    with pytest.raises(error, match=text):
        await supervisor.images.pull(evil.name, **options)  # type: ignore[arg-type]
    assert Stored.of(supervisor).empty


def ranges(evil: Evil) -> list[str | None]:
    return [each.headers.get("Range") for each in evil.asked(sha(BIG))]


# -- what may pass ---------------------------------------------------------------------------------------------------------


async def test_a_stall_is_gone_on_with(supervisor: Supervisor, evil: Evil) -> None:
    evil.trick = only(sha(BIG), 1, lambda request: part(request, BIG[:1_500_000], len(BIG), for_ever))
    await whole(supervisor, evil)
    first, second = ranges(evil)
    assert first is None
    assert second == "bytes=1500000-"


async def test_truncation_is_gone_on_with(supervisor: Supervisor, evil: Evil) -> None:
    async def truncated(request: web.Request) -> Answer:
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        if not start:
            return await part(request, BIG[:400_000], len(BIG))
        response = web.StreamResponse(status=206, headers={"Content-Range": f"bytes {start}-{len(BIG) - 1}/{len(BIG)}"})
        response.content_length = len(BIG) - start
        await response.prepare(request)
        await response.write(BIG[start : start + 400_000])
        hang_up(request)
        return response

    evil.trick = only(sha(BIG), 3, truncated)
    await whole(supervisor, evil)
    assert ranges(evil) == [None, "bytes=400000-", "bytes=800000-", "bytes=1200000-"]


async def test_who_knows_no_ranges_begins_anew(supervisor: Supervisor, evil: Evil) -> None:
    async def rangeless(request: web.Request) -> Answer:
        if len(evil.asked(sha(BIG))) == 1:
            return await part(request, BIG[:500_000], len(BIG))
        return web.Response(body=BIG)

    evil.trick = only(sha(BIG), MANY, rangeless)
    await whole(supervisor, evil)


@pytest.mark.parametrize("told", ["bytes 7-2999999/3000000", "nonsense", ""])
async def test_another_range_than_asked_for_is_not_taken(supervisor: Supervisor, evil: Evil, told: str) -> None:
    async def wrong(request: web.Request) -> Answer | None:
        number = len(evil.asked(sha(BIG)))
        if number == 1:
            return await part(request, BIG[:500_000], len(BIG))
        return web.Response(status=206, body=BIG[7:], headers={"Content-Range": told}) if number == 2 else None

    evil.trick = only(sha(BIG), MANY, wrong)
    await whole(supervisor, evil)


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
@pytest.mark.parametrize("what", ["/manifests/", "/blobs/"])
async def test_failures_that_pass(supervisor: Supervisor, evil: Evil, status: int, what: str) -> None:
    async def failing(request: web.Request) -> Answer:
        return web.Response(status=status, headers={"Retry-After": "0"})

    evil.trick = only(what, 3, failing)
    await whole(supervisor, evil)


async def test_a_connection_that_breaks_at_once(supervisor: Supervisor, evil: Evil) -> None:
    async def breaking(request: web.Request) -> Answer:
        hang_up(request)
        return web.Response()

    evil.trick = only("/v2/evil/", 4, breaking)
    await whole(supervisor, evil)


async def test_a_registry_that_is_not_there(supervisor: Supervisor, evil: Evil) -> None:
    evil.port, port = 9, evil.port
    await refused(supervisor, evil, RegistryUnavailable, r"127\.0\.0\.1:9: .*cannot connect: .*\(attempt 5\)")
    evil.port = port


async def test_what_a_stalling_registry_has_given_is_kept_for_later(supervisor: Supervisor, evil: Evil) -> None:
    async def stalling(request: web.Request) -> Answer:
        if "Range" in request.headers:
            await for_ever()
        return await part(request, BIG[:1_200_000], len(BIG), for_ever)

    evil.trick = only(sha(BIG), MANY, stalling)
    supervisor.images._registries._config = impatient(supervisor.root.parent, stall=0.2, attempts=2)
    with pytest.raises(RegistryUnavailable, match=r"layer .*: no answer in time"):
        await supervisor.images.pull(evil.name)
    assert supervisor.images.list()[1:] == []
    assert Stored.of(supervisor).blobs == {sha(SMALL)[7:]}
    assert not Stored.of(supervisor).ingests
    (lease,) = await supervisor.leases.list()
    assert lease.labels == {"pycontainerd/pull": evil.name}
    evil.trick = None
    await whole(supervisor, evil)
    assert ranges(evil)[-1] == "bytes=1200000-"
    assert len(evil.asked(sha(SMALL))) == 1
    assert await supervisor.leases.list() == []
    await supervisor.images.remove(evil.name)
    assert Stored.of(supervisor).empty


async def test_what_is_kept_for_later_goes_with_the_refusal(supervisor: Supervisor, evil: Evil) -> None:
    async def failing(request: web.Request) -> Answer:
        return web.Response(status=500)

    evil.trick = only(sha(BIG), MANY, failing)
    with pytest.raises(RegistryUnavailable):
        await supervisor.images.pull(evil.name)
    assert await supervisor.leases.list()
    evil.trick = None
    other_bytes(evil)
    await refused(supervisor, evil, DigestMismatch, "layer")
    assert await supervisor.leases.list() == []


async def test_a_cancelled_pull_is_gone_on_with(supervisor: Supervisor, evil: Evil) -> None:
    arrived = asyncio.Event()

    async def slow(request: web.Request) -> Answer:
        return await part(request, BIG[:1_200_000], len(BIG), for_ever)

    evil.trick = only(sha(BIG), 1, slow)
    pulling = asyncio.create_task(
        supervisor.images.pull(evil.name, progress=lambda each: arrived.set() if each.current > 1_000_000 else None)
    )
    await asyncio.wait_for(arrived.wait(), 10)
    pulling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulling
    assert supervisor.images.list()[1:] == []
    await whole(supervisor, evil)
    assert (ranges(evil)[-1] or "").startswith("bytes=1")


async def test_a_supervisor_that_was_killed_goes_on(tmp_short: Path, evil: Evil) -> None:
    """SIGKILL in the middle of a layer: the next one opens, has nothing half, and asks for the rest only."""
    evil.trick = only(sha(BIG), 1, lambda request: part(request, BIG[:1_500_000], len(BIG), for_ever))
    command = ["python", "-m", "tests.supervisor.registry.pulling", str(tmp_short), evil.name]
    program = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert program.stdout is not None
    assert await asyncio.wait_for(program.stdout.readline(), 20) == b"half\n"
    program.kill()
    await program.wait()
    async with supervisor_with(tmp_short, impatient(tmp_short)) as supervisor:
        assert supervisor.images.list()[1:] == []
        assert Stored.of(supervisor).blobs <= {sha(SMALL)[7:]}
        assert not Stored.of(supervisor).ingests
        await whole(supervisor, evil)
    assert int((ranges(evil)[-1] or "bytes=0-")[6:-1]) >= 1_000_000


# -- what does not --------------------------------------------------------------------------------------------------------


def other_bytes(evil: Evil) -> None:
    evil.blobs[sha(BIG)] = BIG[:-1] + b"x"


def more_bytes(evil: Evil) -> None:
    evil.blobs[sha(BIG)] = BIG + b"x"


def bytes_without_end(evil: Evil) -> None:
    async def endless(request: web.Request) -> Answer:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"\0" * 100_000)

    evil.trick = only(sha(BIG), MANY, endless)


def wrong_size_in_the_manifest(evil: Evil) -> None:
    manifest = evil.serve(SMALL, BIG)
    manifest["layers"][1]["size"] = len(BIG) - 1  # type: ignore[index]
    evil.put(json.dumps(manifest).encode())


def other_configuration(evil: Evil) -> None:
    digest = json.loads(evil.manifests["1"][1])["config"]["digest"]
    evil.blobs[digest] = evil.blobs[digest].replace(b"amd64", b"AMD64")


def manifest_of_another_digest(evil: Evil) -> None:
    async def lie(request: web.Request) -> Answer:
        kind, data = evil.manifests["1"]
        return web.Response(body=data, headers={"Content-Type": kind, "Docker-Content-Digest": sha(b"other")})

    evil.trick = only("/manifests/", MANY, lie)


def an_index_that_leads_to_another_manifest(evil: Evil) -> None:
    kind, data = evil.manifests["1"]
    item = {"mediaType": kind, "digest": sha(b"promised"), "size": len(data)}
    evil.manifests[sha(b"promised")] = (kind, data)
    evil.put(json.dumps({"schemaVersion": 2, "manifests": [item]}).encode(), "application/vnd.oci.image.index.v1+json")


def wrong_diff_id(evil: Evil) -> None:
    manifest = evil.serve(SMALL, BIG)
    other = layer(("small", b"2"))
    evil.blobs[sha(other)] = other
    manifest["layers"][0] |= {"digest": sha(other), "size": len(other)}  # type: ignore[index]
    evil.put(json.dumps(manifest).encode())


def a_layer_that_leaves_its_root(evil: Evil) -> None:
    evil.serve(SMALL, layer(("../escaped", b"")))


def no_json(evil: Evil) -> None:
    evil.put(b"<html>")


def schema_1(evil: Evil) -> None:
    evil.put(b'{"schemaVersion": 1}', "application/vnd.docker.distribution.manifest.v1+prettyjws")


def an_artifact(evil: Evil) -> None:
    evil.serve(SMALL, config={"mediaType": "application/vnd.example", "digest": sha(b"{}"), "size": 2})


def another_platform(evil: Evil) -> None:
    kind, data = evil.manifests["1"]
    item = {
        "mediaType": kind,
        "digest": sha(data),
        "size": len(data),
        "platform": {"os": "linux", "architecture": "s390x"},
    }
    evil.put(json.dumps({"schemaVersion": 2, "manifests": [item]}).encode(), "application/vnd.oci.image.index.v1+json")


def a_huge_manifest(evil: Evil) -> None:
    evil.put(b'{"schemaVersion": 2, "annotations": {"a": "' + b"x" * (5 << 20) + b'"}}')


def fewer_layers(evil: Evil) -> None:
    manifest = evil.serve(SMALL, BIG)
    del manifest["layers"][1]  # type: ignore[attr-defined]
    evil.put(json.dumps(manifest).encode())


def no_layer(evil: Evil) -> None:
    del evil.blobs[sha(BIG)]


def nothing(evil: Evil) -> None:
    evil.manifests.clear()


def redirects_in_a_circle(evil: Evil) -> None:
    async def around(request: web.Request) -> Answer:
        return web.Response(status=307, headers={"Location": f"{request.path}?n={len(evil.requests)}"})

    evil.trick = only(sha(BIG), MANY, around)


def redirects_to_a_file(evil: Evil) -> None:
    async def file(request: web.Request) -> Answer:
        return web.Response(status=307, headers={"Location": "file:///etc/passwd"})

    evil.trick = only(sha(BIG), MANY, file)


def redirects_nowhere(evil: Evil) -> None:
    async def nowhere(request: web.Request) -> Answer:
        return web.Response(status=302)

    evil.trick = only(sha(BIG), MANY, nowhere)


def forbidden(evil: Evil) -> None:
    async def no(request: web.Request) -> Answer:
        body = {"errors": [{"code": "DENIED", "message": "not\x1b[2J for you"}]}
        return web.json_response(body, status=403)

    evil.trick = only("/manifests/", MANY, no)


@pytest.mark.parametrize(
    ("lie", "error", "text"),
    [
        (other_bytes, DigestMismatch, "layer sha256:.*expected sha256:"),
        (more_bytes, DigestMismatch, "size: expected 30"),
        (bytes_without_end, DigestMismatch, "size: expected 30"),
        (wrong_size_in_the_manifest, DigestMismatch, "size: expected 30"),
        (other_configuration, DigestMismatch, "image configuration"),
        (manifest_of_another_digest, DigestMismatch, "manifest evil:1"),
        (an_index_that_leads_to_another_manifest, DigestMismatch, "manifest evil:sha256"),
        (wrong_diff_id, DigestMismatch, "diff id"),
        (a_layer_that_leaves_its_root, LayerError, "escaped"),
        (no_json, ImageError, "not JSON"),
        (schema_1, ImageError, "schema 1"),
        (an_artifact, ImageError, "artifact"),
        (another_platform, ImageError, "no manifest for linux/amd64; there are linux/s390x"),
        (a_huge_manifest, RegistryRefused, "larger than"),
        (fewer_layers, ImageError, "2 diff_ids for 1 layers"),
        (no_layer, RegistryRefused, "does not have it"),
        (nothing, ManifestNotFound, "manifest unknown"),
        (redirects_in_a_circle, RegistryRefused, "more than 8 redirects"),
        (redirects_to_a_file, RegistryRefused, "redirects to nowhere"),
        (redirects_nowhere, RegistryRefused, "redirects to nowhere"),
        (forbidden, AccessDenied, r"403 Forbidden: denied: not \[2j for you"),
    ],
)
async def test_lies_are_refused(
    supervisor: Supervisor, evil: Evil, lie: Callable[[Evil], None], error: type[SupervisorError], text: str
) -> None:
    lie(evil)
    await refused(supervisor, evil, error, text)
    assert not list(supervisor.root.rglob("escaped"))


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_registry_that_goes_on_failing(supervisor: Supervisor, evil: Evil, status: int) -> None:
    async def failing(request: web.Request) -> Answer:
        return web.json_response({"errors": [{"code": "UNKNOWN", "message": "broken"}]}, status=status)

    evil.trick = only("/manifests/", MANY, failing)
    await refused(supervisor, evil, RegistryUnavailable, rf"{status} .*unknown: broken \(attempt 5\)")
    assert len(evil.asked("/manifests/")) == 5


async def test_a_registry_that_asks_for_too_much_patience(supervisor: Supervisor, evil: Evil) -> None:
    async def later(request: web.Request) -> Answer:
        return web.Response(status=429, headers={"Retry-After": "86400"})

    evil.trick = only("/manifests/", MANY, later)
    await refused(supervisor, evil, RegistryUnavailable, r"asks to wait 86400 s \(attempt 1\)")


async def test_a_connection_that_only_drips(supervisor: Supervisor, evil: Evil) -> None:
    async def drip(request: web.Request) -> Answer:
        response = web.StreamResponse(headers={"Content-Length": str(len(BIG))})
        await response.prepare(request)
        while True:
            await response.write(b"\0")
            await asyncio.sleep(0.05)

    evil.trick = only(sha(BIG), MANY, drip)
    supervisor.images._registries._config = impatient(supervisor.root.parent, stall=0.3, attempts=2)
    with pytest.raises(RegistryUnavailable, match="only drips"):
        await supervisor.images.pull(evil.name)
    assert supervisor.images.list()[1:] == []


# -- who is told what -----------------------------------------------------------------------------------------------------


def needs(evil: Evil, header: str) -> None:
    """Whoever does not show an Authorization that begins so is asked for one."""
    scheme = "Basic" if header.startswith("Basic") else f'Bearer realm="http://{evil.host}/token",service="s"'

    async def gate(request: web.Request) -> Answer | None:
        if request.path == "/token":
            number = len(evil.asked("/token"))
            return web.json_response({"token": f"t{number}", "expires_in": 300})
        if request.headers.get("Authorization", "").startswith(header):
            return None
        return web.Response(status=401, headers={"WWW-Authenticate": scheme})

    evil.trick = gate


async def test_credentials_stay_behind_at_a_redirect(
    supervisor: Supervisor, evil: Evil, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Evil().serving() as elsewhere:
        elsewhere.blobs = dict(evil.blobs)
        needs(evil, "Basic")
        gate = evil.trick
        assert gate is not None

        async def redirect(request: web.Request) -> Answer | None:
            if (answer := await gate(request)) is not None or sha(BIG) not in request.path:
                return answer
            target = f"http://{elsewhere.host}{request.path}?signature=signed-secret"
            return web.Response(status=307, headers={"Location": target})

        evil.trick = redirect
        await whole(supervisor, evil, auth=SECRET)
        (there,) = elsewhere.requests
        assert "Authorization" not in there.headers
        assert there.query["signature"] == "signed-secret"
    for secret in ("my-secret", SECRET.basic().split()[1], "signed-secret"):
        assert secret not in caplog.text


async def test_who_is_redirected_to_proves_nothing(supervisor: Supervisor, evil: Evil) -> None:
    """The other host asks for a password, too: it does not get ours."""
    async with Evil().serving() as elsewhere:
        needs(elsewhere, "Basic")

        async def redirect(request: web.Request) -> Answer | None:
            if sha(BIG) not in request.path:
                return None
            return web.Response(status=307, headers={"Location": f"http://{elsewhere.host}{request.path}"})

        evil.trick = redirect
        with pytest.raises(RegistryError, match="401"):
            await supervisor.images.pull(evil.name, auth=SECRET)
        assert elsewhere.requests
        assert not [each for each in elsewhere.requests if "Authorization" in each.headers]
    assert supervisor.images.list()[1:] == []


async def test_a_token_that_ends_in_the_middle(supervisor: Supervisor, evil: Evil) -> None:
    needs(evil, "Bearer")
    gate = evil.trick
    assert gate is not None

    async def expiring(request: web.Request) -> Answer | None:
        if sha(BIG) in request.path and request.headers.get("Authorization") == "Bearer t1":
            return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="http://{evil.host}/token"'})
        return await gate(request)

    evil.trick = expiring
    await whole(supervisor, evil, auth=SECRET)
    assert len(evil.asked("/token")) == 2


async def test_401_for_ever(supervisor: Supervisor, evil: Evil) -> None:
    async def no(request: web.Request) -> Answer | None:
        if request.path == "/token":
            return web.json_response({"access_token": "t"})
        return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="http://{evil.host}/token"'})

    evil.trick = no
    await refused(supervisor, evil, AccessDenied, "401 Unauthorized", auth=SECRET)
    assert len(evil.asked("/manifests/")) == 2


@pytest.mark.parametrize("realm", ["", "file:///etc/passwd", "ftp://x/", "http://me:you@127.0.0.1/"])
async def test_a_token_server_that_is_none(supervisor: Supervisor, evil: Evil, realm: str) -> None:
    async def no(request: web.Request) -> Answer:
        return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})

    evil.trick = no
    await refused(supervisor, evil, RegistryRefused, "no token server", auth=SECRET)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"token": 5}', '{"token": "a\\nb"}', "[" * 100_000])
async def test_a_token_server_that_talks_nonsense(supervisor: Supervisor, evil: Evil, body: str) -> None:
    async def no(request: web.Request) -> Answer:
        if request.path == "/token":
            return web.Response(text=body)
        return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="http://{evil.host}/token"'})

    evil.trick = no
    await refused(supervisor, evil, RegistryRefused, "gave no token", auth=SECRET)


async def test_a_token_server_that_redirects_hears_the_password_once(supervisor: Supervisor, evil: Evil) -> None:
    async with Evil().serving() as elsewhere:

        async def no(request: web.Request) -> Answer:
            if request.path == "/token":
                return web.Response(status=307, headers={"Location": f"http://{elsewhere.host}/token"})
            return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="http://{evil.host}/token"'})

        evil.trick = no
        with pytest.raises(SupervisorError):
            await supervisor.images.pull(evil.name, auth=SECRET)
        assert elsewhere.requests
        assert not [each for each in elsewhere.requests if "Authorization" in each.headers]


# -- pushing ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def pushed(tmp_short: Path, tmp_path: Path, evil: Evil) -> AsyncIterator[Supervisor]:
    """An image to push to an evil registry that has nothing, in chunks of 500 kB."""
    evil.blobs.clear()
    evil.manifests.clear()
    async with supervisor_with(tmp_short, impatient(tmp_short, chunk=500_000, attempts=3)) as supervisor:
        root = oci_layout(tmp_path / "layout", [SMALL, BIG], evil.name, COMPRESSIONS["gzip"])
        await supervisor.images.import_archive(root)
        yield supervisor


async def test_an_upload_that_breaks_is_gone_on_with(pushed: Supervisor, evil: Evil) -> None:
    broken = 0

    async def breaking(request: web.Request) -> Answer | None:
        nonlocal broken
        if request.method == "PATCH" and broken < 3:
            broken += 1
            name = request.path.rpartition("/")[2]
            evil.uploads[name] += await request.content.readexactly(100_000)
            hang_up(request)
            return web.Response()
        if request.method == "PUT" and "/manifests/" in request.path:
            return await stored(request, evil)
        return None

    evil.trick = breaking
    await pushed.images.push(evil.name)
    image = pushed.images.get(evil.name)
    for blob in image.blobs:
        assert evil.blobs[blob.digest] == pushed.content.path(blob.digest).read_bytes()
    assert broken == 3


async def stored(request: web.Request, evil: Evil) -> Answer:
    data = await request.read()
    evil.put(data)
    return web.Response(status=201, headers={"Docker-Content-Digest": sha(data)})


async def test_uploads_elsewhere_take_no_credentials_along(pushed: Supervisor, evil: Evil) -> None:
    async with Evil().serving() as elsewhere:
        elsewhere.uploads = evil.uploads
        evil.location = f"http://{elsewhere.host}"
        elsewhere.location = evil.location
        needs(evil, "Basic")
        gate = evil.trick
        assert gate is not None

        async def manifests(request: web.Request) -> Answer | None:
            if (answer := await gate(request)) is not None:
                return answer
            return await stored(request, evil) if request.method == "PUT" else None

        evil.trick = manifests
        await pushed.images.push(evil.name, auth=SECRET)
        assert len(elsewhere.blobs) == 3
        assert not [each for each in elsewhere.requests if "Authorization" in each.headers]


async def test_a_registry_that_makes_another_manifest_of_it(pushed: Supervisor, evil: Evil) -> None:
    async def other(request: web.Request) -> Answer | None:
        if request.method == "PUT" and "/manifests/" in request.path:
            return web.Response(status=201, headers={"Docker-Content-Digest": sha(b"other")})
        return None

    evil.trick = other
    with pytest.raises(DigestMismatch, match="as the registry has it"):
        await pushed.images.push(evil.name)
    assert pushed.images.get(evil.name).digests == ()


@pytest.mark.parametrize("status", [500, 413, 405])
async def test_an_upload_that_is_refused(pushed: Supervisor, evil: Evil, status: int) -> None:
    async def no(request: web.Request) -> Answer | None:
        return web.Response(status=status) if request.method in ("PATCH", "PUT") else None

    evil.trick = no
    with pytest.raises(RegistryError, match=str(status)):
        await pushed.images.push(evil.name)


# -- the disk ---------------------------------------------------------------------------------------------------------------


async def test_a_full_disk(tmp_short: Path, evil: Evil) -> None:
    huge = layer(("huge", os.urandom(20 << 20)))
    root = tmp_short / "root"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=711", "tmpfs", str(root)], check=True)
    try:
        async with supervisor_with(tmp_short, impatient(tmp_short)) as supervisor:
            evil.serve(SMALL, huge)
            with pytest.raises(OSError, match="No space left"):
                await supervisor.images.pull(evil.name)
            left = Stored.of(supervisor)
            assert not left.blobs
            assert not left.rows
            assert not left.ingests
            assert not left.partials
            evil.serve(SMALL, BIG)
            await supervisor.images.pull(evil.name)
    finally:
        subprocess.run(["umount", str(root)], check=True)
