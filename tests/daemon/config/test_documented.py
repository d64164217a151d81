"""The documentation names every option, and every one that is refused."""

from __future__ import annotations

from pathlib import Path

from pydockerd.config.option import options
from pydockerd.config.refused import REFUSED
from pydockerd.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "daemon" / "configuration.md"


def rows() -> dict[str, list[str]]:
    """The tables' rows by the name in their first cell."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {found[0].strip("`"): found for found in cells}


def test_every_option_is_there_with_its_flag_and_whether_it_reloads() -> None:
    told = rows()
    for _, option in options(Settings):
        assert option.key in told, f"{option.key} is not in {PAGE}"
        _, flag, _, reloads = told[option.key]
        assert option.said in flag
        assert (reloads == "yes") is option.reloads, option.key


def test_every_refused_one_is_there_and_nothing_else() -> None:
    told = rows()
    known = {option.key for _, option in options(Settings)}
    assert set(told) == known | set(REFUSED)
