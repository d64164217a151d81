"""Faults of a network: filters and delays in the network namespace of a container.

They are made by ``nft`` and ``tc``, as an administrator would make them, executed in that namespace by ``nsenter``: the libraries that speak these
protocols are larger than all of this, and a fault is no hot path. Each fault has a table or a queueing discipline of its own, and takes that away.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Sequence

from pycontainerd.errors import Conflict, InvalidConfig, Unsupported
from pycontainerd.faults.subject import Subject

_FIRST = -400
"""Before everything else that may be at the same hook."""


def partition(peers: Sequence[str]) -> str:
    """The rules of a chain; ``{side}`` is the address of the peer in it."""
    if not peers:
        return "drop;"
    rules = []
    for index, peer in enumerate(peers):
        try:
            address = ipaddress.ip_network(peer, strict=False)
        except ValueError as error:
            raise InvalidConfig(f"peers[{index}]", f"{error}; expected an address or a network") from error
        rules.append(f"{'ip' if address.version == 4 else 'ip6'} {{side}} {address} drop;")
    return " ".join(rules)


def loss(share: float) -> str:
    """One packet in so many, at random."""
    return f"numgen random mod 1000000 < {round(share * 1_000_000)} drop;"


@contextlib.asynccontextmanager
async def filtered(subject: Subject, pid: int, rules: str) -> AsyncIterator[None]:
    """Inside, the rules are in force in the network namespace of process ``pid``."""
    _check_own(pid)
    table = f"pycontainerd_fault_{secrets.token_hex(4)}"
    text = f"table netdev {table} {{\n{_chains(rules, _links(pid))}}}\n"
    await _run(pid, ("nft", "-f", "-"), "nftables", text)
    try:
        yield
    finally:
        if _lives(subject, pid):
            await _run(pid, ("nft", "delete", "table", "netdev", table), "nftables")


def _chains(rules: str, links: Sequence[str]) -> str:
    """At the links themselves (egress: Linux 5.16): a packet that is dropped at the hook ``output`` is an error to who sends it, EPERM.

    What leaves by the loopback has come in at the same moment, and passes one chain only.
    """
    chains = ""
    for hook, side, devices in (
        ("egress", "daddr", links),
        ("ingress", "saddr", [link for link in links if link != "lo"]),
    ):
        if devices:
            names = ", ".join(f'"{device}"' for device in devices)
            head = f"type filter hook {hook} devices = {{ {names} }} priority {_FIRST}; policy accept;"
            chains += f"  chain {hook}_packets {{ {head} {rules.format(side=side)} }}\n"
    return chains


@contextlib.asynccontextmanager
async def delayed(subject: Subject, pid: int, seconds: float, jitter: float) -> AsyncIterator[None]:
    """Inside, each link of the namespace holds its packets back."""
    _check_own(pid)
    if seconds <= 0 or jitter < 0:
        raise InvalidConfig(
            "seconds", f"{seconds} and jitter {jitter}: expected a time above 0, and a jitter that is not negative"
        )
    async with contextlib.AsyncExitStack() as undo:
        for link in _links(pid):
            delay = (f"{seconds * 1000:.3f}ms", f"{jitter * 1000:.3f}ms")
            limit = ("limit", "100000")  # packets in the queue: netem's own of 1000 would lose some of a fast stream
            await _run(pid, ("tc", "qdisc", "add", "dev", link, "root", "netem", "delay", *delay, *limit), "iproute2")
            undo.push_async_callback(_undelay, subject, pid, link)
        yield


async def _undelay(subject: Subject, pid: int, link: str) -> None:
    if _lives(subject, pid):
        await _run(pid, ("tc", "qdisc", "del", "dev", link, "root"), "iproute2")


def _links(pid: int) -> list[str]:
    """The names of all links of the namespace (proc_pid_net(5))."""
    with open(f"/proc/{pid}/net/dev", encoding="ascii") as lines:
        return [line.partition(":")[0].strip() for line in lines if ":" in line]


def _check_own(pid: int) -> None:
    """The machine's own network is everybody's."""
    if os.stat(f"/proc/{pid}/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino:
        raise Unsupported(
            "the container uses this machine's network, whose faults would be everybody's: give it one of its own"
        )


def _lives(subject: Subject, pid: int) -> bool:
    """A namespace goes with its last process, and a number of a process may be another's then."""
    return subject.info().pid == pid


async def _run(pid: int, command: Sequence[str], package: str, text: str = "") -> None:
    """Run a command in the namespace. Unsupported, with its complaint, when it fails: the kernel lacks what it needs."""
    whole = ("nsenter", f"--net=/proc/{pid}/ns/net", *command)
    try:
        done = await asyncio.to_thread(subprocess.run, whole, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Unsupported(f"{error.filename}: not installed: install util-linux") from error
    if done.returncode:
        raise _refusal(command, done.stderr.strip(), package)


def _refusal(command: Sequence[str], complaint: str, package: str) -> Unsupported | Conflict:
    if "No such file or directory" in complaint and complaint.startswith("nsenter"):
        return Unsupported(f"{command[0]}: not installed: install {package}")
    if "qdisc kind is unknown" in complaint:
        return Unsupported("latency: this kernel has no netem (CONFIG_NET_SCH_NETEM, module sch_netem)")
    if "Exclusivity flag on" in complaint or "File exists" in complaint:
        return Conflict(f"latency: a queueing discipline is on the link already: {complaint}")
    return Unsupported(f"{' '.join(command)}: {complaint}")
