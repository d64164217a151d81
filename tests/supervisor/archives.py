"""Layers and image archives, made by hand: what our own exporter would never write has to be read, or refused, too."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import zstandard

Compress = Callable[[bytes], bytes]


def plain(data: bytes) -> bytes:
    return data


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


COMPRESSIONS: Mapping[str, Compress] = {"plain": plain, "gzip": gzip.compress, "zstd": zstd}


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, *, link: str = "", mode: int = 0o644, **more: Any
) -> tarfile.TarInfo:
    """A header; ``more`` are fields of TarInfo."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    for field, value in more.items():
        setattr(made, field, value)
    return made


def directory(name: str, mode: int = 0o755, **more: Any) -> tarfile.TarInfo:
    return entry(name, tarfile.DIRTYPE, mode=mode, **more)


def symlink(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, tarfile.SYMTYPE, link=target)


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, tarfile.LNKTYPE, link=target)


def layer(*entries: tarfile.TarInfo | tuple[str | tarfile.TarInfo, bytes]) -> bytes:
    """A tar of headers, and of (name or header, content)."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for item in entries:
            header, content = item if isinstance(item, tuple) else (item, b"")
            made = entry(header) if isinstance(header, str) else header
            made.size = len(content)
            archive.addfile(made, io.BytesIO(content))
    return target.getvalue()


def config(layers: Sequence[bytes], **settings: Any) -> bytes:
    """The configuration document of an image of these plain layers."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["sh"], **settings},
        "rootfs": {"type": "layers", "diff_ids": [sha(each) for each in layers]},
    }
    return json.dumps(document).encode()


def oci_layout(
    root: Path, layers: Sequence[bytes], name: str = "made:latest", compress: Compress = plain, *, honest: bool = True
) -> Path:
    """An OCI layout (image-spec, image-layout.md) of one image. One that is not ``honest`` calls every layer uncompressed."""
    kind = next((f"+{known}" for known, each in COMPRESSIONS.items() if each is compress and known != "plain"), "")
    blobs = root / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, kind: str) -> dict[str, Any]:
        digest = sha(data)
        (blobs / digest.removeprefix("sha256:")).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest, "size": len(data)}

    manifest = {
        "schemaVersion": 2,
        "config": put(config(layers), "config.v1+json"),
        "layers": [put(compress(each), f"layer.v1.tar{kind if honest else ''}") for each in layers],
    }
    descriptor = put(json.dumps(manifest).encode(), "manifest.v1+json")
    descriptor["annotations"] = {"org.opencontainers.image.ref.name": name}
    (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return root


def docker_archive(target: Path, layers: Sequence[bytes], names: Sequence[str] = ("made:latest",)) -> Path:
    """What ``docker save`` wrote before version 25: HEX.json, and a directory for each layer; equal layers are linked to each other."""
    document = config(layers)
    seen: dict[bytes, str] = {}
    members: list[tarfile.TarInfo | tuple[str | tarfile.TarInfo, bytes]] = []
    paths = []
    for number, each in enumerate(layers):
        path = f"{number:064x}/layer.tar"
        members.append(symlink(path, f"../{seen[each]}") if each in seen else (path, each))
        seen.setdefault(each, path)
        paths.append(path)
    name = f"{sha(document).removeprefix('sha256:')}.json"
    manifest = [{"Config": name, "RepoTags": list(names), "Layers": paths}]
    target.write_bytes(layer(*members, (name, document), ("manifest.json", json.dumps(manifest).encode())))
    return target


def tarred(root: Path, target: Path) -> Path:
    """A directory as a tar."""
    with tarfile.open(target, "w") as archive:
        archive.add(root, ".")
    return target
