"""``user:group`` of ``--chown`` by the files of an image. Pure but for looking into them."""

from __future__ import annotations

from pydockerd.builder.tree import Kind, Loop, Tree, resolve
from pydockerd.errors import BadRequest

_MOST = 1 << 20
_HIGHEST = (1 << 32) - 2


def owner(tree: Tree, text: str) -> tuple[int, int]:
    """Numbers are taken as they are; names are looked up in the image's /etc/passwd and /etc/group. Without a group it is the number of the user, as docker has it."""
    user, colon, group = text.partition(":")
    uid = _id(tree, "etc/passwd", user, text)
    return uid, _id(tree, "etc/group", group, text) if colon and group else uid


def _id(tree: Tree, file: str, name: str, text: str) -> int:
    if name.isascii() and name.isdigit() and len(name) <= 10:
        if int(name) > _HIGHEST:
            raise BadRequest(f"unable to convert uid/gid chown string to host mapping: {text}: {name} is too large")
        return int(name)
    for line in _lines(tree, file):
        fields = line.split(":")
        if fields[0] == name and len(fields) > 2 and fields[2].isdigit():
            return int(fields[2])
    kind = "user" if file.endswith("passwd") else "group"
    raise BadRequest(
        f"unable to convert uid/gid chown string to host mapping: can't find {'u' if kind == 'user' else 'g'}id for {kind} {name}: no such {kind}: {name}"
    )


def _lines(tree: Tree, file: str) -> list[str]:
    try:
        path = resolve(tree, file)
    except Loop:
        return []
    node = tree.node(path)
    if node is None or node.kind is not Kind.FILE or node.size > _MOST:
        return []
    return b"".join(tree.pieces(path)).decode("utf-8", "replace").splitlines()
