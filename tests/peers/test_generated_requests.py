"""Requests that schemathesis makes up from the Engine API's own document: whatever they say, the answer is one of the API's.

More than 5,000 of them, a hundred for each operation. Half of those that name a container name one that is there, so that they get beyond
the first check.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_unixsocket
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from pydockerd.operations import OPERATIONS
from tests.daemon.contract import reference

from .conftest import Engine, engine_of

EXAMPLES = int(os.environ.get("PYDOCKERD_GENERATED_REQUESTS", "100"))
SECTIONS = {"Container", "Exec", "Image", "System", "Distribution", "Network", "Volume"}
TARGET = ("--network", "none", "busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
OTHERS = {"ImageLoad", "ImageCreate", "ImagePush", "ImageSearch", "SystemAuth", "DistributionInspect"}
"""Their bodies cannot be made up from a schema, or they would speak with registries that are made up: see the tests of images."""
SLOWEST = 20.0
"""Seconds for the head of an answer."""

SEEN: Counter[int] = Counter()


NAMES = [operation.name for operation in OPERATIONS if operation.tag in SECTIONS and operation.name not in OTHERS]


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    """By their name: what schemathesis knows of each."""
    schema = schemathesis.openapi.from_path(str(reference()))
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]  # the document is sound
    return {operation.definition.raw["operationId"]: operation for operation in found}


@pytest.fixture(scope="module")
def own_engine(busybox_tar: Path) -> Iterator[Engine]:
    """An engine of its own: some of the requests remove what others need."""
    with engine_of("pydockerd", busybox_tar) as engine:
        yield engine
        print(f"\n{SEEN.total()} requests: {dict(sorted(SEEN.items()))}")


@pytest.fixture
def victim(own_engine: Engine) -> Iterator[Engine]:
    """The engine with a container ``web`` that runs."""
    own_engine.docker("run", "-d", "--name", "web", *TARGET)
    yield own_engine
    own_engine.remove_containers()
    own_engine.ok("network", "prune", "-f")


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_one_of_the_api(victim: Engine, operations: dict[str, Any], name: str) -> None:
    log = victim.directory / "log"
    before = log.stat().st_size
    number = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operations[name].as_strategy())
    def ask(case: Any) -> None:
        nonlocal number
        number += 1
        if case.path_parameters and "id" in case.path_parameters and number % 2:
            case.path_parameters["id"] = "web"
        check(session, victim, case)

    with requests_unixsocket.Session() as session:
        ask()
    written = log.read_bytes()[before:].decode()
    assert "Traceback" not in written, written


def check(session: requests.Session, engine: Engine, case: Any) -> None:
    """Send it, and look at the answer: its head comes in time, and says what the API says."""
    arguments = case.as_transport_kwargs()
    path = arguments.pop("url").partition("/v1.56/")[2]
    arguments["url"] = f"http+unix://{engine.host.removeprefix('unix://').replace('/', '%2F')}/v1.56/{path}"
    try:
        answer = session.request(**arguments, timeout=SLOWEST, stream=True)
    except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
        return  # the client library sends no such thing
    with answer:
        SEEN[answer.status_code] += 1
        assert answer.status_code < 500 or answer.status_code in (501, 503), (arguments, answer.text)
        if answer.status_code >= 400 and case.method != "HEAD":
            assert isinstance(json.loads(answer.content)["message"], str), (arguments, answer.text)
