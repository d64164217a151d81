"""Listings: what ``--format`` makes of rows. ``table``, ``table TEMPLATE``, ``json``, ``raw``, or a template for each row.

Source: docker's formatter.Context.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from pyctl.app.format.gotemplate import Row, Template
from pyctl.app.format.gotemplate.functions import FUNCTIONS, HEADER_FUNCTIONS
from pyctl.app.format.tables import align
from pyctl.errors import TemplateError

Failures = tuple[str, str]
"""How messages begin: about a template that does not parse, and one that does not apply."""
_FAILURES: Failures = ("template parsing error", "template parsing error")  # docker's words, for both
_ESCAPES = (("\\t", "\t"), ("\\n", "\n"))


@attrs.frozen
class Layout:
    """How one kind of thing is listed: its default columns, and the titles of all that a template may name."""

    default: Sequence[str]
    titles: Mapping[str, str]
    raw: str = ""
    """The template of ``--format raw``."""
    quiet: str = "{{.ID}}"
    go_type: str = ""
    """What docker's messages call a row."""
    methods: frozenset[str] = frozenset()
    """Names of methods with one argument, whose title is made from it."""

    def header(self) -> Row:
        """The row of titles."""
        return Row("formatter.SubHeaderContext", dict(self.titles), dict.fromkeys(self.methods, _method_title))

    def default_table(self, columns: Sequence[str] = ()) -> str:
        """The template of the default table, or of one with other columns."""
        return "table " + "\\t".join(f"{{{{.{name}}}}}" for name in columns or self.default)


def _method_title(argument: str) -> str:
    """A label's name without its prefix, readable."""
    return argument.rpartition(".")[2].replace("-", " ").replace("_", " ")


@attrs.frozen
class Format:
    """A ``--format``, parsed. Raises `TemplateError`."""

    template: str
    is_table: bool
    layout: Layout

    @classmethod
    def read(cls, given: str | None, layout: Layout, *, quiet: bool = False, columns: Sequence[str] = ()) -> Format:
        """Of the flags ``--format`` and ``--quiet``; ``columns`` are those of the default table where not the layout's."""
        source = given or "table"
        if source == "table":
            # docker: quiet decides when no template was given.
            source = layout.quiet if quiet else layout.default_table(columns)
        elif source == "json":
            source = "{{json .}}"
        elif source == "raw" and layout.raw:
            source = layout.raw
        is_table = source.startswith("table")
        source = source.removeprefix("table").strip(" ") if is_table else source
        for written, meant in _ESCAPES:
            source = source.replace(written, meant)
        return cls(source, is_table, layout)

    def render(self, rows: Iterable[Row]) -> str:
        """One line a row, aligned under titles where it is a table. Raises `TemplateError`."""
        template = _parsed(self.template, header=False)
        lines = [_rendered(template, row) for row in rows]
        if not self.is_table:
            return "".join(line + "\n" for line in lines)
        title = _rendered(_parsed(self.template, header=True), self.layout.header())
        return align("\n".join([title, *lines])) + "\n"

    def uses(self, name: str, failures: Failures = _FAILURES) -> bool:
        """Tell whether the template names a column, directly or by printing all of them as JSON. Raises `TemplateError`."""
        asked: set[str] = set()
        probe = Row(
            self.layout.go_type, _Probe(asked, self.layout), {method: lambda _: "" for method in self.layout.methods}
        )
        _rendered(_parsed(self.template, header=False, failure=failures[0]), probe, failures[1])
        return name in asked


class _Probe(Mapping[str, str]):
    def __init__(self, asked: set[str], layout: Layout) -> None:
        self._asked = asked
        self._names = layout.titles

    def __getitem__(self, name: str) -> str:
        self._asked.add(name)
        return "" if name in self._names else self._names[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _parsed(source: str, *, header: bool, failure: str = _FAILURES[0]) -> Template:
    try:
        return Template(source, HEADER_FUNCTIONS if header else FUNCTIONS)
    except TemplateError as error:
        raise TemplateError(f"{failure}: {error}") from None


def _rendered(template: Template, row: Row, failure: str = _FAILURES[1]) -> str:
    try:
        return template.render(row)
    except TemplateError as error:
        raise TemplateError(f"{failure}: {error}") from None
