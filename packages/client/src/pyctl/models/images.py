# ruff: noqa: RUF009 - api() declares an attribute, as attrs.field does
"""Images as the daemon reports them (Engine API: ImageList, ImageInspect, ImageDelete), and progress messages."""

from __future__ import annotations

import attrs

from pyctl.models.fields import JsonObject, api, flag, integer, listed, model, text, texts, texts_by_name


@attrs.frozen
class ImageSummary:
    """One image of a listing (ImageSummary)."""

    id: str = api("Id", text)
    repo_tags: tuple[str, ...] = api("RepoTags", texts)
    repo_digests: tuple[str, ...] = api("RepoDigests", texts)
    created: int = api("Created", integer)
    """Seconds since 1970."""
    size: int = api("Size", integer)
    """Bytes."""
    containers: int = api("Containers", integer)
    """How many use it; -1 when it was not counted."""
    shared_size: int = api("SharedSize", integer)
    labels: dict[str, str] = api("Labels", texts_by_name)


@attrs.frozen
class ImageDetail:
    """Everything about one image (ImageInspect)."""

    document: JsonObject
    """The whole answer."""
    id: str = api("Id", text)
    repo_tags: tuple[str, ...] = api("RepoTags", texts)


@attrs.frozen
class HistoryStep:
    """One step of how an image was made (HistoryResponseItem)."""

    id: str = api("Id", text)
    """``<missing>`` for a step that is no image of its own."""
    created: int = api("Created", integer)
    """Seconds since 1970."""
    created_by: str = api("CreatedBy", text)
    size: int = api("Size", integer)
    """Bytes."""
    comment: str = api("Comment", text)


@attrs.frozen
class Deleted:
    """One step of a removal (ImageDeleteResponseItem): a tag taken away or a layer deleted."""

    untagged: str = api("Untagged", text)
    deleted: str = api("Deleted", text)


@attrs.frozen
class ProgressError:
    """Why a load, import, pull or build failed half way (ErrorDetail); ``code`` is the exit code of a build's command."""

    message: str = api("message", text)
    code: int = api("code", integer)


@attrs.frozen
class Progress:
    """One message of the stream that a load, import or pull answers with (jsonmessage, the API's CreateImageInfo)."""

    stream: str = api("stream", text)
    status: str = api("status", text)
    id: str = api("id", text)
    progress: str = api("progress", text)
    error: str = api("error", text)
    error_detail: ProgressError = api("errorDetail", model(ProgressError))


@attrs.frozen
class Committed:
    """The answer to a commit (IDResponse)."""

    id: str = api("Id", text)


@attrs.frozen
class Found:
    """One result of a search in a registry (ImageSearchResponseItem)."""

    name: str = api("name", text)
    description: str = api("description", text)
    stars: int = api("star_count", integer)
    official: bool = api("is_official", flag)
    automated: bool = api("is_automated", flag)


@attrs.frozen
class ImagesPruned:
    """What a prune has untagged and deleted (ImagePruneResponse)."""

    deleted: tuple[Deleted, ...] = api("ImagesDeleted", listed(model(Deleted)))
    reclaimed: int = api("SpaceReclaimed", integer)
    """Bytes."""
