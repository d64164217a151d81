"""The parser of Dockerfiles: what instructions say, where errors are, and that nothing else than its own error ever comes out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pydockerd.builder.arguments import Scope
from pydockerd.builder.dockerfile import instructions as made
from pydockerd.builder.dockerfile.parse import parse, parse_trigger
from pydockerd.builder.dockerfile.source import Source, Text
from pydockerd.builder.dockerfile.words import expand, expand_words
from pydockerd.builder.graph import plan
from pydockerd.errors import BadRequest, DockerfileError


def only(text: str) -> made.Instruction:
    """The instruction after FROM."""
    (found,) = parse(f"FROM busybox\n{text}\n".encode()).stages[0].instructions
    return found


@pytest.mark.parametrize(
    ("text", "words", "command"),
    [
        ("RUN echo hi", None, "echo hi"),
        ('RUN ["echo", "hi"]', ("echo", "hi"), '["echo", "hi"]'),
        ("RUN ['echo']", None, "['echo']"),
        ("RUN echo a \\\n  b", None, "echo a   b"),
        ("RUN echo a \\\n# comment\n\n  b", None, "echo a   b"),
        ("RUN echo a\\\\", None, "echo a\\\\"),
        ("RUN <<EOF\necho 1\necho 2\nEOF", None, "echo 1\necho 2\n"),
        ("RUN cat <<A <<-'B'\na\nA\n\t\tb\n\tB", None, "cat <<A <<-'B'\na\nA\nb\nB"),
        ("run --network=none echo hi", None, "echo hi"),
    ],
)
def test_commands(text: str, words: tuple[str, ...] | None, command: str) -> None:
    run = only(text)
    assert isinstance(run, made.Run)
    assert (run.command.words, run.command.text) == (words, command)


def test_escape_directive() -> None:
    found = parse(b"# escape=`\nFROM busybox\nRUN dir C:\\ `\n /x\n").stages[0].instructions[0]
    assert isinstance(found, made.Run)
    assert found.command.text == "dir C:\\  /x"


def test_comments_after_an_instruction_are_no_directives() -> None:
    found = parse(b"FROM busybox\n# escape=`\nRUN a \\\n b\n").stages[0].instructions[0]
    assert isinstance(found, made.Run)
    assert found.command.text == "a  b"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("ENV a=1 b=2", [("a", "1"), ("b", "2")]),
        ("ENV a the rest of it", [("a", "the rest of it")]),
        ('ENV a="x y" b=x\\ y', [("a", '"x y"'), ("b", "x\\ y")]),
        ("LABEL a=", [("a", "")]),
    ],
)
def test_pairs(text: str, pairs: list[tuple[str, str]]) -> None:
    found = only(text)
    assert isinstance(found, made.Env | made.Label)
    assert [(str(name), str(value)) for name, value in found.pairs] == pairs


def test_copy() -> None:
    found = only("COPY --from=a --chown=1:2 --chmod=644 --link --parents --exclude=*.o --exclude=x a b /c/")
    assert isinstance(found, made.Copy)
    assert [str(word) for word in found.sources] == ["a", "b"]
    assert (str(found.destination), str(found.from_), str(found.chown), str(found.chmod)) == ("/c/", "a", "1:2", "644")
    assert (found.link, found.parents, [str(each) for each in found.exclude]) == (True, True, ["*.o", "x"])


def test_copy_of_words_with_blanks() -> None:
    found = only('COPY ["a b", "/c d/"]')
    assert isinstance(found, made.Copy)
    nothing = Source("x", ())
    assert [expand(word, {}, nothing, "\\") for word in (*found.sources, found.destination)] == ["a b", "/c d/"]


def test_heredocs_of_copy() -> None:
    found = only("COPY <<a.txt <<'b.txt' /d/\n$x\na.txt\n$x\nb.txt")
    assert isinstance(found, made.Copy)
    assert [(each.name, each.content.text, each.expand) for each in found.heredocs] == [
        ("a.txt", "$x\n", True),
        ("b.txt", "$x\n", False),
    ]


def test_healthcheck() -> None:
    found = only("HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD curl x")
    assert isinstance(found, made.Healthcheck)
    assert (found.kind, found.words, found.interval, found.timeout, found.retries) == (
        "CMD-SHELL",
        ("curl x",),
        90 * 10**9,
        500 * 10**6,
        3,
    )


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "file with no instructions"),
        ("RUN x", 1, 1, "no build stage in current context"),
        ("FROM a\nRUM x", 2, 1, "unknown instruction: RUM (did you mean RUN?)"),
        ("FROM a\nRUN --mout=x y", 2, 5, "unknown flag: --mout (did you mean mount?)"),
        ("FROM a\nENV a=b c", 2, 9, "can't find = in 'c'"),
        ('FROM a\n\tLABEL x="', 2, 10, "looking for matching double-quote"),
        ("FROM a\nRUN x \\\n  # no\n  && y\nCOPY a", 5, 1, "COPY requires at least two arguments"),
        ("FROM a\nRUN --mount=type=foo,target=/ x", 2, 18, "unsupported mount type 'foo'"),
        ("FROM a\nRUN --mount=type=cache x", 2, 13, "needs a target"),
        ("FROM a\nCOPY <<E /x\n", 2, 6, "unterminated here-document"),
        ("FROM a AS 1x", 1, 11, "invalid name for build stage"),
        ("FROM a AS x\nFROM b AS x", 2, 6, "duplicate name x"),
        ("FROM a b", 1, 8, "FROM requires either one or three arguments"),
        ("FROM a\nONBUILD FROM b", 2, 9, "FROM isn't allowed as an ONBUILD trigger"),
        ("FROM a\nSHELL sh -c", 2, 7, "JSON form"),
        ("FROM a\nHEALTHCHECK --interval=x CMD a", 2, 24, "invalid duration 'x'"),
        ("FROM a\nCOPY --chown=1 --chown=2 a b", 2, 16, "duplicate flag specified: --chown"),
        ("# escape=x\nFROM a", 1, 10, "invalid escape token 'x'"),
        ("FROM a\nARG 1=2", 2, 5, "invalid name of an argument"),
        ("FROM a\nUSER", 2, 1, "USER requires at least one argument"),
        ("FROM a\nCOPY --link=maybe a b", 2, 13, "expecting boolean value for flag link"),
    ],
)
def test_errors_have_a_place(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(DockerfileError) as raised:
        parse(text.encode())
    error = raised.value
    assert (error.line, error.column) == (line, column), str(error)
    assert message in error.reason
    if text:
        shown, caret = error.shown.split("\n")
        assert shown.endswith(text.split("\n")[line - 1].rstrip())
        assert caret.index("^") - (shown.index("|") + 2) == column - 1


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(DockerfileError) as raised:
        parse(b"FROM a\nRUN \xff\n")
    assert (raised.value.line, raised.value.column) == (2, 5)


VARIABLES = {"x": "foo.tar.gz", "empty": "", "two": "a b", "path": "/a/b/c"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$x", "foo.tar.gz"),
        ("${x}y", "foo.tar.gzy"),
        ("$xy", ""),
        ("\\$x", "$x"),
        ("'$x'", "$x"),
        ('"$x"', "foo.tar.gz"),
        ('"a\\"b"', 'a"b'),
        ('"a\\b"', "a\\b"),
        ("a\\b", "ab"),
        ("${no:-d}", "d"),
        ("${empty:-d}", "d"),
        ("${empty-d}", ""),
        ("${no-d}", "d"),
        ("${x:+yes}", "yes"),
        ("${empty:+yes}", ""),
        ("${empty+yes}", "yes"),
        ("${no:-${x}}", "foo.tar.gz"),
        ("${no:-${no:-$x}}", "foo.tar.gz"),
        ("${x#*.}", "tar.gz"),
        ("${x##*.}", "gz"),
        ("${x%.*}", "foo.tar"),
        ("${x%%.*}", "foo"),
        ("${x/o/0}", "f0o.tar.gz"),
        ("${x//o/0}", "f00.tar.gz"),
        ("${x//?o/}", "o.tar.gz"),
        ("${path##*/}", "c"),
        ("${x/\\./-}", "foo-tar.gz"),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("$1", ""),
    ],
)
def test_expansion(text: str, result: str) -> None:
    assert expand(Text(text), VARIABLES, Source("x", (text,)), "\\") == result


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("${x", 1, "missing '}'"),
        ("a${x:-b", 2, "missing '}'"),
        ("${x;y}", 4, "unsupported modifier (;)"),
        ("${x:;y}", 4, "unsupported modifier (:;)"),
        ("${no:?is needed}", 1, "no: is needed"),
        ("${}", 1, "bad substitution"),
        ("'a", 1, "single-quote"),
    ],
)
def test_expansions_that_are_wrong(text: str, column: int, message: str) -> None:
    with pytest.raises(DockerfileError) as raised:
        expand(Text(text), VARIABLES, Source("x", (text,)), "\\")
    assert (raised.value.column, message in raised.value.reason) == (column, True), str(raised.value)


def test_words_of_variables() -> None:
    source = Source("x", ("",))
    assert expand_words(Text('$two "$two" c'), VARIABLES, source, "\\") == ("a", "b", "a b", "c")
    assert expand_words(Text("$no ''"), VARIABLES, source, "\\") == ("",)


def test_arguments_have_scopes() -> None:
    dockerfile = parse(b"ARG v=1\nFROM a\nARG v\nARG w=$v-x\nARG u\n")
    scope = Scope({"u": "given"}, {"v": "1"})
    for instruction in dockerfile.stages[0].instructions:
        assert isinstance(instruction, made.Arg)
        scope = scope.after(instruction, {}, dockerfile.source, dockerfile.escape)
    assert scope.declared == {"v": "1", "w": "1-x", "u": "given"}
    assert scope.variables({"v": "env"})["v"] == "env"
    assert scope.of_command({"v": "env"}) == {"w": "1-x", "u": "given"}


def test_only_what_the_target_needs() -> None:
    dockerfile = parse(
        b"FROM a AS one\nFROM b AS two\nRUN x\nFROM one AS three\nCOPY --from=two /x /x\nFROM scratch AS four\nRUN --mount=from=three,target=/m x\n"
    )
    assert plan(dockerfile, "three", {}).order == (0, 1, 2)
    assert plan(dockerfile, "two", {}).order == (1,)
    assert plan(dockerfile, "1", {}).order == (1,)
    assert plan(dockerfile, "", {}).order == (0, 1, 2, 3)
    with pytest.raises(BadRequest, match="target stage 'five' could not be found: there are one, two, three, four"):
        plan(dockerfile, "five", {})


def test_cycles() -> None:
    with pytest.raises(DockerfileError, match="circular dependency detected on stage: two"):
        plan(parse(b"FROM a AS one\nCOPY --from=two /x /x\nFROM b AS two\nCOPY --from=one /x /x\n"), "", {})
    with pytest.raises(DockerfileError, match="circular dependency detected on stage: one"):
        plan(parse(b"FROM a AS one\nCOPY --from=one /x /x\n"), "", {})


def test_triggers() -> None:
    assert isinstance(parse_trigger("RUN echo hi"), made.Run)
    with pytest.raises(DockerfileError, match="ONBUILD:1:1: unknown instruction: NO"):
        parse_trigger("NO")


PIECES = st.sampled_from(
    [
        *("FROM", "RUN", "COPY", "ADD", "ENV", "ARG", "LABEL", "HEALTHCHECK", "ONBUILD", "SHELL", "WORKDIR", "EXPOSE"),
        *("# escape=`", "--mount=type=cache,target=/x", "--from=", "--chown", "AS", "CMD", "NONE", "[", "]", '"', "'"),
        *(
            "\\",
            "`",
            "\n",
            " ",
            "\t",
            "<<EOF",
            "<<-'X'",
            "EOF",
            "X",
            "=",
            "$",
            "${",
            "}",
            ":-",
            "a",
            "1",
            "\r",
            "\0",
            "é",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join).map(str.encode) | st.binary(max_size=60))
@example(b"FROM a\nHEALTHCHECK ")
@example(b"FROM a\nONBUILD <<EOF")
@example(b"\xef\xbb\xbfFROM a")
def test_nothing_but_its_own_error_comes_out(data: bytes) -> None:
    try:
        found = parse(data)
        plan(found, "", {})
    except DockerfileError:
        return
    assert found.stages


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join))
def test_nothing_else_comes_out_of_expansions(text: str) -> None:
    source = Source("x", tuple(text.split("\n")))
    for function in (expand, expand_words):
        with contextlib.suppress(DockerfileError):
            function(Text(text), {"a": "b c", "X": ""}, source, "\\")
