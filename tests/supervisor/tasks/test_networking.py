"""Who connects containers is asked between create and start, told of each end, and told what runs when a supervisor opens."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from attrs import define, field

from pycontainerd import NetworkSubject, Supervisor
from pycontainerd.errors import InvalidConfig, NetworkFailed
from tests.supervisor.conftest import supervisor_in
from tests.supervisor.running import create, start


@define
class Recorded:
    """A provider that writes down what it is asked, and refuses if it is told to."""

    said: list[tuple[str, str]] = field(factory=list)
    subjects: list[NetworkSubject] = field(factory=list)
    refusal: Exception | None = None

    async def connect(self, subject: NetworkSubject) -> None:
        self.said.append(("connect", subject.id))
        self.subjects.append(subject)
        assert os.readlink(f"/proc/{subject.pid}/ns/net") != os.readlink("/proc/self/ns/net")
        assert not Path(f"/proc/{subject.pid}/comm").read_text().startswith("sh")  # its own program has not begun
        with (subject.files / "hosts").open("a") as hosts:
            hosts.write("192.0.2.7\tprovided\n")
        if self.refusal is not None:
            raise self.refusal

    async def disconnect(self, id: str) -> None:
        self.said.append(("disconnect", id))

    async def removed(self, id: str) -> None:
        self.said.append(("removed", id))

    async def reconcile(self, running: Sequence[NetworkSubject], known: Collection[str]) -> None:
        self.said += [("runs", subject.id) for subject in running] + [("known", each) for each in sorted(known)]


def provided(directory: Path, provider: Recorded) -> Supervisor:
    made = supervisor_in(directory)
    made._networks = provider
    return made


async def test_without_a_provider_nobody_is_managed(supervisor: Supervisor, busybox_tar: Path) -> None:
    await supervisor.images.import_rootfs(busybox_tar, "busybox")
    with pytest.raises(InvalidConfig, match="managed"):
        await create(supervisor, "true", network="managed")


async def test_a_run_is_connected_before_it_begins_and_disconnected_before_its_end_is_told(
    tmp_short: Path, busybox_tar: Path
) -> None:
    provider = Recorded()
    async with provided(tmp_short, provider) as supervisor:
        await supervisor.images.import_rootfs(busybox_tar, "busybox")
        container = await create(supervisor, "grep -q provided /etc/hosts", network="managed")
        for _ in range(2):
            ended = container.waiter("next-exit")
            await container.start()
            assert (await ended).code == 0
            assert provider.said[-2:] == [("connect", container.id), ("disconnect", container.id)]
        plain = await start(supervisor, "true")
        await plain.wait()
        await container.remove()
        assert provider.said[-1] == ("removed", container.id)
        assert plain.id not in {each for _, each in provider.said}
        await plain.remove()


async def test_what_it_raises_is_why_the_start_fails(tmp_short: Path, busybox_tar: Path) -> None:
    provider = Recorded(refusal=ValueError("no cable"))
    async with provided(tmp_short, provider) as supervisor:
        await supervisor.images.import_rootfs(busybox_tar, "busybox")
        container = await create(supervisor, "true", network="managed")
        with pytest.raises(NetworkFailed, match="failed to set up container networking: no cable") as failed:
            await container.start()
        assert failed.value.__cause__ is provider.refusal
        assert ("disconnect", container.id) in provider.said
        assert not container.info().running
        provider.refusal = None
        await container.start()
        await container.wait()
        await container.remove()


async def test_the_next_supervisor_says_what_runs_before_it_starts_anything(tmp_short: Path, busybox_tar: Path) -> None:
    async with provided(tmp_short, Recorded()) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        lives = await start(first, "sleep 300", network="managed")
        ends = await create(first, "true", network="managed")
    provider = Recorded()
    async with provided(tmp_short, provider) as second:
        assert provider.said == [("runs", lives.id), *(("known", each) for each in sorted((lives.id, ends.id)))]
        for container in second.containers.list():
            await container.remove(force=True)
        assert ("disconnect", lives.id) in provider.said
