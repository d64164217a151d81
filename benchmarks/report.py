"""The outcome for people (a table) and for programs (JSON)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.machine import Machine
from benchmarks.measure import Outcome, Sample

_HEAD = ("", "n", "min ms", "median ms", "p95 ms", "ours / it", "target")


def table(outcome: Outcome) -> str:
    """A title, one line for each contender, then what was not comparable. Markdown, as benchmarks/README.md has it."""
    rows = [_HEAD, *_rows(outcome)]
    widths = [max(2, *(len(row[column]) for row in rows)) for column in range(len(_HEAD))]
    lines = [
        "| "
        + " | ".join(
            _pad(cell, width, first=not column) for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    ]
    ruler = (
        "| "
        + " | ".join("-" * width if not column else "-" * (width - 1) + ":" for column, width in enumerate(widths))
        + " |"
    )
    return "\n".join([f"### {outcome.comparison.title}", "", lines[0], ruler, *lines[1:], "", *_notes(outcome)])


def _pad(cell: str, width: int, *, first: bool) -> str:
    return cell.ljust(width) if first else cell.rjust(width)


def _rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    ours = outcome.comparison.ours
    for name, sample in outcome.samples.items():
        ratio = "" if name == ours or ours not in outcome.samples else f"{outcome.ratio(name):.2f}"
        figures = (_ms(sample.least), _ms(sample.median), _ms(sample.p95))
        yield (name, str(len(sample.seconds)), *figures, ratio, _target(outcome, name))


def _target(outcome: Outcome, peer: str) -> str:
    limit = outcome.comparison.targets.get(peer)
    if limit is None or outcome.comparison.ours not in outcome.samples:
        return ""
    return f"{limit:.2f} {'met' if outcome.ratio(peer) <= limit else 'MISSED'}"


def _notes(outcome: Outcome) -> list[str]:
    absent = [f"- {name} was not measured: {reason}" for name, reason in outcome.absent.items()]
    return [*(f"- {note}" for note in outcome.comparison.notes), *absent]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f}"


def text(document: dict[str, Any]) -> str:
    """The document as JSON, with a line for each member, and one for all samples of a contender."""
    return (
        re.sub(r"\[[\d.,\s]+\]", lambda found: " ".join(found.group().split()), json.dumps(document, indent=1)) + "\n"
    )


def document(outcomes: Sequence[Outcome], machine: Machine, day: str) -> dict[str, Any]:
    """Everything, with every single measurement, for benchmarks/results."""
    return {
        "date": day,
        "machine": machine.to_json(),
        "benchmarks": {outcome.comparison.name: _benchmark(outcome) for outcome in outcomes},
    }


def _benchmark(outcome: Outcome) -> dict[str, Any]:
    ours = outcome.comparison.ours
    peers = [name for name in outcome.samples if name != ours and ours in outcome.samples]
    return {
        "title": outcome.comparison.title,
        "ours": ours,
        "milliseconds": {name: _figures(sample) for name, sample in outcome.samples.items()},
        "ratio of medians": {name: round(outcome.ratio(name), 4) for name in peers},
        "targets": dict(outcome.comparison.targets),
        "not measured": dict(outcome.absent),
        "notes": list(outcome.comparison.notes),
    }


def _figures(sample: Sample) -> dict[str, Any]:
    return {
        "min": round(sample.least * 1000, 4),
        "median": round(sample.median * 1000, 4),
        "p95": round(sample.p95 * 1000, 4),
        "samples": [round(seconds * 1000, 4) for seconds in sample.seconds],
    }
