"""What the assembler keeps, and what it does not trust."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyrunc.seccomp import Assembler
from pyrunc.seccomp import program as making
from pyrunc.spec import Seccomp, Syscall

FILTER = Seccomp(default_action="SCMP_ACT_ALLOW", syscalls=(Syscall(names=("mount",), action="SCMP_ACT_ERRNO"),))
OTHER = Seccomp(default_action="SCMP_ACT_ALLOW", syscalls=(Syscall(names=("umount2",), action="SCMP_ACT_ERRNO"),))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Seccomp]:
    """What was really made, in order."""
    calls: list[Seccomp] = []
    real = making.program

    def program(seccomp: Seccomp) -> bytes:
        calls.append(seccomp)
        return real(seccomp)

    monkeypatch.setattr(making, "program", program)
    return calls


def kept(directory: Path) -> Path:
    (file,) = directory.iterdir()
    return file


def test_each_filter_is_made_once(tmp_path: Path, made: list[Seccomp]) -> None:
    directory = tmp_path / "cache"
    first = Assembler(directory)
    assert first(FILTER) == first(FILTER) == Assembler(directory)(FILTER)
    assert made == [FILTER]
    assert first(OTHER) != first(FILTER)
    assert made == [FILTER, OTHER]
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in directory.iterdir()} == {0o600}


def test_without_a_directory_it_remembers_in_this_process(made: list[Seccomp]) -> None:
    assembler = Assembler()
    assert assembler(FILTER) == assembler(FILTER)
    assert made == [FILTER]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:-8],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"",
        lambda data: b"\n" + data,
        lambda data: data.replace(b"libseccomp", b"libsomething"),
        lambda data: data.replace(b"pyrunc-seccomp-2", b"pyrunc-seccomp-1"),
        lambda data: data.replace(b"SCMP_ACT", b"SCMP_TCA", 1),
    ],
    ids=[
        "byte lost",
        "instruction lost",
        "bit flipped",
        "empty",
        "no head",
        "library gone",
        "older format",
        "of another",
    ],
)
def test_damage_is_noticed_and_repaired(tmp_path: Path, made: list[Seccomp], damage: object) -> None:
    code = Assembler(tmp_path)(FILTER)
    file = kept(tmp_path)
    whole = file.read_bytes()
    assert callable(damage)
    file.write_bytes(damage(whole))
    assert Assembler(tmp_path)(FILTER) == code
    assert made == [FILTER, FILTER]
    assert kept(tmp_path).read_bytes() == whole


def test_another_library_makes_it_anew(tmp_path: Path, made: list[Seccomp]) -> None:
    Assembler(tmp_path)(FILTER)
    file = kept(tmp_path)
    head, code = file.read_bytes().split(b"\n", 1)
    fields = head.split(b" ")
    fields[2] = b"1"
    file.write_bytes(b" ".join(fields) + b"\n" + code)
    Assembler(tmp_path)(FILTER)
    assert len(made) == 2


def test_a_directory_that_others_may_write_to_is_not_used(tmp_path: Path, made: list[Seccomp]) -> None:
    Assembler(tmp_path)(FILTER)
    tmp_path.chmod(0o777)
    Assembler(tmp_path)(FILTER)
    Assembler(tmp_path)(OTHER)
    assert made == [FILTER, FILTER, OTHER]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("spoil", ["mode", "link", "owner"])
def test_a_file_that_is_not_ours_is_not_used(tmp_path: Path, made: list[Seccomp], spoil: str) -> None:
    directory = tmp_path / "cache"
    Assembler(directory)(FILTER)
    file = kept(directory)
    if spoil == "mode":
        file.chmod(0o666)
    elif spoil == "owner":
        if os.geteuid():
            pytest.skip("only root can give a file away")
        os.chown(file, 12345, 12345)
    else:
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    Assembler(directory)(FILTER)
    assert len(made) == 2


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Assembler(tmp_path / "file" / "cache")(FILTER) == Assembler()(FILTER)


def test_a_filter_from_the_cache_does_not_load_the_library(tmp_path: Path) -> None:
    Assembler(tmp_path)(FILTER)
    code = (
        "import sys; from pyrunc.seccomp import Assembler; from tests.runtime.seccomp.test_assembler import FILTER;"
        "sys.modules.pop('pyrunc.seccomp.library'); sys.modules.pop('pyrunc.seccomp.program');"
        f"Assembler({str(tmp_path)!r})(FILTER); assert 'pyrunc.seccomp.library' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
