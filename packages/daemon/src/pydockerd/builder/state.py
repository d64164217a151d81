"""How far a stage has come: its layers, configuration and history, and the documents made of them. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from attrs import evolve, field, frozen

from pycontainerd.images.image import Image, Layer, chain_ids, image_of, parsed
from pydockerd.builder import configuration

_INHERITED: Final = ("architecture", "variant", "os", "os.version", "os.features")


@frozen(kw_only=True)
class State:
    """After a step. ``key`` is the digest of all steps up to it, ``about`` the fields of the document that are no matter of instructions."""

    layers: tuple[Layer, ...] = ()
    config: configuration.Config = field(factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()
    about: Mapping[str, Any] = field(factory=dict)
    author: str = ""
    created: str = ""
    key: str = ""
    cmd_set: bool = False
    base: str = ""
    """The id of the image that nothing was changed of yet."""

    @property
    def chain(self) -> str:
        """The chain id of the files, empty where there are none."""
        chains = chain_ids(tuple(layer.diff_id for layer in self.layers))
        return chains[-1] if chains else ""

    @property
    def env(self) -> dict[str, str]:
        """Of the configuration."""
        return configuration.environment(self.config)

    @property
    def workdir(self) -> str:
        """Absolute."""
        return str(self.config.get("WorkingDir") or "/")

    def stepped(self, *, created: str, by: str, layer: Layer | None = None, key: str = "", comment: str = "") -> State:
        """One step further."""
        said: dict[str, Any] = {"created": created, "created_by": by}
        if comment:
            said["comment"] = comment
        if self.author:
            said["author"] = self.author
        if layer is None:
            said["empty_layer"] = True
        return evolve(
            self,
            layers=self.layers if layer is None else (*self.layers, layer),
            history=(*self.history, said),
            created=created,
            key=digest(self.key, key),
            base="",
        )

    def document(self) -> dict[str, Any]:
        """The configuration document but for ``rootfs``."""
        return {
            **self.about,
            "created": self.created,
            **({"author": self.author} if self.author else {}),
            "config": configuration.compact(self.config),
            "history": list(self.history),
        }

    @property
    def short_id(self) -> str:
        """Of the image that it would be."""
        if self.base:
            return self.base.removeprefix("sha256:")[:12]
        diff_ids = [layer.diff_id for layer in self.layers]
        whole = {**self.document(), "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        return image_of(json.dumps(whole), self.layers, 0).id[7:19]


def of_image(image: Image) -> State:
    """Begin on an image."""
    document = parsed(image.document)
    config = dict(document.get("config") or {})
    state = State(
        layers=image.blobs,
        config=config,
        history=tuple(document.get("history") or ()),
        about={name: value for name, value in document.items() if name in _INHERITED},
        author=str(document.get("author") or ""),
        created=str(document.get("created") or ""),
        base=image.id,
    )
    return evolve(state, key=digest("base", state.chain))


def of_scratch(architecture: str) -> State:
    """Begin with nothing."""
    return State(about={"architecture": architecture, "os": "linux"}, key=digest("scratch", architecture))


def digest(*parts: object) -> str:
    """Of anything that is written down the same way each time."""
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def rfc3339(moment_ns: int) -> str:
    """As docker writes it."""
    seconds, rest = divmod(moment_ns, 10**9)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:09}Z" if rest else f"{text}Z"
