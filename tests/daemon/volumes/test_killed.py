"""SIGKILL at random moments of everything that is done with volumes: nothing that was acknowledged is lost, and nothing is left that nobody has.

PYDOCKERD_ROUNDS sets how many rounds there are; a few by default, and many by ``nox -s killed``.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import threading
import time
from pathlib import Path

import pytest
from attrs import define, field

import pyctl
from pyctl.errors import ApiError, Conflict, NotFound, PyctlError
from pyctl.models.create import Mount
from pyctl.models.volumes import VolumeRequest
from tests.support.daemon import Daemon

ROUNDS = int(os.environ.get("PYDOCKERD_ROUNDS", "4"))


@define
class Known:
    """What was acknowledged: volumes with what is in them. Those that were being removed when the daemon died may be there or not."""

    kept: dict[str, str] = field(factory=dict)
    going: set[str] = field(factory=set)
    begun: set[str] = field(factory=set)
    done: int = 0


class Work(threading.Thread):
    """Works with volumes until the daemon does not answer any more."""

    def __init__(self, daemon: Daemon, chance: random.Random, known: Known) -> None:
        super().__init__()
        self.host, self.chance, self.known = daemon.host, chance, known
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with pyctl.Client(self.host) as self.client:
                while True:
                    self.chance.choice(
                        [self.named, self.named, self.anonymous, self.remove, self.prune, self.ram, self.left]
                    )()
                    self.known.done += 1
        except ApiError as error:
            self.failure = error
        except PyctlError:
            pass  # it was killed
        except BaseException as error:
            self.failure = error

    def contain(self, script: str, *, keep: bool = False, mounts: tuple[Mount, ...] = ()) -> str:
        """Run a container with these mounts and an anonymous volume, to its end."""
        host = pyctl.HostConfig(network_mode="none", mounts=list(mounts), auto_remove=not keep)
        request = pyctl.CreateRequest(
            image="content", cmd=["sh", "-c", script], host_config=host, volumes={"/anonymous": {}}
        )
        made = self.client.containers.create(request)
        ended = self.client.containers.wait(made.id, "next-exit" if keep else "removed")
        self.client.containers.start(made.id)
        assert ended.result().status_code == 0
        return made.id

    def named(self) -> None:
        name = f"v{self.chance.randrange(1 << 48):x}"
        self.known.begun.add(name)
        self.contain(
            f"echo {name} > /x/file; cat /x/hello > /dev/null",
            mounts=(Mount(type="volume", source=name, target="/srv"), Mount(type="volume", source=name, target="/x")),
        )
        self.known.kept[name] = name

    def anonymous(self) -> None:
        made = self.contain("test -f /srv/hello && echo x > /anonymous/file", keep=True)
        self.client.containers.remove(made, volumes=True)

    def left(self) -> None:
        """Anonymous volumes that outlive their container, until they are pruned."""
        made = self.contain("true", keep=True)
        self.client.containers.remove(made)

    def remove(self) -> None:
        if not self.known.kept:
            return
        name = self.chance.choice(sorted(self.known.kept))
        del self.known.kept[name]
        self.known.going.add(name)
        self.client.volumes.remove(name)

    def prune(self) -> None:
        self.client.volumes.prune()

    def ram(self) -> None:
        name = f"r{self.chance.randrange(1 << 48):x}"
        self.known.begun.add(name)
        options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
        self.client.volumes.create(VolumeRequest(name=name, options=options))
        self.contain("echo x > /x/file", mounts=(Mount(type="volume", source=name, target="/x"),))
        self.known.going.add(name)
        self.client.volumes.remove(name)


def worked_and_killed(daemon: Daemon, chance: random.Random, known: Known) -> BaseException | None:
    """Let somebody work, and kill the daemon some moments after one piece of work. What should not have failed."""
    work = Work(daemon, chance, known)
    done, deadline = known.done + chance.randrange(4), time.monotonic() + 30
    work.start()
    while known.done < done and work.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(chance.uniform(0, 0.5))
    daemon.kill9()
    work.join()
    return work.failure


def check(daemon: Daemon, known: Known) -> None:
    """What is there is what was acknowledged, and what some container has."""
    volumes = daemon.directory / "data/volumes"
    with pyctl.Client(daemon.host) as client:
        deadline = time.monotonic() + 20
        while left := client.containers.list(all=True):
            assert time.monotonic() < deadline
            for listed in left:
                with contextlib.suppress(Conflict, NotFound):  # one that removes itself
                    client.containers.remove(listed.id, force=True, volumes=True)
        client.volumes.prune()  # those of containers that were removed without them
        there = {volume.name: volume for volume in client.volumes.list()}
    for name, content in known.kept.items():
        assert (volumes / name / "_data/file").read_text().strip() == content
        assert (volumes / name / "_data/hello").read_text() == "hello\n", "copied as a whole, or not at all"
    assert known.kept.keys() <= there.keys() <= known.kept.keys() | known.going | known.begun
    assert set(os.listdir(volumes)) - {".removed"} == there.keys()
    assert not (volumes / ".removed").exists() or os.listdir(volumes / ".removed") == []
    assert not list(volumes.glob("*/.pydockerd-staged"))
    assert str(volumes) not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.timeout(60 + 10 * ROUNDS)
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # connections to a daemon that was killed
def test_killed_in_the_middle(daemon: Daemon, busybox_tar: Path) -> None:
    daemon.docker("import", str(busybox_tar), "busybox")
    made = daemon.docker(
        "run", "--name", "maker", "--network", "none", "busybox", "sh", "-c", "mkdir /srv; echo hello > /srv/hello"
    )
    assert made.returncode == 0, made.stderr
    assert daemon.docker("commit", "-c", "VOLUME /srv", "maker", "content").returncode == 0
    daemon.docker("rm", "maker")
    chance = random.Random("volumes 1")
    known = Known()
    for _ in range(ROUNDS):
        failure = worked_and_killed(daemon, chance, known)
        gc.collect()  # the connections that were lost, while warnings about them are expected
        assert failure is None, failure
        daemon.start()
        check(daemon, known)
    print(f"{ROUNDS} rounds, {known.done} pieces of work, {len(known.kept)} volumes kept")
    assert known.done > ROUNDS
