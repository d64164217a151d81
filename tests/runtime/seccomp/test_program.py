"""Filter programs, judged by the kernel: each is loaded in a child that then makes the calls."""

from __future__ import annotations

import os
import signal
from errno import E2BIG, EBADF, ENOSYS, EPERM

import pytest

from pyrunc.errors import MissingLibrary, SpecError, Unsupported
from pyrunc.seccomp import default_profile, library
from pyrunc.seccomp.program import action, program
from pyrunc.spec import Argument, Seccomp, Syscall
from tests.runtime.seccomp.kernel import run, status

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls are named by their x86_64 numbers")

GETPID, PERSONALITY, DUP2, CLOSE, GETPRIORITY, CLONE3, NEWEST = 39, 135, 33, 3, 140, 435, 4000
NOWHERE = 12345


def filtered(*syscalls: Syscall, default: str = "SCMP_ACT_ALLOW", **options: object) -> bytes:
    """The program of a section."""
    return program(Seccomp(default_action=default, syscalls=syscalls, **options))  # type: ignore[arg-type]  # words of the tests' own


def errno_if(name: str, *arguments: Argument, errno: int = E2BIG) -> Syscall:
    return Syscall(names=(name,), action="SCMP_ACT_ERRNO", errno_ret=errno, args=arguments)


def test_an_errno_is_what_the_call_returns() -> None:
    code = filtered(errno_if("getpid"), Syscall(names=("getppid",), action="SCMP_ACT_ERRNO"))
    assert run(code, (GETPID,), (110,), (CLOSE, NOWHERE)) == [E2BIG, EPERM, EBADF]


def test_names_that_this_machine_does_not_know_are_passed_over() -> None:
    code = filtered(Syscall(names=("made_up", "getpid", "socketcall"), action="SCMP_ACT_ERRNO", errno_ret=E2BIG))
    assert run(code, (GETPID,)) == [E2BIG]


@pytest.mark.parametrize(
    ("operator", "value", "two", "refused"),
    [
        ("SCMP_CMP_EQ", 7, 0, (7,)),
        ("SCMP_CMP_NE", 7, 0, (6, 8, 12)),
        ("SCMP_CMP_LT", 7, 0, (6,)),
        ("SCMP_CMP_LE", 7, 0, (6, 7)),
        ("SCMP_CMP_GT", 7, 0, (8, 12)),
        ("SCMP_CMP_GE", 7, 0, (7, 8, 12)),
        ("SCMP_CMP_MASKED_EQ", 12, 8, (8,)),
    ],
)
def test_comparisons_of_arguments(operator: str, value: int, two: int, refused: tuple[int, ...]) -> None:
    comparison = Argument(index=0, op=operator, value=value, value_two=two)  # type: ignore[arg-type]  # words of the table
    code = filtered(errno_if("close", comparison))
    # All far beyond any descriptor that is open, but their low bits are compared by mask.
    answers = run(code, *((CLOSE, argument) for argument in (6, 7, 8, 12)))
    assert (
        tuple(argument for argument, answer in zip((6, 7, 8, 12), answers, strict=True) if answer == E2BIG) == refused
    )


def test_all_arguments_must_hold_and_of_two_about_the_same_any() -> None:
    both = errno_if(
        "dup2", Argument(index=0, op="SCMP_CMP_EQ", value=500), Argument(index=1, op="SCMP_CMP_EQ", value=600)
    )
    assert run(filtered(both), (DUP2, 500, 600), (DUP2, 500, 601)) == [E2BIG, EBADF]
    same = errno_if(
        "close", Argument(index=0, op="SCMP_CMP_EQ", value=500), Argument(index=0, op="SCMP_CMP_EQ", value=600)
    )
    assert run(filtered(same), (CLOSE, 500), (CLOSE, 600), (CLOSE, 700)) == [E2BIG, E2BIG, EBADF]


@pytest.mark.parametrize(
    ("name", "killed_by"),
    [
        ("SCMP_ACT_KILL", signal.SIGSYS),
        ("SCMP_ACT_KILL_THREAD", signal.SIGSYS),
        ("SCMP_ACT_KILL_PROCESS", signal.SIGSYS),
        ("SCMP_ACT_TRAP", signal.SIGSYS),
    ],
)
def test_actions_that_end_the_process(name: str, killed_by: int) -> None:
    rule = Syscall(names=("getpid",), action=name)  # type: ignore[arg-type]  # words of the table
    assert status(filtered(rule), (GETPID,)) == -killed_by
    assert status(filtered(rule), (110,)) == 0


def test_numbers_of_actions() -> None:
    assert action("SCMP_ACT_ERRNO", None) == 0x00050001
    assert action("SCMP_ACT_ERRNO", 38) == 0x00050026
    assert action("SCMP_ACT_TRACE", 5) == 0x7FF00005
    assert action("SCMP_ACT_ALLOW", 5) == 0x7FFF0000


def test_a_rule_that_says_what_the_default_says_is_left_out() -> None:
    assert run(
        filtered(Syscall(names=("getpid",), action="SCMP_ACT_ALLOW"), errno_if("getppid")), (GETPID,), (110,)
    ) == [0, E2BIG]


def test_calls_newer_than_the_profile_do_not_exist() -> None:
    code = program(default_profile((), "x86_64", (6, 1)))
    # personality with an odd argument is refused, clone3 is told to be absent, and so is what nobody has heard of yet.
    assert run(code, (GETPID,), (PERSONALITY, 1), (CLONE3,), (NEWEST,)) == [0, EPERM, ENOSYS, ENOSYS]


def test_a_default_that_allows_is_not_touched() -> None:
    assert run(filtered(errno_if("getpid")), (NEWEST,)) == [ENOSYS]
    assert len(filtered(errno_if("getpid"))) < len(filtered(errno_if("getpid"), default="SCMP_ACT_ERRNO"))


def test_the_default_profile_follows_capabilities() -> None:
    without = program(default_profile((), "x86_64", (6, 1)))
    granted = program(default_profile(("CAP_SYS_NICE", "CAP_SYS_ADMIN"), "x86_64", (6, 1)))
    set_mempolicy = (238, 0, 0, 0)
    assert run(without, set_mempolicy) == [EPERM]
    assert run(granted, set_mempolicy)[0] in {0, ENOSYS}


def test_programs_are_the_same_every_time() -> None:
    profile = default_profile(("CAP_CHOWN",), "x86_64", (6, 1))
    assert program(profile) == program(profile)


def test_an_architecture_that_the_library_does_not_know() -> None:
    with pytest.raises(Unsupported, match=r"linux\.seccomp\.architectures: libseccomp .* does not know SCMP_ARCH_VAX"):
        filtered(errno_if("getpid"), architectures=("SCMP_ARCH_VAX",))


def test_architectures_that_differ_in_byte_order_are_refused() -> None:
    with pytest.raises(Unsupported, match=r"linux\.seccomp\.architectures: SCMP_ARCH_S390X: "):
        filtered(errno_if("getpid"), architectures=("SCMP_ARCH_S390X",))


def test_a_profile_too_long_for_the_kernel() -> None:
    rules = tuple(
        errno_if("close", Argument(index=0, op="SCMP_CMP_EQ", value=value << 32 | value)) for value in range(1, 3000)
    )
    with pytest.raises(SpecError, match=r"linux\.seccomp: makes a program of \d+ instructions, the kernel takes 4096"):
        filtered(*rules)


def test_a_missing_library_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_NAME", "libnothing.so.2")
    library.load.cache_clear()
    try:
        with pytest.raises(
            MissingLibrary, match=r"linux\.seccomp needs libnothing\.so\.2: install the package libseccomp2"
        ):
            library.load()
    finally:
        monkeypatch.undo()
        library.load.cache_clear()
