"""Options of the local driver: what they are for mount(2), and docker's words for what they cannot be."""

from __future__ import annotations

import pytest

from pydockerd.errors import BadRequest
from pydockerd.volumes.options import (
    BIND,
    NOEXEC,
    NOSUID,
    PRIVATE,
    RDONLY,
    REC,
    SHARED,
    MountCall,
    check_options,
    mount_call,
    resolved,
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"type": "tmpfs", "device": "tmpfs", "o": "size=100m,uid=1000,nosuid,noexec,suid"},
            MountCall(source="tmpfs", fstype="tmpfs", flags=NOEXEC, data="size=100m,uid=1000"),
        ),
        (
            {"type": "none", "device": "/srv/data", "o": "bind,ro"},
            MountCall(source="/srv/data", fstype="none", flags=BIND | RDONLY, data=""),
        ),
        (
            {"type": "nfs", "device": ":/export", "o": "addr=10.0.0.1,rw,nfsvers=4,soft"},
            MountCall(source=":/export", fstype="nfs", flags=0, data="addr=10.0.0.1,nfsvers=4,soft"),
        ),
        (
            {"type": "none", "device": "/srv", "o": "rbind,rshared,nosuid"},
            MountCall(source="/srv", fstype="none", flags=BIND | REC | SHARED | NOSUID, data=""),
        ),
        ({"type": "ext4", "device": "/dev/x"}, MountCall(source="/dev/x", fstype="ext4", flags=0, data="")),
    ],
)
def test_words_are_flags_or_data(options: dict[str, str], expected: MountCall) -> None:
    check_options("v", options)
    assert mount_call(options) == expected


def test_propagation_is_a_call_of_its_own() -> None:
    call = mount_call({"type": "none", "device": "/x", "o": "bind,rprivate"})
    assert (call.first, call.propagation) == (BIND | REC, PRIVATE | REC)
    assert mount_call({"type": "none", "device": "/x", "o": "bind"}).propagation == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color": "red"}, 'create v: invalid option: "color"'),
        ({"type": "tmpfs"}, 'create v: missing required option: "device"'),
        ({"device": "tmpfs"}, 'create v: missing required option: "type"'),
        ({"o": "ro", "type": "tmpfs"}, 'create v: missing required option: "device"'),
        ({"size": "10m"}, "create v: quota size requested but no quota support"),
        ({"size": "much"}, "create v: invalid size: 'much'"),
    ],
)
def test_what_cannot_be(options: dict[str, str], message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check_options("v", options)
    assert caught.value.message == message


def test_no_quota_is_no_size() -> None:
    check_options("v", {"size": "0"})


def test_the_kernel_gets_the_address_of_a_server() -> None:
    call = resolved(mount_call({"type": "nfs", "device": ":/x", "o": "addr=localhost,ro"}))
    assert call.data in {"addr=127.0.0.1", "addr=::1"}
    plain = mount_call({"type": "tmpfs", "device": "tmpfs", "o": "addr=localhost"})
    assert resolved(plain) == plain
