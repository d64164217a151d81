# ruff: noqa: ASYNC109 - a timeout is the daemon's
"""The resources of `pyctl.aio.AsyncClient`. Written by ``python -m tests.client.aio.mirror`` from `pyctl.resources`: change that."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pyctl.aio.streams import AsyncHijacked, AsyncPendingWait, AsyncStream, Runner
from pyctl.aio.temporary import TemporaryContainers

if TYPE_CHECKING:
    from pyctl.models.build import BuildRequest
    from pyctl.models.containers import (
        Change,
        ContainerDetail,
        ContainerSummary,
        Created,
        ExecDetail,
        Finished,
        PathStat,
        ProcessTable,
        Pruned,
    )
    from pyctl.models.create import CreateRequest, ExecRequest, HostConfig
    from pyctl.models.disk import CachePruned, DiskUsage
    from pyctl.models.fields import JsonObject
    from pyctl.models.images import Deleted, Found, HistoryStep, ImageDetail, ImagesPruned, ImageSummary, Progress
    from pyctl.models.networks import Endpoint, Network, NetworkCreated, NetworkRequest, NetworksPruned
    from pyctl.models.stats import Stats
    from pyctl.models.system import Event, LoggedIn, Ping, Span, SystemVersion
    from pyctl.models.volumes import Volume, VolumeRequest, VolumesPruned
    from pyctl.streams import Piece
    from pyctl.transport import Body


class AsyncContainers(TemporaryContainers):
    """``client.containers``, as `pyctl.resources.containers.Containers`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def list(
        self,
        *,
        all: bool = False,
        limit: int | None = None,
        size: bool = False,
        filters: Mapping[str, builtins.list[str]] | None = None,
    ) -> builtins.list[ContainerSummary]:
        """ContainerList: running containers, newest first; ``all`` adds the others, ``size`` costs a disk walk."""
        return await self._runner.call(
            lambda client: client.containers.list(all=all, limit=limit, size=size, filters=filters)
        )

    async def create(self, request: CreateRequest, *, name: str | None = None, platform: str | None = None) -> Created:
        """ContainerCreate. Raises `NotFound` for an unknown image, `Conflict` for a name in use."""
        return await self._runner.call(lambda client: client.containers.create(request, name=name, platform=platform))

    async def inspect(self, ref: str, *, size: bool = False) -> ContainerDetail:
        """ContainerInspect."""
        return await self._runner.call(lambda client: client.containers.inspect(ref, size=size))

    async def top(self, ref: str, ps_args: str | None = None) -> ProcessTable:
        """ContainerTop; ``ps_args`` as given to ps(1)."""
        return await self._runner.call(lambda client: client.containers.top(ref, ps_args))

    def logs(
        self,
        ref: str,
        *,
        tty: bool,
        follow: bool = False,
        stdout: bool = True,
        stderr: bool = True,
        since: str | None = None,
        until: str | None = None,
        timestamps: bool = False,
        tail: str = "all",
        details: bool = False,
    ) -> AsyncStream[Piece]:
        """ContainerLogs: pieces of output as they arrive. ``since`` and ``until`` are seconds since 1970, as text.

        ``tty`` must be the container's own setting (`ContainerDetail.config`): such logs are not multiplexed.
        """
        return AsyncStream(
            self._runner,
            lambda client: client.containers.logs(
                ref,
                tty=tty,
                follow=follow,
                stdout=stdout,
                stderr=stderr,
                since=since,
                until=until,
                timestamps=timestamps,
                tail=tail,
                details=details,
            ),
        )

    def stats(self, ref: str, *, stream: bool = True, one_shot: bool = False) -> AsyncStream[Stats]:
        """ContainerStats: one sample a second (or just one, without ``stream``); ``one_shot`` has no sample before it."""
        return AsyncStream(self._runner, lambda client: client.containers.stats(ref, stream=stream, one_shot=one_shot))

    async def resize(self, ref: str, rows: int, columns: int) -> None:
        """ContainerResize: the size of its terminal, in characters."""
        await self._runner.call(lambda client: client.containers.resize(ref, rows, columns))

    async def start(self, ref: str, *, detach_keys: str | None = None) -> None:
        """ContainerStart; nothing happens to one that runs (304)."""
        await self._runner.call(lambda client: client.containers.start(ref, detach_keys=detach_keys))

    async def stop(self, ref: str, *, timeout: int | None = None, signal: str | None = None) -> None:
        """ContainerStop: a signal, then SIGKILL after ``timeout`` seconds; nothing happens to a stopped one (304)."""
        await self._runner.call(lambda client: client.containers.stop(ref, timeout=timeout, signal=signal))

    async def restart(self, ref: str, *, timeout: int | None = None, signal: str | None = None) -> None:
        """ContainerRestart: like `stop`, then a start."""
        await self._runner.call(lambda client: client.containers.restart(ref, timeout=timeout, signal=signal))

    async def update(self, ref: str, changes: HostConfig) -> tuple[str, ...]:
        """ContainerUpdate: the limits and the restart policy that are set in ``changes``; what the daemon warns of."""
        return await self._runner.call(lambda client: client.containers.update(ref, changes))

    async def rename(self, ref: str, name: str) -> None:
        """ContainerRename. `Conflict` for a name in use."""
        await self._runner.call(lambda client: client.containers.rename(ref, name))

    async def pause(self, ref: str) -> None:
        """ContainerPause: freeze its processes. `Conflict` when they are frozen or do not run."""
        await self._runner.call(lambda client: client.containers.pause(ref))

    async def unpause(self, ref: str) -> None:
        """ContainerUnpause."""
        await self._runner.call(lambda client: client.containers.unpause(ref))

    async def kill(self, ref: str, signal: str | None = None) -> None:
        """ContainerKill: SIGKILL, or the signal given by name or number. `Conflict` when it does not run."""
        await self._runner.call(lambda client: client.containers.kill(ref, signal))

    async def attach(
        self,
        ref: str,
        *,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
        logs: bool = False,
        detach_keys: str | None = None,
    ) -> AsyncHijacked:
        """ContainerAttach: the raw connection; multiplexed unless the container has a terminal."""
        return AsyncHijacked(
            await self._runner.call(
                lambda client: client.containers.attach(
                    ref, stdin=stdin, stdout=stdout, stderr=stderr, logs=logs, detach_keys=detach_keys
                )
            )
        )

    async def wait(self, ref: str, condition: str | None = None) -> AsyncPendingWait:
        """ContainerWait: ``not-running`` (the daemon's default), ``next-exit`` or ``removed``.

        Returns when the daemon has acknowledged, so a start that follows cannot be missed.
        """
        return await AsyncPendingWait.begun(self._runner, lambda client: client.containers.wait(ref, condition))

    async def run(
        self,
        request: CreateRequest,
        *,
        name: str | None = None,
        platform: str | None = None,
        input: bytes = b"",
        remove: bool = True,
    ) -> Finished:
        """ContainerCreate, ContainerStart and ContainerWait: a container from its beginning to its end, and what it wrote.

        With ``input`` its standard input is open and gets that. Removed afterwards, whatever happens, unless ``remove`` is false.
        """
        return await self._runner.call(
            lambda client: client.containers.run(request, name=name, platform=platform, input=input, remove=remove)
        )

    async def remove(self, ref: str, *, force: bool = False, volumes: bool = False, link: bool = False) -> None:
        """ContainerDelete. `Conflict` for a running one without ``force``."""
        await self._runner.call(lambda client: client.containers.remove(ref, force=force, volumes=volumes, link=link))

    async def changes(self, ref: str) -> builtins.list[Change]:
        """ContainerChanges: what differs from the image, by path."""
        return await self._runner.call(lambda client: client.containers.changes(ref))

    def export(self, ref: str) -> AsyncStream[bytes]:
        """ContainerExport: all of its files, as pieces of a tar."""
        return AsyncStream(self._runner, lambda client: client.containers.export(ref))

    async def stat(self, ref: str, path: str) -> PathStat:
        """ContainerArchiveInfo: what is at a path; a link at its end is not followed. `NotFound` when there is nothing."""
        return await self._runner.call(lambda client: client.containers.stat(ref, path))

    async def get_archive(self, ref: str, path: str) -> tuple[AsyncStream[bytes], PathStat]:
        """ContainerArchive: a file or directory as pieces of a tar, whose names begin with its own, and what it is."""
        return await AsyncStream.with_head(self._runner, lambda client: client.containers.get_archive(ref, path))

    async def put_archive(
        self, ref: str, path: str, archive: Body, *, keep_kinds: bool = False, owners_of_container: bool = False
    ) -> None:
        """PutContainerArchive: unpack a tar into a directory of the container.

        With ``keep_kinds`` no directory is replaced by something else, nor the other way round; ``owners_of_container`` makes
        everything belong to the container's user.
        """
        await self._runner.call(
            lambda client: client.containers.put_archive(
                ref, path, archive, keep_kinds=keep_kinds, owners_of_container=owners_of_container
            )
        )

    async def prune(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> Pruned:
        """ContainerPrune: those that do not run."""
        return await self._runner.call(lambda client: client.containers.prune(filters=filters))


class AsyncExecs:
    """``client.execs``, as `pyctl.resources.execs.Execs`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def create(self, container: str, request: ExecRequest) -> str:
        """ContainerExec: returns the new instance's ID. `Conflict` when the container does not run."""
        return await self._runner.call(lambda client: client.execs.create(container, request))

    async def run(self, container: str, request: ExecRequest, *, input: bytes = b"") -> Finished:
        """ExecCreate, ExecStart and ExecInspect: a command from its beginning to its end, and what it wrote; ``input`` is what it reads."""
        return await self._runner.call(lambda client: client.execs.run(container, request, input=input))

    async def start(self, exec_id: str, *, tty: bool = False) -> AsyncHijacked:
        """ExecStart, attached: the raw connection; multiplexed unless ``tty``."""
        return AsyncHijacked(await self._runner.call(lambda client: client.execs.start(exec_id, tty=tty)))

    async def start_detached(self, exec_id: str, *, tty: bool = False) -> None:
        """ExecStart in the background."""
        await self._runner.call(lambda client: client.execs.start_detached(exec_id, tty=tty))

    async def resize(self, exec_id: str, rows: int, columns: int) -> None:
        """ExecResize: the size of its terminal, in characters."""
        await self._runner.call(lambda client: client.execs.resize(exec_id, rows, columns))

    async def inspect(self, exec_id: str) -> ExecDetail:
        """ExecInspect."""
        return await self._runner.call(lambda client: client.execs.inspect(exec_id))


class AsyncImages:
    """``client.images``, as `pyctl.resources.images.Images`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def list(
        self, *, all: bool = False, filters: Mapping[str, builtins.list[str]] | None = None
    ) -> builtins.list[ImageSummary]:
        """ImageList; ``all`` adds intermediate images."""
        return await self._runner.call(lambda client: client.images.list(all=all, filters=filters))

    def pull(
        self, repository: str, *, tag: str | None = None, platform: str | None = None, auth: str | None = None
    ) -> AsyncStream[Progress]:
        """ImageCreate from a registry; failures that happen on the way are the last message's ``error``.

        ``auth`` is the header X-Registry-Auth: an AuthConfig as JSON in base64 of the kind for addresses.
        """
        return AsyncStream(
            self._runner, lambda client: client.images.pull(repository, tag=tag, platform=platform, auth=auth)
        )

    def push(
        self, repository: str, *, tag: str | None = None, platform: str | None = None, auth: str | None = None
    ) -> AsyncStream[Progress]:
        """ImagePush: one tag, or all of the repository; failures on the way are the last message's ``error``. ``auth`` as for ``pull``."""
        return AsyncStream(
            self._runner, lambda client: client.images.push(repository, tag=tag, platform=platform, auth=auth)
        )

    def import_(
        self,
        source: Body,
        *,
        url: str = "-",
        reference: str = "",
        message: str = "",
        changes: builtins.list[str] | None = None,
        platform: str | None = None,
    ) -> AsyncStream[Progress]:
        """ImageCreate from a root file system tar (``source``), or from one the daemon fetches (``url``)."""
        return AsyncStream(
            self._runner,
            lambda client: client.images.import_(
                source, url=url, reference=reference, message=message, changes=changes, platform=platform
            ),
        )

    def build(self, context: Body, request: BuildRequest, *, auth: str | None = None) -> AsyncStream[Progress]:
        """ImageBuild: ``context`` is a tar, None where the request has an address; failures on the way are the last message's ``error``.

        ``auth`` is the header X-Registry-Config: for each registry an AuthConfig, as JSON in base64 of the kind for addresses.
        """
        return AsyncStream(self._runner, lambda client: client.images.build(context, request, auth=auth))

    async def inspect(self, ref: str) -> ImageDetail:
        """ImageInspect."""
        return await self._runner.call(lambda client: client.images.inspect(ref))

    async def remove(self, ref: str, *, force: bool = False, no_prune: bool = False) -> builtins.list[Deleted]:
        """ImageDelete: what was untagged and deleted, in order. `Conflict` when a container uses it."""
        return await self._runner.call(lambda client: client.images.remove(ref, force=force, no_prune=no_prune))

    async def tag(self, ref: str, repository: str, tag: str) -> None:
        """ImageTag: one more reference to the same image."""
        await self._runner.call(lambda client: client.images.tag(ref, repository, tag))

    def load(self, archive: Body, *, quiet: bool = False, platform: str | None = None) -> AsyncStream[Progress]:
        """ImageLoad: an archive of ``docker save`` or an OCI layout in a tar."""
        return AsyncStream(self._runner, lambda client: client.images.load(archive, quiet=quiet, platform=platform))

    async def history(self, ref: str) -> builtins.list[HistoryStep]:
        """ImageHistory: the newest step first."""
        return await self._runner.call(lambda client: client.images.history(ref))

    def save(self, refs: Sequence[str], *, platform: str | None = None) -> AsyncStream[bytes]:
        """ImageGetAll: an archive of these images, as pieces of a tar."""
        return AsyncStream(self._runner, lambda client: client.images.save(refs, platform=platform))

    async def commit(
        self,
        container: str,
        *,
        repository: str | None = None,
        tag: str | None = None,
        author: str = "",
        message: str = "",
        changes: Sequence[str] = (),
        pause: bool = True,
    ) -> str:
        """ImageCommit: an image from a container's files, ``changes`` are instructions of a Dockerfile; returns its ID."""
        return await self._runner.call(
            lambda client: client.images.commit(
                container, repository=repository, tag=tag, author=author, message=message, changes=changes, pause=pause
            )
        )

    async def search(
        self,
        term: str,
        *,
        limit: int | None = None,
        filters: Mapping[str, builtins.list[str]] | None = None,
        auth: str | None = None,
    ) -> builtins.list[Found]:
        """ImageSearch in a registry. ``auth`` as for ``pull``."""
        return await self._runner.call(
            lambda client: client.images.search(term, limit=limit, filters=filters, auth=auth)
        )

    async def prune(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> ImagesPruned:
        """ImagePrune: those without a name that no container uses; with the filter ``dangling=false`` those with one, too."""
        return await self._runner.call(lambda client: client.images.prune(filters=filters))


class AsyncNetworks:
    """``client.networks``, as `pyctl.resources.networks.Networks`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def list(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> builtins.list[Network]:
        """NetworkList."""
        return await self._runner.call(lambda client: client.networks.list(filters=filters))

    async def create(self, request: NetworkRequest) -> NetworkCreated:
        """NetworkCreate. `Conflict` for a name in use."""
        return await self._runner.call(lambda client: client.networks.create(request))

    async def inspect(self, ref: str, *, verbose: bool = False) -> Network:
        """NetworkInspect."""
        return await self._runner.call(lambda client: client.networks.inspect(ref, verbose=verbose))

    async def remove(self, ref: str) -> None:
        """NetworkDelete. `Forbidden` while a container is connected."""
        await self._runner.call(lambda client: client.networks.remove(ref))

    async def connect(self, ref: str, container: str, endpoint: Endpoint | None = None) -> None:
        """NetworkConnect, also of a container that runs."""
        await self._runner.call(lambda client: client.networks.connect(ref, container, endpoint))

    async def disconnect(self, ref: str, container: str, *, force: bool = False) -> None:
        """NetworkDisconnect, also of a container that runs."""
        await self._runner.call(lambda client: client.networks.disconnect(ref, container, force=force))

    async def prune(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> NetworksPruned:
        """NetworkPrune: those that no container is connected to."""
        return await self._runner.call(lambda client: client.networks.prune(filters=filters))


class AsyncSystem:
    """``client.system``, as `pyctl.resources.system.System`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def ping(self) -> Ping:
        """SystemPing."""
        return await self._runner.call(lambda client: client.system.ping())

    async def info(self) -> JsonObject:
        """SystemInfo. A document: it has a hundred fields that differ from daemon to daemon."""
        return await self._runner.call(lambda client: client.system.info())

    async def version(self) -> SystemVersion:
        """SystemVersion."""
        return await self._runner.call(lambda client: client.system.version())

    def events(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        filters: Mapping[str, builtins.list[str]] | None = None,
    ) -> AsyncStream[Event]:
        """SystemEvents as they happen, without end unless ``until`` (seconds since 1970, as text) is given."""
        return AsyncStream(self._runner, lambda client: client.system.events(since=since, until=until, filters=filters))

    async def disk_usage(self, *, kinds: Sequence[str] = ()) -> DiskUsage:
        """SystemDataUsage: what images, containers, volumes and build cache take; ``kinds`` (``image``, …) leaves the others out."""
        return await self._runner.call(lambda client: client.system.disk_usage(kinds=kinds))

    async def prune_build_cache(
        self, *, all: bool = False, filters: Mapping[str, builtins.list[str]] | None = None
    ) -> CachePruned:
        """BuildPrune: what builds have kept and nobody uses; with ``all``, all of it."""
        return await self._runner.call(lambda client: client.system.prune_build_cache(all=all, filters=filters))

    async def login(self, user: str, password: str, server: str, *, identity_token: str = "") -> LoggedIn:
        """SystemAuth: let the daemon ask a registry whether it takes these credentials. `Unauthorized` when it does not."""
        return await self._runner.call(
            lambda client: client.system.login(user, password, server, identity_token=identity_token)
        )

    async def trace(self, trace_id: str) -> builtins.list[Span]:
        """The spans that pydockerd recorded under a trace ID of 32 hexadecimal digits (not an Engine API operation)."""
        return await self._runner.call(lambda client: client.system.trace(trace_id))


class AsyncVolumes:
    """``client.volumes``, as `pyctl.resources.volumes.Volumes`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def list(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> builtins.list[Volume]:
        """VolumeList."""
        return await self._runner.call(lambda client: client.volumes.list(filters=filters))

    async def create(self, request: VolumeRequest) -> Volume:
        """VolumeCreate: a new one, or the one that has this name already."""
        return await self._runner.call(lambda client: client.volumes.create(request))

    async def inspect(self, name: str) -> Volume:
        """VolumeInspect."""
        return await self._runner.call(lambda client: client.volumes.inspect(name))

    async def remove(self, name: str, *, force: bool = False) -> None:
        """VolumeDelete. `Conflict` while a container has it."""
        await self._runner.call(lambda client: client.volumes.remove(name, force=force))

    async def prune(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> VolumesPruned:
        """VolumePrune: those without a name that no container has; with the filter ``all=true`` the others, too."""
        return await self._runner.call(lambda client: client.volumes.prune(filters=filters))
