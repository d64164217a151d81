"""From a command line to the body of ContainerCreate. The expectations are what the docker CLI sends for the same flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from pyctl.app.main import root
from pyctl.app.options.container_flags import ContainerFlags
from pyctl.app.options.request import attachment, create_request
from pyctl.errors import InvalidUsage, InvalidValue
from pyctl.models.requests import encode

ENVIRON = {"FROM_HERE": "yes"}


def body(**flags: Any) -> dict[str, Any]:
    return dict(encode(create_request(ContainerFlags(**flags), "image", ["cmd"], ENVIRON)))


def test_without_flags_only_what_is_set() -> None:
    assert body() == {
        "Image": "image",
        "Cmd": ["cmd"],
        "AttachStdin": False,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "HostConfig": {},
    }


def test_process_flags() -> None:
    made = body(
        interactive=True,
        tty=True,
        env=["A=1", "FROM_HERE", "NOT_HERE"],
        user="1:2",
        workdir="/w",
        entrypoint="sh",
        hostname="h",
        label=["a=b", "c"],
        stop_signal="INT",
        stop_timeout=0,
    )
    assert made["Env"] == ["A=1", "FROM_HERE=yes"]
    assert made["Labels"] == {"a": "b", "c": ""}
    assert made["Entrypoint"] == ["sh"]
    assert (made["AttachStdin"], made["OpenStdin"], made["StdinOnce"], made["Tty"]) == (True, True, True, True)
    assert (made["User"], made["WorkingDir"], made["Hostname"]) == ("1:2", "/w", "h")
    assert (made["StopSignal"], made["StopTimeout"]) == ("INT", 0)


def test_an_empty_entrypoint_takes_the_image_s_away() -> None:
    assert body(entrypoint="")["Entrypoint"] == [""]


def test_host_flags() -> None:
    made = body(
        rm=True,
        memory=1 << 26,
        cpus=500_000_000,
        pids_limit=10,
        read_only=True,
        cap_add=["SYS_ADMIN"],
        cap_drop=["ALL"],
        init=True,
        privileged=True,
        volume=["/a:/b:ro"],
        tmpfs=["/t:size=1m"],
        network=["none"],
        cidfile="/c",
        sysctl=["net.x=1"],
        add_host=["a:1.2.3.4", "b=[::1]"],
    )["HostConfig"]
    assert made == {
        "AutoRemove": True,
        "Memory": 1 << 26,
        "NanoCpus": 500_000_000,
        "PidsLimit": 10,
        "ReadonlyRootfs": True,
        "CapAdd": ["SYS_ADMIN"],
        "CapDrop": ["ALL"],
        "Init": True,
        "Privileged": True,
        "Binds": ["/a:/b:ro"],
        "Tmpfs": {"/t": "size=1m"},
        "NetworkMode": "none",
        "ContainerIDFile": "/c",
        "Sysctls": {"net.x": "1"},
        "ExtraHosts": ["a:1.2.3.4", "b:::1"],
    }


def test_anonymous_volumes_and_exposed_ports_are_sets() -> None:
    made = body(volume=["/data"], expose=["80"], publish=["127.0.0.1:8080:81"])
    assert made["Volumes"] == {"/data": {}}
    assert made["ExposedPorts"] == {"80/tcp": {}, "81/tcp": {}}
    assert made["HostConfig"]["PortBindings"] == {"81/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}


def test_files(tmp_path: Path) -> None:
    env, labels, profile = tmp_path / "env", tmp_path / "labels", tmp_path / "seccomp.json"
    env.write_text("# comment\n\nA=file\nB=file\nFROM_HERE\n")
    labels.write_text("l=file\n")
    profile.write_text('{ "defaultAction": "SCMP_ACT_ALLOW" }')
    made = body(env_file=[str(env)], env=["A=flag"], label_file=[str(labels)], security_opt=[f"seccomp={profile}"])
    assert made["Env"] == ["A=file", "B=file", "FROM_HERE=yes", "A=flag"]
    assert made["Labels"] == {"l": "file"}
    assert made["HostConfig"]["SecurityOpt"] == ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']


def test_unmasked_system_paths() -> None:
    made = body(security_opt=["systempaths=unconfined", "no-new-privileges"])["HostConfig"]
    assert made == {"SecurityOpt": ["no-new-privileges"], "MaskedPaths": [], "ReadonlyPaths": []}


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        ({"attach": ["bogus"]}, InvalidValue, "valid streams are STDIN, STDOUT and STDERR"),
        ({"env": ["=x"]}, InvalidValue, "invalid environment variable: =x"),
        ({"env_file": ["/nope"]}, InvalidValue, "open /nope: no such file or directory"),
        ({"security_opt": ["seccomp=/nope"]}, InvalidValue, "opening seccomp profile (/nope) failed"),
        ({"log_driver": "none", "log_opt": ["a=b"]}, InvalidUsage, "invalid logging opts for driver none"),
        ({"sysctl": ["a"]}, InvalidValue, "must be formatted as key=value"),
    ],
)
def test_what_makes_no_sense(flags: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        body(**flags)
    assert message in str(caught.value)


def test_which_streams_are_attached() -> None:
    assert attachment(ContainerFlags(), detach=False) == {"stdout", "stderr"}
    assert attachment(ContainerFlags(interactive=True), detach=False) == {"stdin", "stdout", "stderr"}
    assert attachment(ContainerFlags(attach=["STDERR"]), detach=False) == {"stderr"}
    assert attachment(ContainerFlags(interactive=True), detach=True) == frozenset()


def test_every_flag_is_on_the_command_line() -> None:
    group = root()
    context = click.Context(group)
    for name in ("run", "create"):
        command = group.get_command(context, name)
        assert command is not None
        names = {option for param in command.params for option in param.opts}
        assert {"--memory", "-m", "--cap-add", "--entrypoint", "--init", "-h", "--hostname", "-l", "--cidfile"} <= names


def test_health_flags() -> None:
    made = body(health_cmd="true", health_interval=200_000_000, health_retries=4)
    assert made["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 200_000_000, "Retries": 4}
    assert body(no_healthcheck=True)["Healthcheck"] == {"Test": ["NONE"]}
    assert body(health_start_period=5)["Healthcheck"] == {"StartPeriod": 5}
    with pytest.raises(InvalidUsage, match="conflicts with --health"):
        body(no_healthcheck=True, health_retries=1)
    with pytest.raises(InvalidUsage, match="--health-timeout cannot be negative"):
        body(health_cmd="true", health_timeout=-1)
