"""Spans: who records sees his own, who observes sees all."""

from __future__ import annotations

import threading

import pytest

from pyrunc.tracing import Span, observe, recording, span


def test_an_observer_sees_the_spans_of_everybody() -> None:
    seen: list[Span] = []
    end = observe(seen.append)
    with span("runtime", "outer"), span("runtime", "inner"):
        pass
    with recording() as spans, pytest.raises(ZeroDivisionError), span("runtime", "failed"):
        raise ZeroDivisionError
    end()
    end()
    with span("runtime", "unseen"):
        pass
    assert [each.name for each in seen] == ["inner", "outer", "failed"]
    assert [each.name for each in spans] == ["failed"]


def test_observers_come_and_go_by_themselves() -> None:
    first: list[Span] = []
    second: list[Span] = []
    end_first, end_second = observe(first.append), observe(second.append)
    with span("runtime", "both"):
        pass
    end_first()
    with span("runtime", "second"):
        pass
    end_second()
    assert ([each.name for each in first], [each.name for each in second]) == (["both"], ["both", "second"])


def test_a_recording_sees_what_its_own_context_does() -> None:
    with recording() as outer:
        with span("runtime", "outer"), recording() as inner, span("runtime", "inner"):
            pass
        elsewhere = threading.Thread(target=span("runtime", "elsewhere").__enter__)
        elsewhere.start()
        elsewhere.join()
    assert [each.name for each in inner] == ["inner"]
    assert [each.name for each in outer] == ["outer"]
    assert outer[0].start_ns <= inner[0].start_ns <= inner[0].end_ns <= outer[0].end_ns
