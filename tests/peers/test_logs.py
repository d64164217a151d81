"""``docker logs`` and ``docker attach``: what was written, when, and as it comes."""

from __future__ import annotations

import json
import re
import time

from .conftest import Engine

SHELL = ("--network", "none", "busybox", "sh", "-c")


def test_streams_tail_and_timestamps(engine: Engine) -> None:
    engine.ok("run", "--name", "spoke", *SHELL, "for i in 1 2 3 4 5; do echo $i; done; echo e >&2")
    result = engine.docker("logs", "spoke")
    assert (result.stdout, result.stderr) == ("1\n2\n3\n4\n5\n", "e\n")
    stamped = engine.ok("logs", "--timestamps", "spoke").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z \d$", line) for line in stamped), stamped
    tail = engine.docker("logs", "--tail", "2", "spoke")
    assert len((tail.stdout + tail.stderr).split()) == 2


def test_since_and_until(engine: Engine) -> None:
    engine.ok("run", "--name", "slow", *SHELL, "echo a; sleep 1.2; echo b")
    second = engine.ok("logs", "--timestamps", "slow").splitlines()[1].split()[0]
    assert engine.ok("logs", "--since", second, "slow") == "b"
    assert engine.ok("logs", "--until", second[:-4] + "000Z", "slow") == "a"


def test_follow_ends_with_the_container(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "talks", *SHELL, "for i in 1 2 3; do echo $i; sleep 0.2; done")
    started = time.monotonic()
    assert engine.ok("logs", "-f", "talks") == "1\n2\n3"
    assert time.monotonic() - started < 20


def test_long_and_unfinished_lines(engine: Engine) -> None:
    engine.ok("run", "--name", "long", *SHELL, "head -c 40000 /dev/zero | tr '\\0' x; echo; printf end")
    assert engine.docker("logs", "long").stdout == "x" * 40000 + "\nend"


def test_attach_with_input(engine: Engine) -> None:
    engine.ok("run", "-d", "-i", "--name", "ear", *SHELL, "read line; echo heard $line; exit 6")
    attached = engine.popen("attach", "ear")
    assert attached.stdin is not None
    attached.stdin.write("hello\n")
    attached.stdin.flush()
    assert attached.wait(20) == 6
    assert attached.communicate()[0] == "heard hello\n"


def test_a_container_that_does_not_wait_for_its_log(engine: Engine) -> None:
    hasty = ("--log-opt", "mode=non-blocking", "--log-opt", "max-buffer-size=2m")
    engine.ok("run", "--name", "hasty", *hasty, *SHELL, "seq 3000; echo e >&2")
    result = engine.docker("logs", "hasty")
    assert (result.stdout.split(), result.stderr) == ([str(n) for n in range(1, 3001)], "e\n")
    options = json.loads(engine.ok("inspect", "-f", "{{json .HostConfig.LogConfig.Config}}", "hasty"))
    assert options == {"mode": "non-blocking", "max-buffer-size": "2m"}
    refused = engine.docker("run", "--log-opt", "max-buffer-size=2m", *SHELL, "true")
    assert (refused.returncode, "max-buffer-size" in refused.stderr) == (125, True)
