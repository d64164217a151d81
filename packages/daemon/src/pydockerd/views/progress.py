"""How far a pull or a push is, in the messages that docker's clients know (moby's distribution and pkg/progress)."""

from __future__ import annotations

from pycontainerd import Progress as Told
from pycontainerd import Step
from pycontainerd.images.reference import Remote
from pydockerd.models.image import Progress, ProgressDetail, Pushed

_WIDTH = 50


class Pull:
    """Of one image. A layer that was there already is told once."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._known: set[str] = set()

    def __call__(self, told: Told) -> list[Progress]:
        """The messages for one step; there may be none."""
        if told.step is Step.RESOLVED:
            return [Progress(status=f"Pulling from {self._remote.repository}", id=self._remote.reference)]
        if told.step is Step.DONE:
            return [Progress(status=f"Digest: {told.id}")]
        if told.step is Step.EXISTS:
            self._known.add(told.id)
            return [_step("Already exists", told)]
        if told.id in self._known:
            return []
        if told.step is Step.DOWNLOADED:
            return [_step("Verifying Checksum", told), _step("Download complete", told)]
        if told.step in (Step.DOWNLOADING, Step.EXTRACTING):
            return [_far("Downloading" if told.step is Step.DOWNLOADING else "Extracting", told)]
        words = {Step.WAITING: "Pulling fs layer", Step.EXTRACTED: "Pull complete"}
        return [_step(words[told.step], told)] if told.step in words else []


class Push:
    """Of one image."""

    def __call__(self, told: Told) -> list[Progress]:
        """The messages for one step; there may be none."""
        if told.step is Step.DONE:
            text = f"{told.detail}: digest: {told.id} size: {told.current}"
            pushed = Pushed(tag=told.detail, digest=told.id, size=told.current)
            return [Progress(status=text), Progress(progress_detail=ProgressDetail(), aux=pushed)]
        if told.step is Step.PUSHING:
            return [_far("Pushing", told)]
        words = {
            Step.PREPARING: "Preparing",
            Step.EXISTS: "Layer already exists",
            Step.MOUNTED: f"Mounted from {told.detail}",
            Step.PUSHED: "Pushed",
        }
        return [_step(words[told.step], told)] if told.step in words else []


def _step(status: str, told: Told) -> Progress:
    return Progress(status=status, id=_short(told.id), progress_detail=ProgressDetail())


def _far(status: str, told: Told) -> Progress:
    detail = ProgressDetail(current=told.current, total=told.total)
    return Progress(status=status, id=_short(told.id), progress_detail=detail, progress=bar(told.current, told.total))


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def bar(current: int, total: int) -> str:
    """``[====>    ]  1.2MB/3.4MB``, for clients that do not draw it themselves (jsonmessage.JSONProgress.String)."""
    if total <= 0:
        return f"{_size(current):>8}" if current > 0 else ""
    filled = min(_WIDTH, int(current / total * 100) // 2)
    return f"[{'=' * filled}>{' ' * (_WIDTH - filled)}] {_size(current):>8}/{_size(total)}"


def _size(size: float) -> str:
    """Four digits and a unit of a thousand, as go-units writes it."""
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    number = 0
    while size >= 1000 and number < len(units) - 1:
        size, number = size / 1000, number + 1
    return f"{size:.4g}{units[number]}"
