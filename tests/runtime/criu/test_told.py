"""What criu is told: which mounts and files come from outside, and the options; and what is told of criu's failures."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

import pyrunc
from pyrunc import CheckpointOptions, RestoreOptions, Runtime, StateError, Stdio
from pyrunc.criu.dump import bind_sources
from pyrunc.criu.images import Outside, outside, outside_mounts
from pyrunc.criu.program import reasons
from tests.runtime.conftest import Bundle

MOUNTINFO = r"""
100 99 254:1 /srv/root / ro,relatime - ext4 /dev/vda1 rw
101 100 0:50 / /proc rw - proc proc rw
102 100 0:51 / /dev rw,nosuid - tmpfs tmpfs rw,mode=755
103 102 0:52 / /dev/pts rw - devpts devpts rw
104 100 0:30 /../pyrunc/web /sys/fs/cgroup ro - cgroup2 cgroup rw
105 100 254:1 /var/lib/data /data rw - ext4 /dev/vda1 rw
106 100 254:1 /srv/root/etc/x /etc/x rw - ext4 /dev/vda1 rw
107 100 0:22 /hosts /etc/hosts\040file rw - tmpfs tmpfs rw
108 101 0:50 /sys /proc/sys ro - proc proc rw
109 101 0:6 /null /proc/kcore ro - devtmpfs udev rw
110 101 0:60 / /proc/acpi ro - tmpfs tmpfs ro
""".strip()


def test_mounts_from_outside() -> None:
    assert outside_mounts(MOUNTINFO) == ["/data", "/etc/hosts file", "/proc/kcore"]


def test_they_have_names_and_sources(tmp_path: Path) -> None:
    found = Outside({"/data": "/var/lib/data"}, ("", "pipe:[7]", "file[1f:2a]"))
    assert list(found.dump_arguments()) == ["--external", "mnt[/data]:/data", "--external", "file[1f:2a]"]
    found.save(str(tmp_path))
    assert json.loads((tmp_path / "descriptors.json").read_text()) == ["", "pipe:[7]", "file[1f:2a]"]
    loaded = Outside.load(str(tmp_path))
    assert list(loaded.restore_arguments({}, (10, 11, 12))) == [
        *("--external", "mnt[/data]:/var/lib/data"),
        *("--inherit-fd", "fd[11]:pipe:[7]", "--inherit-fd", "fd[12]:file[1f:2a]"),
    ]
    assert "mnt[/data]:/new" in list(loaded.restore_arguments({"/data": "/new"}, (10, 11, 12)))


def test_images_of_somebody_else(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="not the images of a checkpoint by pyrunc"):
        Outside.load(str(tmp_path))
    for text in ("{", "[]", '{"mounts": 3, "files": []}'):
        (tmp_path / "pyrunc.json").write_text(text)
        with pytest.raises(StateError, match="is damaged"):
            Outside.load(str(tmp_path))


def test_sources_of_bind_mounts(bundle: Bundle) -> None:
    spec = bundle.spec("x").with_mount("/a/", "bind", source="/srv/a", options=("rbind",))
    spec = spec.with_mount("b", "none", source="rel", options=("bind", "ro")).with_mount("/c", "tmpfs", source="tmpfs")
    assert bind_sources(spec, "/bundle") == {"/a": "/srv/a", "/b": "/bundle/rel"}


def test_options() -> None:
    assert CheckpointOptions().arguments() == ["--manage-cgroups=soft"]
    told = CheckpointOptions(
        leave_running=True,
        tcp_established=True,
        file_locks=True,
        empty_ns=("network",),
        page_server="10.0.0.1:99",
        parent_path="../first",
        manage_cgroups="full",
    ).arguments()
    assert told == [
        *("--tcp-established", "--file-locks", "--manage-cgroups=full", "--empty-ns", "net", "--leave-running"),
        *("--track-mem", "--prev-images-dir", "../first", "--page-server", "--address", "10.0.0.1", "--port", "99"),
    ]
    lazy = CheckpointOptions(lazy_pages=True, page_server="[::1]:99", status_fd=5).arguments()
    assert lazy == ["--lazy-pages", "--manage-cgroups=soft", "--address", "[::1]", "--port", "99", "--status-fd", "5"]
    assert RestoreOptions(lsm_profile="apparmor:x").arguments()[-2:] == ["--lsm-profile", "apparmor:x"]


def test_what_criu_said(tmp_path: Path) -> None:
    (tmp_path / "dump.log").write_text(
        "(00.1) all is well\n(00.2) Error (criu/mount.c:10): mnt: Mount 5 is strange\n(00.3) Error (criu/cr-dump.c:9): Dumping FAILED.\n"
    )
    assert reasons(str(tmp_path / "dump.log")) == "mnt: Mount 5 is strange; Dumping FAILED."
    assert reasons(str(tmp_path / "nosuch")) == ""


def test_standard_descriptors(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.pipes())
    found = outside(container.pid, {})
    container.delete()
    assert all(name.startswith("pipe:[") for name in found.files[1:])


def test_without_criu_it_is_named(runtime: Runtime, bundle: Bundle, tmp_path: Path) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    with pytest.raises(pyrunc.InvalidState, match="cannot checkpoint container 'web': it is created"):
        container.checkpoint(tmp_path / "images")
    container.start()
    with pytest.raises(pyrunc.MissingLibrary, match="install the package criu"):
        container.checkpoint(tmp_path / "images", CheckpointOptions(program="/nosuch/criu"))
    assert container.state().status.value == "running"
    container.delete(force=True)


def test_a_restore_that_fails_leaves_nothing(runtime: Runtime, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="not the images of a checkpoint"):
        runtime.restore("web", bundle.path, tmp_path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    Outside({}, ()).save(str(tmp_path))
    for monitor, stdio in ((False, Stdio.pipes()), (True, Stdio.pipes()), (True, Stdio.null())):
        for program, kind, told in (
            ("false", pyrunc.CriuFailed, r"criu restore failed: exit code 1; see .*/restore\.log"),
            ("/nosuch/criu", pyrunc.MissingLibrary, "install the package criu"),
        ):
            options = RestoreOptions(program=program)
            with pytest.raises(kind, match=told):
                runtime.restore(
                    "web",
                    bundle.path,
                    tmp_path,
                    spec=bundle.spec("x"),
                    stdio=stdio,
                    options=options,
                    monitor=monitor,
                )
            assert runtime.ids() == []


def test_a_monitor_goes_over_to_the_process_that_was_restored(runtime: Runtime, bundle: Bundle, tmp_path: Path) -> None:
    """By a program in criu's place: it leaves a process as its sibling, with what it was given, and ends."""
    criu = tmp_path / "criu"
    criu.write_text(f"#!{sys.executable}\n{SIBLING}")
    criu.chmod(0o755)
    Outside({}, ("", "pipe:[7]", "pipe:[8]")).save(str(tmp_path))
    spec = bundle.spec("x")
    for seconds, signal in ((30, 15), (0, None)):  # the second has ended before the program that made it
        options = RestoreOptions(program=str(criu), lsm_profile=f"apparmor:{seconds}")
        kept = runtime.restore(
            "web", bundle.path, tmp_path, spec=spec, stdio=Stdio.pipes(), options=options, monitor=True
        )
        found = runtime.get("web")
        with found.streams() as streams:
            assert streams.stdout is not None
            assert os.read(streams.stdout, 100) == b"restored\n"
        if seconds:
            assert (found.pid, found.state().status.value) == (kept.pid, "running")
            found.kill("TERM")
        assert (found.wait(10).signal, found.wait(10).code) == (signal, 143 if signal else 7)
        found.delete()


SIBLING = """
import ctypes, os, signal, sys, time
words = sys.argv
number = int(words[words.index("--inherit-fd") + 1][3:].partition("]")[0])
seconds = int(words[words.index("--lsm-profile") + 1].partition(":")[2])
pid_file = words[words.index("--pidfile") + 1]
assert os.path.isdir(words[words.index("--root") + 1] + "/bin")
pid = ctypes.CDLL(None).syscall(56, 0x8000 | signal.SIGCHLD, 0, 0, 0, 0)  # clone(CLONE_PARENT)
if pid == 0:
    os.write(number, b"restored\\n")
    time.sleep(seconds)
    os._exit(7)
with open(pid_file, "w") as file:
    file.write(str(pid))
if not seconds:
    time.sleep(0.5)
"""


def test_a_terminal_cannot_be_given_back(runtime: Runtime, bundle: Bundle, tmp_path: Path) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60", terminal=True), monitor=True)
    container.start()
    with pytest.raises(pyrunc.Unsupported, match=r"process\.terminal"):
        container.checkpoint(tmp_path / "images")
    container.delete(force=True)
