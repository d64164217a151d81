"""Flags and daemon.json: what they may say, and how what is wrong with them is told."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest

from pydockerd.cli import main, settings
from pydockerd.config.option import options
from pydockerd.config.refused import REFUSED
from pydockerd.config.settings import DEFAULT_HOST
from pydockerd.config.structures import AddressPool, DefaultUlimit
from pydockerd.errors import ConfigError
from pydockerd.settings import Settings

EXAMPLES: dict[str, tuple[list[str], Any, Any]] = {
    "data-root": (["/d"], "/d", Path("/d")),
    "exec-root": (["/x"], "/x", Path("/x")),
    "hosts": (["unix:///a", "tcp://[::1]:5"], ["unix:///a", "tcp://[::1]:5"], ("unix:///a", "tcp://[::1]:5")),
    "pidfile": (["/p"], "/p", Path("/p")),
    "group": (["staff"], "staff", "staff"),
    "debug": (["true"], True, True),
    "log-level": (["warn"], "warn", "warn"),
    "log-format": (["json"], "json", "json"),
    "raw-logs": (["true"], True, True),
    "cgroup-parent": (["/c"], "/c", "/c"),
    "exec-opts": (
        ["native.cgroupdriver=cgroupfs"],
        ["native.cgroupdriver=cgroupfs"],
        ("native.cgroupdriver=cgroupfs",),
    ),
    "storage-driver": (["vfs"], "vfs", "vfs"),
    "runtimes": ([], {}, {}),
    "userns-remap": (["default"], "default", "default"),
    "labels": (["a=b", "c=d"], ["a=b", "c=d"], ("a=b", "c=d")),
    "features": (["cdi=false"], {"cdi": False}, {"cdi": False}),
    "experimental": (["true"], True, True),
    "live-restore": (["true"], True, True),
    "selinux-enabled": (["false"], False, False),
    "shutdown-timeout": (["-1"], -1, -1),
    "registry-mirrors": (["https://m.example"], ["https://m.example"], ("https://m.example",)),
    "insecure-registries": (["r:5000", "10.0.0.0/8"], ["r:5000", "10.0.0.0/8"], ("r:5000", "10.0.0.0/8")),
    "max-concurrent-downloads": (["7"], 7, 7),
    "max-concurrent-uploads": (["7"], 7, 7),
    "max-download-attempts": (["7"], 7, 7),
    "metrics-addr": (["127.0.0.1:9323"], "127.0.0.1:9323", "127.0.0.1:9323"),
    "authorization-plugins": (["one", "two"], ["one", "two"], ("one", "two")),
    "cdi-spec-dirs": (["/a", "/b"], ["/a", "/b"], (Path("/a"), Path("/b"))),
    "tls": (["true"], True, True),
    "tlsverify": (["true"], True, True),
    "tlscacert": (["/ca"], "/ca", Path("/ca")),
    "tlscert": (["/cert"], "/cert", Path("/cert")),
    "tlskey": (["/key"], "/key", Path("/key")),
    "log-driver": (["local"], "local", "local"),
    "log-opts": (
        ["max-size=1m", "max-file=2"],
        {"max-size": "1m", "max-file": "2"},
        {"max-size": "1m", "max-file": "2"},
    ),
    "default-ulimits": (
        ["nofile=1024:2048", "core=-1"],
        {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 2048}, "core": {"Soft": -1, "Hard": -1}},
        {
            "nofile": DefaultUlimit(name="nofile", soft=1024, hard=2048),
            "core": DefaultUlimit(name="core", soft=-1, hard=-1),
        },
    ),
    "default-shm-size": (["32MiB"], "32m", 32 << 20),
    "default-runtime": (["runc"], "runc", "runc"),
    "default-ipc-mode": (["shareable"], "shareable", "shareable"),
    "default-cgroupns-mode": (["host"], "host", "host"),
    "init": (["true"], True, True),
    "no-new-privileges": (["true"], True, True),
    "seccomp-profile": (["unconfined"], "unconfined", "unconfined"),
    "bridge": (["none"], "none", "none"),
    "bip": (["10.9.0.1/24"], "10.9.0.1/24", ip_interface("10.9.0.1/24")),
    "bip6": (["fd00::1/64"], "fd00::1/64", ip_interface("fd00::1/64")),
    "fixed-cidr": (["10.9.0.0/25"], "10.9.0.0/25", ip_network("10.9.0.0/25")),
    "fixed-cidr-v6": (["fd00::/80"], "fd00::/80", ip_network("fd00::/80")),
    "default-gateway": (["10.9.0.9"], "10.9.0.9", ip_address("10.9.0.9")),
    "default-gateway-v6": (["fd00::9"], "fd00::9", ip_address("fd00::9")),
    "default-address-pools": (
        ["base=10.10.0.0/16,size=24"],
        [{"base": "10.10.0.0/16", "size": 24}],
        (AddressPool(base=ip_network("10.10.0.0/16"), size=24),),
    ),
    "default-network-opts": (
        ["bridge=com.docker.network.driver.mtu=1234"],
        {"bridge": {"com.docker.network.driver.mtu": "1234"}},
        {"bridge": {"com.docker.network.driver.mtu": "1234"}},
    ),
    "dns": (["9.9.9.9", "::1"], ["9.9.9.9", "::1"], (ip_address("9.9.9.9"), ip_address("::1"))),
    "dns-opts": (["ndots:2"], ["ndots:2"], ("ndots:2",)),
    "dns-search": (["example.org"], ["example.org"], ("example.org",)),
    "host-gateway-ips": (
        ["10.0.0.1,fd00::1"],
        ["10.0.0.1", "fd00::1"],
        (ip_address("10.0.0.1"), ip_address("fd00::1")),
    ),
    "icc": (["false"], False, False),
    "ip": (["127.0.0.1"], "127.0.0.1", ip_address("127.0.0.1")),
    "ip-forward": (["false"], False, False),
    "ip-forward-no-drop": (["true"], True, True),
    "ip-masq": (["false"], False, False),
    "iptables": (["false"], False, False),
    "ip6tables": (["true"], True, True),
    "ipv6": (["true"], True, True),
    "mtu": (["1400"], 1400, 1400),
    "userland-proxy": (["false"], False, False),
    "allow-direct-routing": (["false"], False, False),
}
"""By the key: what the flag is given, what the file holds, and what both mean."""

OPTIONS = {option.key: (path, option) for path, option in options(Settings)}


def value(found: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        found = getattr(found, name)
    return found


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Write a file, and give the flags that name it."""

    def write(content: Any) -> list[str]:
        file = tmp_path / "daemon.json"
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return ["--config-file", str(file)]

    return write


def test_every_option_has_an_example() -> None:
    assert set(EXAMPLES) == set(OPTIONS)


@pytest.mark.parametrize("key", EXAMPLES)
def test_flag_and_file_mean_the_same(key: str, written: Any) -> None:
    path, option = OPTIONS[key]
    texts, decoded, meaning = EXAMPLES[key]
    assert value(settings([*written({key: decoded})]), path) == meaning
    flags = [f"{option.said}={text}" for text in texts]
    assert value(settings([*written({}), *flags]), path) == meaning


@pytest.mark.parametrize("key", [key for key in EXAMPLES if EXAMPLES[key][0]])
def test_flag_and_file_at_once_are_refused(key: str, written: Any) -> None:
    _, option = OPTIONS[key]
    texts, decoded, _ = EXAMPLES[key]
    with pytest.raises(
        ConfigError, match="the following directives are specified both as a flag and in the configuration file"
    ) as caught:
        settings([*written({key: decoded}), *(f"{option.said}={text}" for text in texts)])
    assert f"{key}: (from flag: " in str(caught.value)
    assert str(caught.value).startswith("unable to configure the Docker daemon with file ")


def test_a_conflict_in_dockerds_words(written: Any) -> None:
    flags = [*written({"hosts": ["unix:///b"], "debug": True, "mtu": 5}), "-H", "unix:///a", "-D"]
    with pytest.raises(ConfigError) as caught:
        settings(flags)
    assert str(caught.value).endswith(
        "in the configuration file: hosts: (from flag: [unix:///a], from file: [unix:///b]), debug: (from flag: true, from file: true)"
    )


def test_nothing_said_is_every_default(written: Any) -> None:
    for content in ({}, b"", b" \n", b"\xef\xbb\xbf{}", {"debug": None, "group": "", "bip": ""}):
        assert settings(written(content)) == Settings()
    assert Settings().hosts == (DEFAULT_HOST,)


def test_the_usual_file_need_not_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pydockerd.config.flags.DEFAULT_FILE", tmp_path / "none.json")
    assert settings([]) == Settings()
    (tmp_path / "none.json").write_text('{"debug": true}')
    assert settings([]).debug
    with pytest.raises(ConfigError, match=r"open .*/other\.json: no such file or directory"):
        settings(["--config-file", str(tmp_path / "other.json")])
    with pytest.raises(ConfigError, match="Is a directory"):
        settings(["--config-file", str(tmp_path)])


def test_a_daemon_elsewhere_keeps_its_pid_file_there(written: Any) -> None:
    assert settings([*written({}), "--exec-root", "/run/other"]).pidfile == Path("/run/other/pydockerd.pid")
    assert settings(written({"exec-root": "/run/other", "pidfile": "/x.pid"})).pidfile == Path("/x.pid")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "invalid JSON: Expecting property name"),
        (b"[]", "the file: expected an object, got []"),
        (b"\xff{}", "it is not UTF-8"),
        (b"[" * 9999, "invalid JSON"),
        (b" " * (1 << 20) + b"{}", "larger than 1048576 bytes"),
        (
            {"host": [], "zzz": 1},
            "the following directives don't match any configuration option: host (is hosts meant?), zzz",
        ),
        ({"insecure-registry": []}, "configuration option: insecure-registry (is insecure-registries meant?)"),
        ({"Debug": True}, "configuration option: Debug (is debug meant?)"),
        ({"debug": "yes"}, 'debug: expected true or false, got "yes"'),
        ({"debug": 1}, "debug: expected true or false, got 1"),
        ({"mtu": "9"}, 'mtu: expected a whole number, got "9"'),
        ({"mtu": 1.5}, "mtu: expected a whole number, got 1.5"),
        ({"mtu": -1}, "mtu: invalid value -1: the least is 0"),
        ({"max-concurrent-downloads": 0}, "max-concurrent-downloads: invalid value 0: the least is 1"),
        ({"data-root": 5.5}, "data-root: expected a string, got 5.5"),
        ({"labels": "a=b"}, 'labels: expected an array of strings, got "a=b"'),
        ({"labels": ["a=b", 5]}, "labels[1]: expected a string, got 5"),
        ({"labels": ["a"]}, "labels[0]: bad attribute format: a"),
        ({"labels": ["a=1", "a=2"]}, "conflict labels for a=1 and a=2"),
        ({"log-opts": {"max-size": 5}}, "log-opts.max-size: expected a string, got 5"),
        ({"log-driver": "syslog"}, "log-driver: logger: no log driver named 'syslog' is registered"),
        ({"log-level": "loud"}, "log-level: 'loud' is none of "),
        ({"default-ulimits": {"nofile": {"Soft": 5, "Hard": 2}}}, "ulimit soft limit must be less than or equal"),
        ({"default-ulimits": {"nofile": {"Name": "core"}}}, "default-ulimits.nofile.Name: 'core' is not 'nofile'"),
        ({"default-ulimits": {"nofile": {"Softly": 5}}}, "default-ulimits.nofile: it has no 'softly'"),
        ({"default-ulimits": {"nofile": 5}}, "default-ulimits.nofile: expected an object, got 5"),
        ({"default-shm-size": "much"}, "default-shm-size: invalid size: 'much'"),
        ({"default-runtime": "crun"}, "default-runtime: specified default runtime 'crun' does not exist"),
        ({"runtimes": {"crun": {"path": "/x"}}}, "runtimes: crun: containers are run by pyrunc"),
        ({"default-ipc-mode": "host"}, 'IPC mode "host" is not supported as default value'),
        ({"default-cgroupns-mode": "x"}, "default-cgroupns-mode: 'x' is none of host, private"),
        ({"exec-opts": ["native.cgroupdriver=systemd"]}, "must be cgroupfs"),
        ({"exec-opts": ["isolation=x"]}, "invalid option 'isolation=x'"),
        ({"storage-driver": "btrfs"}, "storage-driver: driver not supported: btrfs"),
        ({"live-restore": False}, "live-restore: it cannot be false: containers go on running"),
        ({"selinux-enabled": True}, "selinux-enabled: it cannot be true"),
        ({"ip6tables": False}, "ip6tables: it cannot be false: one set of rules is for both"),
        ({"ip-forward-no-drop": False}, "ip-forward-no-drop: it cannot be false"),
        ({"allow-direct-routing": True}, "allow-direct-routing: it cannot be true"),
        ({"features": {"buildkit": True}}, "features: buildkit: pydockerd does not have it"),
        ({"features": {"x": False}}, "features: x: there is no such feature"),
        ({"registry-mirrors": ["m.example"]}, 'invalid mirror: no scheme specified for "m.example"'),
        ({"registry-mirrors": ["https://u:p@m.example"]}, "username/password not allowed"),
        ({"insecure-registries": ["http://r"]}, "insecure registry http://r should not contain '://'"),
        ({"hosts": ["/run/x"]}, "hosts[0]: '/run/x': an address is needed"),
        ({"hosts": ["unix://x"]}, "must be absolute"),
        ({"hosts": ["npipe:////x"]}, "Invalid bind address format: npipe:////x"),
        ({"hosts": ["tcp://h:99999"]}, "Invalid bind address format"),
        ({"hosts": ["tcp://h:1/path"]}, "a host and a port are needed"),
        ({"metrics-addr": "h:x"}, "metrics-addr: Invalid bind address format"),
        ({"bip": "10.0.0.300/24"}, "bip: "),
        ({"bip": "fd00::1/64"}, "bip: "),
        ({"dns": ["one"]}, "dns[0]: 'one' does not appear to be an IPv4 or IPv6 address"),
        ({"dns-search": ["-x-"]}, "dns-search[0]: -x- is not a valid domain"),
        (
            {"default-address-pools": [{"base": "10.0.0.0/24", "size": 16}]},
            "a subnet of /16 does not fit into 10.0.0.0/24",
        ),
        ({"default-address-pools": [{"base": "10.0.0.0/24"}]}, "a pool has a base and a size, got base"),
        ({"default-network-opts": {"bridge": {"a": 1}}}, "default-network-opts.bridge.a: expected a string, got 1"),
        ({"bridge": "br0", "bip": "10.0.0.1/8"}, "You specified -b & --bip, mutually exclusive options"),
        ({"icc": False, "iptables": False}, "You specified --iptables=false with --icc=false"),
    ],
)
def test_what_is_wrong_is_named(content: Any, told: str, written: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(written(content))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--debug=perhaps"], "--debug: expected true or false, got 'perhaps'"),
        (["--mtu=x"], "--mtu: expected a whole number, got 'x'"),
        (["--log-opt=x"], "--log-opt: expected NAME=VALUE, got 'x'"),
        (["--default-ulimit=nofile"], "--default-ulimit: expected NAME=SOFT:HARD, got 'nofile'"),
        (["--default-ulimit=nofile=5:2"], "--default-ulimit: ulimit soft limit must be less"),
        (["--default-address-pool=10.0.0.0/8"], "--default-address-pool: expected base=NETWORK,size=BITS"),
        (["--default-network-opt=bridge"], "--default-network-opt: expected DRIVER=NAME=VALUE"),
        (["--add-runtime=crun=/usr/bin/crun"], "--add-runtime: crun: containers are run by pyrunc"),
        (["--live-restore=false"], "--live-restore: it cannot be false"),
        (["-H", "nowhere"], "--host: 'nowhere': an address is needed"),
    ],
)
def test_wrong_flags_are_named_as_they_were_typed(flags: list[str], told: str, written: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        settings([*written({}), *flags])
    assert told in str(caught.value)


@pytest.mark.parametrize("name", REFUSED)
def test_what_dockerd_has_and_pydockerd_has_not_is_refused_by_name(name: str, written: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name}: it is not supported by pydockerd: ...*"):
        settings(written({name: "x"}))
    for flag in (f"--{name}", f"--{name}=x"):
        with pytest.raises(ConfigError, match=f"--{name}: it is not supported by pydockerd: ...*"):
            settings([*written({}), flag])


def test_validate(written: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*written({"debug": True}), "--validate"]) == 0
    assert capsys.readouterr().err == "configuration OK\n"
    assert main([*written({"debug": 5}), "--validate"]) == 1
    assert "debug: expected true or false, got 5" in capsys.readouterr().err


def test_an_unknown_flag_is_2_as_with_dockerd(written: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--nonsense", "--deb"):
        with pytest.raises(SystemExit) as caught:
            main([*written({}), flag])
        assert caught.value.code == 2
        assert flag in capsys.readouterr().err
