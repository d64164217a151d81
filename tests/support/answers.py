"""All that pydockerd answered in a run of the tests, held against the Engine API's document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from pydockerd.operations import OPERATIONS
from tests.daemon import contract
from tests.support.run import RUN

OLDEST: Final = [1, 44]
"""The first version whose answers are held against the document, which is of a later one."""

SECTIONS: Final = {"Container", "Exec", "Image", "System", "Distribution", "Volume", "Network"}
BUILD: Final = {("POST", "/build"), ("POST", "/build/prune")}
"""Of the section Image, but of a scope of its own."""
OWN: Final = {403, 501, 503}
"""Said by who is asked whether a request is allowed, of operations that are not served yet, and while the daemon stops: whatever the document knows."""
FAULT: Final = 500
"""Known of every operation, and nothing to be aimed at."""

UNSAID: Final = {
    ("POST", "/containers/{id}/pause", 409),  # is paused already
    ("POST", "/containers/{id}/unpause", 409),
    ("POST", "/containers/{id}/resize", 409),  # does not run
    ("POST", "/exec/{id}/resize", 409),
    ("POST", "/exec/{id}/start", 101),  # as for an attach
    ("POST", "/containers/{id}/update", 409),  # limits below what is in use
    ("POST", "/containers/{id}/start", 409),  # is paused, or being removed
    ("POST", "/containers/{id}/restart", 409),
    ("GET", "/containers/{id}/top", 409),  # does not run
    ("POST", "/networks/create", 409),  # its name is in use
    ("POST", "/volumes/create", 404),  # of a driver that is not there
    ("GET", "/images/get", 404),
    ("GET", "/images/{name}/get", 404),
}
"""What dockerd answers, too, but its document does not mention."""

BAD_PARAMETER: Final = 400
"""dockerd answers it of every operation; the document mentions it of some."""

FEW: Final = 40

Answer = tuple[str, str, int]


@define
class Answers:
    """By operation and status: how many there were; and what did not fit."""

    answers: Counter[Answer] = field(factory=Counter)
    misfits: dict[str, str] = field(factory=dict)
    _held: set[int] = field(factory=set)

    def new_file(self) -> Path:
        """Where a recorded daemon of this run may write."""
        directory = RUN.directory / "answers"
        directory.mkdir(exist_ok=True)
        return directory / f"{len(list(directory.iterdir()))}"

    def gather(self) -> None:
        """Add what the recorded daemons of this run have written."""
        for file in sorted((RUN.directory / "answers").glob("*")):
            for line in file.read_text(encoding="utf-8").splitlines():
                try:
                    self.add(json.loads(line))
                except ValueError:
                    continue  # the last words of a daemon that was killed
            file.write_text("")

    def add(self, answer: dict[str, Any]) -> None:
        """Count it, and hold it against the document, where that is at hand."""
        method, path, status = found = answer["method"], answer["path"], answer["status"]
        if path.startswith("/pydockerd/"):
            return  # our own, of which the document knows nothing
        self.answers[found] += 1
        if answer["version"] < OLDEST or status in OWN or status == BAD_PARAMETER or found in UNSAID:
            return
        document = contract.find()
        if document is None or self._known(found, answer["bodies"]):
            return
        try:
            for body in answer["bodies"] or [None]:
                if body is None:
                    document.check_status(method, path, status)
                else:
                    document.check(method, path, status, body)
        except AssertionError as misfit:
            self.misfits.setdefault(f"{method} {path} {status}", str(misfit))

    def check(self) -> None:
        """Fail with everything that did not fit."""
        assert not self.misfits, "\n".join(f"{answer}:\n{why}" for answer, why in sorted(self.misfits.items()))

    def told(self) -> list[str]:
        """How many of the operations and of their status codes were seen in the sections that are served, and which were not."""
        served = {(item.method, item.path) for item in OPERATIONS if item.tag in SECTIONS}
        seen = {(method, path) for method, path, status in self.answers if status not in OWN} & served
        lines = [f"Engine API: {self.answers.total()} answers, {len(seen)} of {len(served)} operations"]
        document = contract.find()
        if document is not None:
            known = {answer for answer in document.statuses(served) if answer[2] != FAULT}
            met = known & self.answers.keys()
            lines[0] += f", {len(met)} of their {len(known)} status codes other than {FAULT}"
            lines += _listed("status codes not seen", (f"{m} {p} {s}" for m, p, s in known - met - self._build()))
        return [*lines, *_listed("operations not seen", (f"{m} {p}" for m, p in served - seen - BUILD))]

    def to_json(self) -> list[Any]:
        """For the process that tells of several workers."""
        return [[*answer, count] for answer, count in self.answers.items()]

    def merge(self, told: Iterable[Any]) -> None:
        """Count what another worker has seen."""
        for method, path, status, count in told:
            self.answers[method, path, status] += count

    def _known(self, found: Answer, bodies: list[Any]) -> bool:
        """Whether the very same was held against the document before."""
        key = hash((*found, json.dumps(bodies, sort_keys=True)))
        known = key in self._held
        self._held.add(key)
        return known

    def _build(self) -> set[Answer]:
        return {(m, p, s) for m, p in BUILD for s in (200, 400)}


def _listed(title: str, names: Iterable[str]) -> list[str]:
    """A line, unless there is nothing to list, or most of all, because only a few tests were run."""
    found = sorted(names)
    return [f"{title}: {', '.join(found)}"] if 0 < len(found) <= FEW else []


ANSWERS: Final = Answers()
"""Those of this process's tests."""
