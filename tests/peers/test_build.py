"""Builds through the docker CLI (classic, DOCKER_BUILDKIT=0): steps, cache, contexts, failures, and what is left of them."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import docker.errors
import pytest
from docker import APIClient

from .conftest import Engine, Result

Files = Mapping[str, str]


def context(directory: Path, dockerfile: str, files: Files | None = None) -> Path:
    """A directory with a Dockerfile and files."""
    for name, content in {"Dockerfile": dockerfile, **(files or {})}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return directory


def build(engine: Engine, directory: Path, *options: str) -> Result:
    """docker build with the classic builder."""
    return subprocess.run(
        ["docker", "build", *options, str(directory)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={**engine.environment(), "DOCKER_BUILDKIT": "0"},
        check=False,
    )


def built(engine: Engine, directory: Path, *options: str) -> str:
    """The output of one that has to succeed."""
    result = build(engine, directory, *options)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


def says(engine: Engine, image: str, *command: str) -> str:
    return engine.ok("run", "--rm", "--network", "none", image, *command)


STAGES = """\
FROM busybox AS one
ARG who=world
ENV A=b
RUN echo hello $who > /hello; echo done
COPY a.txt dir /data/
WORKDIR /srv/x
RUN pwd > where
FROM busybox AS unneeded
RUN exit 3
FROM busybox
COPY --from=one /hello /srv/x/where /data/ /there/
CMD ["cat", "/there/hello"]
"""


@pytest.fixture
def stages(tmp_path: Path) -> Path:
    return context(tmp_path, STAGES, {"a.txt": "A", "dir/sub/b": "B"})


def test_stages_and_cache(engine: Engine, stages: Path) -> None:
    first = built(engine, stages, "-t", "staged:1", "-t", "staged:2", "--network", "none")
    assert "Step 10/10 : CMD" in first
    assert "\ndone\n" in first
    assert "unneeded" not in first
    assert "Successfully tagged staged:2\n" in first
    assert says(engine, "staged:1") == "hello world"
    found = says(engine, "staged:2", "find", "/there", "-type", "f")
    assert sorted(found.split()) == ["/there/a.txt", "/there/hello", "/there/sub/b", "/there/where"]
    (stages / "a.txt").touch()
    again = built(engine, stages, "-t", "staged:1", "--network", "none")
    assert again.count("Using cache") == 8
    assert again.splitlines()[-2] == first.splitlines()[-3]
    (stages / "a.txt").write_text("C")
    other = built(engine, stages, "-t", "staged:1", "--network", "none")
    assert other.count("Using cache") == 3
    argued = built(engine, stages, "-t", "staged:1", "--network", "none", "--build-arg", "who=you")
    assert says(engine, "staged:1") == "hello you"
    assert argued.count("Running in") == 2
    assert built(engine, stages, "--no-cache", "--network", "none").count("Running in") == 2
    engine.ok("rmi", "staged:1", "staged:2")


def test_a_step_that_fails(engine: Engine, tmp_path: Path) -> None:
    before = engine.ok("images", "-aq")
    failed = build(engine, context(tmp_path, "FROM busybox\nRUN echo said; exit 7\n"), "--network", "none")
    assert failed.returncode == 7
    assert "The command '/bin/sh -c echo said; exit 7' returned a non-zero code: 7" in failed.stderr
    assert "said\n" in failed.stdout
    assert engine.ok("images", "-aq") == before
    assert engine.ok("ps", "-aq") == ""


def test_a_dockerfile_that_is_wrong(engine: Engine, tmp_path: Path) -> None:
    failed = build(engine, context(tmp_path, "FROM busybox\nRUM echo\n"))
    assert failed.returncode == 1
    assert "Dockerfile:2:1: unknown instruction: RUM (did you mean RUN?)\n   2 | RUM echo\n     | ^" in failed.stderr


def test_a_base_that_is_not_there(engine: Engine, tmp_path: Path) -> None:
    directory = context(tmp_path, "FROM 127.0.0.1:1/nobody/has:this\n")
    for options in ((), ("-q",)):
        failed = build(engine, directory, *options)
        assert (failed.returncode, "127.0.0.1:1" in failed.stderr) == (1, True), failed.stderr


def test_files_that_are_not_there(engine: Engine, tmp_path: Path) -> None:
    failed = build(engine, context(tmp_path, "FROM busybox\nCOPY nothing /x\n"))
    assert failed.returncode == 1
    assert "Dockerfile:2:1: COPY failed: file not found in build context or excluded by .dockerignore" in failed.stderr


def test_the_configuration(engine: Engine, tmp_path: Path) -> None:
    text = """\
FROM busybox
ENV A=1 B="two words" C=$A
LABEL x=y "z w"='q'
EXPOSE 80 53/udp 90-91
VOLUME /v ["/w"]
USER 5:6
WORKDIR /a
WORKDIR b
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=5s --retries=2 CMD true
SHELL ["/bin/sh", "-ec"]
ENTRYPOINT echo hi
CMD ["x"]
ONBUILD RUN true
MAINTAINER me
"""
    directory = context(tmp_path, text.replace('VOLUME /v ["/w"]', "VOLUME /v /w"))
    built(engine, directory, "-t", "configured", "--label", "given=yes")
    config = json.loads(engine.ok("image", "inspect", "configured"))[0]
    found = config["Config"]
    assert found["Env"] == ["A=1", "B=two words", "C="]
    assert found["Labels"] == {"x": "y", "z w": "q", "given": "yes"}
    assert sorted(found["ExposedPorts"]) == ["53/udp", "80/tcp", "90/tcp", "91/tcp"]
    assert sorted(found["Volumes"]) == ["/v", "/w"]
    assert (found["User"], found["WorkingDir"], found["StopSignal"]) == ("5:6", "/a/b", "SIGUSR1")
    assert (found["Entrypoint"], found["Cmd"]) == (["/bin/sh", "-ec", "echo hi"], ["x"])
    assert found["Shell"] == ["/bin/sh", "-ec"]
    assert found["OnBuild"] == ["RUN true"]
    assert found["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 5 * 10**9, "Retries": 2}
    assert config["Author"] == "me"
    engine.ok("rmi", "configured")


def test_triggers(engine: Engine, tmp_path: Path) -> None:
    built(engine, context(tmp_path / "a", "FROM busybox\nONBUILD COPY x /x\nONBUILD RUN cat /x > /y\n"), "-t", "base")
    output = built(engine, context(tmp_path / "b", "FROM base\n", {"x": "z"}), "-t", "derived", "--network", "none")
    assert "# Executing 2 build triggers" in output
    assert says(engine, "derived", "cat", "/y") == "z"
    assert json.loads(engine.ok("image", "inspect", "derived"))[0]["Config"].get("OnBuild") is None
    engine.ok("rmi", "base", "derived")


def test_here_documents(engine: Engine, tmp_path: Path) -> None:
    text = """\
FROM busybox
ENV who=you
COPY <<one <<'two' /d/
hello $who
one
hello $who
two
RUN <<EOF
cat /d/one /d/two > /both
pwd >> /both
EOF
RUN cat <<-A > /c
\tx
A
"""
    built(engine, context(tmp_path, text), "-t", "here", "--network", "none")
    assert says(engine, "here", "cat", "/both", "/c") == "hello you\nhello $who\n/\nx"
    engine.ok("rmi", "here")


def test_mounts(engine: Engine, tmp_path: Path) -> None:
    text = """\
FROM busybox AS other
RUN mkdir /o; echo other > /o/x
FROM busybox
WORKDIR /w
RUN --mount=type=cache,target=/cache,id=ID --mount=type=tmpfs,target=/t,size=1m \\
    echo more >> /cache/log; cat /cache/log > log; touch /t/x; [ "$(stat -f -c %T /t)" = tmpfs ]
RUN --mount=target=ctx,source=sub --mount=type=bind,from=other,source=/o,target=/mnt/deep,rw \\
    cat ctx/f /mnt/deep/x > both; touch /mnt/deep/new
""".replace("ID", str(tmp_path))
    directory = context(tmp_path, text, {"sub/f": "file\n"})
    built(engine, directory, "-t", "mounted", "--network", "none")
    assert says(engine, "mounted", "cat", "log", "both") == "more\nfile\nother"
    assert says(engine, "mounted", "ls", "/", "/w").split("\n\n")[1] == "/w:\nboth\nlog"
    assert not {"cache", "t", "mnt"} & set(says(engine, "mounted", "ls", "/").split())
    built(engine, directory, "-t", "mounted", "--network", "none", "--no-cache")
    assert says(engine, "mounted", "cat", "log") == "more\nmore"
    engine.ok("rmi", "mounted")


def test_adding(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "tree/in").mkdir(parents=True)
    (tmp_path / "tree/in/file").write_text("content")
    for option, name in (("z", "a.tar.gz"), ("J", "b.tar.xz"), ("", "plain")):
        subprocess.run(["tar", f"-c{option}f", tmp_path / name, "-C", tmp_path / "tree", "in"], check=True)
    text = "FROM busybox\nADD a.tar.gz /a\nADD b.tar.xz plain /b/\nCOPY a.tar.gz /c/\nADD --unpack=false plain /d/\nADD text /e\n"
    built(engine, context(tmp_path, text, {"text": "text"}), "-t", "added")
    found = says(engine, "added", "find", "/a", "/b", "/c", "/d", "/e", "-type", "f")
    assert sorted(found.split()) == ["/a/in/file", "/b/in/file", "/c/a.tar.gz", "/d/plain", "/e"]
    engine.ok("rmi", "added")


def test_the_same_inputs_give_the_same_digest(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nCOPY a.txt /a/\nRUN mkdir /d; date > /d/x; echo $SOURCE_DATE_EPOCH > /d/x\nWORKDIR /w\nLABEL a=b\n"
    ids = set()
    for number in range(2):
        directory = context(tmp_path / str(number), text, {"a.txt": "A"})
        options = ("--build-arg", "SOURCE_DATE_EPOCH=86400", "--no-cache", "--network", "none")
        ids.add(built(engine, directory, "-q", *options).strip())
    assert len(ids) == 1
    found = json.loads(engine.ok("image", "inspect", ids.pop()))[0]
    assert found["Created"] == "1970-01-02T00:00:00Z"


def test_secrets_are_nowhere(engine: Engine, tmp_path: Path) -> None:
    """Everything that the daemon has written is searched, its databases, logs and layers, and what it says."""
    secret = f"hidden-{tmp_path.name}-{id(engine):x}"
    text = "FROM busybox\nRUN --mount=type=secret,id=one,required=true wc -c < /run/secrets/one > /size; [ -s /run/secrets/one ]\n"
    directory = context(tmp_path / "c", text)
    archive = subprocess.run(["tar", "-c", "-C", directory, "."], capture_output=True, check=True).stdout
    header = base64.urlsafe_b64encode(json.dumps({"one": base64.b64encode(secret.encode()).decode()}).encode()).decode()
    with contextlib.closing(APIClient(engine.host)) as client:
        address = client._url("/build?t=secretive&networkmode=none")
        headers = {"X-Build-Secrets": header, "Content-Type": "application/x-tar"}
        with client.post(address, data=archive, headers=headers) as reply:
            assert "Successfully tagged secretive" in reply.text
    assert says(engine, "secretive", "cat", "/size") == str(len(secret))
    assert not says(engine, "secretive", "ls", "/").count("run")
    found = [path for path in engine.directory.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert found == []
    assert secret not in engine.ok("history", "--no-trunc", "secretive") + engine.ok("image", "inspect", "secretive")
    engine.ok("rmi", "secretive")


def test_a_client_that_goes_away_ends_the_build(engine: Engine, tmp_path: Path) -> None:
    directory = context(tmp_path, "FROM busybox\nRUN echo begun; sleep 1234\n")
    process = subprocess.Popen(
        ["docker", "build", "--network", "none", directory],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**engine.environment(), "DOCKER_BUILDKIT": "0"},
    )
    assert process.stdout is not None
    assert any("begun" in line for line in iter(process.stdout.readline, ""))
    process.kill()
    process.wait(10)
    process.stdout.close()
    engine.until(lambda: not sleepers())


def sleepers() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes() == b"sleep\x001234\x00":
                found.append(path.parent.name)
    return found


def test_two_builds_of_the_same_share_their_work(engine: Engine, tmp_path: Path) -> None:
    text = f"FROM busybox\nRUN echo {tmp_path} > /x; sleep 0.2\n"
    directory = context(tmp_path, text)
    with ThreadPoolExecutor(2) as threads:
        outputs = list(threads.map(lambda _: built(engine, directory, "--network", "none"), range(2)))
    assert sum(output.count("Running in") for output in outputs) == 1
    assert len({output.splitlines()[-1] for output in outputs}) == 1


def test_stages_side_by_side(engine: Engine, tmp_path: Path) -> None:
    """Each waits for the others: one after the other, none would end."""
    wait = "touch /c/{0}; i=0; while [ ! -e /c/a -o ! -e /c/b -o ! -e /c/c ]; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done"
    cache = f"--mount=type=cache,target=/c,id={tmp_path}"
    stages = "".join(f"FROM busybox AS {name}\nRUN {cache} {wait.format(name)}\n" for name in "abc")
    last = "FROM scratch\n" + "".join(f"COPY --from={name} /bin/sh /{name}\n" for name in "abc")
    output = built(engine, context(tmp_path, stages + last), "--network", "none")
    assert [line.split(" : ")[0] for line in output.splitlines() if line.startswith("Step")] == [
        f"Step {number}/10" for number in range(1, 11)
    ]


def test_pruning_and_what_the_cache_takes(engine: Engine, tmp_path: Path) -> None:
    text = f"FROM busybox\nRUN --mount=type=cache,target=/c,id={tmp_path} echo {tmp_path} > /x; echo x > /c/y\n"
    directory = context(tmp_path, text)
    built(engine, directory, "-t", "pruned", "--network", "none")
    with contextlib.closing(APIClient(engine.host, version="1.44")) as client:
        records = client.df()["BuildCache"]
        step = next(record for record in records if str(tmp_path) in record["Description"] and record["Shared"])
        mount = next(record for record in records if record["Description"] == f"cache mount {tmp_path}")
        assert (step["Type"], mount["Type"], mount["InUse"]) == ("regular", "exec.cachemount", False)
        assert mount["Size"] > 0
        pruned = client.prune_builds(filters={"id": mount["ID"]})
        assert pruned["CachesDeleted"] == [mount["ID"]]
        assert pruned["SpaceReclaimed"] == mount["Size"]
        assert step["ID"] not in (client.prune_builds()["CachesDeleted"] or ())
        assert "Using cache" in built(engine, directory, "--network", "none")
        engine.ok("rmi", "pruned")
        assert step["ID"] in client.prune_builds(all=True)["CachesDeleted"]
    assert "Using cache" not in built(engine, directory, "--network", "none")


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "zstd"])
def test_compressed_contexts(engine: Engine, tmp_path: Path, compression: str) -> None:
    directory = context(tmp_path / "c", "FROM scratch\nCOPY x /\n", {"x": compression})
    plain = subprocess.run(["tar", "-c", "-C", directory, "."], capture_output=True, check=True).stdout
    packed = subprocess.run([compression, "-c"], input=plain, capture_output=True, check=True).stdout
    with contextlib.closing(APIClient(engine.host)) as client:
        with client.post(client._url("/build"), data=packed) as reply:
            assert "Successfully built" in reply.text
        with client.post(client._url("/build"), data=packed[: len(packed) // 2]) as reply:
            assert reply.status_code == 400, reply.text


def test_docker_py(engine: Engine, tmp_path: Path) -> None:
    directory = context(tmp_path, "FROM busybox\nARG a\nRUN echo $a > /x\nRUN exit 5\n")
    with contextlib.closing(docker.DockerClient(engine.host)) as client:
        with pytest.raises(docker.errors.BuildError, match="returned a non-zero code: 5"):
            client.images.build(path=str(directory), buildargs={"a": "b"}, network_mode="none")
        context(tmp_path, "FROM busybox\nARG a\nRUN echo $a > /x\n")
        image, _ = client.images.build(path=str(directory), buildargs={"a": "b"}, network_mode="none", tag="by:py")
    assert says(engine, image.id, "cat", "/x") == "b"
    engine.ok("rmi", "by:py")
