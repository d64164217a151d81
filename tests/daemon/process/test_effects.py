"""What the options do: containers of a daemon that is set up by a file, and the daemon itself, as the docker CLI sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.process.conftest import Starter, ask
from tests.support.cli_version import cli_version, needs_cli
from tests.support.daemon import Daemon

PROFILE = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}],
}


@pytest.fixture(scope="module")
def daemon(start_shared: Starter, tmp_path_factory: pytest.TempPathFactory) -> Daemon:
    profile = tmp_path_factory.mktemp("seccomp") / "profile.json"
    profile.write_text(json.dumps(PROFILE))
    return start_shared(
        file={
            "log-driver": "local",
            "log-opts": {"max-size": "1m", "max-file": "2"},
            "default-ulimits": {
                "nofile": {"Name": "nofile", "Soft": 1000, "Hard": 2000},
                "core": {"Name": "core", "Soft": 0, "Hard": 0},
            },
            "default-shm-size": "8m",
            "default-ipc-mode": "shareable",
            "default-cgroupns-mode": "host",
            "default-runtime": "runc",
            "init": True,
            "no-new-privileges": True,
            "seccomp-profile": str(profile),
            "experimental": True,
            "labels": ["site=north"],
            "default-address-pools": [{"base": "10.123.0.0/16", "size": 24}],
            "features": {"cdi": False},
            "dns": ["192.0.2.53", "2001:db8::53"],
            "dns-search": ["example.org"],
            "dns-opts": ["ndots:3"],
            "host-gateway-ips": ["192.0.2.9", "2001:db8::9"],
        }
    )


@pytest.fixture(scope="module")
def other(start_shared: Starter) -> Daemon:
    """One with other registries, and the usual networks."""
    return start_shared(
        file={"registry-mirrors": ["https://m.example"], "insecure-registries": ["10.0.0.0/8", "reg.example:5000"]}
    )


def inside(daemon: Daemon, *args: str) -> str:
    """What a container prints: ``args`` are the CLI's flags, the image and the command."""
    done = daemon.docker("run", "--rm", "--network", "none", *args)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def info(daemon: Daemon) -> dict[str, Any]:
    found: dict[str, Any] = ask(daemon, "GET", "/info").json
    return found


def test_limits(daemon: Daemon) -> None:
    shell = ("host", "sh", "-c")
    assert inside(daemon, *shell, "ulimit -Sn; ulimit -Hn; ulimit -Hc").split() == ["1000", "2000", "0"]
    own = inside(daemon, "--ulimit", "nofile=500:600", *shell, "ulimit -Sn; ulimit -Hn; ulimit -Hc")
    assert own.split() == ["500", "600", "0"]


def test_shared_memory(daemon: Daemon) -> None:
    size = ("host", "df", "--output=size", "-k", "/dev/shm")
    assert inside(daemon, *size).split()[-1] == str(8 << 10)
    assert inside(daemon, "--shm-size", "4m", *size).split()[-1] == str(4 << 10)


def test_process_one(daemon: Daemon) -> None:
    assert inside(daemon, "host", "cat", "/proc/1/comm") != "cat"
    assert inside(daemon, "--init=false", "host", "cat", "/proc/1/comm") == "cat"


def test_privileges(daemon: Daemon) -> None:
    status = ("host", "grep", "NoNewPrivs", "/proc/self/status")
    assert inside(daemon, *status).split() == ["NoNewPrivs:", "1"]
    assert inside(daemon, "--security-opt", "no-new-privileges=false", *status).split() == ["NoNewPrivs:", "0"]


def test_seccomp(daemon: Daemon) -> None:
    attempt = (
        "host",
        "python3",
        "-c",
        "import os\ntry: os.mkdir('/tmp/d'); print('made')\nexcept OSError as e: print(e.errno)",
    )
    assert inside(daemon, *attempt) == "99"
    for option in ("seccomp=unconfined", *(["seccomp=builtin"] if cli_version() >= 23 else [])):
        assert inside(daemon, "--security-opt", option, *attempt) == "made"
    assert inside(daemon, "--privileged", *attempt) == "made"


def test_namespaces(daemon: Daemon) -> None:
    created = daemon.docker("run", "-d", "--network", "none", "--name", "sharing", "host", "sleep", "60")
    assert created.returncode == 0, created.stderr
    try:
        link = ("host", "readlink", "/proc/self/ns/ipc")
        assert inside(daemon, "--ipc", "container:sharing", *link) == daemon.docker(
            "exec", "sharing", "readlink", "/proc/self/ns/ipc"
        ).stdout.strip()  # fmt: skip
    finally:
        daemon.docker("rm", "-f", "sharing")
    ours = Path("/proc/self/ns/cgroup").readlink()
    assert inside(daemon, "host", "readlink", "/proc/self/ns/cgroup") == str(ours)
    assert inside(daemon, "--cgroupns", "private", "host", "readlink", "/proc/self/ns/cgroup") != str(ours)


def test_logs_and_what_inspect_shows(daemon: Daemon) -> None:
    created = daemon.docker("create", "--network", "none", "host", "true").stdout.strip()
    other = daemon.docker("create", "--log-opt", "max-file=5", "--network", "none", "host", "true").stdout.strip()
    third = daemon.docker("create", "--log-driver", "json-file", "--network", "none", "host", "true").stdout.strip()
    found = json.loads(daemon.docker("inspect", created, other, third).stdout)
    configs = [each["HostConfig"]["LogConfig"] for each in found]
    assert configs == [
        {"Type": "local", "Config": {"max-size": "1m", "max-file": "2"}},
        {"Type": "local", "Config": {"max-size": "1m", "max-file": "5"}},
        {"Type": "json-file", "Config": {}},
    ]
    host = found[0]["HostConfig"]
    assert (host["Runtime"], host["IpcMode"], host["CgroupnsMode"], host["Init"]) == ("runc", "shareable", "host", True)
    assert {limit["Name"] for limit in host["Ulimits"]} == {"nofile", "core"}
    assert daemon.docker("rm", created, other, third).returncode == 0


def test_info(daemon: Daemon) -> None:
    found = info(daemon)
    assert found["LoggingDriver"] == "local"
    assert found["DefaultRuntime"] == "runc"
    assert found["ExperimentalBuild"] is True
    assert found["Labels"] == ["site=north"]
    assert found["LiveRestoreEnabled"] is True
    assert found["DefaultAddressPools"] == [{"Base": "10.123.0.0/16", "Size": 24}]
    assert found["CDISpecDirs"] == []
    assert "name=no-new-privileges" in found["SecurityOptions"]
    assert any(each.startswith("name=seccomp,profile=/") for each in found["SecurityOptions"])
    assert ask(daemon, "GET", "/version").json["Experimental"] is True
    assert ask(daemon, "GET", "/_ping").headers["docker-experimental"] == "true"


def test_names(daemon: Daemon) -> None:
    file = ("host", "cat", "/etc/resolv.conf")
    found = [line.split() for line in inside(daemon, *file).splitlines()]
    assert [line for line in found if line and line[0] in ("nameserver", "search", "options")] == [
        ["nameserver", "192.0.2.53"],
        ["nameserver", "2001:db8::53"],
        ["search", "example.org"],
        ["options", "ndots:3"],
    ]
    own = inside(daemon, "--dns", "192.0.2.1", "--dns-search", "own.example", *file)
    assert "nameserver 192.0.2.1" in own
    assert "192.0.2.53" not in own
    assert "example.org" not in own
    hosts = inside(daemon, "--add-host", "me:host-gateway", "--add-host", "one:192.0.2.7", "host", "cat", "/etc/hosts")
    assert [line.split() for line in hosts.splitlines() if line.split()[-1] in ("me", "one")] == [
        ["192.0.2.9", "me"],
        ["2001:db8::9", "me"],
        ["192.0.2.7", "one"],
    ]
    created = daemon.docker(
        "create", "--network", "none", "--add-host", "me:host-gateway", "host", "true"
    ).stdout.strip()
    shown = json.loads(daemon.docker("inspect", created).stdout)[0]["HostConfig"]
    assert (shown["ExtraHosts"], shown["Dns"]) == (["me:host-gateway"], [])
    assert daemon.docker("rm", created).returncode == 0


def test_the_gateway_is_the_default_networks_where_none_is_said(other: Daemon) -> None:
    hosts = inside(other, "--add-host", "me:host-gateway", "host", "cat", "/etc/hosts")
    bridge = json.loads(other.docker("network", "inspect", "bridge").stdout)[0]
    assert [bridge["IPAM"]["Config"][0]["Gateway"], "me"] in [line.split() for line in hosts.splitlines()]


@needs_cli(25, "devices by CDI")
def test_cdi_can_be_switched_off(daemon: Daemon) -> None:
    refused = daemon.docker("create", "--network", "none", "--device", "vendor.com/class=name", "host", "true")
    assert refused.returncode == 1
    assert 'could not select device driver "cdi"' in refused.stderr


def test_vfs_copies_and_no_bridge_has_no_gateway(start: Starter, busybox_tar: Path) -> None:
    daemon = start("--storage-driver", "vfs", "--bridge", "none")
    assert info(daemon)["Driver"] == "vfs"
    assert daemon.docker("import", str(busybox_tar), "busybox").returncode == 0
    assert inside(daemon, "--name", "copy", "busybox", "echo", "copied") == "copied"
    created = daemon.docker("create", "--network", "none", "busybox", "sh").stdout.strip()
    assert daemon.docker("inspect", "-f", "{{.Driver}} {{.GraphDriver.Name}}", created).stdout == "vfs vfs\n"
    assert daemon.docker("inspect", "-f", "{{.GraphDriver.Name}}", "busybox").stdout == "vfs\n"
    refused = daemon.docker("create", "--network", "none", "--add-host", "me:host-gateway", "busybox", "sh")
    assert "unable to derive the IP value for host-gateway" in refused.stderr
    assert not (daemon.directory / "data" / "snapshots").exists()
    assert (daemon.directory / "data" / "copies").is_dir()


def test_registries(other: Daemon) -> None:
    found = info(other)["RegistryConfig"]
    assert found["Mirrors"] == ["https://m.example"]
    assert "10.0.0.0/8" in found["InsecureRegistryCIDRs"]
    assert found["IndexConfigs"]["reg.example:5000"] == {
        "Name": "reg.example:5000",
        "Mirrors": [],
        "Secure": False,
        "Official": False,
    }
    assert found["IndexConfigs"]["docker.io"]["Mirrors"] == ["https://m.example"]


def test_events_are_counted_by_listeners(daemon: Daemon) -> None:
    from tests.daemon.process.conftest import open_stream, until

    assert info(daemon)["NEventsListener"] == 0
    connection, _ = open_stream(daemon, "GET", "/events")
    assert info(daemon)["NEventsListener"] == 1
    connection.close()
    until(lambda: info(daemon)["NEventsListener"] == 0)
