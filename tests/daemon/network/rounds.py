"""The program of test_killed.py: it changes networks as fast as it can, and waits for its SIGKILL.

``python -m tests.daemon.network.rounds DIRECTORY SEED NAMESPACE...`` says ``ready`` when it begins. Each namespace is a sandbox that runs on.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from pathlib import Path

from pycontainerd.metadata.database import Database
from pydockerd.errors import ApiError
from pydockerd.network import planning, ports
from pydockerd.network.model import Attachment, Network, Pool
from pydockerd.network.naming import Names, names_of
from pydockerd.network.networks import Networks
from pydockerd.network.sandbox import Sandbox
from pydockerd.settings import NetworkSettings, Settings
from pydockerd.state.database import open_database

NETWORKS = ("bridge", "one", "two")


def names_in(directory: Path) -> Names:
    return names_of(Settings(exec_root=directory / "run"))


def networks_in(directory: Path, database: Database) -> Networks:
    """Those of a daemon with its state there."""
    names = names_in(directory)
    ids = {name: f"{number}" * 64 for number, name in enumerate(("bridge", "host", "none"))}
    return Networks(database, NetworkSettings(), owner=names.owner, table=names.table, link=names.link, ids=ids)


def sandbox(networks: Networks, name: str, netns: str) -> Sandbox:
    """As it is at this moment: on the default network, unless somebody has changed that."""
    return Sandbox(
        id=name,
        netns=netns,
        label=name,
        names=(name,),
        wishes=networks.wishes_of(name, (Attachment(network="bridge"),)),
        ports=ports.wishes({"80": [("", "")]}),
    )


async def change(networks: Networks, chance: random.Random, places: dict[str, str]) -> None:
    """One change of any kind; many are refused."""
    name = chance.choice([*places])
    place, network = sandbox(networks, name, places[name]), chance.choice(NETWORKS)
    match chance.randrange(6):
        case 0:
            subnet = f"10.{233 if network == 'one' else 234}.{chance.randrange(256)}.0/24"
            draft = Network(
                id=planning.new_id(),
                name=network,
                driver="bridge",
                created_ns=time.time_ns(),
                pools=(Pool(subnet=subnet),),
            )
            await networks.create(draft)
        case 1:
            await networks.remove(network)
        case 2:
            await networks.attach(place)
        case 3:
            await networks.detach(name)
        case 4:
            await networks.connect(place, Attachment(network=network))
        case _:
            await networks.disconnect(place, network)


async def work(directory: Path, seed: int, places: dict[str, str]) -> None:
    chance = random.Random(seed)
    with open_database(directory) as database:
        networks = networks_in(directory, database)
        await networks.open()
        await networks.reconcile([sandbox(networks, name, place) for name, place in places.items()], set(places))
        print("ready", flush=True)
        while True:
            with contextlib.suppress(ApiError, OSError):
                await change(networks, chance, places)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2]), {f"s{at}": place for at, place in enumerate(sys.argv[3:])}))
