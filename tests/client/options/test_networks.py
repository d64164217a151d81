"""Which range, gateway and auxiliary address belongs to which subnet; and names in the order in which docker lists them."""

from __future__ import annotations

import pytest

from pyctl.app.options.ipam import pools
from pyctl.app.options.mounts import mount
from pyctl.app.options.order import natural
from pyctl.errors import InvalidUsage, InvalidValue
from pyctl.models.create import BindOptions, ImageOptions, Mount, VolumeDriver, VolumeOptions
from pyctl.models.networks import Subnet


def test_each_in_its_own() -> None:
    found = pools(
        ["10.1.0.0/16", "fd00::/64"],
        ["10.1.5.0/24"],
        ["fd00::1", "10.1.0.1"],
        {"router": "10.1.0.7", "six": "fd00::9"},
    )
    assert found == [
        Subnet(subnet="10.1.0.0/16", ip_range="10.1.5.0/24", gateway="10.1.0.1", auxiliary={"router": "10.1.0.7"}),
        Subnet(subnet="fd00::/64", gateway="fd00::1", auxiliary={"six": "fd00::9"}),
    ]


@pytest.mark.parametrize(
    ("subnets", "ranges", "gateways", "aux", "message"),
    [
        ([], ["10.1.5.0/24"], [], {}, "every ip-range or gateway must have a corresponding subnet"),
        ([], [], ["10.1.0.1"], {}, "every ip-range or gateway must have a corresponding subnet"),
        (["10.0.0.0/8", "10.1.0.0/16"], [], [], {}, "multiple overlapping subnet configuration is not supported"),
        (["10.1.0.0/16"], ["10.2.0.0/24"], [], {}, "no matching subnet for range 10.2.0.0/24"),
        (["10.1.0.0/16"], [], ["10.2.0.1"], {}, "no matching subnet for gateway 10.2.0.1"),
        (["10.1.0.0/16"], [], [], {"x": "10.2.0.1"}, "no matching subnet for aux-address 10.2.0.1"),
        (["10.1.0.0/99"], [], ["10.1.0.1"], {}, "invalid CIDR address: 10.1.0.0/99"),
    ],
)
def test_what_fits_nowhere(
    subnets: list[str], ranges: list[str], gateways: list[str], aux: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidUsage) as caught:
        pools(subnets, ranges, gateways, aux)
    assert str(caught.value) == message


def test_numbers_count_as_numbers() -> None:
    assert sorted(["v10", "v2", "a", "v", "10", "9"], key=natural) == ["9", "10", "a", "v", "v2", "v10"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "src=data,dst=/x,volume-driver=local,volume-opt=type=tmpfs,volume-opt=o=size=1m,volume-label=a=b",
            Mount(
                type="volume",
                source="data",
                target="/x",
                volume_options=VolumeOptions(
                    labels={"a": "b"},
                    driver=VolumeDriver(name="local", options={"type": "tmpfs", "o": "size=1m"}),
                ),
            ),
        ),
        (
            "type=image,src=busybox,dst=/x,image-subpath=bin",
            Mount(type="image", source="busybox", target="/x", image_options=ImageOptions(subpath="bin")),
        ),
        (
            "type=bind,src=/a,dst=/x,readonly,bind-recursive=writable",
            Mount(
                type="bind",
                source="/a",
                target="/x",
                read_only=True,
                bind_options=BindOptions(read_only_non_recursive=True),
            ),
        ),
    ],
)
def test_all_of_mount(text: str, expected: Mount) -> None:
    assert mount(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type=bind,src=/a,dst=/x,volume-nocopy", "cannot mix 'volume-*' options with mount type 'bind'"),
        ("type=volume,src=a,dst=/x,bind-propagation=shared", "cannot mix 'bind-*' options with mount type 'volume'"),
        (
            "type=bind,src=/a,dst=/x,bind-recursive=writable",
            "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction",
        ),
        (
            "type=bind,src=/a,dst=/x,readonly,bind-recursive=readonly",
            "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
        ),
    ],
)
def test_what_does_not_go_together(text: str, message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        mount(text)
    assert str(caught.value) == message
