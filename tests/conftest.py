"""What all tests share: this run's directory, the check for leftovers, daemons and root file systems."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import images
from tests.support.answers import ANSWERS
from tests.support.commands import COMMANDS
from tests.support.daemon import Daemon
from tests.support.leftovers import OWNED, Machine, leftovers, settled
from tests.support.run import RUN


def pytest_configure(config: pytest.Config) -> None:
    RUN.begin()
    if hasattr(config, "workerinput"):
        config.option.basetemp = (
            None  # in the directory just made, instead of below that of the one that starts the workers
        )


def pytest_unconfigure() -> None:
    RUN.end()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what it has seen."""
    handed: dict[str, Any] = getattr(session.config, "workeroutput", {})
    handed.update(answers=ANSWERS.to_json(), commands=dict(COMMANDS))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """It is told with that of the other workers."""
    handed = getattr(node, "workeroutput", {})
    ANSWERS.merge(handed.get("answers", []))
    COMMANDS.update(handed.get("commands", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much of the Engine API the tests have seen, and of the docker CLI."""
    if ANSWERS.answers:
        for line in ANSWERS.told():
            terminalreporter.write_line(line)
    if COMMANDS:
        named = ", ".join(f"{name} {count}" for name, count in sorted(COMMANDS.items()))
        terminalreporter.write_line(f"docker CLI: {COMMANDS.total()} invocations of {len(COMMANDS)} commands: {named}")


@pytest.fixture(scope="session", autouse=True)
def every_answer_is_as_the_document_says() -> Iterator[None]:
    """After all tests: what the daemons of this run answered is held against the Engine API's document, where it is at hand."""
    yield
    ANSWERS.gather()
    ANSWERS.check()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fail a test that leaves a mount, a cgroup, a process, a network link or an open descriptor behind."""
    before = Machine.now()
    yield
    if leftovers(before, Machine.now()):
        gc.collect()  # what the exceptions that a test has caught still hold is not left open for ever
        if left := settled(before):
            pytest.fail("the test left behind:\n" + "\n".join(left), pytrace=False)


@pytest.fixture
def tmp_short() -> Iterator[Path]:
    """A directory with a short path, for sockets."""
    directory = RUN.short_directory()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon of this test's own. Its log is shown when the test fails."""
    made = Daemon(answers=ANSWERS.new_file())
    made.start()
    yield made
    try:
        made.end()
    finally:
        print(made.log())
    shutil.rmtree(made.directory)


@pytest.fixture(scope="session")
def shared_daemon() -> Iterator[Daemon]:
    """One daemon for all tests that leave it as they found it, images aside."""
    made = Daemon(answers=ANSWERS.new_file())
    made.start()
    assert made.process is not None
    OWNED.processes.add(made.process.pid)
    yield made
    made.end()
    shutil.rmtree(made.directory)


@pytest.fixture(scope="session")
def busybox_rootfs() -> Path:
    """A directory that holds a busybox root file system. Not to be written to."""
    return images.busybox_rootfs(RUN.short_directory() / "rootfs")


@pytest.fixture(scope="session")
def busybox_tar(busybox_rootfs: Path) -> Path:
    """The same as a tar."""
    return images.archive(busybox_rootfs, RUN.short_directory() / "busybox.tar")


@pytest.fixture(scope="session")
def debian_rootfs_tar() -> Path:
    """A tar of a minimal Debian with Python and a C compiler, made by debootstrap."""
    return images.cached_debian_tar()
