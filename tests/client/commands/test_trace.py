"""``run --trace`` against a real daemon."""

from __future__ import annotations

import re

from tests.client.commands.conftest import Pair

LINE = re.compile(r"(client|REST call|daemon|supervisor|runtime) +(.+?) +(\d+\.\d\d) +(\d+\.\d\d) ms  ( *█+)")
SUMMARY = re.compile(r"(client|REST call|daemon|supervisor|runtime) +(\d+\.\d\d) ms  in (\d+) steps?")


def test_five_layers_inside_each_other(pair: Pair) -> None:
    result = pair.daemon.pyctl("run", "--rm", "--trace", "busybox", "echo", "hi")
    assert (result.returncode, result.stdout) == (0, "hi\n")
    steps = [(layer, name, float(at), float(took)) for layer, name, at, took, _ in LINE.findall(result.stderr)]
    start = {layer: next((s for s in steps if s[0] == layer and "start" in s[1]), None) for layer, *_ in steps}
    ends = {layer: (step[2], step[2] + step[3]) for layer, step in start.items() if step and layer != "client"}
    rest, daemon, supervisor, runtime = (ends[layer] for layer in ("REST call", "daemon", "supervisor", "runtime"))
    # Times are of one clock: what is inside cannot begin earlier nor end later (hundredths of milliseconds are rounded).
    assert rest[0] - 0.02 <= daemon[0] <= supervisor[0] <= runtime[0] + 0.02
    assert runtime[1] - 0.02 <= supervisor[1] <= daemon[1] <= rest[1] + 0.02
    whole = steps[0]
    assert whole[:2] == ("client", "pyctl run")
    assert all(at + took <= whole[3] + 5 for layer, _, at, took in steps if layer != "daemon")


def test_the_sum_is_the_whole(pair: Pair) -> None:
    error = pair.daemon.pyctl("run", "--rm", "--trace", "busybox", "true").stderr
    whole = float(LINE.findall(error)[0][3])
    own = [float(took) for _, took, _ in SUMMARY.findall(error)]
    assert len(own) == 5
    assert all(took > 0 for took in own)
    assert abs(sum(own) - whole) < whole / 10


def test_a_failure_has_its_trace_too(pair: Pair) -> None:
    result = pair.daemon.pyctl("run", "--rm", "--trace", "busybox", "no-such-command")
    assert result.returncode == 127
    assert "executable file not found" in result.stderr
    assert LINE.search(result.stderr)


def test_nothing_is_said_without_it(pair: Pair) -> None:
    assert pair.daemon.pyctl("run", "--rm", "busybox", "true").stderr == ""
