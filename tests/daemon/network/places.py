"""Network namespaces to be connected, and networks to connect them to."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve

from pydockerd.network import planning, ports
from pydockerd.network.model import Attachment, Network
from pydockerd.network.sandbox import Sandbox

BRIDGE = (Attachment(network="bridge"),)


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def namespace(name: str, wishes: tuple[Attachment, ...] = BRIDGE, **published: str) -> Iterator[Sandbox]:
    """A network namespace of its own, held by a process; ``p80="8080"`` publishes port 80 there."""
    with subprocess.Popen(["unshare", "--net", "sleep", "300"]) as process:
        try:
            own = Path(f"/proc/{process.pid}/ns/net")
            while own.readlink() == Path("/proc/self/ns/net").readlink():
                time.sleep(0.002)
            bindings = {port.removeprefix("p"): [("", host)] for port, host in published.items()}
            yield Sandbox(
                id=name, netns=str(own), label=name, names=(name,), wishes=wishes, ports=ports.wishes(bindings)
            )
        finally:
            process.kill()


def inside(sandbox: Sandbox, *command: str) -> str:
    return output("nsenter", f"--net={sandbox.netns}", *command)


def draft(name: str, **changes: object) -> Network:
    return evolve(
        Network(id=planning.new_id(), name=name, driver="bridge", created_ns=time.time_ns()),
        **changes,  # type: ignore[arg-type]
    )
