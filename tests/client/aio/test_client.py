"""The awaitable client against a real daemon: the same names as the blocking one, several things at a time, and nothing left of what is given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from pyctl import AsyncClient, Client, Conflict, CreateRequest, ExecRequest, HostConfig, NotFound
from pyctl.errors import DaemonUnavailable
from tests.client.aio.mirror import CLASSES, TARGET, public, written
from tests.support.daemon import Daemon


def box(script: str) -> CreateRequest:
    return CreateRequest(image="host", cmd=["sh", "-c", script], host_config=HostConfig(network_mode="none"))


@pytest.fixture
async def client(shared_daemon: Daemon) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(shared_daemon.host, calls=4) as made:
        yield made


def test_the_module_is_as_it_is_written() -> None:
    assert TARGET.read_text(encoding="utf-8") == written(), "run: python -m tests.client.aio.mirror"


def test_every_name_of_the_blocking_client() -> None:
    client = AsyncClient("unix:///nobody")
    for attribute, cls in CLASSES.items():
        assert set(public(cls)) <= set(dir(getattr(client, attribute)))
    names = {name for name in vars(Client) if not name.startswith("_")}
    assert names - {"api_version", "close", "interrupt"} == set(CLASSES)


async def test_run_and_what_it_wrote(client: AsyncClient) -> None:
    done = await client.containers.run(box("cat; echo problem >&2; exit 4"), input=b"given")
    assert (done.status_code, done.stdout, done.stderr) == (4, b"given", b"problem\n")
    with pytest.raises(NotFound):
        await client.containers.inspect(done.id)


async def test_many_at_a_time(client: AsyncClient) -> None:
    """More than there are threads for calls."""
    done = await asyncio.gather(*(client.containers.run(box(f"echo {n}")) for n in range(6)))
    assert [each.stdout for each in done] == [f"{n}\n".encode() for n in range(6)]


async def test_a_container_for_a_block(client: AsyncClient) -> None:
    async with client.containers.temporary(box("trap exit TERM; while :; do sleep 0.1; done")) as name:
        done = await client.execs.run(name, ExecRequest(cmd=["sh", "-c", "cat; exit 3"]), input=b"x")
        assert (done.status_code, done.stdout) == (3, b"x")
        with pytest.raises(Conflict):
            await client.containers.remove(name)
    with pytest.raises(NotFound):
        await client.containers.inspect(name)


async def test_streams_that_are_followed_and_given_up(client: AsyncClient) -> None:
    async with client.containers.temporary(box("i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done")) as name:
        followed = [client.containers.logs(name, tty=False, follow=True) for _ in range(6)]
        for stream in followed:
            async with stream:
                assert (await anext(stream)).data.startswith(b"0\n")
        silent = client.system.events(filters={"container": ["nobody"]})
        waiting = asyncio.ensure_future(anext(silent))
        await asyncio.sleep(0.2)
        begun = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert time.monotonic() - begun < 5  # the thread was woken, not waited for
        assert [each async for each in silent] == []


async def test_events_as_they_happen(client: AsyncClient) -> None:
    async with client.system.events(since="1", filters={"type": ["container"], "event": ["die"]}) as events:
        done = await client.containers.run(box("exit 5"))
        async for event in events:
            if event.actor.id == done.id:
                break
        assert event.actor.attributes["exitCode"] == "5"


async def test_attach_wait_and_archives(client: AsyncClient) -> None:
    request = CreateRequest(
        image="host", cmd=["cat"], open_stdin=True, stdin_once=True, host_config=HostConfig(network_mode="none")
    )
    created = await client.containers.create(request)
    pending = await client.containers.wait(created.id, "next-exit")
    async with await client.containers.attach(created.id, stdin=True) as connection:
        await client.containers.start(created.id)
        await connection.write(b"there and back")
        await connection.close_write()
        output = b"".join([piece async for piece in connection])
    assert output.endswith(b"there and back")
    assert (await pending.result()).status_code == 0
    stream, found = await client.containers.get_archive(created.id, "/etc/hostname")
    assert found.name == "hostname"
    assert len(b"".join([piece async for piece in stream])) >= 1024
    with pytest.raises(NotFound):
        await client.containers.get_archive(created.id, "/no/such/thing")
    await client.containers.remove(created.id)


async def test_nobody_there() -> None:
    async with AsyncClient("tcp://127.0.0.1:1") as nobody:
        with pytest.raises(DaemonUnavailable):
            await nobody.containers.list()
        with pytest.raises(DaemonUnavailable):
            await anext(nobody.system.events())
