"""``.dockerignore``, by a table of what moby's patternmatcher says."""

from __future__ import annotations

import re

import pytest

from pydockerd.builder.ignore import Ignore, read_patterns
from pydockerd.errors import BadRequest


def test_lines() -> None:
    text = "\ufeff# a comment\n\n  a/b  \n!c\n/d\n./e/../f\n ! g \n  # no comment\n/\n"
    assert read_patterns(text) == ("a/b", "!c", "d", "f", "!g", "# no comment", "/")


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("**", "file", True),
        ("**", "dir/file", True),
        ("**/", "file", True),
        ("**/**", "dir/file", True),
        ("dir/**", "dir/file", True),
        ("dir/**", "dir", False),
        ("dir/**", "dir/dir2/file", True),
        ("**/dir2/*", "dir/dir2/file", True),
        ("**/dir2/*", "dir/dir2/dir2/file", True),
        ("**file", "file", True),
        ("**file", "dir/file", True),
        ("**/file", "dir/dir/file", True),
        ("**/file*", "dir/dir/file.txt", True),
        ("**/file*txt", "dir/dir/file.txt", True),
        ("**/**/*.txt", "dir/dir/file.txt", True),
        ("**/**/*.txt2", "dir/dir/file.txt", False),
        ("**/*.txt", "file.txt", True),
        ("a**/*.txt", "a/file.txt", True),
        ("a**/*.txt", "a/dir/dir/file.txt", True),
        ("a/*.txt", "a/dir/file.txt", False),
        ("a/*.txt", "a/file.txt", True),
        ("a[b-d]e", "ae", False),
        ("a[b-d]e", "ace", True),
        ("a[^b-d]e", "aze", True),
        (".*", ".foo", True),
        (".*", "foo", False),
        ("abc.def", "abcZdef", False),
        ("a?b", "a/b", False),
        ("*", "a/b", True),
        ("a*", "b/a", False),
        ("dir", "dir/deep/file", True),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("**/foo/bar", "foo/bar", True),
        ("foo/**/bar", "foo/bar", True),
        ("abc/**", "abcd/x", False),
        ("a(b", "a(b", True),
        ("a|b", "a", False),
    ],
)
def test_one_pattern(pattern: str, path: str, excluded: bool) -> None:
    assert Ignore.of(read_patterns(pattern)).excludes(path) is excluded


@pytest.mark.parametrize(
    ("lines", "path", "excluded"),
    [
        ("*\n!a", "a", False),
        ("*\n!a", "b", True),
        ("!a\n*", "a", True),
        ("dir\n!dir/keep", "dir/keep", False),
        ("dir\n!dir/keep", "dir/other", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README.md", False),
        ("**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/foo", True),
        ("**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/bar", False),
    ],
)
def test_the_last_one_decides(lines: str, path: str, excluded: bool) -> None:
    assert Ignore.of(read_patterns(lines)).excludes(path) is excluded


@pytest.mark.parametrize("pattern", ["a[", "[", "a[]", "!"])
def test_malformed_ones_are_told(pattern: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(".dockerignore")):
        Ignore.of([pattern])
