"""Configurations survive the metadata, and take their image's defaults as docker's do."""

from __future__ import annotations

import pytest

from pycontainerd.containers import converter
from pycontainerd.containers.config import BindMount, ContainerConfig, Device, ExecConfig, Resources, TmpfsMount, Ulimit
from pycontainerd.containers.environment import merge
from pycontainerd.containers.merge import with_image
from pycontainerd.containers.names import check_id, check_name, new_id
from pycontainerd.errors import InvalidConfig, InvalidName
from pycontainerd.images.config import ImageConfig
from pycontainerd.logs.config import LogConfig


def test_a_full_configuration_survives() -> None:
    config = ContainerConfig(
        image="busybox",
        args=("sh", "-c", "é"),
        entrypoint=(),
        env=("A=1",),
        mounts=(BindMount(source="/a", target="/b", options=("ro",)), TmpfsMount(target="/t", options=("size=1m",))),
        devices=(Device(source="/dev/null", target="/dev/x"),),
        ulimits=(Ulimit(name="nofile", soft=1, hard=-1),),
        resources=Resources(memory=1 << 30, nano_cpus=5),
        sysctls={"net.ipv4.ip_forward": "1"},
        labels={"k": "v"},
        masked_paths=(),
        log=LogConfig(options={"max-size": "1m"}),
    )
    assert converter.load_container(converter.dumps(config)) == config
    wanted = ExecConfig(args=("a",), env=("B=",), user="x")
    assert converter.load_exec(converter.dumps(wanted)) == wanted


def test_what_an_older_version_did_not_have_takes_its_default() -> None:
    assert converter.load_container('{"image": "x"}') == ContainerConfig(image="x")


IMAGE = ImageConfig(
    env=("PATH=/bin", "X=image"),
    entrypoint=("/entry",),
    cmd=("default",),
    user="web",
    working_dir="/srv",
    labels={"a": "image", "b": "image"},
    stop_signal="SIGINT",
)


@pytest.mark.parametrize(
    ("args", "entrypoint", "expected"),
    [
        (None, None, (("default",), ("/entry",))),
        (("mine",), None, (("mine",), ("/entry",))),
        (None, ("/other",), (None, ("/other",))),
        (("mine",), ("/other",), (("mine",), ("/other",))),
        (("mine",), ("",), (("mine",), ("",))),
    ],
)
def test_command_of_user_and_image(
    args: tuple[str, ...] | None, entrypoint: tuple[str, ...] | None, expected: tuple[object, object]
) -> None:
    merged = with_image(ContainerConfig(image="x", args=args, entrypoint=entrypoint), IMAGE)
    assert (merged.args, merged.entrypoint) == expected


def test_the_rest_of_the_image() -> None:
    merged = with_image(ContainerConfig(image="x", env=("X=mine", "PATH"), labels={"b": "mine"}), IMAGE)
    assert merged.env == ("X=mine",)
    assert merged.labels == {"a": "image", "b": "mine"}
    assert (merged.user, merged.cwd, merged.stop_signal) == ("web", "/srv", "SIGINT")


def test_environment_keeps_places() -> None:
    assert merge(("A=1", "B=2", "C=3"), ("B=x", "D=4", "C")) == ("A=1", "B=x", "D=4")


def test_names_and_ids() -> None:
    assert check_name("/web-1") == "web-1"
    assert check_id(new_id())
    for name in ("", "a", "/-a", "a/b", "a b", "ä1"):
        with pytest.raises(InvalidName, match="Invalid container name"):
            check_name(name)
    with pytest.raises(InvalidConfig, match="64"):
        check_id("abc")
