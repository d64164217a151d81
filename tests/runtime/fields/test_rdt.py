"""linux.intelRdt. No machine of the tests has resctrl: what is written is read back from a directory in its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Facts, Runtime, Stdio, facts
from pyrunc.compile import RdtGroup
from pyrunc.facts import parse_resctrl
from pyrunc.resctrl import created, join, leave
from pyrunc.spec import IntelRdt
from tests.runtime.fields.conftest import Inside, linux


def test_without_resctrl_it_is_refused(runtime: Runtime, inside: Inside) -> None:
    spec = linux(intel_rdt=IntelRdt(schemata=("L3:0=f",)))(inside.spec("say(1)"))
    with pytest.raises(pyrunc.Unsupported, match=r"linux\.intelRdt: no resctrl file system is mounted"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    assert runtime.ids() == []


@pytest.fixture
def resctrl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that this process takes for resctrl."""
    directory = tmp_path / "resctrl"
    (directory / "info").mkdir(parents=True)
    monkeypatch.setattr(facts, "_probed", (os.getpid(), evolve(Facts.probe(), resctrl=str(directory))))
    return directory


def empty(directory: Path) -> None:
    """As the kernel does, whose files are no obstacle to removing a group."""
    for file in directory.rglob("*"):
        if file.is_file():
            file.unlink()


def test_the_container_is_put_into_a_group_of_its_own(runtime: Runtime, inside: Inside, resctrl: Path) -> None:
    rdt = IntelRdt(
        schemata=("L2:0=3",), l3_cache_schema="L3:0=7f\nMB:0=10\n", mem_bw_schema="MB:0=20", enable_monitoring=True
    )
    spec = linux(intel_rdt=rdt)(inside.spec("say(1)"))
    # mkdir in resctrl makes the groups' own directory mon_groups; here the test does.
    (resctrl / "web/mon_groups").mkdir(parents=True)
    (resctrl / "web/schemata").write_text("    L3:0=07f\n    MB:0=20\n    L2:0=03\n")
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    assert (resctrl / "web/tasks").read_text() == str(container.pid)
    assert (resctrl / "web/mon_groups/web/tasks").read_text() == str(container.pid)
    empty(resctrl / "web/mon_groups")
    container.delete()
    assert not (resctrl / "web/mon_groups/web").exists()


def test_update_changes_the_shares_of_its_group(runtime: Runtime, inside: Inside, resctrl: Path) -> None:
    (resctrl / "web").mkdir()
    (resctrl / "web/schemata").write_text("    L3:0=7f\n    MB:0=20\n")
    spec = linux(intel_rdt=IntelRdt(l3_cache_schema="L3:0=7f", mem_bw_schema="MB:0=20"))(inside.spec("say(1)"))
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    container.update(intel_rdt=IntelRdt(l3_cache_schema="L3:0=3"))
    assert (resctrl / "web/schemata").read_text() == "L3:0=3\nMB:0=20\n"
    (resctrl / "web/schemata").unlink()
    (resctrl / "web/schemata").mkdir()  # stands for shares that the kernel refuses
    with pytest.raises(pyrunc.CgroupError, match=r"linux\.intelRdt\.schemata: .*/web/schemata"):
        container.update(intel_rdt=IntelRdt(mem_bw_schema="MB:0=99"))
    kept = container.spec().linux
    assert kept is not None
    assert kept.intel_rdt == IntelRdt(l3_cache_schema="L3:0=3", mem_bw_schema="MB:0=20")
    container.delete(force=True)


def test_a_container_without_a_group_has_no_shares_to_change(runtime: Runtime, inside: Inside, resctrl: Path) -> None:
    container = runtime.create("web", inside.bundle.path, spec=inside.spec("say(1)"), stdio=Stdio.null())
    with pytest.raises(pyrunc.SpecError, match=r"linux\.intelRdt: the container was made without it"):
        container.update(intel_rdt=IntelRdt(mem_bw_schema="MB:0=20"))
    container.delete(force=True)


def test_a_new_group_gets_its_shares_and_goes(tmp_path: Path) -> None:
    group = RdtGroup(directory=str(tmp_path / "web"), schemata=("L3:0=f", "MB:0=20"), own=True)
    join(group, 42)
    assert (tmp_path / "web/schemata").read_text() == "L3:0=f\nMB:0=20\n"
    assert (tmp_path / "web/tasks").read_text() == "42"
    empty(tmp_path / "web")
    leave(created(group))
    assert not (tmp_path / "web").exists()


def test_a_shared_group_must_have_these_shares_and_stays(tmp_path: Path) -> None:
    (tmp_path / "gold").mkdir()
    (tmp_path / "gold/schemata").write_text("    MB:0=100;1= 70\n    L3:0=00f;1=3\n")
    join(RdtGroup(directory=str(tmp_path / "gold"), schemata=("L3:0=f;1=3", "MB:1=70"), own=False), 42)
    other = RdtGroup(directory=str(tmp_path / "gold"), schemata=("L3:0=ff",), own=False)
    with pytest.raises(pyrunc.SpecError, match=r"linux\.intelRdt\.closID: the group exists, without L3:0=ff"):
        join(other, 42)
    assert created(other) == ()
    assert "L3:0=00f" in (tmp_path / "gold/schemata").read_text()


def test_what_the_kernel_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "info").mkdir()
    (tmp_path / "info/last_cmd_status").write_text("mask out of range\n")
    (tmp_path / "web").mkdir()
    (tmp_path / "web/schemata").write_text("")
    (tmp_path / "web/tasks").mkdir()  # stands for anything that cannot be written
    with pytest.raises(pyrunc.CgroupError, match=r"linux\.intelRdt: .*/web/tasks: mask out of range: EISDIR"):
        join(RdtGroup(directory=str(tmp_path / "web"), schemata=(), own=True), 42)
    assert (tmp_path / "web").exists(), "it was there before"


def test_the_mount_is_found() -> None:
    line = "36 25 0:31 / /sys/fs/resctrl rw,relatime shared:9 - resctrl resctrl rw\n"
    assert parse_resctrl("25 1 8:1 / / rw - ext4 /dev/vda rw\n" + line) == "/sys/fs/resctrl"
    assert parse_resctrl("") == ""
