"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.supervisor.embedding.traces import remaining

pytest_plugins = ("pytester",)

PLUGIN = ("-p", "pytest_pycontainerd", "-p", "no:asyncio", "-p", "no:cacheprovider", "-W", "error")


@pytest.fixture(autouse=True)
def _runs_are_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytester gives its runs another HOME; what they leave is to be found in this run's directory all the same."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "")


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*PLUGIN, *arguments)


def left_in(directory: str) -> list[str]:
    return [path for path in os.listdir(directory) if path.startswith("pycontainerd-")]


def test_nothing_happens_unless_a_fixture_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            assert "pytest_pycontainerd" in sys.modules
            assert [name for name in sys.modules if name.partition(".")[0] in ("pycontainerd", "pyrunc", "attr")] == []
        """
    )
    run(pytester).assert_outcomes(passed=1)


def test_installing_the_package_installs_the_plugin() -> None:
    (found,) = [each for each in entry_points(group="pytest11") if each.value.startswith("pytest_pycontainerd")]
    assert found.name == found.value == PLUGIN[1]


def test_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from pycontainerd.testing import Port

        def test_container(container):
            echo = container("host", "busybox", "nc", "-ll", "-p", "7000", "-e", "cat", ready=Port(7000))
            with echo.connect(7000) as connection:
                connection.sendall(b"hello")
                assert connection.recv(5) == b"hello"

        def test_supervisor_is_one_and_the_same(supervisor, container):
            assert supervisor.containers.list() == []
            assert supervisor.ephemeral

        def test_session(session_container, supervisor):
            made = session_container("host", "sleep", "100", name="shared")
            assert [each.id for each in session_container] == [made.id]

        def test_session_again(session_container, supervisor):
            assert supervisor.containers.get("shared").info().running
        """
    )
    run(pytester, "-v").assert_outcomes(passed=4)
    assert left_in(os.environ["TMPDIR"]) == []


def test_logs_of_a_failed_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pycontainerd.testing import LogLine

        @pytest.fixture(scope="module")
        def shared(session_container):
            return session_container("host", "sh", "-c", "echo before any test; cat; sleep 1; echo $((40 + 2)); sleep 100", name="shared",
                                     ready=LogLine("before"))

        def test_warm(shared):
            pass

        def test_failing(container, shared):
            container("host", "sh", "-c", "echo clue number $((1 + 1)); echo and $((1 + 2)) >&2; sleep 100", name="mine", ready=LogLine("and"))
            shared.until_ready(LogLine("42"))
            assert False

        def test_passing(container):
            container("host", "echo", "not", "worth", "telling").wait()

        @pytest.fixture
        def broken(container):
            container("host", "sh", "-c", "echo broken $((10 + 1)); exit 3", name="brk", ready=LogLine("never"))

        def test_error(broken):
            pass
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=2, failed=1, errors=1)
    said = result.stdout.str()
    result.stdout.fnmatch_lines(["*- container mine (host) -*", "clue number 2", "and 3", "(running, exit code 0)"])
    result.stdout.fnmatch_lines(["*- container shared (host) -*", "42"])
    result.stdout.fnmatch_lines(["*- container brk (host) -*", "broken 11", "(exited, exit code 3)"])
    assert "not worth telling" not in said
    assert said.count("\nbefore any test\n") == 0


@pytest.mark.slow
def test_in_several_workers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, time
        import pytest
        from pycontainerd.testing import Port

        @pytest.mark.parametrize("number", range(6))
        def test_workers(container, supervisor, number, tmp_path_factory):
            made = container("host", "busybox", "nc", "-ll", "-p", "7000", "-e", "cat", ready=Port(7000), name="same")
            assert [each.id for each in supervisor.containers.list()] == [made.id]
            shared = tmp_path_factory.getbasetemp().parent / os.environ["PYTEST_XDIST_WORKER"]
            shared.write_text(str(supervisor.root))
            others = [path for path in shared.parent.glob("gw*") if path.is_file() and path != shared]
            assert all(path.read_text() != str(supervisor.root) for path in others)
            assert number != 3, "on purpose"
        """
    )
    result = run(pytester, "-n", "2")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*- container same (host) -*"])
    assert left_in(os.environ["TMPDIR"]) == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
@pytest.mark.parametrize("whom", ["all", "first"])
def test_a_killed_run_leaves_nothing(
    pytester: pytest.Pytester, tmp_short: Path, workers: tuple[str, ...], whom: str
) -> None:
    """``all``: everything in the run's process group, the workers of xdist too, as a CI system kills."""
    pytester.makepyfile(
        """
        import json, os, time
        from pathlib import Path
        import pytest

        @pytest.mark.parametrize("number", range(2))
        def test_endless(container, supervisor, number):
            made = container("host", "sh", "-c", "sleep 1000 & wait")
            said = {"root": str(supervisor.root), "cgroup": supervisor.cgroup_parent, "pids": [each.pid for each in made.top()], "me": os.getpid()}
            place = Path(os.environ["TOLD"], f"{os.getpid()}.json")
            place.with_suffix(".new").write_text(json.dumps(said))
            place.with_suffix(".new").rename(place)
            time.sleep(1000)
        """
    )
    environment = {**os.environ, "TOLD": str(tmp_short)}
    command = [sys.executable, "-m", "pytest", *PLUGIN, *workers]
    with subprocess.Popen(
        command,
        cwd=pytester.path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        wanted = 2 if workers else 1
        deadline = time.monotonic() + 60
        while len(told := list(tmp_short.glob("*.json"))) < wanted:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        if whom == "all":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    for path in told:
        said = json.loads(path.read_text())
        assert said["pids"]
        assert remaining(Path(said["root"]), said["cgroup"], [*said["pids"], said["me"]]) == []
        assert not Path(said["root"]).exists()
