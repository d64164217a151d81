"""Input that is wrong: an error that names the place and the rule, and nothing that stays."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Mount, Root, Runtime, Stdio
from tests.runtime.conftest import Bundle


def create(runtime: Runtime, bundle: Bundle, content: bytes | Mapping[str, Any] | None) -> None:
    if content is not None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (bundle.path / "config.json").write_bytes(data)
    runtime.create("web", bundle.path, stdio=Stdio.null())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"config\.json: cannot be read: .*No such file"),
        (b"", r"config\.json: is not JSON"),
        (b"{", r"config\.json: is not JSON"),
        (b"\xff\xfe", r"config\.json: is not JSON"),
        (b"[]", r"config\.json: expected an object, got \[\]"),
        (b"null", r"config\.json: expected an object, got null"),
        (b"NaN", r"config\.json: is not JSON: NaN"),
        (b"[" * 100_000, r"config\.json: is nested too deeply"),
        (b"{}", r"ociVersion: is required"),
    ],
)
def test_no_configuration(runtime: Runtime, bundle: Bundle, content: bytes | None, said: str) -> None:
    with pytest.raises(pyrunc.SpecError, match=said):
        create(runtime, bundle, content)
    assert runtime.ids() == []


CHANGES: list[tuple[str, Any, str]] = [
    ("ociVersion", "2.0.0", r"ociVersion: expected a 1\.x version"),
    ("ociVersion", "one", r"ociVersion: expected a version"),
    ("ociVersion", 1, r"ociVersion: expected a string, got 1"),
    ("root", None, r"root: is required"),
    ("root.path", 7, r"root\.path: expected a string, got 7"),
    ("root.path", "a\0b", r"root\.path: expected a string without NUL"),
    ("process.args", [], r"process\.args: at least the program's name"),
    ("process.args", "sh", r'process\.args: expected an array, got "sh"'),
    ("process.args", ["sh", 1], r"process\.args\[1\]: expected a string, got 1"),
    ("process.cwd", "here", r"process\.cwd: expected an absolute path"),
    ("process.user.uid", -1, r"process\.user\.uid: expected an integer from 0"),
    ("process.user.uid", True, r"process\.user\.uid: expected an integer, got true"),
    ("process.user.umask", 0o1777, r"process\.user\.umask: expected permission bits"),
    (
        "process.capabilities.bounding",
        ["CAP_FLY"],
        r'process\.capabilities\.bounding\[0\]: unknown capability "CAP_FLY"',
    ),
    ("process.rlimits", [{"type": "RLIMIT_X", "soft": 1, "hard": 1}], r"process\.rlimits\[0\]\.type"),
    (
        "process.rlimits",
        [{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}],
        r"process\.rlimits\[0\]\.soft: expected at most the hard",
    ),
    ("process.oomScoreAdj", 1.5, r"process\.oomScoreAdj: expected an integer, got 1\.5"),
    ("hostname", ["a"], r"hostname: expected a string"),
    ("mounts", {}, r"mounts: expected an array"),
    ("mounts", [{"destination": "/x"}], r"mounts\[0\]\.type: is required"),
    ("mounts", [{"destination": "/x", "type": "bind", "options": ["bind"]}], r"mounts\[0\]\.source: is required"),
    ("linux.namespaces", [{"type": "pid"}, {"type": "pid"}], r"linux\.namespaces\[1\]\.type: pid is there twice"),
    ("linux.namespaces", [{"type": "moon"}], r"linux\.namespaces\[0\]\.type: expected one of"),
    ("linux.namespaces", [{"type": "pid", "path": "ns"}], r"linux\.namespaces\[0\]\.path: expected an absolute path"),
    ("linux.uidMappings", [{"containerID": 0, "hostID": 0, "size": 1}], r"linux\.uidMappings: needs a user namespace"),
    ("linux.resources.memory", {"limit": "1g"}, r'linux\.resources\.memory\.limit: expected an integer, got "1g"'),
    ("linux.resources.pids", {"limit": 2**63}, r"linux\.resources\.pids\.limit: expected an integer from"),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_SING"}, r"linux\.seccomp\.defaultAction: expected one of"),
    ("linux.maskedPaths", ["proc"], r"linux\.maskedPaths\[0\]: expected an absolute path"),
    ("linux.sysctl", {"kernel.shmmax": 1}, r"linux\.sysctl\.kernel\.shmmax: expected a string"),
    ("linux.cgroupsPath", "/", r"linux\.cgroupsPath: '/' is not a cgroup for one container"),
    ("hooks", {"prestart": [{"path": "x"}]}, r"hooks\.prestart\[0\]\.path: expected an absolute path"),
    ("annotations", {"": "x"}, r"annotations: a key must not be empty"),
]


@pytest.mark.parametrize(
    ("place", "value", "said"), CHANGES, ids=[f"{place}-{value}"[:40] for place, value, _ in CHANGES]
)
def test_a_wrong_configuration(runtime: Runtime, bundle: Bundle, place: str, value: object, said: str) -> None:
    document = bundle.spec("true").to_json()
    del document["hostname"]  # it needs a uts namespace, which some of these take away
    *above, name = place.split(".")
    section: Any = document
    for key in above:
        section = section.setdefault(key, {})
    section[name] = value
    with pytest.raises((pyrunc.SpecError, pyrunc.CgroupError), match=said):
        create(runtime, bundle, document)
    assert runtime.ids() == []


@pytest.mark.parametrize("id", ["", ".", "..", "a/b", "../x", "a b", "ä", "a\0", "x" * 256])
def test_a_wrong_name(runtime: Runtime, bundle: Bundle, id: str) -> None:
    with pytest.raises(pyrunc.InvalidId, match="invalid id"):
        runtime.create(id, bundle.path, spec=bundle.spec("true"), stdio=Stdio.null())
    for action in (runtime.get, runtime.delete):
        with pytest.raises(pyrunc.InvalidId):
            action(id)


@pytest.mark.parametrize("monitor", [False, True])
@pytest.mark.parametrize(
    ("command", "kind", "said", "code"),
    [
        ("nosuch", pyrunc.ExecutableNotFound, r'exec: "nosuch": executable file not found in \$PATH', 127),
        ("/no/such", pyrunc.ExecutableNotFound, r'exec: "/no/such": stat /no/such: no such file or directory', 127),
        ("/etc/passwd", pyrunc.ExecutableNotPermitted, r'exec: "/etc/passwd": permission denied', 126),
        ("/etc", pyrunc.ExecutableNotPermitted, r'exec: "/etc": ', 126),
        ("/bin/busybox/x", pyrunc.ExecutableNotFound, r"not a directory", 127),
    ],
)
def test_a_program_that_cannot_be_executed(
    runtime: Runtime,
    bundle: Bundle,
    monitor: bool,
    command: str,
    kind: type[pyrunc.OperationFailed],
    said: str,
    code: int,
) -> None:
    spec = bundle.spec(command, "argument")
    with pytest.raises(kind, match=said) as caught:
        runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null(), monitor=monitor)
    assert caught.value.exit_code == code
    assert runtime.ids() == []


def test_a_program_that_turns_out_to_be_none(runtime: Runtime, bundle: Bundle, own_root: Path) -> None:
    """Only execve itself can tell: then start fails, and the container is stopped."""
    (own_root / "bin/junk").write_bytes(b"\x7fELF junk")
    (own_root / "bin/junk").chmod(0o755)
    spec = bundle.spec("junk", "argument").with_root(own_root)
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    with pytest.raises(pyrunc.ExecutableNotPermitted, match='exec: "junk": exec format error'):
        container.start()
    assert container.state().status is pyrunc.Status.STOPPED
    container.delete()


def test_roots_that_are_none(runtime: Runtime, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    expected = {"file": "ENOTDIR", "one": "ENOTDIR", "missing": "ENOENT"}
    for name, errno in expected.items():
        spec = evolve(bundle.spec("true"), root=Root(path=str(tmp_path / name)))
        with pytest.raises(pyrunc.OperationFailed, match=rf"root\.path .*{name}.*{errno}"):
            runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
        assert runtime.ids() == []


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        (Mount(destination="/x", type="nosuchfs", source="none"), r"mounts\[0\] nosuchfs on /x: ENODEV"),
        (
            Mount(destination="/x", type="bind", source="/no/such", options=("bind",)),
            r"mounts\[0\] bind /no/such on /x: ENOENT",
        ),
        (Mount(destination="/x", type="tmpfs", source="t", options=("size=many",)), r"mounts\[0\] tmpfs on /x: EINVAL"),
        (Mount(destination="/etc/passwd/x", type="tmpfs", source="t"), r"mounts\[0\] tmpfs on /etc/passwd/x: ENOTDIR"),
    ],
)
def test_a_mount_that_fails(runtime: Runtime, bundle: Bundle, own_root: Path, mount: Mount, said: str) -> None:
    spec = evolve(bundle.spec("true"), mounts=(mount,), root=Root(path=str(own_root)))
    with pytest.raises(pyrunc.OperationFailed, match=said):
        runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    assert runtime.ids() == []


def test_links_of_the_image_lead_nowhere_on_the_host(
    runtime: Runtime, bundle: Bundle, own_root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (own_root / "mnt").symlink_to(f"../../../../../../../..{outside}")
    mount = Mount(destination="/mnt/inner", type="tmpfs", source="t")
    spec = evolve(bundle.spec("true"), mounts=(*bundle.spec("true").mounts, mount), root=Root(path=str(own_root)))
    runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null()).delete()
    assert os.listdir(outside) == []
    assert (own_root / str(outside)[1:] / "inner").is_dir(), "what the link names is made, but inside"


def test_unknown_signals(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null())
    for signal in ("NOSUCH", "65", "-9", "", "RTMIN+x"):
        with pytest.raises(ValueError, match="there is no signal"):
            container.kill(signal)
    container.delete()
