"""Pytest plugin: tell a failure when it happens, too. A machine that is ended before its last test has said why the others failed."""

from __future__ import annotations

import pytest


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """See pytest's reference of hooks."""
    if report.failed:
        print(f"\n{report.longreprtext}", flush=True)
