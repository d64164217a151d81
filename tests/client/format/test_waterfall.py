"""The picture of ``run --trace``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyctl.app.format.waterfall import LAYERS, waterfall
from pyctl.models.system import Span

MS = 1_000_000


def span(layer: str, name: str, start: int, end: int) -> Span:
    return Span(layer=layer, name=name, start_ns=start * MS, end_ns=end * MS)


NESTED = [
    span("runtime", "create", 40, 70),
    span("supervisor", "start", 35, 80),
    span("daemon", "POST /containers/{id}/start", 30, 85),
    span("rest", "POST /containers/" + "ab" * 32 + "/start", 25, 90),
    span("client", "pyctl run", 0, 100),
]


def test_steps_are_in_order_with_their_milliseconds() -> None:
    lines = waterfall(NESTED).splitlines()
    assert [line.split()[0] for line in lines[1:6]] == ["client", "REST", "daemon", "supervisor", "runtime"]
    assert lines[1].split()[3:6] == ["0.00", "100.00", "ms"]
    assert "create" in lines[5]
    assert "40.00" in lines[5]
    assert "30.00 ms" in lines[5]


def test_bars_lie_where_the_steps_are() -> None:
    client, *_, runtime = (line.partition(" ms  ")[2] for line in waterfall(NESTED).splitlines()[1:6])
    assert client == "█" * 40
    assert runtime == " " * 16 + "█" * 12


def test_ids_are_short_in_it() -> None:
    assert "/containers/abababababab/start" in waterfall(NESTED)


def test_each_layer_s_own_time() -> None:
    summary = waterfall(NESTED).splitlines()[-5:]
    assert [line.split(" ms")[0].split()[-1] for line in summary] == ["35.00", "10.00", "10.00", "15.00", "30.00"]


def test_nothing_recorded() -> None:
    assert waterfall([]) == "no spans"


@given(st.lists(st.tuples(st.sampled_from(list(LAYERS)), st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1))
def test_own_times_add_up_to_what_any_layer_covers(drawn: list[tuple[str, int, int]]) -> None:
    spans = [span(layer, "step", start, start + length) for layer, start, length in drawn]
    total = 0
    end = -1
    for start, stop in sorted((s.start_ns, s.end_ns) for s in spans):
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    own = [float(line.split(" ms")[0].split()[-1]) for line in waterfall(spans).splitlines()[-5:]]
    assert abs(sum(own) - total / MS) < 0.1
