"""Spec.default() and the few methods that make a specification in a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyrunc.seccomp import with_default_profile
from pyrunc.spec import Spec


def test_a_few_lines_make_a_specification(tmp_path: Path) -> None:
    spec = (
        Spec.default()
        .with_args("echo", "hi")
        .with_root(tmp_path, readonly=True)
        .with_env(TERM="dumb", LANG="C.UTF-8")
        .with_user(1000, 100, (5,))
        .with_mount("/data", "bind", "/srv", ("rbind", "ro"))
        .with_limits(memory=1 << 20, pids=10)
        .with_limits(memory=1 << 21)
    )
    document = Spec.load(spec.to_json()).to_json()
    assert document["root"] == {"path": str(tmp_path), "readonly": True}
    process, linux = document["process"], document["linux"]
    assert isinstance(process, dict)
    assert isinstance(linux, dict)
    assert process["args"] == ["echo", "hi"]
    assert "terminal" not in process
    assert process["user"] == {"uid": 1000, "gid": 100, "additionalGids": [5]}
    assert process["env"][1:] == ["TERM=dumb", "LANG=C.UTF-8"]
    assert linux["resources"]["memory"] == {"limit": 1 << 21}
    assert linux["resources"]["pids"] == {"limit": 10}
    assert len(linux["namespaces"]) == 6


def test_the_last_variable_of_a_name_counts() -> None:
    process = Spec.default().with_process(env=("A=1", "B=2", "A=3")).process
    assert process is not None
    assert process.variable("A") == "3"
    assert process.variable("AA") is None


def test_all_that_is_said_in_one_word() -> None:
    spec = with_default_profile(
        Spec.default()
        .with_bind("/data", "/srv", readonly=True)
        .with_bind("/work", Path("/srv/work"))
        .with_tmpfs("/scratch", size=1 << 20)
        .with_hostname("web")
        .with_annotations({"a": "1", "b": "2"})
        .with_annotations({"a": "3"})
        .with_capabilities("CAP_KILL")
        .with_hook("createRuntime", "/bin/one", "x", timeout=5)
        .with_hook("createRuntime", "/bin/two")
        .with_namespace("network", "/run/netns/a")
        .without_namespace("ipc")
        .with_user_namespace(100000, 200000)
        .with_limits(cpus=0.5)
    )
    document = Spec.load(spec.to_json()).to_json()
    linux: Any = document["linux"]
    mounts: Any = document["mounts"]
    assert [(mount["destination"], mount["options"]) for mount in mounts[-3:]] == [
        ("/data", ["rbind", "rro"]),
        ("/work", ["rbind"]),
        ("/scratch", ["nosuid", "nodev", "mode=1777", "size=1048576"]),
    ]
    assert (document["hostname"], document["annotations"]) == ("web", {"a": "3", "b": "2"})
    assert document["hooks"] == {
        "createRuntime": [
            {"path": "/bin/one", "args": ["/bin/one", "x"], "timeout": 5},
            {"path": "/bin/two", "args": ["/bin/two"]},
        ]
    }
    kinds = {entry["type"]: entry.get("path") for entry in linux["namespaces"]}
    assert kinds == {
        **dict.fromkeys(("pid", "uts", "mount", "cgroup", "user")),
        "network": "/run/netns/a",
    }
    assert linux["uidMappings"] == [{"containerID": 0, "hostID": 100000, "size": 65536}]
    assert linux["gidMappings"] == [{"containerID": 0, "hostID": 200000, "size": 65536}]
    assert linux["resources"]["cpu"] == {"quota": 50000, "period": 100000}
    assert linux["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"


def test_without_a_uts_namespace_there_is_no_name() -> None:
    assert Spec.load(Spec.default().without_namespace("uts").to_json()).hostname == ""


def test_a_point_that_is_none() -> None:
    with pytest.raises(ValueError, match="there is no hook point 'afterwards'"):
        Spec.default().with_hook("afterwards", "/bin/true")
