"""Much on one bridge, and much in a row: all of it is connected, and nothing of it stays.

PYDOCKERD_ENDURANCE is a factor: 1 by default, and ten by ``nox -s endurance -- 10``: 300 sandboxes, and 1,000 times.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import time

from attrs import evolve

from pydockerd.network.model import Attachment
from pydockerd.network.networks import Networks
from tests.daemon.network.places import draft, inside, namespace

FACTOR = float(os.environ.get("PYDOCKERD_ENDURANCE", "1"))
SANDBOXES, TIMES = int(30 * FACTOR), int(100 * FACTOR)


async def test_many_sandboxes_on_one_bridge(networks: Networks) -> None:
    before = socket.if_nameindex()
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(namespace(f"s{number}")) for number in range(SANDBOXES)]
        begin = time.perf_counter()
        await asyncio.gather(*(networks.attach(place) for place in places))
        seconds = time.perf_counter() - begin
        addresses = [networks.endpoints_of(place.id)[0].ipv4.partition("/")[0] for place in places]
        assert len(set(addresses)) == SANDBOXES
        assert inside(places[0], "busybox", "ping", "-c1", "-W5", addresses[-1])
        assert inside(places[-1], "busybox", "ping", "-c1", "-W5", addresses[0])
        await asyncio.gather(*(networks.detach(place.id) for place in places))
    await asyncio.gather(*networks._later)
    kept = [each for each in socket.if_nameindex() if each[1].startswith("veth")]
    assert kept == [each for each in before if each[1].startswith("veth")]
    print(f"{SANDBOXES} sandboxes were connected in {seconds:.2f} s")


async def test_connecting_and_disconnecting_in_a_row_leaves_nothing(networks: Networks) -> None:
    network = await networks.create(draft("busy"))
    with namespace("one") as one:
        await networks.attach(one)
        await networks.connect(one, Attachment(network="busy"))
        await networks.disconnect(evolve(one, wishes=networks.wishes_of(one.id, ())), "busy")
        gc.collect()
        descriptors, links = len(os.listdir("/proc/self/fd")), socket.if_nameindex()
        begin = time.perf_counter()
        for _ in range(TIMES):
            await networks.connect(evolve(one, wishes=networks.wishes_of(one.id, ())), Attachment(network="busy"))
            await networks.disconnect(evolve(one, wishes=networks.wishes_of(one.id, ())), "busy")
        print(f"{TIMES} times took {time.perf_counter() - begin:.2f} s")
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) == descriptors
        assert socket.if_nameindex() == links
        assert networks._book.taken(network.id) == set()
        assert len(inside(one, "ip", "-o", "link").splitlines()) == 2
        await networks.detach(one.id)
