"""Values of flags: what is understood, and docker's words for what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyctl.app.options import values
from pyctl.app.options.filters import Filter, collected, filter_
from pyctl.app.options.mounts import Volumes, mount, tmpfs, volumes
from pyctl.app.options.ports import expose, publish
from pyctl.app.references import checked, familiar, split
from pyctl.errors import InvalidUsage, InvalidValue
from pyctl.models.create import BindOptions, Device, Mount, PortBinding, RestartPolicy, TmpfsOptions, Ulimit


@pytest.mark.parametrize(
    ("text", "expected"),
    [("64m", 64 << 20), ("1.5GB", 3 << 29), ("64kib", 65536), ("7", 7), ("1 g", 1 << 30), ("2T", 2 << 40), ("0", 0)],
)
def test_size(text: str, expected: int) -> None:
    assert values.size(text) == expected


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (values.size, "1x", "invalid suffix: 'x'"),
        (values.size, "much", "invalid size: 'much'"),
        (values.size, "-1", "invalid size: '-1'"),
        (values.cpus, "foo", "failed to parse foo as a rational number"),
        (values.cpus, "0.00000000001", "value is too precise"),
        (values.cpus, "inf", "failed to parse inf as a rational number"),
        (values.ulimit, "nofile", "invalid ulimit argument: nofile"),
        (values.ulimit, "bogus=1", "invalid ulimit type: bogus"),
        (values.ulimit, "nofile=2:1", "ulimit soft limit must be less than or equal to hard limit: 2 > 1"),
        (values.device, "a:b:c:d", "invalid device specification: a:b:c:d"),
        (values.device, "/dev/x:/dev/y:rx", "invalid device mode: rx"),
        (values.restart, "on-failure:x", "invalid restart policy format: maximum retry count must be an integer"),
        (filter_, "name", "bad format of filter (expected name=value)"),
        (mount, "type=bind,source=/x", "target is required"),
        (mount, "foo", "invalid field 'foo' must be a key=value pair"),
        (mount, "foo=bar", "unexpected key 'foo' in 'foo=bar'"),
        (mount, "target=/x,readonly=maybe", "invalid value for readonly: maybe"),
    ],
)
def test_what_is_not_understood(read: Callable[[str], object], text: str, message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        read(text)
    assert str(caught.value) == message


def test_numbers_and_limits() -> None:
    assert values.cpus("1.5") == 1_500_000_000
    assert values.swap("-1") == -1
    assert values.ulimit("nofile=100:200") == Ulimit(name="nofile", soft=100, hard=200)
    assert values.ulimit("core=-1") == Ulimit(name="core", soft=-1, hard=-1)
    assert values.restart("on-failure:3") == RestartPolicy(name="on-failure", maximum_retry_count=3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/dev/a", Device(host_path="/dev/a", container_path="/dev/a", permissions="rwm")),
        ("/dev/a:/dev/b", Device(host_path="/dev/a", container_path="/dev/b", permissions="rwm")),
        ("/dev/a:r", Device(host_path="/dev/a", container_path="/dev/a", permissions="r")),
        ("/dev/a:/dev/b:rw", Device(host_path="/dev/a", container_path="/dev/b", permissions="rw")),
    ],
)
def test_device(text: str, expected: Device) -> None:
    assert values.device(text) == expected


def test_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/tmp")
    assert volumes(["/a:/b:ro", "./x:/y", "name:/z", "/anonymous"]) == Volumes(
        ["/a:/b:ro", "/tmp/x:/y", "name:/z"], ["/anonymous"]
    )
    with pytest.raises(InvalidValue, match="invalid spec: /a::: empty section between colons"):
        volumes(["/a::"])
    assert tmpfs(["/x:size=1m,ro", "/y"]) == {"/x": "size=1m,ro", "/y": ""}


def test_mount() -> None:
    assert mount("type=bind,src=/a,dst=/b,ro,bind-propagation=rslave") == Mount(
        type="bind", source="/a", target="/b", read_only=True, bind_options=BindOptions(propagation="rslave")
    )
    assert mount('type=tmpfs,target=/t,tmpfs-size=1m,"tmpfs-mode=1770"') == Mount(
        type="tmpfs", target="/t", tmpfs_options=TmpfsOptions(size_bytes=1 << 20, mode=0o1770)
    )


def test_ports() -> None:
    assert publish(["80", "127.0.0.1:8080:81/udp", "9000-9001:90-91"]) == {
        "80/tcp": [PortBinding(host_ip="", host_port="")],
        "81/udp": [PortBinding(host_ip="127.0.0.1", host_port="8080")],
        "90/tcp": [PortBinding(host_ip="", host_port="9000")],
        "91/tcp": [PortBinding(host_ip="", host_port="9001")],
    }
    assert expose(["1-2", "3/udp"]) == ["1/tcp", "2/tcp", "3/udp"]
    for wrong in ("foo", "80/bogus", "1-3:1-2", "0", "65536"):
        with pytest.raises(InvalidValue):
            publish([wrong])


def test_filters_of_one_name_are_alternatives() -> None:
    assert collected([Filter("name", "a"), filter_("Name = b"), filter_("label=x=y")]) == {
        "name": ["a", "b"],
        "label": ["x=y"],
    }


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("busybox", ("busybox", "")),
        ("busybox:1", ("busybox", "1")),
        ("localhost:5000/a/b", ("localhost:5000/a/b", "")),
        ("localhost:5000/a/b:t", ("localhost:5000/a/b", "t")),
        ("a@sha256:" + "0" * 64, ("a", "sha256:" + "0" * 64)),
    ],
)
def test_references(reference: str, parts: tuple[str, str]) -> None:
    assert split(reference) == parts
    assert checked(reference) == reference


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("BAD:x", "invalid reference format: repository name (library/BAD) must be lowercase"),
        ("a/Bad", "invalid reference format: repository name (a/Bad) must be lowercase"),
        ("localhost/Bad", "invalid reference format: repository name (Bad) must be lowercase"),
        ("a:b:c", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("", "invalid reference format"),
        ("../x", "invalid reference format"),
        ("a" * 64, f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal strings"),
    ],
)
def test_wrong_references(reference: str, message: str) -> None:
    with pytest.raises(InvalidUsage) as caught:
        checked(reference)
    assert str(caught.value) == message


def test_familiar() -> None:
    assert familiar("busybox") == "busybox:latest"
    assert familiar("busybox:1") == "busybox:1"
