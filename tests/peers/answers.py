"""All that the engines of these tests answered, held against the Engine API's document."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from attrs import define, field

from pydockerd.operations import OPERATIONS
from tests.daemon import contract

OLDEST = [1, 44]
"""The first version whose answers are held against the document, which is of a later one."""

SECTIONS = {"Container", "Exec", "Image", "System", "Distribution"}
OWN = {501, 503}
"""Said of operations that are not served yet, whatever the document knows of them."""

UNSAID = {
    ("POST", "/containers/{id}/pause", 409),  # is paused already
    ("POST", "/containers/{id}/unpause", 409),
    ("POST", "/containers/{id}/resize", 409),  # does not run
    ("POST", "/exec/{id}/resize", 409),
    ("POST", "/containers/{id}/update", 409),  # limits below what is in use
    ("GET", "/images/get", 404),
    ("GET", "/images/{name}/get", 404),
}
"""What dockerd answers, too, but its document does not mention."""

BAD_PARAMETER = 400
"""dockerd answers it of every operation; the document mentions it of some."""


@define
class Answers:
    """By operation and status: how many there were; and what did not fit."""

    answers: Counter[tuple[str, str, int]] = field(factory=Counter)
    misfits: dict[str, str] = field(factory=dict)

    def update(self, file: Path) -> None:
        """Add what a recorded daemon has written."""
        if not file.exists():
            return
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                self._add(json.loads(line))

    def _add(self, answer: dict[str, Any]) -> None:
        method, path, status = answer["method"], answer["path"], answer["status"]
        self.answers[method, path, status] += 1
        found = contract.find()
        if (
            found is None
            or answer["version"] < OLDEST
            or status in OWN
            or status == BAD_PARAMETER
            or (method, path, status) in UNSAID
        ):
            return
        try:
            if "body" in answer:
                found.check(method, path, status, answer["body"])
            else:
                found.check_status(method, path, status)
        except AssertionError as misfit:
            self.misfits.setdefault(f"{method} {path} {status}", str(misfit))

    def check(self) -> None:
        """Fail with everything that did not fit."""
        assert not self.misfits, "\n".join(f"{answer}:\n{why}" for answer, why in sorted(self.misfits.items()))

    def told(self) -> str:
        """How many of the operations and of their status codes were seen, in the sections that are served."""
        served = {(item.method, item.path) for item in OPERATIONS if item.tag in SECTIONS}
        seen = {(method, path) for method, path, status in self.answers if status not in OWN} & served
        pairs = {(method, path, status) for method, path, status in self.answers if (method, path) in served}
        found = contract.find()
        known = found.statuses(served) if found is not None else set()
        share = f", {len(pairs & known)} of their {len(known)} status codes" if known else ""
        return f"Engine API: {self.answers.total()} answers, {len(seen)} of {len(served)} operations{share}"
