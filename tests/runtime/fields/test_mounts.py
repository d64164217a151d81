"""mounts[], root and linux.rootfsPropagation, as /proc/self/mountinfo and the file systems themselves tell of them inside."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Mount, Root, Spec
from pyrunc.spec import IdMapping, Namespace
from tests.runtime.conftest import Bundle, Outcome
from tests.runtime.fields.conftest import Inside, linux, mounted


def tmpfs(*options: str, destination: str = "/mnt") -> Mount:
    return Mount(destination=destination, type="tmpfs", source="t", options=options)


def bind(source: Path | str, *options: str, destination: str = "/mnt") -> Mount:
    return Mount(destination=destination, type="bind", source=str(source), options=options)


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("ro", "ro"),
        ("nosuid", "nosuid"),
        ("nodev", "nodev"),
        ("noexec", "noexec"),
        ("nodiratime", "nodiratime"),
        ("noatime", "noatime"),
        ("nosymfollow", "nosymfollow"),
        ("relatime", "relatime"),
    ],
)
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_words_about_the_mount(inside: Inside, tmp_path: Path, kind: str, word: str, shown: str) -> None:
    wanted = tmpfs(word) if kind == "tmpfs" else bind(tmp_path, "bind", word)
    assert shown in inside('say(mount("/mnt")[0])', mounted(wanted))


@pytest.mark.parametrize(
    ("before", "word", "gone"),
    [
        ("ro", "rw", "ro"),
        ("nosuid", "suid", "nosuid"),
        ("nodev", "dev", "nodev"),
        ("noexec", "exec", "noexec"),
        ("nodiratime", "diratime", "nodiratime"),
        ("noatime", "atime", "noatime"),
        ("noatime", "strictatime", "noatime"),
        ("strictatime", "norelatime", "strictatime"),
        ("noatime", "nostrictatime", "noatime"),
        ("nosymfollow", "symfollow", "nosymfollow"),
        ("ro", "defaults", "moon"),
    ],
)
def test_words_that_take_one_back(inside: Inside, tmp_path: Path, before: str, word: str, gone: str) -> None:
    """On a bind of a mount that has it, which is where it counts."""
    source = tmpfs(before, destination="/tmp")
    again = bind("/tmp", "bind", word)
    assert gone not in inside('say(mount("/mnt")[0])', mounted(source, again))
    assert gone not in inside('say(mount("/mnt")[0])', mounted(tmpfs(before, word)))


RECURSIVE = ["ro", "nosuid", "nodev", "noexec", "nodiratime", "noatime", "nosymfollow"]


@pytest.fixture
def two_mounts(tmp_path: Path) -> Iterator[Path]:
    """A directory of the host that is a mount, with one more below it."""
    top = tmp_path / "top"
    top.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "t", top], check=True)
    (top / "below").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "t", top / "below"], check=True)
    yield top
    subprocess.run(["umount", "-R", top], check=True)


@pytest.mark.parametrize("word", RECURSIVE)
def test_recursive_words_reach_what_is_mounted_below(inside: Inside, two_mounts: Path, word: str) -> None:
    code = 'say(mount("/mnt")[0], mount("/mnt/below")[0])'
    top, below = inside(code, mounted(bind(two_mounts, "rbind", f"r{word}")))
    assert word in top
    assert word in below
    top, below = inside(code, mounted(bind(two_mounts, "rbind", word)))
    assert word in top
    assert word not in below


@pytest.mark.parametrize(("word", "back"), [("ro", "rrw"), ("noexec", "rexec"), ("noatime", "ratime")])
def test_recursive_words_that_take_one_back(inside: Inside, two_mounts: Path, word: str, back: str) -> None:
    subprocess.run(["mount", "-o", f"remount,bind,{word}", two_mounts / "below"], check=True)
    code = 'say(mount("/mnt/below")[0])'
    assert word in inside(code, mounted(bind(two_mounts, "rbind")))
    assert word not in inside(code, mounted(bind(two_mounts, "rbind", back)))


def test_every_word_of_runc_is_known(inside: Inside, two_mounts: Path) -> None:
    """Those that it says it knows (``runc features``), each on the kind of mount that it is for."""
    told = subprocess.run(["runc", "features"], capture_output=True, check=True).stdout
    words = set(json.loads(told)["mountOptions"]) - {"bind", "rbind", "remount"}
    recursive = {word for word in words if word.startswith("r") and word not in ("ro", "rw", "relatime")}
    assert len(words) > 50
    # Not all at once: there is no sense in a mount that is shared and private.
    for word in sorted(words):
        wanted = bind(two_mounts, "rbind", word) if word in recursive else tmpfs(word)
        assert inside("say(1)", mounted(wanted)) == 1, word


def test_bind_takes_one_mount_and_rbind_all(inside: Inside, two_mounts: Path) -> None:
    code = 'say(os.path.ismount("/mnt/below"))'
    assert inside(code, mounted(bind(two_mounts, "rbind"))) is True
    assert inside(code, mounted(bind(two_mounts, "bind"))) is False


@pytest.mark.parametrize(
    ("word", "shown"), [("sync", "sync"), ("dirsync", "dirsync"), ("lazytime", "lazytime"), ("size=1m", "size=1024k")]
)
def test_words_about_the_file_system(inside: Inside, word: str, shown: str) -> None:
    assert shown in inside('say(mount("/mnt")[3])', mounted(tmpfs(word)))


@pytest.mark.parametrize(
    "word", ["async", "nolazytime", "mand", "nomand", "silent", "loud", "acl", "noacl", "iversion", "noiversion"]
)
def test_words_of_other_days_are_accepted(inside: Inside, word: str) -> None:
    assert inside('say(mount("/mnt")[2])', mounted(tmpfs(word))) == "tmpfs"


def test_words_for_others_are_ignored(inside: Inside) -> None:
    words = ("x-systemd.automount", "X-mount.mkdir", "defaults", "nofail")
    assert inside('say(mount("/mnt")[2])', mounted(tmpfs(*words))) == "tmpfs"


def test_a_parameter_that_the_file_system_refuses_is_told_in_its_words(runtime: pyrunc.Runtime, inside: Inside) -> None:
    spec = mounted(tmpfs("size=much"))(inside.spec("say(1)"))
    with pytest.raises(pyrunc.OperationFailed, match=r"mounts\[8\] tmpfs on /mnt: EINVAL .*: .*size"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=pyrunc.Stdio.null())


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("shared", r"shared:\d+"),
        ("rshared", r"shared:\d+"),
        ("unbindable", "unbindable"),
        ("runbindable", "unbindable"),
        ("private", ""),
        ("rprivate", ""),
    ],
)
def test_propagation(inside: Inside, word: str, shown: str) -> None:
    assert re.fullmatch(shown, " ".join(inside('say(mount("/mnt")[1])', mounted(tmpfs(word)))))


@pytest.mark.parametrize("word", ["slave", "rslave"])
def test_what_the_host_mounts_arrives_in_a_slave(
    runtime: pyrunc.Runtime, inside: Inside, two_mounts: Path, word: str
) -> None:
    subprocess.run(["mount", "--make-shared", two_mounts], check=True)
    (two_mounts / "late").mkdir()
    code = 'import time\nos.write(1, b"ready")\nsys.stdin.readline()\nsay(os.path.ismount("/mnt/late"))'
    spec = mounted(bind(two_mounts, "rbind", word))(inside.spec(code))
    stdio = pyrunc.Stdio.pipes(stdin=True)
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=stdio)
    with container.streams() as streams:
        assert streams.stdin is not None
        assert streams.stdout is not None
        container.start()
        assert os.read(streams.stdout, 100) == b"ready"
        subprocess.run(["mount", "-t", "tmpfs", "t", two_mounts / "late"], check=True)
        os.write(streams.stdin, b"\n")
        assert os.read(streams.stdout, 100).split() == [b"true"]
    container.wait(10)
    container.delete()


def test_a_remount_changes_what_is_there(inside: Inside) -> None:
    first = tmpfs("nosuid", "noexec", "size=1m")
    code = 'say(mount("/mnt")[0], mount("/mnt")[3])'
    attributes, fs = inside(code, mounted(first, tmpfs("remount", "ro", "size=2m")))
    assert "ro" in attributes
    assert "noexec" not in attributes
    assert "size=2048k" in fs
    attributes, fs = inside(code, mounted(first, bind("", "remount", "bind", "nodev")))
    assert {"nodev", "rw"} <= set(attributes)
    assert "size=1024k" in fs


def test_a_remount_of_nothing(runtime: pyrunc.Runtime, inside: Inside) -> None:
    spec = mounted(bind("", "remount", "bind", "ro"))(inside.spec("say(1)"))
    with pytest.raises(pyrunc.OperationFailed, match=r"mounts\[8\] remount /mnt: EINVAL"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=pyrunc.Stdio.null())


def test_a_remount_of_what_is_the_hosts(runtime: pyrunc.Runtime, inside: Inside) -> None:
    """It would make the machine's own disk read-only."""
    spec = mounted(Mount(destination="/", type="ext4", options=("remount", "ro")))(inside.spec("say(1)"))
    with pytest.raises(pyrunc.SpecError, match=r"mounts\[8\]\.options: a remount without bind needs a file system"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=pyrunc.Stdio.null())


def test_copy_up(inside: Inside, loose_root: Path) -> None:
    (loose_root / "opt/a").write_text("x")
    (loose_root / "opt/a").chmod(0o640)
    code = 'say(mount("/opt")[2], read("/opt/a"), os.stat("/opt/a").st_mode & 0o777)'
    change = mounted(tmpfs("tmpcopyup", destination="/opt"))
    assert inside(code, change, loose_root) == ["tmpfs", "x", 0o640]


def test_files_are_bound_on_files_that_need_not_be_there(inside: Inside, loose_root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    change = mounted(bind(tmp_path / "file", "bind", "ro", destination="/opt/new/file"))
    assert inside('say(read("/opt/new/file"))', change, loose_root) == "x"


def test_a_relative_source_is_in_the_bundle(inside: Inside) -> None:
    (inside.bundle.path / "data").mkdir()
    (inside.bundle.path / "data/file").write_text("x")
    assert inside('say(read("/mnt/file"))', mounted(bind("data", "bind"))) == "x"


def test_the_same_mount_twice(inside: Inside) -> None:
    code = 'say(sum(line.split()[4] == "/mnt" for line in read("/proc/self/mountinfo").splitlines()))'
    assert inside(code, mounted(tmpfs(), tmpfs())) == 2


# -- links of the image -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "target", "made"),
    [
        ("var", "run/gone", "run/gone"),
        ("var", "/run/gone/", "run/gone"),
        ("var", "../../../run/gone", "run/gone"),
        ("var", "one/../two", "two"),
        ("etc/deep", "../opt/x/y", "opt/x/y"),
    ],
)
@pytest.mark.parametrize("kind", ["directory", "file"])
def test_below_a_link_that_leads_nowhere(
    inside: Inside, loose_root: Path, tmp_path: Path, kind: str, link: str, target: str, made: str
) -> None:
    """What it names is made, in the image, as runc does: /var/run is such a link in many."""
    (loose_root / link).symlink_to(target)
    (tmp_path / "file").write_text("x")
    destination = f"/{link}/inner"
    wanted = tmpfs(destination=destination) if kind == "directory" else bind(tmp_path / "file", destination=destination)
    code = f'say(os.path.ismount("{destination}") if "{kind}" == "directory" else read("{destination}"))'
    assert inside(code, mounted(wanted), loose_root) in (True, "x")
    assert (loose_root / made / "inner").exists()


def test_on_a_link_that_leads_nowhere(inside: Inside, loose_root: Path, tmp_path: Path) -> None:
    (loose_root / "etc/resolv.conf").symlink_to("../run/resolve/stub.conf")
    (loose_root / "opt/a").symlink_to("/opt/b")
    (loose_root / "opt/b").symlink_to("c")
    (tmp_path / "file").write_text("x")
    change = mounted(
        bind(tmp_path / "file", "bind", destination="/etc/resolv.conf"), tmpfs("size=1m", destination="/opt/a")
    )
    assert inside('say(read("/etc/resolv.conf"), mount("/opt/c")[2])', change, loose_root) == ["x", "tmpfs"]
    assert (loose_root / "run/resolve/stub.conf").is_file()


def test_links_in_a_circle_end(runtime: pyrunc.Runtime, inside: Inside, loose_root: Path) -> None:
    (loose_root / "opt/a").symlink_to("b/x")
    (loose_root / "opt/b").symlink_to("a")
    spec = mounted(tmpfs(destination="/opt/a/y"))(inside.spec("say(1)", loose_root))
    with pytest.raises(pyrunc.OperationFailed, match="ELOOP"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=pyrunc.Stdio.null())


def test_links_lead_to_nothing_of_the_host(inside: Inside, loose_root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (loose_root / "var").symlink_to(f"../../../../../..{tmp_path}/outside")
    assert inside('say(os.path.ismount("/var/x"))', mounted(tmpfs(destination="/var/x")), loose_root) is True
    assert os.listdir(tmp_path / "outside") == []
    assert (loose_root / str(tmp_path)[1:] / "outside/x").is_dir()


# -- idmapped mounts --------------------------------------------------------------------------------------------------------------------


def ids(inside: int, outside: int, size: int = 1000) -> tuple[IdMapping, ...]:
    return (IdMapping(container_id=inside, host_id=outside, size=size),)


OWNERS = 'say([[os.stat(p).st_uid, os.stat(p).st_gid] for p in ("/mnt/file",)][0])'


@pytest.fixture
def owned(tmp_path: Path) -> Path:
    directory = tmp_path / "owned"
    directory.mkdir()
    (directory / "file").touch()
    os.chown(directory / "file", 5, 7)
    return directory


def mapped(mount: Mount, uids: tuple[IdMapping, ...], gids: tuple[IdMapping, ...]) -> Mount:
    return evolve(mount, uid_mappings=uids, gid_mappings=gids)


@pytest.mark.parametrize("word", ["", "idmap", "ridmap"])
def test_other_ids_on_a_mount(inside: Inside, owned: Path, word: str) -> None:
    wanted = mapped(bind(owned, *filter(None, ("rbind", word))), ids(0, 100000), ids(0, 200000))
    assert inside(OWNERS, mounted(wanted)) == [100005, 200007]


def test_what_is_made_on_such_a_mount_is_mapped_back(inside: Inside, owned: Path) -> None:
    os.chown(owned, 5, 5)
    wanted = mapped(bind(owned, "bind"), ids(5, 0, 1), ids(5, 0, 1))
    assert inside('open("/mnt/new", "w").close()\nsay(os.stat("/mnt/new").st_uid)', mounted(wanted)) == 0
    assert (owned / "new").stat().st_uid == 5


@pytest.fixture
def one_within(tmp_path: Path) -> Iterator[Path]:
    """A directory with another mounted in it, on a file system of the machine's: tmpfs has ids of its own only since Linux 6.3."""
    top, other = tmp_path / "one", tmp_path / "other"
    (top / "below").mkdir(parents=True)
    other.mkdir()
    for path in (top / "file", other / "file"):
        path.touch()
    subprocess.run(["mount", "--bind", other, top / "below"], check=True)
    yield top
    subprocess.run(["umount", top / "below"], check=True)


def test_all_mounts_or_the_first(inside: Inside, one_within: Path) -> None:
    code = 'say([os.stat(p).st_uid for p in ("/mnt/file", "/mnt/below/file")])'
    maps = (ids(0, 100000), ids(0, 100000))
    assert inside(code, mounted(mapped(bind(one_within, "rbind", "ridmap"), *maps))) == [100000, 100000]
    assert inside(code, mounted(mapped(bind(one_within, "rbind", "idmap"), *maps))) == [100000, 0]


def with_users(*mounts: Mount) -> Callable[[Spec], Spec]:
    """A user namespace whose root is 100000 outside."""

    def change(spec: Spec) -> Spec:
        spec = mounted(*mounts)(spec)
        assert spec.linux is not None
        return spec.with_linux(
            namespaces=(*spec.linux.namespaces, Namespace(type="user")),
            uid_mappings=ids(0, 100000, 65536),
            gid_mappings=ids(0, 100000, 65536),
        )

    return change


def test_the_ids_of_the_user_namespace(inside: Inside, owned: Path) -> None:
    assert inside(OWNERS, with_users(bind(owned, "bind"))) == [65534, 65534]
    assert inside(OWNERS, with_users(bind(owned, "bind", "idmap"))) == [5, 7]
    assert inside(OWNERS, with_users(mapped(bind(owned, "bind"), ids(0, 100100), ids(0, 100200)))) == [105, 207]


def test_a_source_that_the_mapped_root_cannot_reach(inside: Inside, owned: Path) -> None:
    owned.parent.chmod(0o700)
    wanted = (bind(owned, "bind", "ro"), bind(owned, "bind", destination="/opt"))
    assert inside('say(os.listdir("/mnt"), "ro" in mount("/mnt")[0], os.listdir("/opt"))', with_users(*wanted)) == [
        ["file"],
        True,
        ["file"],
    ]


def test_a_file_system_without_idmapped_mounts(runtime: pyrunc.Runtime, inside: Inside) -> None:
    spec = mounted(mapped(bind("/proc/sys", "bind"), ids(0, 1), ids(0, 1)))(inside.spec("say(1)"))
    with pytest.raises(pyrunc.Unsupported, match=r"mounts\[8\]: the file system of /proc/sys has no idmapped mounts"):
        runtime.create("web", inside.bundle.path, spec=spec, stdio=pyrunc.Stdio.null())


# -- the root ---------------------------------------------------------------------------------------------------------------------------


def test_a_root_may_be_read_only(inside: Inside, loose_root: Path) -> None:
    code = 'say(failed(open, "/new", "w"))'

    def readonly(spec: Spec) -> Spec:
        return evolve(spec, root=Root(path=str(loose_root), readonly=True))

    assert inside(code, readonly, loose_root) == "EROFS"
    assert inside(code, root=loose_root) is None
    assert (loose_root / "new").is_file()


@pytest.mark.parametrize(
    ("word", "shown"), [("private", ""), ("shared", r"shared:\d+"), ("unbindable", "unbindable"), ("", r".*")]
)
def test_propagation_of_the_root(inside: Inside, word: str, shown: str) -> None:
    assert re.fullmatch(shown, " ".join(inside('say(mount("/")[1])', linux(rootfs_propagation=word))))


def test_masked_and_read_only_paths(outcome: Callable[..., Outcome], bundle: Bundle, inside: Inside) -> None:
    code = 'say(read("/etc/secret"), os.listdir("/opt"), failed(open, "/proc/sys/kernel/hostname", "w"))'
    change = linux(masked_paths=("/etc/secret", "/opt", "/not/there"), readonly_paths=("/proc/sys", "/not/there"))
    (inside.root / "etc/secret").write_text("secret")
    assert inside(code, change) == ["", [], "EROFS"]
