"""Instruction List (edition 2, 3.2; deprecated in edition 3, 7.2): one instruction a line.

    START: LD   A            label, operator, operand
           ADD( B            what stands in the parentheses is worked out first
           MUL  C
           )
           ST   D
           CAL  T1(IN := X, PT := T#1s)
           JMPC START

The end of a line ends an instruction, but not inside the parentheses of a call.
"""

from typing import Final

from runtime.syntax import tree
from runtime.syntax.parser.cursor import UNIT_STARTS, Cursor, ResyncError
from runtime.syntax.parser.expressions import call_arguments, postfix, unary
from runtime.syntax.tokens import Token, TokenKind

LOGICAL: Final = frozenset({"AND", "ANDN", "OR", "ORN", "XOR", "XORN", "&", "&N"})
ARITHMETIC: Final = frozenset(
    {"ADD", "SUB", "MUL", "DIV", "MOD", "GT", "GE", "EQ", "NE", "LE", "LT"}
)
CALLS: Final = frozenset({"CAL", "CALC", "CALCN"})
JUMPS: Final = frozenset({"JMP", "JMPC", "JMPCN"})
RETURNS: Final = frozenset({"RET", "RETC", "RETCN"})
OPERATORS: Final = (
    frozenset({"LD", "LDN", "ST", "STN", "S", "R", "NOT"})
    | LOGICAL | ARITHMETIC | CALLS | JUMPS | RETURNS
)  # fmt: skip
"""Operators with their modifiers C and N (edition 2, table 52)."""

_BARE: Final = RETURNS | {"NOT"}
_OPERAND_KINDS: Final = frozenset(
    {TokenKind.NAME, TokenKind.INTEGER, TokenKind.REAL, TokenKind.TYPED, TokenKind.STRING,
     TokenKind.DIRECT}
)  # fmt: skip


def at_instructions(cursor: Cursor) -> bool:
    """Whether a body in IL begins here: an operator with an operand, which no ST begins with."""
    ahead = 0
    while cursor.peek(ahead).kind is TokenKind.NAME and cursor.peek(ahead + 1).key == ":":
        ahead += 2
    first = cursor.peek(ahead)
    if first.kind is TokenKind.NAME and cursor.peek(ahead + 1).key == "(":
        return _operator_ahead(cursor, _behind_call(cursor, ahead + 1))
    return _operator_ahead(cursor, ahead)


def _operator_ahead(cursor: Cursor, ahead: int) -> bool:
    token, following = cursor.peek(ahead), cursor.peek(ahead + 1)
    if token.kind is TokenKind.OPERATOR or token.key not in OPERATORS:
        return False
    if following.key in {"S", "R", "REF"} and cursor.peek(ahead + 2).key == "=":
        return False  # `R REF= x;` is ST
    if token.key in _BARE:
        return following.kind is not TokenKind.OPERATOR
    return following.kind in _OPERAND_KINDS or following.key in {"TRUE", "FALSE", "-"}


def _behind_call(cursor: Cursor, ahead: int) -> int:
    """Return the distance of the token behind the parenthesis that opens `ahead` of here."""
    depth = 0
    while cursor.peek(ahead).kind is not TokenKind.END:
        depth += {"(": 1, ")": -1}.get(cursor.peek(ahead).key, 0)
        ahead += 1
        if depth == 0:
            break
    return ahead


def instruction_list(cursor: Cursor) -> tree.InstructionList:
    """Read instructions up to the word that ends the body."""
    start = cursor.current
    instructions: list[tree.Instruction] = []
    while not _at_end(cursor):
        read = _recovering(cursor)
        if read is not None:
            instructions.append(read)
    return tree.InstructionList(cursor.since(start), tuple(instructions))


def _at_end(cursor: Cursor) -> bool:
    token = cursor.current
    if token.kind is not TokenKind.KEYWORD:
        return token.kind is TokenKind.END
    return token.key.startswith("END_") or token.key in UNIT_STARTS


def _recovering(cursor: Cursor) -> tree.Instruction | None:
    """Read an instruction; one that cannot be read costs its line."""
    start, depth = cursor.current, cursor.depth
    try:
        read = _instruction(cursor)
        _end_of_line(cursor)
    except ResyncError:
        cursor.depth = depth
        last = start if cursor.current is start else cursor.peek(-1)
        while not _at_end(cursor) and _on_line(cursor, last):
            cursor.advance()
        return None
    return read


def _end_of_line(cursor: Cursor) -> None:
    if _on_line(cursor, cursor.peek(-1)) and not _at_end(cursor):
        hint = "an instruction of IL ends with its line, without a ';'"
        raise cursor.fault("expected the end of the line", hint)


def _on_line(cursor: Cursor, token: Token) -> bool:
    """Whether the current token stands on the line of another one."""
    if cursor.current.kind is TokenKind.END:
        return False
    return cursor.line_of(cursor.current) == cursor.line_of(token)


def _instruction(cursor: Cursor) -> tree.Instruction:
    start = cursor.current
    labels: list[tree.Name] = []
    while cursor.current.kind is TokenKind.NAME and cursor.peek().key == ":":
        token = cursor.advance()
        labels.append(tree.Name(cursor.span_of(token), token.text))
        cursor.advance()
    if labels and _at_end(cursor):
        return tree.Instruction(cursor.since(start), tuple(labels), "", ())
    token = cursor.current
    if token.kind is not TokenKind.NAME and token.key not in OPERATORS:
        raise cursor.fault("expected an operator of IL")
    if token.kind is TokenKind.NAME and cursor.peek().key == ".":
        call = _method_call(cursor)
        return tree.Instruction(call.span, tuple(labels), token.key, (call,))
    cursor.advance()
    operands, inner = _operands(cursor, token)
    span = cursor.since(token)
    return tree.Instruction(span, tuple(labels), token.key.replace("&", "AND"), operands, inner)


def _method_call(cursor: Cursor) -> tree.Call:
    """Read `instance.method(…)`, whose value becomes the current result."""
    read = postfix(cursor)
    if not isinstance(read, tree.Call):
        raise cursor.fault("expected '(' behind the name of a method")
    return read


def _operands(
    cursor: Cursor, operator: Token
) -> tuple[tuple[tree.Expression, ...], tuple[tree.Instruction, ...] | None]:
    key = operator.key
    if key in CALLS:
        return (_call(cursor),), None
    if cursor.at("(") and _on_line(cursor, operator):
        if key in LOGICAL | ARITHMETIC:
            return (), _deferred(cursor)
        if key not in OPERATORS:
            callee = tree.Name(cursor.span_of(operator), operator.text)
            arguments = call_arguments(cursor)
            return (tree.Call(cursor.since(operator), callee, arguments),), None
    if not _on_line(cursor, operator) or _at_end(cursor) or cursor.at(")"):
        if key in OPERATORS - _BARE:
            text = f"expected an operand of {key} on its line"
            cursor.findings.error("ST1101", cursor.span_of(operator), text)
            raise ResyncError
        return (), None
    operands = [_operand(cursor)]
    while cursor.accept(","):
        operands.append(_operand(cursor))
    return tuple(operands), None


def _call(cursor: Cursor) -> tree.Expression:
    callee = _operand(cursor)
    if isinstance(callee, tree.Call):
        return callee
    return tree.Call(callee.span, callee, ())


def _operand(cursor: Cursor) -> tree.Expression:
    """Read a variable, a literal, or a call's name with its arguments."""
    if cursor.at("("):
        raise cursor.fault("expected an operand, a variable or a literal")
    return unary(cursor) if cursor.at("-", "+") else postfix(cursor)


def _deferred(cursor: Cursor) -> tuple[tree.Instruction, ...]:
    """Read what stands in the parentheses of an operator; an operand at once is a first LD."""
    opening = cursor.advance()
    cursor.enter()
    inner: list[tree.Instruction] = []
    if _on_line(cursor, opening) and not cursor.at(")"):
        operand = _operand(cursor)
        inner.append(tree.Instruction(operand.span, (), "LD", (operand,)))
    while not cursor.at(")"):
        if _at_end(cursor):
            line = cursor.line_of(opening)
            raise cursor.fault("expected ')'", f"the parenthesis opens on line {line}")
        inner.append(_instruction(cursor))
        if not cursor.at(")"):
            _end_of_line(cursor)
    cursor.advance()
    cursor.leave()
    return tuple(inner)
