"""The two daemons behind one docker CLI: pydockerd, and Debian's dockerd with its containerd. Both private to this run."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.measure import NotComparable

IMAGE = "busybox:latest"
_PATIENCE = 60.0  # seconds; dockerd looks for much before it listens


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@frozen
class Engine:
    """A daemon that listens, and has the image."""

    directory: Path

    @property
    def socket(self) -> Path:
        return self.directory / "docker.sock"

    def environment(self) -> dict[str, str]:
        """For the docker CLI: this daemon, and none of the user's configuration."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
        return {**inherited, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": str(self.directory / "config")}

    def docker(self, *arguments: str) -> None:
        """Run the docker CLI; raises RuntimeError with what it says."""
        done = subprocess.run(
            ["docker", *arguments], env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")

    def connect(self) -> Api:
        """A connection that stays open from request to request."""
        return Api(_UnixConnection(str(self.socket)))


@frozen
class Api:
    """The Engine API over one connection."""

    connection: http.client.HTTPConnection

    def request(self, method: str, path: str, body: object = None) -> Any:
        """One request; the answer's JSON, or None. Raises RuntimeError with the answer when it is an error."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text) if text else None

    def stream(self, method: str, path: str) -> bytes:
        """An answer of many lines, whole. Raises RuntimeError when it is an error."""
        self.connection.request(method, path)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{method} {path}: {answer.status} {data.decode(errors='replace')}")
        return data

    def swallow(self, path: str, least: int) -> None:
        """Read an answer to its end without looking at it. Raises RuntimeError when it has fewer than ``least`` bytes."""
        self.connection.request("GET", path)
        answer, buffer, size = self.connection.getresponse(), bytearray(1 << 20), 0
        while count := answer.readinto(buffer):
            size += count
        if answer.status != http.client.OK or size < least:
            raise RuntimeError(f"GET {path}: {answer.status}, {size} bytes")

    def answers(self) -> bool:
        try:
            self.connection.request("GET", "/_ping")
            return self.connection.getresponse().read() == b"OK"
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return False


@contextmanager
def pydockerd(directory: Path, name: str, *more: str) -> Iterator[Engine]:
    """Ours, with the Python and the packages of this run. Without a default bridge, as `dockerd`, unless ``more`` says otherwise."""
    more = more or ("--bridge", "none")
    roots = ["--data-root", f"{directory}/data", "--exec-root", f"{directory}/run", "--pidfile", f"{directory}/pid"]
    listen = ["-H", f"unix://{directory}/docker.sock", "--cgroup-parent", f"/{name}"]
    with _engine(directory, [[sys.executable, "-m", "pydockerd", *roots, *listen, *more]]) as engine:
        yield engine


@contextmanager
def networked_pydockerd(directory: Path, name: str) -> Iterator[Engine]:
    """Ours with a default bridge, which has a name of its own."""
    with pydockerd(directory, name, "--bridge=") as engine:
        yield engine


@contextmanager
def dockerd(directory: Path, name: str) -> Iterator[Engine]:
    """Debian's. Without its bridge and its packet filter rules, which are the machine's and play no part here."""
    with _dockerd(directory, name, (), ("--bridge", "none", "--iptables=false")) as engine:
        yield engine


@contextmanager
def networked_dockerd(directory: Path, name: str) -> Iterator[Engine]:
    """Debian's with its bridge and its rules, which are made in a network namespace of its own and gone with it."""
    for program in ("iptables", "unshare"):
        if shutil.which(program) is None:
            raise NotComparable(f"{program} is not installed")
    inside = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    with _dockerd(directory, name, inside, ()) as engine:
        yield engine


@contextmanager
def _dockerd(directory: Path, name: str, inside: Sequence[str], more: Sequence[str]) -> Iterator[Engine]:
    for program in ("containerd", "dockerd"):
        if shutil.which(program) is None:
            raise NotComparable(f"{program} is not installed")
    socket_path = f"{directory}/c.sock"
    containerd = ["containerd", "--root", f"{directory}/c", "--state", f"{directory}/cs", "--address", socket_path]
    roots = ["--data-root", f"{directory}/d", "--exec-root", f"{directory}/x", "--pidfile", f"{directory}/pid"]
    drivers = ["--exec-opt", "native.cgroupdriver=cgroupfs", "--storage-driver", "overlay2"]
    options = [*drivers, *more, "--cgroup-parent", f"/{name}"]
    listen = ["-H", f"unix://{directory}/docker.sock", "--containerd", socket_path]
    with _engine(directory, [containerd, [*inside, "dockerd", *roots, *listen, *options]]) as engine:
        yield engine
    for cgroup in Path("/sys/fs/cgroup").glob(f"*/{name}"):  # dockerd leaves the parent that it made
        cgroup.rmdir()


@contextmanager
def _engine(directory: Path, commands: Sequence[list[str]]) -> Iterator[Engine]:
    directory.mkdir()
    engine = Engine(directory)
    with ExitStack() as stack:
        log = stack.enter_context((directory / "log").open("wb"))
        processes = []
        for command in commands:
            processes.append(stack.enter_context(_running(command, log.fileno())))
            time.sleep(0.2)  # dockerd wants its containerd to be there
        _await(engine, processes)
        stack.callback(_remove_containers, engine)
        _import_image(engine)
        yield engine


def _remove_containers(engine: Engine) -> None:
    """None is left unless a benchmark has failed."""
    with closing(engine.connect().connection) as connection:
        api = Api(connection)
        for container in api.request("GET", "/containers/json?all=1"):
            api.request("DELETE", f"/containers/{container['Id']}?force=1")


@contextmanager
def _running(command: list[str], log: int) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _await(engine: Engine, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _PATIENCE
    api = engine.connect()
    while not api.answers():
        if any(process.poll() is not None for process in processes) or time.monotonic() > deadline:
            raise RuntimeError(
                f"the daemon does not answer:\n{(engine.directory / 'log').read_text(errors='replace')[-4000:]}"
            )
        time.sleep(0.05)
    api.connection.close()


def _import_image(engine: Engine) -> None:
    """Debian's static busybox as an image of one layer."""
    root = engine.directory / "image"
    for name in ("bin", "etc", "proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    shutil.copy(shutil.which("busybox") or "busybox", root / "bin/busybox")
    (root / "bin/true").symlink_to("busybox")
    archive = engine.directory / "image.tar"
    subprocess.run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."], check=True)
    engine.docker("import", "-c", "CMD true", str(archive), IMAGE)
