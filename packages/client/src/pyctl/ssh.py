"""A daemon on another machine by ssh: the machine's own ``ssh`` runs ``system dial-stdio`` there, whose streams are the daemon's connection.

Keys, passwords, jump hosts and aliases are ssh's business and are configured where they always are. On the other side ``pyctl`` is asked first, then ``docker``.
"""

from __future__ import annotations

import contextlib
import shlex
import socket
import subprocess

from pyctl.hosts import Ssh

_PATIENCE = 2.0  # seconds for ssh to end after its connection has


def command(ssh: Ssh) -> list[str]:
    """The command line."""
    user = ["-l", ssh.user] if ssh.user else []
    port = ["-p", str(ssh.port)] if ssh.port else []
    return ["ssh", "-o", "ConnectTimeout=30", "-T", *user, *port, "--", ssh.host, remote(ssh.path)]


def remote(path: str) -> str:
    """What the shell there is to run, whichever shell that is. Nothing in it but the path is from outside, and that is quoted twice."""
    host = f" -H {shlex.quote(f'unix://{path}')}" if path else ""
    tools = [f"{tool}{host} system dial-stdio" for tool in ("pyctl", "docker")]
    return (
        f"sh -c {shlex.quote(f'if command -v pyctl >/dev/null 2>&1; then exec {tools[0]}; else exec {tools[1]}; fi')}"
    )


class Dialer:
    """Makes connections, and waits at the end for the programs that carry them."""

    def __init__(self, ssh: Ssh) -> None:
        self._ssh = ssh
        self._running: list[subprocess.Popen[bytes]] = []

    def dial(self) -> socket.socket:
        """A connection to the daemon. Raises `OSError` when there is no ssh; what ssh has to say it says on standard error."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # A session of its own: Ctrl-C is for the container, and must not end what carries it there.
                process = subprocess.Popen(
                    command(self._ssh), stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True
                )
        except OSError:
            ours.close()
            raise
        self._running.append(process)
        return ours

    def close(self) -> None:
        """Wait for the end of all; those that do not see it are ended."""
        while self._running:
            process = self._running.pop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
                continue
            process.terminate()
            process.wait()
