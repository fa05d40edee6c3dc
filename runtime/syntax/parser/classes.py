"""Classes, interfaces, methods and properties (6.6.5 to 6.6.7).

Methods are read as units of the kind METHOD; a property becomes the methods NAME.GET and NAME.SET.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from runtime.syntax import tree
from runtime.syntax.parser.cursor import Cursor
from runtime.syntax.parser.statements import statements
from runtime.syntax.tokens import Token, TokenKind

MODIFIERS: Final = (
    "PUBLIC", "PROTECTED", "PRIVATE", "INTERNAL", "FINAL", "ABSTRACT", "OVERRIDE",
)  # fmt: skip
SECTIONS: Final = ("VAR", "VAR_INPUT", "VAR_OUTPUT", "VAR_IN_OUT", "VAR_TEMP", "VAR_EXTERNAL",
                   "VAR_STAT", "VAR_INST")  # fmt: skip


class Readers:
    """How sections and types are read; `declarations` hands in its own functions."""

    def __init__(
        self,
        block: Callable[[Cursor], tree.VarBlock],
        type_spec: Callable[[Cursor], tree.TypeSpec],
    ) -> None:
        self.block = block
        self.type_spec = type_spec


def modifiers(cursor: Cursor) -> tuple[str, ...]:
    """Read PUBLIC, FINAL, OVERRIDE and their kind, in any order."""
    found: list[str] = []
    while cursor.at(*MODIFIERS) or (
        cursor.current.key in MODIFIERS and cursor.peek().kind is TokenKind.NAME
    ):
        found.append(cursor.advance().key)
    return tuple(found)


def heritage(cursor: Cursor) -> tree.Heritage:
    """Read `EXTENDS base` and `IMPLEMENTS a, b`."""
    bases = _names(cursor) if cursor.accept("EXTENDS") else ()
    interfaces = _names(cursor) if cursor.accept("IMPLEMENTS") else ()
    return tree.Heritage(bases, interfaces)


def _names(cursor: Cursor) -> tuple[tree.Name, ...]:
    names = []
    while True:
        token = cursor.current
        text = cursor.dotted_name("the name of a class or interface", "a name after '.'")
        names.append(tree.Name(cursor.since(token), text))
        if not cursor.accept(","):
            return tuple(names)


def members(cursor: Cursor, readers: Readers) -> tuple[tree.Pou, ...]:
    """Read the methods and properties that stand here."""
    found: list[tree.Pou] = []
    while cursor.at("METHOD", "PROPERTY"):
        found += [_method(cursor, readers)] if cursor.at("METHOD") else _property(cursor, readers)
    return tuple(found)


def _method(cursor: Cursor, readers: Readers) -> tree.Pou:
    start = cursor.advance()
    words = modifiers(cursor)
    name = _name(cursor, "the name of the METHOD")
    result = readers.type_spec(cursor) if cursor.accept(":") else None
    cursor.accept(";")
    unit = _unit(cursor, start, name, result, readers)
    if not cursor.accept("END_METHOD"):
        cursor.fault(f"expected END_METHOD to close METHOD {name.name}")
    return replace(unit, modifiers=words, span=cursor.since(start))


def _name(cursor: Cursor, what: str) -> tree.Name:
    token = cursor.name(what)
    return tree.Name(cursor.span_of(token), token.text)


def _unit(
    cursor: Cursor, start: Token, name: tree.Name, result: tree.TypeSpec | None, readers: Readers
) -> tree.Pou:
    blocks: list[tree.VarBlock] = []
    while cursor.at(*SECTIONS):
        blocks.append(readers.block(cursor))
    body = statements(cursor)
    return tree.Pou(cursor.since(start), "METHOD", name, result, tuple(blocks), body)


def _property(cursor: Cursor, readers: Readers) -> list[tree.Pou]:
    start = cursor.advance()
    words = modifiers(cursor)
    name = _name(cursor, "the name of the PROPERTY")
    cursor.expect(":", "before the property's type")
    data_type = readers.type_spec(cursor)
    cursor.accept(";")
    found = []
    while cursor.current.kind is TokenKind.NAME and cursor.current.key in {"GET", "SET"}:
        word = cursor.advance()
        found.append(_accessor(cursor, word, name, data_type, readers))
        cursor.expect(f"END_{word.key}", f"to close {word.key}")
    if not cursor.accept("END_PROPERTY"):
        cursor.fault(f"expected END_PROPERTY to close PROPERTY {name.name}")
    span = cursor.since(start)
    return [replace(item, modifiers=words, span=span) for item in found]


def _accessor(
    cursor: Cursor, word: Token, name: tree.Name, data_type: tree.TypeSpec, readers: Readers
) -> tree.Pou:
    """Return a method: the result of GET, or the input of SET, has the property's name."""
    result = data_type if word.key == "GET" else None
    unit = _unit(cursor, word, name, result, readers)
    blocks = unit.blocks
    if word.key == "SET":
        value = tree.Variable(name.span, name.name, data_type, None, None)
        blocks = (tree.VarBlock(name.span, "VAR_INPUT", (), (value,)), *blocks)
    return replace(unit, name=tree.Name(name.span, f"{name.name}.{word.key}"), blocks=blocks)
