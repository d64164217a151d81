"""Actions to nodes: a descent along text/template's grammar."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from pyctl.app.format.gotemplate.lexer import Action, Text, Token, lex, parse_error
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
from pyctl.errors import TemplateError

_BRANCHES = frozenset({"if", "with", "range"})
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "nil": None}


def parse(source: str, functions: Collection[str]) -> tuple[Node, ...]:
    """Parse a template that may call these functions. Raises `TemplateError` in Go's words."""
    return _Parser(source, functions).whole()


class _Parser:
    def __init__(self, source: str, functions: Collection[str]) -> None:
        self._source = source
        self._functions = functions
        self._items: Iterator[Text | Action] = lex(source)
        self._known = ["$"]  # variables in scope, the innermost last

    def whole(self) -> tuple[Node, ...]:
        nodes, end = self._nodes()
        if end is not None:
            raise self._error(end.at, f"unexpected {{{{{end.tokens[0].text}}}}}")
        return nodes

    def _nodes(self) -> tuple[tuple[Node, ...], Action | None]:
        """Nodes until an ``end`` or ``else`` that belongs to whoever asked."""
        nodes: list[Node] = []
        for item in self._items:
            if isinstance(item, Text):
                nodes.append(Output(item.text))
                continue
            word = item.tokens[0].text
            if word in ("end", "else"):
                return tuple(nodes), item
            nodes.append(self._action(item, word))
        return tuple(nodes), None

    def _action(self, item: Action, word: str) -> Node:
        if word in _BRANCHES:
            return self._branch(word, item.tokens[1:], item.at)
        if word in ("break", "continue"):
            return Jump(word)
        return Print(self._pipeline(_Tokens(self._source, item.tokens, item.at), whole=True))

    def _branch(self, kind: str, tokens: tuple[Token, ...], at: int) -> Branch:
        scope = len(self._known)
        pipeline = self._pipeline(_Tokens(self._source, tokens, at), whole=True, is_range=kind == "range")
        body, end = self._nodes()
        otherwise: tuple[Node, ...] = ()
        if end is not None and end.tokens[0].text == "else":
            if len(end.tokens) > 1:
                # {{else if X}} is an if inside the else, which takes our end with it.
                otherwise = (self._branch(end.tokens[1].text, end.tokens[2:], end.at),)
                del self._known[scope:]
                return Branch(kind, pipeline, body, otherwise)
            otherwise, end = self._nodes()
        if end is None:
            raise self._error(len(self._source), "unexpected EOF")
        del self._known[scope:]
        return Branch(kind, pipeline, body, otherwise)

    def _pipeline(self, tokens: _Tokens, *, whole: bool, is_range: bool = False) -> Pipeline:
        at = tokens.at
        variables, declares = self._variables(tokens, is_range=is_range)
        commands = [self._command(tokens)]
        while tokens.take("|"):
            commands.append(self._command(tokens))
        if whole and (extra := tokens.peek()) is not None:
            raise self._error(extra.at, f"unexpected {extra.text!r} in operand")
        if declares:
            self._known += variables
        return Pipeline(tuple(commands), variables, declares, at)

    def _variables(self, tokens: _Tokens, *, is_range: bool) -> tuple[tuple[str, ...], bool]:
        names = tokens.assigned(two=is_range)
        if not names:
            return (), False
        declares = tokens.next().text == ":="
        if not declares and (unknown := [name for name in names if name not in self._known]):
            raise self._error(tokens.at, f'undefined variable "{unknown[0]}"')
        return names, declares

    def _command(self, tokens: _Tokens) -> Command:
        start = tokens.at
        operands: list[Operand] = []
        while (token := tokens.peek()) is not None and token.text not in ("|", ")"):
            operands.append(self._operand(tokens))
        if not operands:
            raise self._error(start, "missing value for command")
        text = self._source[start : tokens.last_end]
        at = first.at if isinstance(first := operands[0], Field | Call) else start
        return Command(tuple(operands), at, text)

    def _operand(self, tokens: _Tokens) -> Operand:
        token = tokens.next()
        value = self._term(token, tokens)
        names: list[str] = [token.text[1:]] if token.kind == "field" else []
        at = token.at
        while (following := tokens.peek()) is not None and following.kind == "field" and following.glued:
            if len(names) == (token.kind == "field"):
                at = following.at  # Go names the place of the second link of a chain
            names.append(tokens.next().text[1:])
        return Field(value, tuple(names), at) if names else value

    def _term(self, token: Token, tokens: _Tokens) -> Operand:
        match token.kind, token.text:
            case "field", _:
                return Dot()
            case "variable", name:
                if name not in self._known:
                    raise self._error(token.at, f'undefined variable "{name}"')
                return Variable(name, token.at)
            case "word", name:
                return self._word(name, token.at)
            case "sign", ".":
                return Dot()
            case "sign", "(":
                inner = self._pipeline(tokens, whole=False)
                if not tokens.take(")"):
                    raise self._error(token.at, "unclosed left paren")
                return inner
            case "sign", text:
                raise self._error(token.at, f"unexpected {text!r} in operand")
        return Literal(self._literal(token))

    def _word(self, name: str, at: int) -> Operand:
        if name in _CONSTANTS:
            return Literal(_CONSTANTS[name])
        if name not in self._functions:
            raise self._error(at, f'function "{name}" not defined')
        return Call(name, at)

    def _literal(self, token: Token) -> str | int | float:
        try:
            if token.kind == "raw":
                return token.text[1:-1]
            if token.kind == "number":
                return int(token.text, 0) if "." not in token.text else float(token.text)
            text = ast.literal_eval(token.text)  # Go's escapes are Python's, for what occurs in templates
            return ord(text) if token.kind == "char" else str(text)
        except (ValueError, SyntaxError, TypeError):
            kind = "number" if token.kind == "number" else "literal"
            raise self._error(token.at, f"bad {kind} syntax: {token.text!r}") from None

    def _error(self, at: int, text: str) -> TemplateError:
        return parse_error(self._source, at, text)


class _Tokens:
    """The tokens of one action, from left to right."""

    def __init__(self, source: str, tokens: tuple[Token, ...], at: int) -> None:
        self._source = source
        self._tokens = tokens
        self._next = 0
        self._start = at
        self.last_end = at

    @property
    def at(self) -> int:
        token = self.peek()
        return token.at if token else self._start

    def peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def next(self) -> Token:
        token = self.peek()
        if token is None:
            raise parse_error(self._source, self._start, "unexpected end of action")
        self._next += 1
        self.last_end = token.at + len(token.text)
        return token

    def take(self, text: str) -> bool:
        """Step over a sign if it is the next token."""
        if (token := self.peek()) is None or token.text != text:
            return False
        self.next()
        return True

    def assigned(self, *, two: bool) -> tuple[str, ...]:
        """The variables on the left of ``:=`` or ``=``, taken; none when the action does not begin like that."""
        texts = [token.text for token in self._tokens[self._next : self._next + 4]]
        for count, names in ((2, texts[:1]), (4, texts[0:3:2])):
            separated = count == 2 or (two and texts[1:2] == [","])
            if len(texts) >= count and texts[count - 1] in (":=", "=") and separated and texts[0].startswith("$"):
                self._next += count - 1
                return tuple(names)
        return ()
