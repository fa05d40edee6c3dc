"""Sequential Function Charts as text (6.7): steps, transitions and actions in any order.

INITIAL_STEP S0: LAMP(N); FILL(L, T#5s); END_STEP
TRANSITION FROM S0 TO (S1, S2) := GO; END_TRANSITION
ACTION FILL: V := V + 1; END_ACTION
"""

from collections.abc import Callable
from typing import Final

from runtime.syntax import tree
from runtime.syntax.parser.cursor import UNIT_STARTS, Cursor, ResyncError
from runtime.syntax.parser.expressions import call_arguments, expression, postfix
from runtime.syntax.parser.il import at_instructions, instruction_list
from runtime.syntax.parser.statements import statements
from runtime.syntax.tokens import Token, TokenKind

CHART_STARTS: Final = ("INITIAL_STEP", "STEP", "TRANSITION", "ACTION")
_CHART_ENDS: Final = ("END_STEP", "END_TRANSITION", "END_ACTION")
_POU_ENDS: Final = ("END_PROGRAM", "END_FUNCTION", "END_FUNCTION_BLOCK")
TIMED: Final = frozenset({"L", "D", "SD", "DS", "SL"})
"""Qualifiers with a time (table 57)."""

_Element = tree.Step | tree.Transition | tree.Action


def chart(cursor: Cursor) -> tree.Chart:
    """Read the elements of a chart up to the word that ends the body."""
    start, depth = cursor.current, cursor.depth
    elements: list[_Element] = []
    while (
        not cursor.at("END_ACTION", *_POU_ENDS, *UNIT_STARTS)
        and cursor.current.kind is not TokenKind.END
    ):
        first = cursor.current
        try:
            if not cursor.at(*CHART_STARTS):
                raise cursor.fault("expected STEP, TRANSITION or ACTION")
            elements.append(_READERS[first.key](cursor))
        except ResyncError:
            cursor.depth = depth
            if cursor.current is first:
                cursor.advance()
            cursor.skip_to({*CHART_STARTS, *_CHART_ENDS, *_POU_ENDS, *UNIT_STARTS})
            cursor.accept(*_CHART_ENDS)
    return tree.Chart(
        cursor.since(start),
        tuple(item for item in elements if isinstance(item, tree.Step)),
        tuple(item for item in elements if isinstance(item, tree.Transition)),
        tuple(item for item in elements if isinstance(item, tree.Action)),
    )


def _named(cursor: Cursor, what: str) -> tree.Name:
    token = cursor.name(what)
    return tree.Name(cursor.span_of(token), token.text)


def _step(cursor: Cursor) -> tree.Step:
    start = cursor.advance()
    name = _named(cursor, "the name of a step")
    cursor.expect(":", "after the step's name")
    associations: list[tree.Association] = []
    while not cursor.at("END_STEP"):
        if cursor.at(*CHART_STARTS, *_POU_ENDS):
            raise cursor.fault(f"expected END_STEP to close step {name.name}")
        associations.append(_association(cursor))
        cursor.expect(";", "after the action")
    cursor.advance()
    initial = start.key == "INITIAL_STEP"
    return tree.Step(cursor.since(start), name, initial, tuple(associations))


def _association(cursor: Cursor) -> tree.Association:
    """Read `action(qualifier, time, indicators)`; without a qualifier it is N."""
    start = cursor.current
    read = postfix(cursor)
    if isinstance(read, tree.Call):
        target, arguments = read.callee, read.arguments
    elif cursor.at("("):  # behind an address
        target, arguments = read, call_arguments(cursor)
    else:
        raise cursor.fault("expected '(' after the action", "write NAME(N); or NAME();")
    span = cursor.since(start)
    values = [_plain(cursor, item) for item in arguments]
    first = values.pop(0) if values else tree.Name(target.span, "N")
    if not isinstance(first, tree.Name):
        raise _wrong(cursor, first, "expected a qualifier such as N, S or D")
    qualifier = first.name.upper()
    time = values.pop(0) if qualifier in TIMED and values else None
    return tree.Association(span, target, qualifier, time, tuple(values))


def _plain(cursor: Cursor, argument: tree.Argument) -> tree.Expression:
    if argument.name is not None or argument.value is None:
        wrong = tree.Wrong(argument.span)
        raise _wrong(cursor, wrong, "expected a qualifier, a time or an indicator variable")
    return argument.value


def _wrong(cursor: Cursor, node: tree.Expression, wanted: str) -> ResyncError:
    cursor.findings.error("ST1101", node.span, wanted)
    return ResyncError()


def _transition(cursor: Cursor) -> tree.Transition:
    start = cursor.advance()
    name = None if _at_word(cursor, "FROM") else _transition_name(cursor)
    priority = _priority(cursor)
    if not _at_word(cursor, "FROM"):
        raise cursor.fault("expected FROM and the steps before the transition")
    cursor.advance()
    sources = _steps(cursor)
    cursor.expect("TO", "and the steps behind the transition")
    targets = _steps(cursor)
    condition = _condition(cursor)
    if not cursor.accept("END_TRANSITION"):
        cursor.fault("expected END_TRANSITION", f"it begins on line {cursor.line_of(start)}")
    return tree.Transition(cursor.since(start), name, priority, sources, targets, condition)


def _at_word(cursor: Cursor, word: str) -> bool:
    return cursor.current.kind is TokenKind.NAME and cursor.current.key == word


def _transition_name(cursor: Cursor) -> tree.Name | None:
    return None if cursor.at("(") else _named(cursor, "the name of the transition, or FROM")


def _priority(cursor: Cursor) -> int | None:
    if not cursor.accept("("):
        return None
    if not _at_word(cursor, "PRIORITY"):
        raise cursor.fault("expected PRIORITY := n")
    cursor.advance()
    cursor.expect(":=", "after PRIORITY")
    token: Token = cursor.current
    if token.kind is not TokenKind.INTEGER or not token.text.replace("_", "").isdigit():
        raise cursor.fault("expected a whole number as the priority")
    cursor.advance()
    cursor.expect(")", "after the priority")
    return int(token.text)


def _steps(cursor: Cursor) -> tuple[tree.Name, ...]:
    if not cursor.accept("("):
        return (_named(cursor, "the name of a step"),)
    names = [_named(cursor, "the name of a step")]
    while cursor.accept(","):
        names.append(_named(cursor, "the name of a step"))
    cursor.expect(")", "to close the list of steps")
    return tuple(names)


def _condition(cursor: Cursor) -> tree.Expression | tree.InstructionList:
    """Read `:= expression;`, or `:` and a list of instructions."""
    if cursor.accept(":"):
        return instruction_list(cursor)
    cursor.expect(":=", "and the condition of the transition")
    condition = expression(cursor)
    if not cursor.accept(";"):
        cursor.fault("expected ';' after the condition")
    return condition


def _action(cursor: Cursor) -> tree.Action:
    start = cursor.advance()
    name = _named(cursor, "the name of an action")
    cursor.expect(":", "after the action's name")
    inner: tree.Notation | None = None
    if cursor.at(*CHART_STARTS):
        cursor.enter()
        inner = chart(cursor)
        cursor.leave()
    elif at_instructions(cursor):
        inner = instruction_list(cursor)
    body = statements(cursor) if inner is None else ()
    if not cursor.at("END_ACTION"):
        raise cursor.fault(f"expected END_ACTION to close action {name.name}")
    cursor.advance()
    return tree.Action(cursor.since(start), name, body, inner)


_READERS: Final[dict[str, Callable[[Cursor], _Element]]] = {
    "INITIAL_STEP": _step,
    "STEP": _step,
    "TRANSITION": _transition,
    "ACTION": _action,
}
