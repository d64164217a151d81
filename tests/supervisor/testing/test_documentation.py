"""The page on testing consists of tests that pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.supervisor.fork import postgres
from tests.supervisor.testing.test_plugin import PLUGIN

pytest_plugins = ("pytester",)

PAGE = Path(__file__).parents[3] / "docs/supervisor/testing.md"


def blocks() -> dict[str, str]:
    """The files of the page, by their names."""
    found = re.findall(
        r"^```python\n# (\w+\.py)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return dict(found)


@pytest.fixture(scope="session")
def postgres_tar() -> Path:
    """Named before ``pytester`` gives the test another home, in which no cache is."""
    return postgres.image()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(blocks()))
def test_a_block(postgres_tar: Path, pytester: pytest.Pytester, name: str) -> None:
    text = blocks()[name]
    if "images/postgres.tar" in text:
        pytester.mkdir("images").joinpath("postgres.tar").symlink_to(postgres_tar)
    pytester.makepyfile(**{name.removesuffix(".py"): text})
    count = len(re.findall(r"^def test_", text, re.MULTILINE))
    assert count
    pytester.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=count)


def test_no_block_is_left_out() -> None:
    assert len(blocks()) == PAGE.read_text(encoding="utf-8").count("```python") == 4
