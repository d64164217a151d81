"""The pytest plugin: fixtures for containers in tests. Nothing happens, and nothing is imported, unless a test uses one.

- ``supervisor`` (session): a `pycontainerd.blocking.Supervisor`, ephemeral: whatever ends the run, ``kill -9`` included, nothing of it is left.
  Under pytest-xdist each worker has one of its own.
- ``container`` (function): makes containers, which are removed after the test: a `pycontainerd.testing.Guests`.
- ``session_container`` (session): the same for containers that several tests share.

When a test fails, the logs of its containers are sections of its report; those of the session's containers with what they said meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pycontainerd.blocking import Supervisor
    from pycontainerd.testing import Guest, Guests

_LARGEST = 64 << 10
"""Characters of a container's log in a report; the last ones."""

_OF_TEST = pytest.StashKey["Guests"]()
_OF_SESSION = pytest.StashKey["Guests"]()
_BEGIN = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def supervisor() -> Iterator[Supervisor]:
    """An ephemeral supervisor for the whole run: `pycontainerd.blocking.Supervisor`. Its only image is ``host``, until others are imported."""
    from pycontainerd.blocking import Supervisor

    with Supervisor(ephemeral=True) as opened:
        yield opened


@pytest.fixture
def container(supervisor: Supervisor, request: pytest.FixtureRequest) -> Iterator[Guests]:
    """Make containers for this test: ``container(image, *args, ready=..., **config)``, see `pycontainerd.testing.Guests`."""
    from pycontainerd.testing import Guests

    with Guests(supervisor) as guests:
        request.node.stash[_OF_TEST] = guests
        yield guests


@pytest.fixture(scope="session")
def session_container(supervisor: Supervisor, request: pytest.FixtureRequest) -> Iterator[Guests]:
    """Make containers that live until the end of the run, for fixtures of a wider scope than one test."""
    from pycontainerd.testing import Guests

    with Guests(supervisor) as guests:
        request.config.stash[_OF_SESSION] = guests
        yield guests


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_BEGIN] = time.time_ns()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the logs while the containers are still there: they go in the teardown, after the reports of setup and call."""
    report = yield
    if report.failed and report.when != "teardown":
        for key, since in ((_OF_TEST, None), (_OF_SESSION, item.stash.get(_BEGIN, None))):
            guests = (item if key is _OF_TEST else item.config).stash.get(key, None)
            report.sections += [(_title(guest), _log(guest, since)) for guest in guests or ()]
    return report


def _title(guest: Guest) -> str:
    return f"container {guest.name or guest.id[:12]} ({guest.config.image})"


def _log(guest: Guest, since: int | None) -> str:
    """Whatever is wrong with it, the report of the test must not suffer."""
    try:
        text = b"".join(record.data for record in guest.logs(since_ns=since)).decode(errors="replace")
        info = guest.info()
    except Exception as error:
        return f"(no log: {error})"
    if len(text) > _LARGEST:
        text = f"... {len(text) - _LARGEST} characters before\n{text[-_LARGEST:]}"
    return f"{text}({info.status}, exit code {info.exit_code})\n"
