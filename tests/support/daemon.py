"""A pydockerd in a private directory, and the real docker CLI and pyctl in front of it."""

from __future__ import annotations

import http.client
import itertools
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from attrs import define, field

from tests.support.commands import count
from tests.support.run import RUN

Result = subprocess.CompletedProcess[str]
_numbers: Final = itertools.count(1)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Connect to the socket's path instead of a host and port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def answers(path: str) -> bool:
    """Tell whether an Engine API answers ``GET /_ping`` on the socket at ``path``."""
    connection = UnixConnection(path, timeout=5)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@define
class Daemon:
    """One daemon with its own data, socket and cgroup parent; it can be killed and started again on the same data."""

    directory: Path = field(factory=RUN.short_directory)
    cgroup_parent: str = field(factory=lambda: f"/pydockerd-{RUN.name[:12]}-{next(_numbers)}")
    options: tuple[str, ...] = ()
    answers: Path | None = None
    """Where it writes down what it answers, see `tests.support.answers`."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.directory / "d.sock"

    @property
    def host(self) -> str:
        """The address, as ``DOCKER_HOST`` takes it."""
        return f"unix://{self.socket}"

    def command(self) -> list[str]:
        roots = ["--data-root", f"{self.directory}/data", "--exec-root", f"{self.directory}/run"]
        own = ["-H", self.host, "--cgroup-parent", self.cgroup_parent]
        program = ["pydockerd"] if self.answers is None else ["tests.support.recorded_daemon", str(self.answers)]
        return [sys.executable, "-m", *program, *roots, *own, *self.options]

    def start(self, timeout: float = 20) -> None:
        """Start the daemon and wait until it answers. The log goes on where the last one's ended."""
        assert self.process is None, "the daemon runs already"
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + timeout
        while not answers(str(self.socket)):
            assert self.process.poll() is None, f"pydockerd ended with {self.process.returncode}:\n{self.log()}"
            assert time.monotonic() < deadline, f"pydockerd does not answer after {timeout} s:\n{self.log()}"
            time.sleep(0.02)

    def stop(self, timeout: float = 30) -> int:
        """End the daemon gracefully; its containers go on. Returns its exit code."""
        assert self.process is not None, "the daemon does not run"
        self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"pydockerd did not stop within {timeout} s:\n{self.log()}") from None
        finally:
            self.process = None

    def kill9(self) -> None:
        """End the daemon with SIGKILL, as the kernel does when memory runs out."""
        assert self.process is not None, "the daemon does not run"
        self.process.kill()
        self.process.wait()
        self.process = None

    def log(self) -> str:
        """What the daemons on this data have logged so far."""
        return (self.directory / "log").read_text(errors="replace")

    def environment(self) -> dict[str, str]:
        """The environment of a client: this daemon, and none of the user's own configuration."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "PYCTL_"))}
        config = self.directory / "config"
        return {**inherited, "DOCKER_HOST": self.host, "PYCTL_HOST": self.host, "DOCKER_CONFIG": str(config)}

    def docker(self, *args: str, input: str | None = None, timeout: float = 60) -> Result:
        """Run the real docker CLI to its end."""
        count(args)
        return self._run(["docker", *args], input, timeout)

    def pyctl(self, *args: str, input: str | None = None, timeout: float = 60) -> Result:
        """Run our own client to its end."""
        return self._run([sys.executable, "-m", "pyctl", *args], input, timeout)

    def _run(self, command: list[str], stdin: str | None, timeout: float) -> Result:
        return subprocess.run(
            command,
            input="" if stdin is None else stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment(),
            check=False,
        )

    def remove_containers(self) -> None:
        """Remove every container, running or not."""
        listed = self.docker("ps", "-aq")
        assert listed.returncode == 0, listed.stderr
        if names := listed.stdout.split():
            removed = self.docker("rm", "-f", *names)
            assert removed.returncode == 0, removed.stderr

    def end(self) -> None:
        """Remove what is left of the containers, then stop. A daemon that the test has killed is started again for it."""
        if self.process is None or self.process.poll() is not None:
            self.process = None
            self.start()
        try:
            self.remove_containers()
        finally:
            self.stop()
