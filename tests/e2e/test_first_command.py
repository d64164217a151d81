"""The first commands of a newcomer: ``pyctl run`` on a machine with no image and no registry."""

from __future__ import annotations

from tests.support.daemon import Daemon


def test_forty_two(daemon: Daemon) -> None:
    result = daemon.pyctl("run", "--rm", "host", "python3", "-c", "print(6*7)")
    assert (result.returncode, result.stdout) == (0, "42\n"), result.stderr


def test_the_machine_s_root_is_a_copy(daemon: Daemon) -> None:
    script = "touch /etc/pyctl-was-here && ls /etc/pyctl-was-here"
    assert daemon.pyctl("run", "--rm", "host", "sh", "-c", script).stdout == "/etc/pyctl-was-here\n"
    assert daemon.pyctl("run", "--rm", "host", "ls", "/etc/pyctl-was-here").returncode == 2


def test_the_daemon_s_storage_is_not_in_it(daemon: Daemon) -> None:
    assert daemon.pyctl("run", "--rm", "host", "ls", str(daemon.directory / "data")).returncode == 2


def test_trace_shows_the_five_steps(daemon: Daemon) -> None:
    result = daemon.pyctl("run", "--rm", "--trace", "host", "true")
    assert result.returncode == 0, result.stderr
    for step in ("client", "REST call", "daemon", "supervisor", "runtime"):
        assert step in result.stderr
    assert " ms" in result.stderr


def test_exit_codes(daemon: Daemon) -> None:
    assert daemon.pyctl("run", "--rm", "host", "sh", "-c", "exit 9").returncode == 9
    assert daemon.pyctl("run", "--rm", "host", "no-such-command").returncode == 127
    assert daemon.pyctl("run", "--rm", "host", "/etc/passwd").returncode == 126
    assert daemon.pyctl("run", "--rm", "no-such-image").returncode == 125
