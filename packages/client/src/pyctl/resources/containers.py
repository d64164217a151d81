"""Containers: the operations under ``/containers`` (Engine API, tag Container)."""

from __future__ import annotations

import base64
import binascii
import builtins
import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs

from pyctl.api import Api, Params, filters_param, json_lines, parse_json
from pyctl.errors import MalformedAnswer, NotFound
from pyctl.hijack import Hijacked
from pyctl.models.containers import (
    Change,
    ContainerDetail,
    ContainerSummary,
    Created,
    Finished,
    PathStat,
    ProcessTable,
    Pruned,
    Updated,
    WaitResult,
)
from pyctl.models.fields import decode, json_list
from pyctl.streams import Piece, collected, demultiplex, raw
from pyctl.transport import Body, Response

if TYPE_CHECKING:
    from pyctl.models.create import CreateRequest, HostConfig
    from pyctl.models.stats import Stats


class PendingWait:
    """A wait that the daemon has acknowledged: whatever happens to the container from now on is not missed."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def result(self) -> WaitResult:
        """Block until the condition is met."""
        return decode(WaitResult, parse_json(self._response.read(), "wait"), "wait")


class Containers:
    """``client.containers``. ``ref`` is an ID, a prefix of one, or a name; `pyctl.errors.NotFound` when nothing matches."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(
        self,
        *,
        all: bool = False,
        limit: int | None = None,
        size: bool = False,
        filters: Mapping[str, list[str]] | None = None,
    ) -> list[ContainerSummary]:
        """ContainerList: running containers, newest first; ``all`` adds the others, ``size`` costs a disk walk."""
        params = {"all": all, "limit": limit, "size": size, "filters": filters_param(filters)}
        answer = json_list(self._api.get("/containers/json", params), "containers")
        return [decode(ContainerSummary, item, f"containers[{i}]") for i, item in enumerate(answer)]

    def create(self, request: CreateRequest, *, name: str | None = None, platform: str | None = None) -> Created:
        """ContainerCreate. Raises `NotFound` for an unknown image, `Conflict` for a name in use."""
        from pyctl.models.requests import encode  # its many classes are not for those who only list

        params = {"name": name, "platform": platform}
        answer = self._api.call("POST", "/containers/create", params, encode(request))
        return decode(Created, parse_json(answer, "created container"), "created container")

    def inspect(self, ref: str, *, size: bool = False) -> ContainerDetail:
        """ContainerInspect."""
        return decode(ContainerDetail, self._api.get(f"{_path(ref)}/json", {"size": size}), f"container {ref}")

    def top(self, ref: str, ps_args: str | None = None) -> ProcessTable:
        """ContainerTop; ``ps_args`` as given to ps(1)."""
        return decode(ProcessTable, self._api.get(f"{_path(ref)}/top", {"ps_args": ps_args}), f"top {ref}")

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
    ) -> Iterator[Piece]:
        """ContainerLogs: pieces of output as they arrive. ``since`` and ``until`` are seconds since 1970, as text.

        ``tty`` must be the container's own setting (`ContainerDetail.config`): such logs are not multiplexed.
        """
        params = {
            "stdout": stdout,
            "stderr": stderr,
            "follow": follow,
            "since": since,
            "until": until,
            "timestamps": timestamps,
            "tail": tail,
            "details": details,
        }
        chunks = self._api.open("GET", f"{_path(ref)}/logs", params).stream()
        return raw(chunks) if tty else demultiplex(chunks)

    def stats(self, ref: str, *, stream: bool = True, one_shot: bool = False) -> Iterator[Stats]:
        """ContainerStats: one sample a second (or just one, without ``stream``); ``one_shot`` has no sample before it."""
        from pyctl.models.stats import Stats

        response = self._api.open("GET", f"{_path(ref)}/stats", {"stream": int(stream), "one-shot": one_shot})
        return (decode(Stats, item, f"stats {ref}") for item in json_lines(response, f"stats {ref}"))

    def resize(self, ref: str, rows: int, columns: int) -> None:
        """ContainerResize: the size of its terminal, in characters."""
        self._api.call("POST", f"{_path(ref)}/resize", {"h": rows, "w": columns})

    def start(self, ref: str, *, detach_keys: str | None = None) -> None:
        """ContainerStart; nothing happens to one that runs (304)."""
        self._api.call("POST", f"{_path(ref)}/start", {"detachKeys": detach_keys})

    def stop(self, ref: str, *, timeout: int | None = None, signal: str | None = None) -> None:
        """ContainerStop: a signal, then SIGKILL after ``timeout`` seconds; nothing happens to a stopped one (304)."""
        # A timeout of zero must reach the daemon, so it is not left to truth.
        self._api.call("POST", f"{_path(ref)}/stop", {"signal": signal, "t": None if timeout is None else str(timeout)})

    def restart(self, ref: str, *, timeout: int | None = None, signal: str | None = None) -> None:
        """ContainerRestart: like `stop`, then a start."""
        params = {"signal": signal, "t": None if timeout is None else str(timeout)}
        self._api.call("POST", f"{_path(ref)}/restart", params)

    def update(self, ref: str, changes: HostConfig) -> tuple[str, ...]:
        """ContainerUpdate: the limits and the restart policy that are set in ``changes``; what the daemon warns of."""
        from pyctl.models.requests import encode

        answer = parse_json(self._api.call("POST", f"{_path(ref)}/update", {}, encode(changes)), "update")
        return decode(Updated, answer, "update").warnings

    def rename(self, ref: str, name: str) -> None:
        """ContainerRename. `Conflict` for a name in use."""
        self._api.call("POST", f"{_path(ref)}/rename", {"name": name})

    def pause(self, ref: str) -> None:
        """ContainerPause: freeze its processes. `Conflict` when they are frozen or do not run."""
        self._api.call("POST", f"{_path(ref)}/pause")

    def unpause(self, ref: str) -> None:
        """ContainerUnpause."""
        self._api.call("POST", f"{_path(ref)}/unpause")

    def kill(self, ref: str, signal: str | None = None) -> None:
        """ContainerKill: SIGKILL, or the signal given by name or number. `Conflict` when it does not run."""
        self._api.call("POST", f"{_path(ref)}/kill", {"signal": signal})

    def attach(
        self,
        ref: str,
        *,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
        logs: bool = False,
        detach_keys: str | None = None,
    ) -> Hijacked:
        """ContainerAttach: the raw connection; multiplexed unless the container has a terminal."""
        params = {
            "stream": True,
            "stdin": stdin,
            "stdout": stdout,
            "stderr": stderr,
            "logs": logs,
            "detachKeys": detach_keys,
        }
        return self._api.hijack(f"{_path(ref)}/attach", params)

    def wait(self, ref: str, condition: str | None = None) -> PendingWait:
        """ContainerWait: ``not-running`` (the daemon's default), ``next-exit`` or ``removed``.

        Returns when the daemon has acknowledged, so a start that follows cannot be missed.
        """
        return PendingWait(self._api.open("POST", f"{_path(ref)}/wait", {"condition": condition}))

    def run(
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
        open_stdin = bool(input) or request.open_stdin
        asked = attrs.evolve(
            request,
            attach_stdout=True,
            attach_stderr=True,
            open_stdin=open_stdin,
            attach_stdin=open_stdin,
            stdin_once=open_stdin,
        )
        created = self.create(asked, name=name, platform=platform)
        try:
            pending = self.wait(created.id, "next-exit")
            with self.attach(created.id, stdin=bool(open_stdin)) as connection:
                self.start(created.id)
                stdout, stderr = collected(connection, input if open_stdin else None, tty=bool(request.tty))
            return Finished(created.id, pending.result().status_code, stdout, stderr)
        finally:
            if remove:
                self.remove(created.id, force=True, volumes=True)

    @contextlib.contextmanager
    def temporary(
        self, request: CreateRequest, *, name: str | None = None, platform: str | None = None
    ) -> Iterator[str]:
        """A container that runs as long as the body does; its ID. Removed afterwards with its anonymous volumes, whatever happens."""
        created = self.create(request, name=name, platform=platform)
        try:
            self.start(created.id)
            yield created.id
        finally:
            with contextlib.suppress(NotFound):  # it may have removed itself
                self.remove(created.id, force=True, volumes=True)

    def remove(self, ref: str, *, force: bool = False, volumes: bool = False, link: bool = False) -> None:
        """ContainerDelete. `Conflict` for a running one without ``force``."""
        self._api.call("DELETE", _path(ref), {"force": force, "v": volumes, "link": link})

    def changes(self, ref: str) -> builtins.list[Change]:
        """ContainerChanges: what differs from the image, by path."""
        where = f"changes {ref}"
        answer = json_list(self._api.get(f"{_path(ref)}/changes") or [], where)
        return [decode(Change, item, f"{where}[{i}]") for i, item in enumerate(answer)]

    def export(self, ref: str) -> Iterator[bytes]:
        """ContainerExport: all of its files, as pieces of a tar."""
        return self._api.open("GET", f"{_path(ref)}/export").stream()

    def stat(self, ref: str, path: str) -> PathStat:
        """ContainerArchiveInfo: what is at a path; a link at its end is not followed. `NotFound` when there is nothing."""
        response = self._api.open("HEAD", f"{_path(ref)}/archive", {"path": path})
        response.read()
        return _stat(response, path)

    def get_archive(self, ref: str, path: str) -> tuple[Iterator[bytes], PathStat]:
        """ContainerArchive: a file or directory as pieces of a tar, whose names begin with its own, and what it is."""
        response = self._api.open("GET", f"{_path(ref)}/archive", {"path": path})
        return response.stream(), _stat(response, path)

    def put_archive(
        self, ref: str, path: str, archive: Body, *, keep_kinds: bool = False, owners_of_container: bool = False
    ) -> None:
        """PutContainerArchive: unpack a tar into a directory of the container.

        With ``keep_kinds`` no directory is replaced by something else, nor the other way round; ``owners_of_container`` makes
        everything belong to the container's user.
        """
        params: Params = {"path": path, "noOverwriteDirNonDir": keep_kinds, "copyUIDGID": owners_of_container}
        self._api.open("PUT", f"{_path(ref)}/archive", params, archive, "application/x-tar").read()

    def prune(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> Pruned:
        """ContainerPrune: those that do not run."""
        answer = self._api.call("POST", "/containers/prune", {"filters": filters_param(filters)})
        return decode(Pruned, parse_json(answer, "container prune"), "container prune")


def _path(ref: str) -> str:
    return "/containers/" + quote(ref, safe="")


def _stat(response: Response, path: str) -> PathStat:
    where = f"X-Docker-Container-Path-Stat of {path}"
    try:
        text = base64.b64decode(response.headers.get("X-Docker-Container-Path-Stat", ""), validate=True)
    except binascii.Error as error:
        raise MalformedAnswer(f"{where}: no base64: {error}") from error
    return decode(PathStat, parse_json(text, where), where)
