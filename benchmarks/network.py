"""Networks beside dockerd's: ``python -m benchmarks.network [TIMES]``. Each daemon is in a network namespace of its own, so that neither sees the other's rules.

A container on the default bridge from `docker run --rm` to its end; a network made and removed over the socket; bytes and new connections from the machine to a
container, straight and through a published port. Ends with exit code 1 when a target of the issue is missed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from attrs import frozen

from benchmarks import engines
from benchmarks.engines import IMAGE, Api, Engine
from benchmarks.measure import Sample, timed

_TIMES = 15
_BYTES = 1 << 28
_CONNECTIONS = 300
_PORT = 18080
_ECHO = {
    "Image": IMAGE,
    "Cmd": ["/bin/busybox", "sleep", "3600"],
    "ExposedPorts": {"9000/tcp": {}, "80/tcp": {}},
    "HostConfig": {"PortBindings": {"9000/tcp": [{"HostPort": str(_PORT)}], "80/tcp": [{"HostPort": str(_PORT + 1)}]}},
}

TARGETS = {"run --rm": 1 / 4, "network create and remove": 1 / 4, "256 MiB": 1 / 0.95, "connections": 1 / 0.95}
"""The most of dockerd's time that we may take, by the beginning of a line's name."""


@frozen
class Place:
    """An engine and the process whose network namespace it is in."""

    name: str
    engine: Engine
    pid: int


@contextmanager
def place(name: str, directory: Path, cgroup: str) -> Iterator[Place]:
    """A daemon in a network namespace of its own."""
    with subprocess.Popen(["unshare", "--net", "sleep", "3600"]) as holder:
        try:
            time.sleep(0.2)
            enter = ["nsenter", f"--target={holder.pid}", "--net"]
            subprocess.run([*enter, "ip", "link", "set", "lo", "up"], check=True)
            commands = [[*enter, *command] for command in _commands(name, directory, cgroup)]
            with engines._engine(directory, commands) as engine:
                yield Place(name, engine, holder.pid)
        finally:
            holder.kill()
            for path in Path("/sys/fs/cgroup").glob(f"*{cgroup}"):  # dockerd leaves the parent that it made
                with suppress(OSError):
                    path.rmdir()


def _commands(name: str, directory: Path, cgroup: str) -> Sequence[list[str]]:
    roots = ["--data-root", f"{directory}/d", "--exec-root", f"{directory}/x", "--pidfile", f"{directory}/pid"]
    listen = ["-H", f"unix://{directory}/docker.sock", "--cgroup-parent", cgroup]
    if name == "pydockerd":
        return [[sys.executable, "-m", "pydockerd", *roots, *listen]]
    for program in ("containerd", "dockerd"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed")
    address = f"{directory}/c.sock"
    drivers = ["--exec-opt", "native.cgroupdriver=cgroupfs", "--storage-driver", "overlay2"]
    return [
        ["containerd", "--root", f"{directory}/c", "--state", f"{directory}/cs", "--address", address],
        ["dockerd", *roots, *listen, *drivers, "--containerd", address],
    ]


def from_machine(where: Place, script: str, *arguments: str) -> float:
    """Seconds that a script takes in the engine's network namespace; it prints them."""
    command = ["nsenter", f"--target={where.pid}", "--net", sys.executable, "-c", script, *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


_SEND = f"""
import socket, sys, time
block, begin = bytes(1 << 20), time.perf_counter()
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as connection:
    for _ in range({_BYTES >> 20}):
        connection.sendall(block)
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
print(time.perf_counter() - begin)
"""
_CONNECT = f"""
import socket, sys, time
address, begin = (sys.argv[1], int(sys.argv[2])), time.perf_counter()
for _ in range({_CONNECTIONS}):
    socket.create_connection(address, timeout=10).close()
print(time.perf_counter() - begin)
"""


_SERVE = """
import socket, threading
def serve(port):
    server, block = socket.create_server(("", port), backlog=128), bytearray(1 << 20)
    while True:
        client, _ = server.accept()
        while client.recv_into(block):
            pass
        client.close()
threading.Thread(target=serve, args=(80,), daemon=True).start()
print("ready", flush=True)
serve(9000)
"""


@contextmanager
def serving(pid: int) -> Iterator[None]:
    """Who takes bytes and connections in the network namespace of a container: the same program for both engines."""
    command = ["nsenter", f"--target={pid}", "--net", sys.executable, "-c", _SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


def run_once(where: Place) -> float:
    return timed(lambda: where.engine.docker("run", "--rm", IMAGE, "true"))


def network_once(api: Api, name: str) -> float:
    def both() -> None:
        identity = api.request("POST", "/networks/create", {"Name": name, "CheckDuplicate": True})["Id"]
        api.request("DELETE", f"/networks/{identity}")

    return timed(both)


def measure(places: Sequence[Place], times: int) -> dict[str, dict[str, Sample]]:
    """By what was done, and by whom: in turn, so that what else the machine does falls on both."""
    found: dict[str, dict[str, list[float]]] = {}

    def note(what: str, where: Place, once: Callable[[], float]) -> None:
        found.setdefault(what, {}).setdefault(where.name, []).append(once())

    with ExitStack() as stack:
        apis = {each.name: Api(stack.enter_context(closing(each.engine.connect().connection))) for each in places}
        for each in places:  # warm up, and what follows has its bridge
            run_once(each)
            network_once(apis[each.name], "warm")
        for number in range(times):
            for each in places:
                note("run --rm on the default bridge", each, partial(run_once, each))
                note("network create and remove", each, partial(network_once, apis[each.name], f"n{number}"))
        for each in places:
            identity = apis[each.name].request("POST", "/containers/create", _ECHO)["Id"]
            apis[each.name].request("POST", f"/containers/{identity}/start")
            shown = apis[each.name].request("GET", f"/containers/{identity}/json")
            inside = shown["NetworkSettings"]["Networks"]["bridge"]
            with serving(shown["State"]["Pid"]):
                for _ in range(3):
                    for way, address, ports in (
                        ("straight", inside["IPAddress"], ("9000", "80")),
                        ("through a published port", inside["Gateway"], (str(_PORT), str(_PORT + 1))),
                        ("over 127.0.0.1", "127.0.0.1", (str(_PORT), str(_PORT + 1))),
                    ):
                        note(f"256 MiB {way}", each, partial(from_machine, each, _SEND, address, ports[0]))
                        note(f"connections {way}", each, partial(from_machine, each, _CONNECT, address, ports[1]))
    return {what: {who: Sample(tuple(seconds)) for who, seconds in each.items()} for what, each in found.items()}


def report(found: dict[str, dict[str, Sample]]) -> bool:
    """Print a table; whether all targets are met."""
    met = True
    print(f"{'':40} {'pydockerd':>12} {'dockerd':>12} {'ratio':>8} {'at most':>8}")
    for what, each in found.items():
        ours, theirs = each["pydockerd"].median, each["dockerd"].median
        target = next(most for name, most in TARGETS.items() if what.startswith(name))
        met = met and ours / theirs <= target
        print(
            f"{what:40} {ours * 1e3:9.1f} ms {theirs * 1e3:9.1f} ms {ours / theirs:8.2f} {target:8.2f}{'' if ours / theirs <= target else '  MISSED'}"
        )
    return met


def main() -> int:
    """0 when every target is met."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else _TIMES
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="b.", ignore_cleanup_errors=True)))
        names = ("pydockerd", "dockerd")
        places = [
            stack.enter_context(place(name, directory / name, f"/pydockerd-net{os.getpid()}{at}"))
            for at, name in enumerate(names)
        ]
        return 0 if report(measure(places, times)) else 1


if __name__ == "__main__":
    sys.exit(main())
