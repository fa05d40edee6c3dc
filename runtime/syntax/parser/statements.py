"""Statements (table 72). A statement that cannot be read costs the text up to the next `;`."""

from typing import Final

from runtime.syntax import tree
from runtime.syntax.parser.cursor import STATEMENT_STARTS, UNIT_STARTS, Cursor, ResyncError
from runtime.syntax.parser.expressions import expression, postfix
from runtime.syntax.tokens import Token, TokenKind

_BLOCK_ENDS: Final = frozenset(
    {"END_IF", "ELSIF", "ELSE", "END_CASE", "END_FOR", "END_WHILE", "UNTIL", "END_REPEAT",
     "END_PROGRAM", "END_FUNCTION", "END_FUNCTION_BLOCK", "END_METHOD", "END_ACTION",
     "END_GET", "END_SET", "END_CLASS", "END_INTERFACE", "METHOD", "PROPERTY"}
)  # fmt: skip
_CLOSING: Final = frozenset({"END_IF", "END_CASE", "END_FOR", "END_WHILE", "END_REPEAT"})
_RESUME: Final = STATEMENT_STARTS | _BLOCK_ENDS | UNIT_STARTS | {";"}


def statements(cursor: Cursor) -> tuple[tree.Statement, ...]:
    """Read statements up to a word that ends a block."""
    body: list[tree.Statement] = []
    while not cursor.at(*_BLOCK_ENDS, *UNIT_STARTS) and cursor.current.kind is not TokenKind.END:
        if cursor.accept(";"):
            continue
        read = statement(cursor)
        if read is not None:
            body.append(read)
    return tuple(body)


def statement(cursor: Cursor) -> tree.Statement | None:
    """Read one statement with its `;`; None where it was reported and passed over."""
    start, depth = cursor.current, cursor.depth
    try:
        cursor.enter()
        read = _READERS.get(start.key, _simple)(cursor)
        cursor.leave()
        _end_of_statement(cursor)
    except ResyncError:
        cursor.depth = depth
        if cursor.current is start:
            cursor.advance()
        cursor.skip_to(_RESUME)
        return None
    return read


def _end_of_statement(cursor: Cursor) -> None:
    if cursor.accept(";"):
        return
    if cursor.last.key in _CLOSING:
        return  # as CODESYS has it: END_IF and its kind need no ';'
    if cursor.current.kind is TokenKind.OPERATOR:
        raise cursor.missing("expected ';' after the statement")
    cursor.missing("expected ';' after the statement")  # the next one begins here: go on with it


def _simple(cursor: Cursor) -> tree.Statement:
    start = cursor.current
    if start.kind not in {TokenKind.NAME, TokenKind.DIRECT} and not cursor.at("THIS", "SUPER"):
        raise cursor.fault("expected a statement")
    if cursor.peek().kind is TokenKind.NAME and start.key == "JMP":
        raise _unsupported(cursor, start, "JMP is not supported in ST")
    target = postfix(cursor)
    if isinstance(target, tree.Name) and cursor.accept(":"):
        raise _unsupported(cursor, start, f"the label {start.text} is not supported in ST")
    if cursor.accept(":="):
        value = expression(cursor)
        return tree.Assign(cursor.since(start), target, value)
    if cursor.accept("?="):
        value = expression(cursor)
        return tree.Attempt(cursor.since(start), target, value)
    if cursor.peek().key == "=" and cursor.current.key in {"S", "R", "REF"}:
        return _special_assignment(cursor, start, target)
    if isinstance(target, tree.Call):
        return tree.CallStatement(cursor.since(start), target)
    if cursor.at("="):
        raise cursor.fault("expected ':=' in an assignment", "'=' compares; ':=' assigns")
    raise cursor.fault("expected ':=' or a call")


def _unsupported(cursor: Cursor, start: Token, text: str) -> ResyncError:
    hint = "write IF, a loop with EXIT or CONTINUE, or RETURN"
    cursor.findings.error("ST9001", cursor.span_of(start), text, hint)
    return ResyncError()


def _special_assignment(cursor: Cursor, start: Token, target: tree.Expression) -> tree.Statement:
    """Read `S=`, `R=` (set or reset while the value is true) or `REF=`."""
    word = cursor.advance()
    cursor.advance()
    value = expression(cursor)
    span = cursor.since(start)
    if word.key == "REF":
        return tree.Refer(span, target, value)
    constant = tree.Literal(cursor.span_of(word), "bool", "TRUE" if word.key == "S" else "FALSE")
    assignment = tree.Assign(span, target, constant)
    return tree.If(span, (tree.Branch(span, value, (assignment,)),), ())


def _if(cursor: Cursor) -> tree.Statement:
    start = cursor.advance()
    branches = [_branch(cursor, start)]
    otherwise: tuple[tree.Statement, ...] = ()
    while cursor.at("ELSIF"):
        branches.append(_branch(cursor, cursor.advance()))
    if cursor.accept("ELSE"):
        otherwise = statements(cursor)
    _close(cursor, "END_IF", start)
    return tree.If(cursor.since(start), tuple(branches), otherwise)


def _branch(cursor: Cursor, start: Token) -> tree.Branch:
    condition = _header(cursor, "THEN", "after the condition")
    return tree.Branch(cursor.since(start), condition, statements(cursor))


def _header(cursor: Cursor, word: str, where: str) -> tree.Expression:
    """Read an expression and the word that ends it; a fault in it does not lose the block."""
    start, depth = cursor.current, cursor.depth
    try:
        value = expression(cursor)
        if not cursor.accept(word):
            fault = cursor.missing(f"expected {word} {where}")
            if not cursor.begins_line():
                raise fault
    except ResyncError:
        cursor.depth = depth
        cursor.skip_to({word, *_RESUME})
        cursor.accept(word)
        return tree.Wrong(cursor.span_of(start))
    return value


def _close(cursor: Cursor, word: str, start: Token) -> None:
    if cursor.accept(word):
        return
    line = cursor.line_of(start)
    cursor.fault(f"expected {word} to close {start.key}", f"{start.key} begins on line {line}")


def _case(cursor: Cursor) -> tree.Statement:
    start = cursor.advance()
    selector = _header(cursor, "OF", "after the selector")
    arms: list[tree.Arm] = []
    otherwise: tuple[tree.Statement, ...] = ()
    while not cursor.at("END_CASE", "ELSE") and cursor.current.kind is not TokenKind.END:
        if cursor.at(*_BLOCK_ENDS, *UNIT_STARTS):
            break
        arms.append(_arm(cursor))
    if cursor.accept("ELSE"):
        otherwise = statements(cursor)
    _close(cursor, "END_CASE", start)
    return tree.Case(cursor.since(start), selector, tuple(arms), otherwise)


def _arm(cursor: Cursor) -> tree.Arm:
    start, depth = cursor.current, cursor.depth
    labels: list[tree.Label] = []
    try:
        labels.append(_label(cursor))
        while cursor.accept(","):
            labels.append(_label(cursor))
        cursor.expect(":", "after the labels")
    except ResyncError:
        cursor.depth = depth
        if cursor.current is start:
            cursor.advance()
        cursor.skip_to({":", *_RESUME})
        cursor.accept(":")
    body: list[tree.Statement] = []
    while not (cursor.at(*_BLOCK_ENDS, *UNIT_STARTS) or _label_ahead(cursor)):
        if cursor.current.kind is TokenKind.END:
            break
        if cursor.accept(";"):
            continue
        read = statement(cursor)
        if read is not None:
            body.append(read)
    return tree.Arm(cursor.since(start), tuple(labels), tuple(body))


def _label_ahead(cursor: Cursor) -> bool:
    """Whether what follows is labels up to a `:`: no statement holds a `:` before its `;`."""
    token = cursor.current
    if token.kind in {TokenKind.INTEGER, TokenKind.TYPED} or cursor.at(
        "-", "+", "(", "TRUE", "FALSE"
    ):
        return True
    if token.kind is not TokenKind.NAME:
        return False
    ahead = 1
    while (key := cursor.peek(ahead).key) not in _NO_LABEL:
        if key in {":", ","}:
            return True
        ahead += 1
    return False


_NO_LABEL: Final = frozenset({":=", ";", "(", "=>", "^", "", "END_CASE", "ELSE"})
"""What ends the look ahead for a label: a statement that begins with a name has one of these."""


def _label(cursor: Cursor) -> tree.Label:
    start = cursor.current
    lower = expression(cursor)
    upper = expression(cursor) if cursor.accept("..") else None
    return tree.Label(cursor.since(start), lower, upper)


def _for(cursor: Cursor) -> tree.Statement:
    start = cursor.advance()
    variable = postfix(cursor)
    cursor.expect(":=", "after the control variable")
    first = expression(cursor)
    cursor.expect("TO", "after the first value")
    last = expression(cursor)
    step = expression(cursor) if cursor.accept("BY") else None
    if not cursor.accept("DO"):
        cursor.missing("expected DO after the limits")
    body = statements(cursor)
    _close(cursor, "END_FOR", start)
    return tree.For(cursor.since(start), variable, first, last, step, body)


def _while(cursor: Cursor) -> tree.Statement:
    start = cursor.advance()
    condition = _header(cursor, "DO", "after the condition")
    body = statements(cursor)
    _close(cursor, "END_WHILE", start)
    return tree.While(cursor.since(start), condition, body)


def _repeat(cursor: Cursor) -> tree.Statement:
    start = cursor.advance()
    body = statements(cursor)
    cursor.expect("UNTIL", "to close REPEAT")
    condition = expression(cursor)
    _close(cursor, "END_REPEAT", start)
    return tree.Repeat(cursor.since(start), body, condition)


def _jump(cursor: Cursor) -> tree.Statement:
    token = cursor.advance()
    return tree.Jump(cursor.span_of(token), token.key)


_READERS: Final = {
    "IF": _if,
    "CASE": _case,
    "FOR": _for,
    "WHILE": _while,
    "REPEAT": _repeat,
    "EXIT": _jump,
    "CONTINUE": _jump,
    "RETURN": _jump,
}
