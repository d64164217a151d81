"""Images: the operations under ``/images`` (Engine API, tag Image)."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from pyctl.api import Api, Params, filters_param, json_lines, parse_json
from pyctl.models.build import BuildRequest
from pyctl.models.fields import decode, json_list
from pyctl.models.images import (
    Committed,
    Deleted,
    Found,
    HistoryStep,
    ImageDetail,
    ImagesPruned,
    ImageSummary,
    Progress,
)
from pyctl.transport import Body, Response

_TAR = "application/x-tar"


class Images:
    """``client.images``. ``ref`` is an ID, a prefix of one, or a reference such as ``busybox:latest``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self, *, all: bool = False, filters: Mapping[str, list[str]] | None = None) -> list[ImageSummary]:
        """ImageList; ``all`` adds intermediate images."""
        params = {"all": all, "filters": filters_param(filters)}
        answer = json_list(self._api.get("/images/json", params), "images")
        return [decode(ImageSummary, item, f"images[{i}]") for i, item in enumerate(answer)]

    def pull(
        self, repository: str, *, tag: str | None = None, platform: str | None = None, auth: str | None = None
    ) -> Iterator[Progress]:
        """ImageCreate from a registry; failures that happen on the way are the last message's ``error``.

        ``auth`` is the header X-Registry-Auth: an AuthConfig as JSON in base64 of the kind for addresses.
        """
        params = {"fromImage": repository, "tag": tag, "platform": platform}
        return _progress(self._api.open("POST", "/images/create", params, headers=_auth(auth)), "pull")

    def push(
        self, repository: str, *, tag: str | None = None, platform: str | None = None, auth: str | None = None
    ) -> Iterator[Progress]:
        """ImagePush: one tag, or all of the repository; failures on the way are the last message's ``error``. ``auth`` as for ``pull``."""
        params = {"tag": tag, "platform": platform}
        # an empty header says nobody; without one, daemons of old refuse
        headers = _auth(auth or "e30=")
        return _progress(self._api.open("POST", f"{_path(repository)}/push", params, headers=headers), "push")

    def import_(
        self,
        source: Body,
        *,
        url: str = "-",
        reference: str = "",
        message: str = "",
        changes: builtins.list[str] | None = None,
        platform: str | None = None,
    ) -> Iterator[Progress]:
        """ImageCreate from a root file system tar (``source``), or from one the daemon fetches (``url``)."""
        params: Params = {
            "fromSrc": url,
            "repo": reference or None,
            "message": message or None,
            "changes": changes or [],
            "platform": platform,
        }
        return _progress(self._api.open("POST", "/images/create", params, source, _TAR if source else None), "import")

    def build(self, context: Body, request: BuildRequest, *, auth: str | None = None) -> Iterator[Progress]:
        """ImageBuild: ``context`` is a tar, None where the request has an address; failures on the way are the last message's ``error``.

        ``auth`` is the header X-Registry-Config: for each registry an AuthConfig, as JSON in base64 of the kind for addresses.
        """
        headers = {**request.headers(), **({"X-Registry-Config": auth} if auth else {})}
        return _progress(self._api.open("POST", "/build", request.params(), context, _TAR, headers), "build")

    def inspect(self, ref: str) -> ImageDetail:
        """ImageInspect."""
        return decode(ImageDetail, self._api.get(f"{_path(ref)}/json"), f"image {ref}")

    def remove(self, ref: str, *, force: bool = False, no_prune: bool = False) -> builtins.list[Deleted]:
        """ImageDelete: what was untagged and deleted, in order. `Conflict` when a container uses it."""
        answer = parse_json(self._api.call("DELETE", _path(ref), {"force": force, "noprune": no_prune}), f"rmi {ref}")
        return [decode(Deleted, item, f"rmi {ref}[{i}]") for i, item in enumerate(json_list(answer, f"rmi {ref}"))]

    def tag(self, ref: str, repository: str, tag: str) -> None:
        """ImageTag: one more reference to the same image."""
        self._api.call("POST", f"{_path(ref)}/tag", {"repo": repository, "tag": tag})

    def load(self, archive: Body, *, quiet: bool = False, platform: str | None = None) -> Iterator[Progress]:
        """ImageLoad: an archive of ``docker save`` or an OCI layout in a tar."""
        params = {"quiet": quiet, "platform": platform}
        return _progress(self._api.open("POST", "/images/load", params, archive, _TAR), "load")

    def history(self, ref: str) -> builtins.list[HistoryStep]:
        """ImageHistory: the newest step first."""
        answer = json_list(self._api.get(f"{_path(ref)}/history"), f"history {ref}")
        return [decode(HistoryStep, item, f"history {ref}[{i}]") for i, item in enumerate(answer)]

    def save(self, refs: Sequence[str], *, platform: str | None = None) -> Iterator[bytes]:
        """ImageGetAll: an archive of these images, as pieces of a tar."""
        params: Params = {"names": [*refs], "platform": platform}
        return self._api.open("GET", "/images/get", params).stream()

    def commit(
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
        params: Params = {
            "container": container,
            "repo": repository,
            "tag": tag,
            "author": author or None,
            "comment": message or None,
            "changes": [*changes],
            "pause": int(pause),
        }
        answer = parse_json(self._api.call("POST", "/commit", params), "commit")
        return decode(Committed, answer, "commit").id

    def search(
        self,
        term: str,
        *,
        limit: int | None = None,
        filters: Mapping[str, builtins.list[str]] | None = None,
        auth: str | None = None,
    ) -> builtins.list[Found]:
        """ImageSearch in a registry. ``auth`` as for ``pull``."""
        params: Params = {"term": term, "limit": limit, "filters": filters_param(filters)}
        answer = self._api.open("GET", "/images/search", params, headers=_auth(auth)).read()
        listed = json_list(parse_json(answer, "search"), "search")
        return [decode(Found, item, f"search[{i}]") for i, item in enumerate(listed)]

    def prune(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> ImagesPruned:
        """ImagePrune: those without a name that no container uses; with the filter ``dangling=false`` those with one, too."""
        answer = self._api.call("POST", "/images/prune", {"filters": filters_param(filters)})
        return decode(ImagesPruned, parse_json(answer, "image prune"), "image prune")


def _path(ref: str) -> str:
    return "/images/" + quote(ref, safe="/:@")


def _auth(auth: str | None) -> dict[str, str]:
    return {"X-Registry-Auth": auth} if auth else {}


def _progress(response: Response, where: str) -> Iterator[Progress]:
    return (decode(Progress, item, where) for item in json_lines(response, where))
