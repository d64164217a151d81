"""A network that is parted, that loses, that is slow: of a container that talks to itself, and of two that talk to each other."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import time
from collections.abc import Iterator

import pytest

from pycontainerd import Container, ContainerConfig, ExecConfig, Supervisor, blocking
from pycontainerd.errors import InvalidConfig, Unsupported
from tests.supervisor.faults.conftest import Run
from tests.supervisor.running import start

# Answers every datagram; and counts how many percent of 1000 questions have no answer.
ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 7001))
while True:
    s.sendto(*s.recvfrom(100))
"""
SLOW = 15
"""Percent of answers that a busy machine may give too late."""
ASK_OFTEN = """/usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
count = 0

def collect(patience):
    global count
    s.settimeout(patience)
    try:
        while count < 1000:
            count += len(s.recv(100))
    except TimeoutError:
        pass

for round in range(100):
    for number in range(10):
        s.sendto(b"x", ("{address}", 7001))
    collect(0.01)
collect(1)
print(100 - count // 10)
'"""
ASK = "echo hello | busybox nc -w 1 {address} 7000"


@pytest.fixture
async def echo(run: Run) -> None:
    """A server on port 7000 of its loopback, which has two addresses."""
    await run("busybox nc -ll -p 7000 -e cat >/dev/null 2>&1 </dev/null & sleep 0.3")


async def test_partition(container: Container, run: Run, echo: None) -> None:
    assert await run(ASK.format(address="127.0.0.1")) == (0, "hello\n")
    async with container.faults.partition():
        code, text = await run(ASK.format(address="127.0.0.1"))
        assert (code != 0, "hello" in text) == (True, False)
    assert await run(ASK.format(address="127.0.0.1")) == (0, "hello\n")


async def test_partition_from_some(container: Container, run: Run, echo: None) -> None:
    async with container.faults.partition("127.0.0.2", "10.0.0.0/8", "fe80::1"):
        assert await run(ASK.format(address="127.0.0.1")) == (0, "hello\n")
        assert (await run(ASK.format(address="127.0.0.2")))[0] != 0
    assert await run(ASK.format(address="127.0.0.2")) == (0, "hello\n")
    with pytest.raises(InvalidConfig, match=r"peers\[1\]"):
        await container.faults.partition("127.0.0.1", "somebody").__aenter__()


async def test_loss(container: Container, run: Run) -> None:
    """Silently: who sends is told nothing, as on a cable."""
    await run(f"/usr/bin/python3 -c '{ECHO}' >/dev/null 2>&1 </dev/null & sleep 0.5")

    async def lost() -> int:
        code, text = await run(ASK_OFTEN.format(address="127.0.0.1"))
        assert code == 0, text
        return int(text)

    assert await lost() < SLOW
    async with container.faults.loss(0.3):
        assert 40 < await lost() < 62 + SLOW  # of the question or of the answer: 51
    async with container.faults.partition():
        assert await lost() == 100
    assert await lost() < SLOW


async def test_latency(container: Container, run: Run, echo: None) -> None:
    """The kernel says whether it can; where it cannot, so does the error."""
    trial = subprocess.run(
        ["unshare", "-n", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"], capture_output=True
    )

    async def asked() -> float:
        began = time.monotonic()
        assert await run(ASK.format(address="127.0.0.1")) == (0, "hello\n")
        return time.monotonic() - began

    if trial.returncode:
        with pytest.raises(Unsupported, match=r"no netem \(CONFIG_NET_SCH_NETEM"):
            await container.faults.latency(0.2).__aenter__()
        assert await asked() < 1
        return
    fast = await asked()
    async with container.faults.latency(0.2):
        assert await asked() > fast + 0.5  # at least three packets, one after the other
    assert await asked() < fast + 0.4


async def test_the_network_of_the_machine_is_spared(supervisor: Supervisor) -> None:
    made = await start(supervisor, "sleep 100", image="host", network="host")
    for fault in (made.faults.partition(), made.faults.loss(0.5), made.faults.latency(1)):
        with pytest.raises(Unsupported, match="give it one of its own"):
            await fault.__aenter__()
    said = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert "fault" not in said


async def test_it_ends_in_the_middle(container: Container) -> None:
    async with container.faults.partition(), container.faults.loss(0.1):
        await container.kill()
        await container.wait()


@pytest.fixture
def links() -> Iterator[tuple[str, str]]:
    """Two network namespaces with a cable between them; 10.9.0.1 and 10.9.0.2."""
    names = tuple(f"fault-{secrets.token_hex(3)}-{end}" for end in "ab")
    for name in names:
        ip("netns", "add", name)
    ip("-n", names[0], "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", names[1])
    for number, name in enumerate(names, 1):
        ip("-n", name, "addr", "add", f"10.9.0.{number}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            ip("-n", name, "link", "set", link, "up")
    yield f"/run/netns/{names[0]}", f"/run/netns/{names[1]}"
    for name in names:
        ip("netns", "del", name)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


async def test_two_that_talk_to_each_other(supervisor: Supervisor, links: tuple[str, str]) -> None:
    one = await start(supervisor, "sleep 1000", image="host", network=links[0])
    other = await start(supervisor, "sleep 1000", image="host", network=links[1])

    await start_echo(other)

    async def lost(peer: str) -> int:
        made = await one.exec(ExecConfig(args=("sh", "-c", ASK_OFTEN.format(address=peer))))
        attachment = await made.attach()
        await made.start()
        return int(b"".join([chunk.data async for chunk in attachment]))

    assert await lost("10.9.0.2") < SLOW
    async with one.faults.partition("10.9.0.2"):
        assert await lost("10.9.0.2") == 100
    async with other.faults.partition("10.9.0.0/24"):
        assert await lost("10.9.0.2") == 100
    async with other.faults.partition("10.9.1.1"):
        assert await lost("10.9.0.2") < SLOW
    async with one.faults.loss(0.3):
        assert 40 < await lost("10.9.0.2") < 62 + SLOW
    assert await lost("10.9.0.2") < SLOW


async def start_echo(container: Container) -> None:
    made = await container.exec(ExecConfig(args=("/usr/bin/python3", "-c", ECHO)))
    await made.start()
    await asyncio.sleep(0.5)


def test_blocking() -> None:
    with blocking.Supervisor(ephemeral=True) as supervisor:
        made = supervisor.containers.create(ContainerConfig(image="host", args=("sleep", "100")))
        made.start()
        with made.faults.partition(), made.faults.cpu(0.5), made.faults.disk_full("/var"), made.faults.paused():
            assert made.info().running
        with made.faults.killed() as killing:
            killing.happened(timeout=10)
        assert made.info().running
