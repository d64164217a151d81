"""One life of the machine: qemu boots it, its tests run, it switches itself off, and what it reports is read.

qemu translates the machine's code (TCG), because hosts such as this project's have no usable KVM. It has no network.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from attrs import frozen

from tests.vm.debian import Machine

Init = Literal["bare", "systemd"]
INITS: Final[dict[Init, str]] = {"bare": "/srv/checkout/tests/vm/guest/bare.sh", "systemd": "/lib/systemd/systemd"}
MEMORY_MIB: Final = 2048
PROCESSORS: Final = 2
_RESULTS_SIZE: Final = 64 << 20


class MachineFailed(Exception):  # noqa: N818 - the machine is what failed
    """The machine reported nothing: it did not boot, or was ended because it took too long."""


@frozen
class Report:
    """What a machine told: pytest's result, and what kind of host it was."""

    exit_code: int
    kernel: str
    init: str
    cgroup: str
    boot_seconds: float
    test_seconds: float
    outcomes: dict[str, list[str]]
    """Names of the tests by what became of them: passed, failed, error, skipped."""


def run(machine: Machine, payload: Path, init: Init, scratch: Path, seconds: float) -> Report:
    """Boot, show what pytest prints, and read the report. Raises MachineFailed; qemu has ended in any case."""
    results, log = scratch / f"{init}.results", scratch / f"{init}.console"
    with results.open("wb") as made:
        made.truncate(_RESULTS_SIZE)
    with booted(command(machine, payload, init, results, log)) as qemu, ended_after(qemu, seconds) as late:
        assert qemu.stdout is not None
        for line in qemu.stdout:
            print(line.rstrip("\r\n"), flush=True)
        qemu.wait()
    if late.is_set():
        raise MachineFailed(f"the machine ({init}) was ended after {seconds:.0f} s; its console:\n{_tail(log)}")
    try:
        return report(results)
    except (tarfile.TarError, KeyError) as error:
        raise MachineFailed(f"the machine ({init}) reported nothing ({error}); its console:\n{_tail(log)}") from error


def command(machine: Machine, payload: Path, init: Init, results: Path, log: Path) -> list[str]:
    """How qemu is started: at a low priority, and bound to end with this process."""
    # Defences of the processor cost translated code time, and there is nobody to defend it from.
    # no_timer_check: on a busy host the ticks of a translated machine come too late for the kernel, which takes the timer for a broken one.
    words = ["console=ttyS0", "mitigations=off", "tsc=reliable", "no_timer_check", "panic=-1", "loglevel=4"]
    words.append(f"vm.init={INITS[init]}")
    if init == "systemd":
        words += ["systemd.unit=pyrunc-tests.service", "systemd.unified_cgroup_hierarchy=1"]
    return [
        *("nice", "-n", "10", "setpriv", "--pdeathsig", "KILL"),
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot"),
        # Five levels of page tables cost every translated access more than four.
        *("-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,la57=off"),
        *("-smp", str(PROCESSORS), "-m", str(MEMORY_MIB)),
        *("-kernel", str(machine.kernel), "-initrd", str(machine.initramfs), "-append", " ".join(words)),
        *("-serial", f"file:{log}", "-serial", "stdio"),
        # What is written to the first two is forgotten with the machine.
        *("-drive", f"file={machine.disk},if=virtio,format=raw,snapshot=on"),
        *("-drive", f"file={payload},if=virtio,format=raw,snapshot=on"),
        *("-drive", f"file={results},if=virtio,format=raw,cache=unsafe"),
    ]


@contextmanager
def booted(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as qemu:
        try:
            yield qemu
        finally:
            qemu.kill()


@contextmanager
def ended_after(qemu: subprocess.Popen[str], seconds: float) -> Iterator[threading.Event]:
    """Kill qemu when the time is over; the event tells that it was."""
    late = threading.Event()

    def end() -> None:
        late.set()
        qemu.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def report(results: Path) -> Report:
    """Read the tar that guest/run.py has written. Raises TarError, KeyError."""
    with tarfile.open(results) as archive:
        described = json.loads(_member(archive, "./machine.json"))
        outcomes = read_junit(_member(archive, "./junit.xml"))
    names = ("exit_code", "kernel", "init", "cgroup", "boot_seconds", "test_seconds")
    return Report(**{name: described[name] for name in names}, outcomes=outcomes)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, name
    return file.read()


def read_junit(text: bytes) -> dict[str, list[str]]:
    """The tests' names by outcome, from pytest's XML."""
    found: dict[str, list[str]] = {"passed": [], "failed": [], "error": [], "skipped": []}
    for case in ElementTree.fromstring(text).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = next((ours for theirs, ours in _JUNIT.items() if theirs in kinds), "passed")
        found[outcome].append(f"{case.get('classname', '')}::{case.get('name', '')}")
    return found


_JUNIT: Final = {"failure": "failed", "error": "error", "skipped": "skipped"}


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-40:])
