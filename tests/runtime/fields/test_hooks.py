"""hooks: each point's namespaces, order, input, time limit, and what becomes of the container when one fails."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Hook, Hooks, RootMount, Runtime, Spec, Stdio
from tests.runtime.conftest import read_all
from tests.runtime.fields.conftest import Inside

POINTS = ("prestart", "create_runtime", "create_container", "start_container", "poststart", "poststop")
BEFORE = POINTS[:3]
"""Those of create."""

NAMES = dict(
    zip(
        POINTS, ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"), strict=True
    )
)

# Says, in one line of a file that is in the host's and the container's sight: which hook, where, and what it has read.
SCRIPT = """
state=$(cat)
echo "$1|$(readlink /proc/self/ns/mnt)|$(readlink /proc/self/ns/uts)|$(readlink /proc/self/ns/net)|$(readlink /proc/self/root)|$([ -e %s ] && echo host)|$A|$state" >> "$2"
"""


def shell(script: str, *words: str, timeout: int | None = None) -> Hook:
    """``/bin/sh`` is at the same place on the host and inside."""
    return Hook(
        path="/bin/sh", args=("sh", "-c", script, "sh", *words), env=("PATH=/usr/bin:/bin", "A=b"), timeout=timeout
    )


def with_hooks(spec: Spec, **points: Hook | tuple[Hook, ...]) -> Spec:
    made: dict[str, Any] = {point: hook if isinstance(hook, tuple) else (hook,) for point, hook in points.items()}
    return evolve(spec, hooks=Hooks(**made))


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """What the hooks say. In the container it is at the same place."""
    directory = tmp_path / "said"
    directory.mkdir()
    return directory / "lines"


def seeing(inside: Inside, said: Path, code: str = "pass") -> Spec:
    return inside.spec(code).with_mount(str(said.parent), "bind", str(said.parent), ("bind",))


def lines(said: Path) -> list[list[str]]:
    return [line.split("|", 7) for line in said.read_text().splitlines()] if said.exists() else []


def test_order_namespaces_and_state(runtime: Runtime, inside: Inside, said: Path) -> None:
    marker = said.parent.parent  # of the host alone, but for what is bound from it
    (marker / "host-only").touch()
    script = SCRIPT % (marker / "host-only")
    two = {point: (shell(script, f"{point}-1", str(said)), shell(script, f"{point}-2", str(said))) for point in POINTS}
    spec = evolve(with_hooks(seeing(inside, said, "import time; time.sleep(60)"), **two), annotations={"a": "@PID@"})
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    pid = container.pid
    namespaces = [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("mnt", "uts", "net")]
    assert [line[0] for line in lines(said)] == [f"{point}-{n}" for point in BEFORE for n in (1, 2)]
    container.start()
    container.delete(force=True)
    told = lines(said)
    assert [line[0] for line in told] == [f"{point}-{n}" for point in POINTS for n in (1, 2)]
    host = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("mnt", "uts", "net")]
    status = dict(zip(POINTS, ("creating", "creating", "creating", "created", "running", "stopped"), strict=True))
    for name, *where, root, on_host, environment, state in told:
        point = name.split("-")[0]
        contained = point in ("create_container", "start_container")
        assert where == (namespaces if contained else host), name
        # A hook of createContainer has its program from outside: it runs before the root is changed.
        assert on_host == ("" if point == "start_container" else "host"), name
        assert environment == "b"
        document = json.loads(state)
        assert document["status"] == status[point], name
        assert document["pid"] == (0 if point == "poststop" else pid) or "pid" not in document, name
        assert (document["id"], document["bundle"]) == ("web", str(inside.bundle.path))
        assert document["annotations"] == {"a": "@PID@"}
        assert document["ociVersion"] == spec.oci_version
        assert root == "/"


def test_the_root_is_there_but_not_entered_at_create_container(
    runtime: Runtime, inside: Inside, said: Path, loose_root: Path
) -> None:
    """So it can still change the container's mounts: what it binds there is seen inside."""
    (said.parent / "source").write_text("from a hook")
    target = loose_root / "etc/given"
    target.touch()
    hook = shell('mount --bind "$1" "$2"', str(said.parent / "source"), str(target))
    spec = with_hooks(inside.spec('say(read("/etc/given"))', loose_root), create_container=hook)
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.pipes())
    assert target.read_text() == "", "not on the host"
    with container.streams() as streams:
        container.start()
        assert json.loads(read_all(streams.stdout)) == "from a hook"
    container.wait(10)
    container.delete()


@pytest.mark.parametrize("point", BEFORE)
@pytest.mark.parametrize("monitor", [False, True])
def test_create_fails_with_a_hook_before_it(
    runtime: Runtime, inside: Inside, said: Path, point: str, monitor: bool
) -> None:
    """The others are not run, the container is gone, and its poststop hooks are run (runtime.md, Lifecycle)."""
    fails = shell("echo the reason >&2; exit 3")
    after = shell('echo ran >> "$1"', str(said))
    stop = shell('echo stopped >> "$1"', str(said))
    spec = with_hooks(inside.spec("pass"), **{point: (fails, after)}, poststop=stop)
    with pytest.raises(pyrunc.HookFailed, match="the reason") as caught:
        runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null(), monitor=monitor)
    assert caught.value.path == f"hooks.{NAMES[point]}[0]"
    assert runtime.ids() == []
    assert said.read_text() == "stopped\n"


@pytest.mark.parametrize("point", ["start_container", "poststart"])
@pytest.mark.parametrize("monitor", [False, True])
def test_start_fails_with_a_hook_after_create(
    runtime: Runtime, inside: Inside, said: Path, point: str, monitor: bool
) -> None:
    """The container is deleted, as after a hook of create."""
    spec = with_hooks(
        seeing(inside, said, "import time; time.sleep(60)"),
        **{point: (shell("echo the reason >&2; exit 3"), shell('echo ran >> "$1"', str(said)))},
        poststop=shell('echo stopped >> "$1"', str(said)),
    )
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null(), monitor=monitor)
    with pytest.raises(pyrunc.HookFailed, match="the reason") as caught:
        container.start()
    assert caught.value.path == f"hooks.{NAMES[point]}[0]"
    assert runtime.ids() == []
    assert said.read_text() == "stopped\n"


def test_a_poststop_hook_that_fails_is_a_warning(
    runtime: Runtime, inside: Inside, said: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spec = with_hooks(inside.spec("pass"), poststop=(shell("echo bad; exit 1"), shell('echo ran >> "$1"', str(said))))
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    with caplog.at_level(logging.WARNING, "pyrunc"):
        container.delete()
    assert "hooks.poststop[0] /bin/sh: exit status 1: bad" in caplog.text
    assert said.read_text() == "ran\n"
    assert runtime.ids() == []


@pytest.mark.parametrize("point", ["create_runtime", "create_container", "start_container", "poststart"])
def test_time_limit(runtime: Runtime, inside: Inside, point: str) -> None:
    spec = with_hooks(inside.spec("import time; time.sleep(60)"), **{point: shell("sleep 50", timeout=1)})

    def both() -> None:
        runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null()).start()

    with pytest.raises(pyrunc.HookFailed, match="took longer than 1 seconds") as caught:
        both()
    assert caught.value.path == f"hooks.{NAMES[point]}[0]"
    assert runtime.ids() == []


@pytest.mark.parametrize("point", POINTS[:5])
def test_a_hook_that_is_not_there(runtime: Runtime, inside: Inside, point: str) -> None:
    spec = with_hooks(inside.spec("pass"), **{point: Hook(path="/no/such/hook")})
    with pytest.raises(pyrunc.HookFailed, match="/no/such/hook"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null()).start()
    assert runtime.ids() == []


@pytest.mark.parametrize("point", POINTS[:5])
def test_a_hook_that_reads_nothing_and_one_that_writes_much(runtime: Runtime, inside: Inside, point: str) -> None:
    hooks = (Hook(path="/bin/true"), shell("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2"))
    spec = with_hooks(inside.spec("pass"), **{point: hooks})
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    container.start()
    assert container.wait(20).code == 0
    container.delete()


def test_arguments_are_the_paths_own_where_there_are_none(runtime: Runtime, inside: Inside, said: Path) -> None:
    program = said.parent / "hook"
    program.write_text(f'#!/bin/sh\necho "$0 $#" > {said}\n')
    program.chmod(0o755)
    spec = with_hooks(inside.spec("pass"), create_runtime=Hook(path=str(program)))
    runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null()).delete()
    assert said.read_text() == f"{program} 0\n"


@pytest.mark.parametrize("options", [{"init": True}, {"no_new_keyring": True}, {"init": True, "no_new_keyring": True}])
def test_the_right_hook_is_named_however_it_was_made(
    runtime: Runtime, inside: Inside, options: dict[str, bool], tmp_path: Path
) -> None:
    """Also where the root was mounted for the container: its plan is longer then than the specification alone makes it."""
    (tmp_path / "root").mkdir()
    mounts = (RootMount("bind", str(inside.root), ("rbind",)),) if "init" in options else ()
    hooks = (shell("exit 0"), shell("exit 0"), shell("exit 7"), shell("exit 0"))
    spec = with_hooks(inside.spec("pass", tmp_path / "root" if mounts else inside.root), start_container=hooks)
    container = runtime.create(
        "web",
        inside.bundle.path,
        spec=spec,
        stdio=Stdio.null(),
        root_mounts=mounts,
        **options,  # type: ignore[arg-type]
    )
    with pytest.raises(pyrunc.HookFailed, match=r"hooks\.startContainer\[2\] /bin/sh: exit status 7"):
        container.start()
