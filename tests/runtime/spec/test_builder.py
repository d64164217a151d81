"""Spec.default() and the few methods that make a specification in a few lines."""

from __future__ import annotations

from pathlib import Path

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
