"""Users are found in the container's own files, which may be hostile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pycontainerd.confined import open_in_root
from pycontainerd.errors import InvalidConfig
from pycontainerd.oci.users import Account, resolve

PASSWD = (
    "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:33::/srv/web:/bin/sh\n# off:x:1:1::/:\nbig:x:99999999999:1::/:\n"
)
GROUP = "root:x:0:\nweb:x:33:\nadm:x:4:web,other\nlog:x:5:web\n"


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", Account(0, 0, (0,), "/root")),
        ("root", Account(0, 0, (0,), "/root")),
        ("web", Account(33, 33, (33, 4, 5), "/srv/web")),
        ("33", Account(33, 33, (33, 4, 5), "/srv/web")),
        ("web:adm", Account(33, 4, (4,), "/srv/web")),
        ("web:777", Account(33, 777, (777,), "/srv/web")),
        ("1234", Account(1234, 0, (0,), "/")),
        ("1234:5", Account(1234, 5, (5,), "/")),
    ],
)
def test_names_and_numbers(root: int, user: str, expected: Account) -> None:
    assert resolve(root, user) == expected


def test_further_groups(root: int) -> None:
    assert resolve(root, "web", ("log", "900")).groups == (33, 4, 5, 900)


@pytest.mark.parametrize(("user", "extra"), [("nobody", ()), ("big", ()), ("web:none", ()), ("web", ("none",))])
def test_unknown_names_are_refused(root: int, user: str, extra: tuple[str, ...]) -> None:
    if user == "big":
        user = "99999999999"
    with pytest.raises(InvalidConfig, match=r"unable to find (user|group)"):
        resolve(root, user, extra)


def test_no_files_at_all(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    assert resolve(fd, "5:6") == Account(5, 6, (6,), "/")
    os.close(fd)


def test_links_stay_inside(root: int, tmp_path: Path) -> None:
    (tmp_path / "etc/passwd").unlink()
    (tmp_path / "etc/passwd").symlink_to("/../../../../../../etc/passwd")
    with pytest.raises(InvalidConfig, match="unable to find user"):
        resolve(root, "daemon")
    (tmp_path / "real").write_text("inner:x:7:7::/:\n")
    (tmp_path / "etc/passwd").unlink()
    (tmp_path / "etc/passwd").symlink_to("/../../real")
    assert resolve(root, "inner").uid == 7


def test_a_fifo_blocks_nobody(root: int, tmp_path: Path) -> None:
    (tmp_path / "etc/passwd").unlink()
    os.mkfifo(tmp_path / "etc/passwd")
    assert resolve(root, "0").uid == 0


def test_magic_links_are_not_followed() -> None:
    fd = os.open("/", os.O_RDONLY)
    with pytest.raises(OSError, match=r"loop|symbolic"):
        open_in_root(fd, "proc/self/root/etc/passwd", os.O_RDONLY)
    os.close(fd)
