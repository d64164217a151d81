"""Go templates: what is expected here is what docker prints for the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyctl.app.format.gotemplate import Row, Template, Value
from pyctl.app.format.gotemplate.values import text
from pyctl.errors import TemplateError

DOCUMENT: Value = {
    "Name": "/web",
    "Count": 3,
    "Half": 0.5,
    "Empty": "",
    "State": {"Running": True, "Paused": False, "Pid": 42},
    "Config": {"Env": ["A=1", "B=2"], "Labels": {"b": "2", "a": "1"}, "Cmd": None, "ExposedPorts": None},
    "HostConfig": {"RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}},
    "Mounts": [{"Source": "/x"}, {"Source": "/y"}],
    "Nothing": None,
}


EXPRESSIONS = [
    ("plain }} {", "plain }} {"),
    ("a {{- 3 -}} b", "a3b"),
    ("a {{/* note */}} b{{- /* note */ -}} c", "a  bc"),
    ('{{"x" | printf "%q"}}', '"x"'),
    ('{{printf "%5d|%-5s|%05d|%x|%t|%%|%.2s" 42 "ab" 7 255 true "abc"}}', "   42|ab   |00007|ff|true|%|ab"),
    ('{{printf "%d" "x"}} {{printf "%s"}} {{printf "a" 1}}', "%!d(string=x) %!s(MISSING) a%!(EXTRA int=1)"),
    ('{{print 1 2 "x" 3}} {{println "a" 1}}', "1 2x3 a 1\n"),
    ("{{eq 3 1 3}} {{ne 3 3}} {{lt 1 2}} {{le 2 2}} {{gt 0.5 0.1}} {{ge 1 2}}", "true false true true true false"),
    ('{{and "a" 0}} {{and 1 2}} {{or "" "x"}} {{not true}}', "0 2 x false"),
    ('{{upper "a"}}{{lower "B"}}{{title "ab cd"}} {{split "a,b" ","}}', "AbAb Cd [a b]"),
    ('{{pad "x" 1 2}}|{{truncate "abcdef" 3}}|{{slice "abcdef" 1 3}}|{{slice "abc" 1}}', " x  |abc|bc|bc"),
    ('{{html "<a href=\'x\'>"}} {{urlquery "a b"}}', "&lt;a href=&#39;x&#39;&gt; a+b"),
    ('{{json "<&>"}}', '"<&>"'),
    ('{{`raw {{`}} {{"quoted \\"\\t"}} {{\'a\'}} {{0x10}} {{true}} {{-3}}', 'raw {{ quoted "\t 97 16 true -3'),
    ('{{$x := "a"}}{{$x}}{{$x = "b"}}{{$x}}', "ab"),
    ('{{range $i, $e := split "a,b" ","}}{{$i}}={{$e}} {{end}}', "0=a 1=b "),
    ('{{range split "a,b" ","}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"),
    ('{{range split "a,b" ","}}{{if eq . "a"}}{{continue}}{{end}}{{.}}{{end}}', "b"),
    ('{{with "x"}}{{.}}{{end}}{{with ""}}x{{else}}none{{end}}{{if ""}}a{{else if "y"}}b{{end}}', "xnoneb"),
    ('{{len "abc"}} {{index (split "a,b" ",") 1}} {{join (split "a,b" ",") "+"}}', "3 b a+b"),
    ("{{range 3}}{{.}}{{end}}", "012"),
]
"""Templates that need no document, and what docker prints for them (tests/client/commands compares)."""


@pytest.mark.parametrize(("template", "expected"), EXPRESSIONS)
def test_expressions(template: str, expected: str) -> None:
    assert Template(template).render(DOCUMENT) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{.Name}} {{.Count}} {{.Half}} {{.Nothing}}", "/web 3 0.5 <nil>"),
        ("{{.State.Running}}{{.State.Paused}}", "truefalse"),
        ("{{.name}}", "/web"),
        ("{{.Config.Env}} {{.Config.Labels}} {{.HostConfig.RestartPolicy}}", "[A=1 B=2] map[a:1 b:2] {no 0}"),
        ("{{.Config.Cmd}} {{.Config.ExposedPorts}}", "[] map[]"),
        ("{{json .Config.Cmd}} {{json .Config.Labels}} {{json .Name}}", 'null {"a":"1","b":"2"} "/web"'),
        ("{{.Config.Labels.a}} {{.Config.Labels.zz}}", "1 <no value>"),
        ("{{.HostConfig.Init}}", "<nil>"),
        ('{{index .Config.Labels "a"}}{{index .Config.Env 1}}{{index .Config.Labels "zz"}}', "1B=2"),
        ("{{(index .Mounts 0).Source}} {{len .Mounts}} {{len .Name}}", "/x 2 4"),
        ("{{if .State.Paused}}p{{else if .State.Running}}r{{else}}s{{end}}", "r"),
        ("{{if .Empty}}yes{{end}}{{if .Config.Env}}list{{end}}{{if not .Count}}zero{{end}}", "list"),
        ("{{with .State}}{{.Pid}} {{$.Name}}{{end}}{{with .Empty}}x{{else}}none{{end}}", "42 /webnone"),
        ("{{range .Config.Env}}{{.}};{{end}}", "A=1;B=2;"),
        ("{{range $i, $e := .Config.Env}}{{$i}}={{$e}} {{end}}", "0=A=1 1=B=2 "),
        ("{{range $k, $v := .Config.Labels}}{{$k}}{{$v}}{{end}}", "a1b2"),
        ("{{range .Config.Cmd}}x{{else}}none{{end}}", "none"),
        ("{{range .Config.Env}}{{if eq . \"B=2\"}}{{break}}{{end}}{{.}}{{end}}", "A=1"),
        ("{{range .Config.Env}}{{if eq . \"A=1\"}}{{continue}}{{end}}{{.}}{{end}}", "B=2"),
        ("{{$x := .Name}}{{$x}}{{$x = \"b\"}}{{$x}}", "/webb"),
        ("{{range .Config.Env}}{{$last := .}}{{end}}{{.Name}}", "/web"),
    ],
)  # fmt: skip
def test_renders_as_go_does(template: str, expected: str) -> None:
    assert Template(template).render(DOCUMENT) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{.Name", "template: :1: unclosed action"),
        ("{{", "template: :1: unclosed action"),
        ("{{}}", "template: :1: missing value for command"),
        ("{{nope .Name}}", 'template: :1: function "nope" not defined'),
        ("{{if .Name}}", "template: :1: unexpected EOF"),
        ("{{.Name}}{{end}}", "template: :1: unexpected {{end}}"),
        ("a\nb{{$y}}", 'template: :2: undefined variable "$y"'),
        ("{{range .Config.Env}}{{$x := 1}}{{end}}{{$x}}", 'template: :1: undefined variable "$x"'),
        ("{{(.Name}}", "template: :1: unclosed left paren"),
        ("{{.Name |}}", "template: :1: missing value for command"),
    ],
)
def test_says_what_does_not_parse(template: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(template)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{.Nope}}", 'template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"'),
        ("{{.State.Nope}}", 'template: :1:8: executing "" at <.State.Nope>: map has no entry for key "Nope"'),
        ("{{range .Name}}{{end}}", 'template: :1:8: executing "" at <.Name>: range can\'t iterate over /web'),
        (
            "{{index .Config.Env 99}}",
            'template: :1:2: executing "" at <index .Config.Env 99>: error calling index: index out of range: 99',
        ),
        ("x\n {{.Nope}}", 'template: :2:3: executing "" at <.Nope>: map has no entry for key "Nope"'),
    ],
)
def test_says_what_does_not_apply(template: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(template).render(DOCUMENT)
    assert str(caught.value) == message


def test_rows_have_methods_and_print_their_columns_as_json() -> None:
    row = Row("*Type", {"ID": "1", "A": "x"}, {"Label": lambda name: f"<{name}>"})
    assert Template('{{.ID}} {{.Label "a"}} {{"b" | .Label}}').render(row) == "1 <a> <b>"
    assert json.loads(Template("{{json .}}").render(row)) == {"A": "x", "ID": "1"}
    assert Template("{{json .}}").render(Row("*Type", {"A": "<&>"})) == '{"A":"\\u003c\\u0026\\u003e"}'
    with pytest.raises(TemplateError, match=r"can't evaluate field Nope in type \*Type"):
        Template("{{.Nope}}").render(row)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_json_is_json(value: Value) -> None:
    assert json.loads(Template("{{json .}}").render(value)) == value


@given(values)
def test_a_value_alone_prints_as_itself(value: Value) -> None:
    assert Template("{{.}}").render(value) == text(value)


@given(st.text())
def test_no_template_ends_in_anything_but_an_answer_or_a_template_error(source: str) -> None:
    try:
        Template(source).render(DOCUMENT)
    except TemplateError:
        return


@given(
    st.lists(
        st.sampled_from(
            ["{{", "}}", ".", ".A", "$x", ":=", "if", "range", "end", "else", "|", "(", ")", '"', " ", "-", "1"]
        ),
        max_size=12,
    )
)
def test_nor_does_any_heap_of_its_signs(parts: list[str]) -> None:
    try:
        Template("".join(parts)).render({"A": [1, {"A": "x"}]})
    except TemplateError:
        return
