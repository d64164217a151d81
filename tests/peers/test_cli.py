"""Every command of the docker CLI that has to do with containers, images and the system: what it prints, and its exit code.

A scene is a list of commands that follow each other; each tells what is expected of it. The names of the commands are held against those that the
CLI lists itself. ``{dir}`` is the scene's own directory, ``{image}`` the id of the image ``busybox``.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.support.cli_version import cli_version
from tests.support.commands import name
from tests.support.index import index
from tests.support.registry import PASSWORD, USER, registry

from .conftest import Engine

ID = "[0-9a-f]{64}"
SHORT = "[0-9a-f]{12}"
SLEEP = "--network none busybox sleep 300"
DIRECTORY_CODE = 126 if cli_version() >= 25 else 125
"""Of a command that is a directory: older CLIs do not know the message."""


@frozen
class Say:
    """A command line; its output and its errors match these patterns as a whole (None: whatever)."""

    line: str
    out: str | None = ""
    code: int = 0
    err: str | None = ""
    stdin: str | None = None


def fails(line: str, err: str, code: int = 1) -> Say:
    """Something that is refused: nothing on standard output, and these words in the errors."""
    return Say(line, "", code, f".*({err}).*")


LIFE = (
    Say(f"container create --name one --label a=b -e X=1 {SLEEP}", ID),
    Say("container ls -aq --no-trunc", ID),
    Say("ps", "CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES"),
    Say("container ls -a --format '{{.Names}} {{.State}}'", "one created"),
    fails(f"create --name one {SLEEP}", "Conflict. The container name .* is already in use"),
    fails("exec one true", "is not running"),
    fails("top one", "is not running"),
    fails("container kill one", "is not running"),
    Say("stop one", "one"),
    Say("start one", "one"),
    Say("container start one", "one"),
    Say("container inspect -f '{{.State.Status}} {{.Config.Env}}' one", r"running \[.*X=1.*\]"),
    Say("container top one -o pid,comm", r"PID +COMMAND\n\d+ +(sleep|busybox)"),
    Say("container exec one echo hi", "hi"),
    Say("exec -d one sh -c 'echo behind > /file'"),
    Say("container exec -i one sh -c 'cat; exit 3'", "typed", 3, stdin="typed"),
    Say("container pause one", "one"),
    Say("container ls --filter status=paused --format '{{.Names}}'", "one"),
    fails("pause one", "is already paused"),
    fails("exec one true", "is paused"),
    Say("container unpause one", "one"),
    fails("unpause one", "is not paused"),
    Say("container rename one two", ""),
    Say("container inspect one", r"\[\]", 1, ".*[Nn]o such container: one.*"),
    Say("container port two"),
    Say("port two"),
    fails("port two 80", "[Nn]o public port '80(/tcp)?' published for two"),
    Say("container update --memory 64m --memory-swap 64m --cpus 0.5 two", "two"),
    Say("container inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}' two", "67108864 500000000"),
    fails("update --memory 1k two", "Minimum memory limit"),
    Say("container stats --no-stream --format '{{.Name}} {{.PIDs}}' two", "two 1"),
    Say("stats --no-stream --no-trunc two", r"CONTAINER ID .*\n[0-9a-f]{64} +two .*"),
    fails("container rm two", "(is running|You cannot remove a running container)"),
    Say("container restart -t 0 two", "two"),
    Say("container kill -s KILL two", "two"),
    Say("container wait two", "137"),
    Say("wait two", "137"),
    Say("container ls -a --filter exited=137 --format '{{.Names}} {{.Status}}'", r"two Exited \(137\) .* ago"),
    Say("container rm two", "two"),
    fails("rm two", "[Nn]o such container: two"),
    fails("container start two", "[Nn]o such container: two"),
    fails("container stop two", "[Nn]o such container: two"),
    fails("container restart two", "[Nn]o such container: two"),
    fails("container rename two three", "[Nn]o such container: two"),
    fails("container logs two", "[Nn]o such container: two"),
    fails("container attach two", "[Nn]o such container: two"),
    fails("container wait two", "[Nn]o such container: two"),
    fails("container pause two", "[Nn]o such container: two"),
    fails("container diff two", "[Nn]o such container: two"),
    fails("container export two", "[Nn]o such container: two"),
    fails("container commit two", "[Nn]o such container: two"),
    fails("container stats --no-stream two", "[Nn]o such container: two"),
    fails("container update --cpus 1 two", "[Nn]o such container: two"),
    fails("container cp two:/etc {dir}", "[Nn]o such container(: two|:path: two:/etc)"),
)

RUNS = (
    Say("container run --rm --network none busybox echo hello", "hello"),
    Say("run --rm --network none busybox sh -c 'echo out; echo err >&2; exit 42'", "out", 42, "err"),
    Say("run --rm -i --network none busybox tr a-z A-Z", "LOUD", stdin="loud"),
    Say("run --rm --network none --entrypoint echo busybox a b", "a b"),
    Say("run --rm --network none -w /nowhere/yet busybox pwd", "/nowhere/yet"),
    Say("run --rm --network none --env-file {dir}/env busybox sh -c 'echo $FROM_FILE'", "a value"),
    Say("run --rm --network none -h box busybox hostname", "box"),
    Say("run --rm --network none --add-host there:192.0.2.9 busybox grep there /etc/hosts", r"192\.0\.2\.9\tthere"),
    Say("run --rm --network host --dns 192.0.2.1 busybox true"),
    Say("run --rm --network none --mount type=tmpfs,dst=/t,tmpfs-size=1m busybox stat -f -c %T /t", "tmpfs"),
    Say("run --rm --network none --mount type=bind,src={dir},dst=/d,readonly busybox ls /d", "env"),
    Say("run --rm --network none --read-only busybox touch /x", "", 1, ".*Read-only file system.*"),
    Say("run --rm --network none --pid host busybox sh -c 'test -d /proc/2 && echo many'", "many"),
    Say(
        "run --rm --network none --stop-signal INT --stop-timeout 3 --oom-score-adj 500 busybox cat /proc/self/oom_score_adj",
        "500",
    ),
    Say("run --rm --network none --device /dev/null:/dev/nothing busybox ls /dev/nothing", "/dev/nothing"),
    Say("run --rm --network none --group-add 99 busybox id -G", ".*99.*"),
    Say("run --rm --network none --sysctl kernel.msgmax=4096 busybox cat /proc/sys/kernel/msgmax", "4096"),
    fails("run --rm --network none busybox no-such-program", "executable file not found", 127),
    fails("run --rm --network none busybox /etc", "(permission denied|is a directory)", DIRECTORY_CODE),
    fails("run --rm --network none --pull never no-such-image", "[Nn]o such image: no-such-image", 125),
    fails("run --rm --network none --memory 1m busybox true", "Minimum memory limit allowed is 6MB", 125),
    fails("run --rm --network container:nobody busybox true", "[Nn]o such container: nobody", 125),
    fails("run --rm --network none --cap-add NO_SUCH busybox true", "(invalid|unknown) cap", 125),
    fails("run --network none --restart sometimes busybox true", "invalid restart policy", 125),
    fails("run --rm --network none -v relative/path:/x busybox true", "(invalid|includes invalid characters)", 125),
    fails(
        "run --rm --network none -v /a:relative busybox true",
        "(must be absolute|invalid mount path)",
        125,
    ),
    fails("run --rm --network none --log-driver no-such busybox true", "no log driver named|logger", 125),
    fails("run --rm --network none --runtime no-such busybox true", "runtime", 125),
    fails("run --rm --network none --ipc sometimes busybox true", "(invalid|IPC)", 125),
    fails("run --rm --network none --security-opt no-such busybox true", "(invalid|[Ii]nvalid --security-opt)", 125),
    Say("run --name kept -d --network none busybox sh -c 'echo said; echo cried >&2; read x'", ID),
    Say("container wait kept", "1|0"),
    Say("container logs kept", "said", err="cried"),
    Say("logs --tail 0 kept"),
    Say("logs -t kept", r"20\d\d-\d\d-\d\dT.*Z said", err=r"20\d\d-\d\d-\d\dT.*Z cried"),
    Say("start -a kept", "said", code=1, err="cried"),
    Say("container prune -f --filter label=no-such", "Total reclaimed space: 0B"),
    Say("container prune -f", rf"Deleted Containers:\n{ID}\n\nTotal reclaimed space: .*"),
    Say("run -di --name ear --network none busybox sh -c 'read line; echo heard $line; exit 6'", ID),
    Say("container attach ear", "heard you", 6, stdin="you\n"),
    Say("start -ai ear", "heard again", 6, stdin="again\n"),
    Say("rm ear", "ear"),
)

FILES = (
    Say(f"run -d --name files {SLEEP}", ID),
    Say("exec files sh -c 'echo new > /new; rm /etc/passwd'"),
    Say("container diff files", "(?s).*A /new.*"),
    Say("diff files", "(?s).*D /etc/passwd.*"),
    Say("container cp files:/new {dir}/out", None, err=None),
    Say("cp {dir}/out files:/again", None, err=None),
    Say("exec files cat /again", "new"),
    fails("cp files:/no/such {dir}/out", "(Could not find the file|No such container:path)"),
    fails("cp {dir}/no-such files:/", "no such file or directory"),
    Say("container export -o {dir}/all.tar files"),
    Say("import -m flattened -c 'CMD cat /new' {dir}/all.tar flat:1", f"sha256:{ID}"),
    Say("run --rm --network none flat:1", "new"),
    Say("image import {dir}/all.tar flat:2", f"sha256:{ID}"),
    fails("image import {dir}/no-such.tar", "no such file"),
    Say("container commit -m why -a me -c 'LABEL x=y' files made:1", f"sha256:{ID}"),
    Say("commit files", f"sha256:{ID}"),
    Say("image inspect -f '{{.Author}} {{.Comment}} {{.Config.Labels.x}}' made:1", "me why y"),
    Say("image history --format '{{.Comment}}' made:1", "(?s)why.*"),
    Say("history -q made:1", "(?s).*"),
    Say("container rm -f files", "files"),
    Say("image rm flat:1 made:1", "(?s)Untagged: flat:1.*Deleted: sha256:.*Untagged: made:1.*"),
    Say("rmi flat:2", "(?s)Untagged: flat:2.*"),
    Say("image prune -f", "(?s)(Deleted Images:.*)?Total reclaimed space: .*"),
)

IMAGES = (
    Say("image ls --format '{{.Repository}}:{{.Tag}}' busybox", "busybox:latest"),
    Say("images -q --no-trunc busybox", f"sha256:{ID}"),
    Say("images --digests busybox", r"REPOSITORY +TAG +DIGEST .*\nbusybox +latest .*"),
    Say("images --filter dangling=true -q", None),
    Say("images --filter reference=busy* --format '{{.Repository}}'", "busybox"),
    Say("image tag busybox some/where:1"),
    Say("tag busybox some/where:2"),
    fails("tag no-such-image x", "No such image: no-such-image"),
    fails("tag busybox BAD/UPPER", "(invalid reference format|must be lowercase)"),
    Say("image inspect -f '{{.Id}}' some/where:1", "{image}"),
    Say("inspect -f '{{.Os}}' some/where:1", "linux"),
    Say("image save -o {dir}/image.tar some/where:1 some/where:2"),
    Say("image rm some/where:1", "Untagged: some/where:1"),
    Say("rmi some/where:2", "Untagged: some/where:2"),
    fails("rmi some/where:2", "No such image: some/where:2"),
    Say("image load -i {dir}/image.tar", "Loaded image: some/where:[12]\nLoaded image: some/where:[12]"),
    Say("load -q -i {dir}/image.tar", "Loaded image: some/where:[12]\nLoaded image: some/where:[12]"),
    Say("rmi some/where:1 some/where:2", "Untagged: some/where:1\nUntagged: some/where:2"),
    fails("load -i {dir}/env", "(archive|invalid|unexpected EOF|unrecognized|format|manifest)"),
    fails("save no-such-image -o {dir}/no.tar", "(No such image|no such image|reference does not exist)"),
    Say("image inspect no-such-image", r"\[\]", 1, ".*[Nn]o such image: no-such-image.*"),
    fails("history no-such-image", "[Nn]o such image: no-such-image"),
    Say("inspect no-such-thing", r"\[\]", 1, ".*[Nn]o such object: no-such-thing.*"),
    Say("image pull -q {registry}/cli:1", "{registry}/cli:1"),
    Say("pull {registry}/cli:1", "(?s).*Image is up to date for {registry}/cli:1.*"),
    Say("pull {registry}/no-such", None, 1, ".*(not found|manifest unknown).*"),
    Say("tag {registry}/cli:1 {registry}/cli:2"),
    Say("image push -q {registry}/cli:2", "{registry}/cli:2"),
    Say("push {registry}/cli:2", "(?s).*2: digest: sha256:.*"),
    fails("push -q no-such.example/x", "does not exist locally"),
    Say("rmi {registry}/cli:1 {registry}/cli:2", "(?s).*Untagged: {registry}/cli:2.*"),
    Say("search --no-trunc --limit 3 {index}/busy", r"(?s)NAME +DESCRIPTION.*\nbusybox +Small +7.*"),
    Say(
        "search --format '{{.Name}} {{.IsOfficial}}' --filter is-official=true {index}/busy", "busybox (true|\\[OK\\])"
    ),
    Say("search --filter stars=8 --format '{{.Name}}' {index}/busy"),
)

SYSTEM = (
    Say("version --format '{{.Server.Os}}'", "linux"),
    Say("version", "(?s)Client:.*Server:.*"),
    Say("info -f '{{.OSType}}'", "linux"),
    Say("system info", "(?s)Client:.*Server:.*", err=None),
    Say("run -d --name seen --label marked=yes --network none busybox true", ID),
    Say("wait seen", "0"),
    Say(
        "system events --since 5m --until 0s --filter container=seen --filter event=start --format '{{.Action}}'",
        "start|",
    ),
    Say("events --since 5m --until 0s --filter type=image --filter event=no-such"),
    Say("system df --format '{{.Type}}'", "(?s)Images\nContainers\nLocal Volumes\nBuild Cache"),
    Say("system df -v", "(?s)Images space usage:.*Containers space usage:.*seen.*"),
    Say("system prune -f --filter label=marked=yes", rf"(?s)Deleted Containers:\n{ID}\n.*Total reclaimed space: .*"),
    Say("login -u nobody --password-stdin {locked}", "", 1, ".*401.*", stdin="wrong"),
    Say("login -u {user} --password-stdin {locked}", "Login Succeeded", stdin="{password}", err=None),
    Say("logout {locked}", "Removing login credentials for .*"),
    Say("--log-level error ps -q --filter name=nobody"),
    fails("ps --filter no-such=1", "(invalid filter|Invalid filter)"),
    fails("events --since nonsense --until 0s", "(parsing|failed to parse|invalid|strconv)"),
)

SCENES = {"life": LIFE, "runs": RUNS, "files": FILES, "images": IMAGES, "system": SYSTEM}
LEAST = 120
NOT_SERVED_YET = {"image build"}
HIDDEN = {"system dial-stdio"}


@pytest.fixture
def names(engine: Engine, tmp_path: Path) -> dict[str, str]:
    """What is filled into the lines: places of this run."""
    (tmp_path / "env").write_text("FROM_FILE=a value\n")
    image = engine.ok("inspect", "-f", "{{.Id}}", "busybox")
    return {"dir": str(tmp_path), "image": image, "user": USER, "password": PASSWORD}


@pytest.fixture
def places(names: dict[str, str], engine: Engine, tmp_short: Path) -> Iterator[dict[str, str]]:
    """The same with registries: one that has an image, one with a password, and one to search."""
    with registry(tmp_short / "r") as plain, registry(tmp_short / "l", password=True) as locked, index() as searched:
        own = f"{plain.host}/cli:1"
        for line in (("tag", "busybox", own), ("push", "-q", own)):
            engine.ok(*line)
        yield {**names, "registry": plain.host, "locked": locked.host, "index": searched}
        engine.docker("rmi", own)


@pytest.mark.parametrize("scene", ["life", "runs", "files"])
def test_scene(engine: Engine, names: dict[str, str], scene: str) -> None:
    play(engine, names, scene)


@pytest.mark.parametrize("scene", ["images", "system"])
def test_scene_with_registries(engine: Engine, places: dict[str, str], scene: str) -> None:
    play(engine, places, scene)


def play(engine: Engine, names: dict[str, str], scene: str) -> None:
    """Say all of it, and look at what comes of it."""
    for say in SCENES[scene]:
        line = [_filled(word, names) for word in shlex.split(say.line)]
        stdin = None if say.stdin is None else _filled(say.stdin, names)
        done = engine.docker(*line, stdin=stdin)
        told = f"docker {shlex.join(line)}\n{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == say.code, told
        for pattern, text in ((say.out, done.stdout), (say.err, done.stderr)):
            if pattern is not None:
                wanted = _filled(pattern, names)
                assert re.fullmatch(wanted, text.strip(), re.DOTALL if pattern is say.err else 0), f"{wanted!r}: {told}"


def test_there_are_enough_and_none_is_missing() -> None:
    said = [name(shlex.split(say.line)) for scene in SCENES.values() for say in scene]
    assert len(said) >= LEAST, len(said)
    wanted = {f"{group} {command}" for group in ("container", "image", "system") for command in _listed(group)}
    top = {"attach", "commit", "cp", "create", "diff", "events", "exec", "export", "history", "images", "import", "info",
           "inspect", "kill", "load", "login", "logout", "logs", "pause", "port", "ps", "pull", "push", "rename", "restart",
           "rm", "rmi", "run", "save", "search", "start", "stats", "stop", "tag", "top", "unpause", "update", "version",
           "wait"}  # fmt: skip
    missing = (wanted - NOT_SERVED_YET - HIDDEN) - set(said)
    assert not missing
    # the short forms are the same code in the CLI: either will do, but both names of a command are known to it
    assert not {command for command in top if not any(command in each.split() for each in said)}


def _listed(group: str) -> list[str]:
    """The commands of a group, as the CLI lists them."""
    told = subprocess.run(["docker", group, "--help"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  ([a-z-]+) +\S", told.partition("Commands:")[2], re.MULTILINE)


def _filled(text: str, names: dict[str, str]) -> str:
    for key, value in names.items():
        text = text.replace(f"{{{key}}}", value)
    return text
