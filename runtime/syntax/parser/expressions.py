"""Expressions (table 71): precedence climbing over binary operators, then calls and selections.

Unary minus and NOT bind tighter than `**`, as edition 3's table says: -2 ** 2 is 4. All binary
operators, ** too, associate to the left.
"""

import re
from typing import Final

from runtime.limits import OPERATORS_MAX
from runtime.syntax import tree
from runtime.syntax.parser.cursor import Cursor
from runtime.syntax.tokens import Token, TokenKind

PRECEDENCE: Final = {
    "OR": 1, "OR_ELSE": 1,
    "XOR": 2,
    "AND": 3, "AND_THEN": 3, "&": 3,
    "=": 4, "<>": 4,
    "<": 5, ">": 5, "<=": 5, ">=": 5,
    "+": 6, "-": 6,
    "*": 7, "/": 7, "MOD": 7,
    "**": 8,
}  # fmt: skip
"""Binding strength of the binary operators; the greater binds tighter."""

_WORD_FUNCTIONS: Final = ("MOD", "AND", "OR", "XOR")
"""Operators that can be called by their reserved words: AND(a, b, c)."""

_LITERALS: Final = {
    TokenKind.INTEGER: "integer",
    TokenKind.REAL: "real",
    TokenKind.TYPED: "typed",
    TokenKind.STRING: "string",
}


def expression(cursor: Cursor, lowest: int = 1) -> tree.Expression:
    """Read an expression whose binary operators bind at least as tightly as `lowest`."""
    start = cursor.current
    left = unary(cursor)
    chained = 0
    while True:
        strength = _strength(cursor.current)
        if strength < lowest:
            return left
        chained += 1
        cursor.bound(chained, OPERATORS_MAX, "operators in one expression")
        operator = cursor.advance().key
        right = expression(cursor, strength + 1)
        span = cursor.since(start)
        left = tree.Binary(span, "AND" if operator == "&" else operator, left, right)


def _strength(token: Token) -> int:
    if token.kind in {TokenKind.OPERATOR, TokenKind.KEYWORD}:
        return PRECEDENCE.get(token.key, 0)
    return 0


def unary(cursor: Cursor) -> tree.Expression:
    """Read `-x`, `+x`, `NOT x` or a primary; a chain of them is a loop, not a recursion."""
    operators: list[Token] = []
    while cursor.at("-", "+", "NOT"):
        cursor.enter()
        operators.append(cursor.advance())
    operand = postfix(cursor)
    cursor.leave(len(operators))
    for token in reversed(operators):
        span = cursor.since(token)
        operand = tree.Unary(span, token.key, operand)
    return operand


def postfix(cursor: Cursor) -> tree.Expression:
    """Read a primary with its `.member`, `[index]` and `(arguments)`, each a level of nesting."""
    start, depth = cursor.current, cursor.depth
    cursor.enter()
    operand = primary(cursor)
    while cursor.at(".", "^", "[", "("):
        cursor.enter()
        if cursor.accept("."):
            operand = _selected(cursor, start, operand)
        elif cursor.accept("^"):
            operand = tree.Deref(cursor.since(start), operand)
        elif cursor.accept("["):
            indices = [expression(cursor)]
            while cursor.accept(","):
                indices.append(expression(cursor))
            cursor.expect("]", "to close the index")
            operand = tree.Index(cursor.since(start), operand, tuple(indices))
        elif cursor.at("(") and isinstance(operand, _CALLABLE):
            arguments = call_arguments(cursor)
            operand = tree.Call(cursor.since(start), operand, arguments)
        else:
            break
    cursor.leave(cursor.depth - depth)
    return operand


_CALLABLE: Final = (tree.Name, tree.Member, tree.Index, tree.Deref, tree.This)
_PARTIAL: Final = re.compile(r"%?([XBWD]?)(\d+)", re.IGNORECASE)
_WIDTHS: Final = {"": 1, "X": 1, "B": 8, "W": 16, "D": 32}


def _selected(cursor: Cursor, start: Token, operand: tree.Expression) -> tree.Expression:
    """Read what follows a dot: a member's name, or a part of a bit string."""
    token = cursor.current
    part = _PARTIAL.fullmatch(token.text)
    if part is not None and token.kind in {TokenKind.DIRECT, TokenKind.INTEGER}:
        cursor.advance()
        width = _WIDTHS[part[1].upper()]
        return tree.Partial(cursor.since(start), operand, width, int(part[2]))
    name = cursor.name("the name of a member after '.'")
    return tree.Member(cursor.since(start), operand, name.text)


def primary(cursor: Cursor) -> tree.Expression:
    """Read a literal, a name, an address or an expression in parentheses."""
    token = cursor.current
    span = cursor.span_of(token)
    if token.kind is TokenKind.NAME:
        cursor.advance()
        return tree.Name(span, token.text)
    kind = _LITERALS.get(token.kind)
    if kind is not None:
        cursor.advance()
        return tree.Literal(span, kind, token.text)
    if token.kind is TokenKind.DIRECT:
        cursor.advance()
        return tree.Direct(span, token.text)
    if cursor.accept("NULL"):
        return tree.Null(span)
    if cursor.accept("THIS", "SUPER"):
        return tree.This(span, token.key == "SUPER")
    if cursor.at(*_WORD_FUNCTIONS) and cursor.peek().key == "(":
        cursor.advance()
        return tree.Name(span, token.text)
    if cursor.accept("TRUE", "FALSE"):
        return tree.Literal(span, "bool", token.key)
    if cursor.accept("("):
        inner = expression(cursor)
        cursor.expect(")", "to close the parenthesis")
        return inner
    doubled = cursor.at("=") and cursor.last.key == "="
    raise cursor.fault("expected an expression", "'=' alone compares" if doubled else "")


def call_arguments(cursor: Cursor) -> tuple[tree.Argument, ...]:
    """Read `(a, b)` or `(IN := a, Q => b)`."""
    cursor.expect("(", "before the arguments")
    arguments: list[tree.Argument] = []
    while not cursor.at(")"):
        arguments.append(_argument(cursor))
        if not cursor.accept(","):
            break
    cursor.expect(")", "to close the arguments", "arguments are separated by ','")
    return tuple(arguments)


def _argument(cursor: Cursor) -> tree.Argument:
    start = cursor.current
    negated = cursor.at("NOT") and cursor.peek(2).key == "=>"
    if negated:
        cursor.advance()
    named = cursor.current.kind is TokenKind.NAME and cursor.peek().key in {":=", "=>"}
    if not named:
        value = expression(cursor)
        return tree.Argument(value.span, None, value, is_output=False)
    name = cursor.advance()
    is_output = cursor.advance().key == "=>"
    value_here = None if cursor.at(",", ")") else expression(cursor)
    return tree.Argument(cursor.since(start), name.text, value_here, is_output, negated)
