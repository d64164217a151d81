"""Builds through the docker CLI (classic, DOCKER_BUILDKIT=0): steps, cache, contexts, failures, and what is left of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

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
