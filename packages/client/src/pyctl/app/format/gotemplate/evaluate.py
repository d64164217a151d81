"""Running a template."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

from pyctl.app.format.gotemplate.functions import FUNCTIONS, LAZY, Function
from pyctl.app.format.gotemplate.lexer import place
from pyctl.app.format.gotemplate.nodes import (
    Branch,
    Call,
    Command,
    Dot,
    Field,
    Jump,
    Literal,
    Node,
    Operand,
    Output,
    Pipeline,
    Print,
    Variable,
)
from pyctl.app.format.gotemplate.parser import parse
from pyctl.app.format.gotemplate.values import Row, Value, elements, field, is_true, text
from pyctl.errors import TemplateError


class Template:
    """A parsed template. Raises `TemplateError` in Go's words: here for what does not parse, in `render` for the rest."""

    def __init__(self, source: str, functions: Mapping[str, Function] = FUNCTIONS, name: str = "") -> None:
        self._source = source
        self._functions = functions
        self._name = name
        try:
            self._nodes = parse(source, [*functions, *LAZY])
        except TemplateError as error:
            raise TemplateError(f"template: {name}{error}") from None

    def render(self, data: Value) -> str:
        """Apply the template to one value."""
        return _Run(self._source, self._functions, self._name, data).nodes(self._nodes, data)


class _Jumped(Exception):  # noqa: N818 - control flow of break and continue
    def __init__(self, kind: str) -> None:
        self.kind = kind


class _Run:
    def __init__(self, source: str, functions: Mapping[str, Function], name: str, data: Value) -> None:
        self._source = source
        self._name = name
        self._functions = functions
        self._variables: list[tuple[str, Value]] = [("$", data)]
        self._out: list[str] = []

    def nodes(self, nodes: Sequence[Node], dot: Value) -> str:
        try:
            self._walk(nodes, dot)
        except TemplateError as error:
            error.partial = "".join(self._out)
            raise
        return "".join(self._out)

    def _walk(self, nodes: Sequence[Node], dot: Value) -> None:
        for node in nodes:
            match node:
                case Output():
                    self._out.append(node.text)
                case Print(pipeline):
                    value = self._pipeline(pipeline, dot)
                    if not pipeline.variables:
                        self._out.append(text(value))
                case Branch():
                    with self._scope():
                        self._branch(node, dot)
                case Jump():
                    raise _Jumped(node.kind)

    @contextmanager
    def _scope(self) -> Iterator[None]:
        depth = len(self._variables)
        try:
            yield
        finally:
            del self._variables[depth:]

    def _branch(self, node: Branch, dot: Value) -> None:
        if node.kind == "range":
            self._range(node, dot)
            return
        value = self._pipeline(node.pipeline, dot)
        if is_true(value):
            self._walk(node.body, value if node.kind == "with" else dot)
        else:
            self._walk(node.otherwise, dot)

    def _range(self, node: Branch, dot: Value) -> None:
        value = self._commands(node.pipeline, dot)
        items = elements(value)
        if items is None:
            operand = node.pipeline.commands[0]
            self._fail(operand.at, operand.text, f"range can't iterate over {text(value)}")
        for key, item in items:
            with self._scope():
                self._loop_variables(node.pipeline, key, item)
                try:
                    self._walk(node.body, item)
                except _Jumped as jump:
                    if jump.kind == "break":
                        break
        if not items:
            self._walk(node.otherwise, dot)

    def _loop_variables(self, pipeline: Pipeline, key: Value, item: Value) -> None:
        values = [key, item] if len(pipeline.variables) == 2 else [item]
        for name, value in zip(pipeline.variables, values, strict=False):
            self._set(name, value, declares=pipeline.declares)

    def _pipeline(self, pipeline: Pipeline, dot: Value) -> Value:
        value = self._commands(pipeline, dot)
        for name in pipeline.variables:
            self._set(name, value, declares=pipeline.declares)
        return value

    def _set(self, name: str, value: Value, *, declares: bool) -> None:
        if declares:
            self._variables.append((name, value))
            return
        index = max(i for i, (known, _) in enumerate(self._variables) if known == name)
        self._variables[index] = (name, value)

    def _commands(self, pipeline: Pipeline, dot: Value) -> Value:
        value = self._command(pipeline.commands[0], dot, ())
        for command in pipeline.commands[1:]:
            value = self._command(command, dot, (value,))
        return value

    def _command(self, command: Command, dot: Value, piped: tuple[Value, ...]) -> Value:
        first, *rest = command.operands
        if isinstance(first, Call) and first.function in LAZY:
            return self._lazy(first.function, rest, dot, piped)
        arguments = (*[self._operand(operand, dot) for operand in rest], *piped)
        if isinstance(first, Call):
            return self._call(first, command, self._functions[first.function], arguments)
        if isinstance(first, Field) and (method := self._method(first, dot)) is not None:
            return self._call(first, command, method, arguments)
        if arguments:
            self._fail(command.at, command.text, f"can't give argument to non-function {command.text.split()[0]}")
        return self._operand(first, dot)

    def _lazy(self, function: str, operands: Sequence[Operand], dot: Value, piped: tuple[Value, ...]) -> Value:
        value: Value = None
        for operand in operands:
            value = self._operand(operand, dot)
            if is_true(value) == (function == "or"):
                return value
        return piped[0] if piped else value

    def _method(self, node: Field, dot: Value) -> Callable[..., Value] | None:
        if len(node.names) != 1:
            return None
        base = self._operand(node.base, dot)
        return base.methods.get(node.names[0]) if isinstance(base, Row) else None

    def _call(self, node: Call | Field, command: Command, function: Function, arguments: tuple[Value, ...]) -> Value:
        name = node.function if isinstance(node, Call) else node.names[-1]
        try:
            return function(*arguments)
        except TemplateError as error:
            self._fail(node.at, command.text, f"error calling {name}: {error}")
        except TypeError:
            self._fail(node.at, name, f"wrong number of args for {name}: got {len(arguments)}")

    def _operand(self, operand: Operand, dot: Value) -> Value:
        match operand:
            case Literal(value):
                return value
            case Dot():
                return dot
            case Variable(name, _):
                return next(value for known, value in reversed(self._variables) if known == name)
            case Field():
                return self._field(operand, dot)
            case Call(function, at):
                return self._call(operand, Command((operand,), at, function), self._functions[function], ())
            case Pipeline():
                return self._pipeline(operand, dot)

    def _field(self, node: Field, dot: Value) -> Value:
        value = self._operand(node.base, dot)
        for name in node.names:
            try:
                value = field(value, name)
            except TemplateError as error:
                self._fail(node.at, str(node), str(error))
        return value

    def _fail(self, at: int, shown: str, text: str) -> NoReturn:
        raise TemplateError(
            f'template: {self._name}{place(self._source, at)}: executing "{self._name}" at <{shown}>: {text}'
        )
