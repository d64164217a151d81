"""SIGKILL at random moments of changes to networks: afterwards links, addresses and rules are what is recorded, exactly, and in the end nothing is left.

PYDOCKERD_ROUNDS sets how many rounds there are; a few by default, and many by ``nox -s killed``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from pydockerd.network import ruleset
from pydockerd.network.networks import Networks
from pydockerd.network.sandbox import Sandbox
from pydockerd.state.database import open_database
from tests.daemon.network.places import inside, namespace, output
from tests.daemon.network.rounds import names_in, networks_in, sandbox

ROUNDS = int(os.environ.get("PYDOCKERD_ROUNDS", "3")) * 2


def killed(directory: Path, seed: int, places: list[str], delay: float) -> None:
    """Let a program change networks, and kill it ``delay`` seconds after it has begun."""
    command = [sys.executable, "-m", "tests.daemon.network.rounds", str(directory), str(seed), *places]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == b"ready\n", program.stderr.read().decode()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(delay)
        assert program.poll() is None, program.stderr.read().decode()
        program.kill()


def own_links(owner: str) -> dict[str, str]:
    """Links with our mark, and the bridges that they are ports of."""
    links = json.loads(output("ip", "-j", "-d", "link"))
    return {link["ifname"]: link.get("master", "") for link in links if link.get("ifalias") == owner}


def loaded(table: str, *prefix: str) -> dict[str, Any] | None:
    """Our sets and maps and the number of rules in our chains, as the kernel has them."""
    listed = subprocess.run(
        [*prefix, "nft", "-j", "list", "table", "inet", table], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        return None
    found: dict[str, Any] = {}
    for item in json.loads(listed.stdout)["nftables"]:
        for kind in ("set", "map"):
            if kind in item:
                found[item[kind]["name"]] = sorted(json.dumps(each) for each in item[kind].get("elem", ()))
        if "rule" in item:
            found[item["rule"]["chain"]] = found.get(item["rule"]["chain"], 0) + 1
    return found


def expected(networks: Networks, table: str) -> dict[str, Any] | None:
    """The same of a table that is made anew from the state, in a network namespace of its own."""
    assert networks._rules.loaded is None or networks._rules.loaded == ruleset.elements(networks.wired())
    if not networks.wired():
        return None
    with namespace("scratch") as scratch:
        enter = ("nsenter", f"--net={scratch.netns}")
        text = ruleset.replace(table, ruleset.elements(networks.wired()))
        subprocess.run([*enter, "nft", "-f", "-"], input=text, text=True, check=True)
        return loaded(table, *enter)


async def agrees(networks: Networks, directory: Path, running: list[Sandbox]) -> None:
    """The kernel has what is recorded, and nothing else."""
    names, bridges = names_in(directory), {}
    for network in await networks.all():
        bridges[network.id] = names.link if network.is_default else f"br-{network.id[:12]}"
    links = {
        bridges[network.id]: ""
        for network in await networks.all()
        if network.driver == "bridge" and not network.is_default
    }
    for place in running:
        interfaces = {"lo"}
        for endpoint in networks.endpoints_of(place.id):
            links[endpoint.link] = bridges[endpoint.network_id]
            links.setdefault(bridges[endpoint.network_id], "")
            interfaces.add(endpoint.interface)
            assert f"inet {endpoint.ipv4}" in inside(place, "ip", "addr", "show", endpoint.interface)
        assert {each["ifname"] for each in json.loads(inside(place, "ip", "-j", "link"))} == interfaces
        routes = inside(place, "ip", "route")
        assert ("default" in routes) is (len(interfaces) > 1), routes
    found = own_links(names.owner)
    if names.link not in links:
        found.pop(names.link, None)  # nobody is on it, and it may be there or not
    assert found == links
    assert loaded(names.table) == expected(networks, names.table)


async def test_networks_that_are_killed_are_as_they_are_recorded(tmp_short: Path) -> None:
    chance = random.Random(7)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(namespace(f"s{number}")) for number in range(3)]
        places = {place.id: place.netns for place in held}
        for number in range(ROUNDS):
            seed, delay = chance.randrange(1 << 30), chance.random() * 0.4
            killed(tmp_short, seed, [*places.values()], delay)
            ended = chance.choice([None, *places])
            with open_database(tmp_short) as database:
                networks = networks_in(tmp_short, database)
                await networks.open()
                running = [sandbox(networks, name, place) for name, place in places.items() if name != ended]
                await networks.reconcile(running, set(places))
                try:
                    if ended is None:
                        await agrees(networks, tmp_short, running)
                    else:
                        assert networks.endpoints_of(ended) == [], f"round {number}, seed {seed}, {delay} s"
                    if number == ROUNDS - 1:
                        await clear(networks)
                finally:
                    await networks.close()
    names = names_in(tmp_short)
    assert own_links(names.owner) == {}
    assert loaded(names.table) is None


async def clear(networks: Networks) -> None:
    for network in await networks.all():
        for endpoint in networks.endpoints(network):
            await networks.detach(endpoint.sandbox)
    await asyncio.gather(*networks._later)
    for network in await networks.all():
        if not network.is_built_in:
            await networks.remove(network.id)
