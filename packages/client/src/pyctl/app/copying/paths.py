"""Where a copy goes, and what it is called there: docker's rules, as functions of paths.

A path that ends in ``/`` says that it is a directory, one that ends in ``/.`` means what is in it. What is copied keeps its
name below a directory that exists, and gets the name of the destination otherwise.

Source: moby's pkg/archive, copy.go.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable

import attrs

from pyctl.errors import InvalidUsage

Rename = Callable[[str], str]


@attrs.frozen
class Place:
    """One end of a copy."""

    path: str
    exists: bool = False
    is_directory: bool = False
    asked: str = ""
    """The last part of the name by which it was asked for, where that is a link's and not its own."""


def in_container(argument: str) -> tuple[str, str]:
    """Container and path of ``CONTAINER:PATH``; the container is empty for a path on this machine."""
    if argument.startswith("/"):
        return "", argument
    container, found, path = argument.partition(":")
    return (container, path) if found and not container.startswith(".") else ("", argument)


def clean(path: str) -> str:
    """Without what does not matter, but for a ``/`` or ``/.`` at the end, which does."""
    plain = os.path.normpath(path)
    plain = "/" + plain.lstrip("/") if plain.startswith("//") else plain
    if is_contents(path):
        return plain if plain == "." else f"{plain.rstrip('/')}/."
    return f"{plain}/" if path.endswith("/") and plain != "/" else plain


def is_contents(path: str) -> bool:
    """Whether what is in the directory is meant, and not the directory."""
    return path == "." or path.endswith("/.")


def split(path: str) -> tuple[str, str]:
    """The directory and the entry in it; of ``a/.`` these are ``a`` and ``.``."""
    plain = os.path.normpath(path)
    if is_contents(path):
        return plain, "."
    if plain in ("/", "//"):
        return "/", "/"
    return os.path.dirname(plain) or ".", os.path.basename(plain)


def followed(path: str, target: str) -> tuple[str, str]:
    """The target of a link asked for by ``path``, ending as that ends; and the name that was asked for, where it is another."""
    if is_contents(path) and not is_contents(target):
        target = f"{target}/."
    elif path.endswith("/") and not target.endswith("/"):
        target = f"{target}/"
    asked = _base(path)
    return target, asked if asked != _base(target) else ""


def _base(path: str) -> str:
    return os.path.basename(path.rstrip("/")) or "/"


def link_target(path: str, target: str) -> str:
    """Where a link at ``path`` leads, without looking at what is there."""
    return target if target.startswith("/") else os.path.normpath(os.path.join(split(path)[0], target))


def arrival(source: Place, target: Place) -> tuple[str, Rename]:
    """The directory to unpack in, and what becomes of the names in the archive.

    Raises `InvalidUsage` where a directory would become a file, or a file the directory that its name says it is.
    """
    directory, name = split(target.path)
    if target.exists and target.is_directory:
        return target.path, lambda entry: entry
    if target.exists and source.is_directory:
        raise InvalidUsage("cannot copy directory")
    if not target.exists and not source.is_directory and (target.path.endswith("/") or is_contents(target.path)):
        raise InvalidUsage("no such directory")
    return directory, renaming(source.asked or split(source.path)[1], name)


def renaming(before: str, after: str) -> Rename:
    """Exchange the first part of names."""
    before = "" if before == "/" else before

    def rename(entry: str) -> str:
        return after + entry[len(before) :] if entry == before or entry.startswith(f"{before}/") else entry

    if before:
        return rename
    return lambda entry: f"{after}/{entry.lstrip('/')}" if entry.strip("/") else after


def chained(first: Rename, second: Rename) -> Rename:
    """One after the other."""
    return lambda entry: second(first(entry))
