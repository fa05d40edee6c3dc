"""Functions without a result that stand as statements: SPLIT_DATE and its kind, ASSERT."""

from collections.abc import Callable
from typing import Final

from runtime.artifact.abi import FaultKind
from runtime.datatypes.elementary import ELEMENTARY, Elementary
from runtime.model import program
from runtime.model.assignments import target_place
from runtime.model.expressions import check, check_as, check_condition
from runtime.model.program import Statement
from runtime.model.scope import Scope
from runtime.model.texts import is_text
from runtime.stdlib.dates import SPLITS
from runtime.syntax import tree


def _split(
    node: tree.CallStatement, call: tree.Call, callee: tree.Name, scope: Scope
) -> Statement | None:
    """Return SPLIT_DATE(d, YEAR => y, …): parts of a time, each into an integer variable."""
    wanted, parts = SPLITS[callee.name.upper()]
    names, findings = ["IN", *parts], scope.names.findings
    source, targets = None, []
    for number, argument in enumerate(call.arguments):
        key = argument.name.upper() if argument.name else names[min(number, len(parts))]
        if key not in names or argument.value is None or number >= len(names):
            text, hint = f"{callee.name} has no {argument.name}", f"it has {', '.join(names)}"
            findings.error("ST4001", argument.span, text, hint)
        elif key == "IN":
            source = check_as(argument.value, ELEMENTARY[wanted], scope)
        elif (place := target_place(argument.value, scope)) is not None:
            if not (isinstance(place.type, Elementary) and place.type.is_integer):
                text = f"{key} is a number, {place.type} cannot take it"
                findings.error("ST4007", argument.span, text, "expected an integer variable")
            targets.append((parts[key], place))
    if source is None:
        findings.error("ST4002", call.span, f"{callee.name} needs IN of type {wanted}")
        return None
    return program.Spread(node.span, source, tuple(targets))


def _assert(
    node: tree.CallStatement, call: tree.Call, callee: tree.Name, scope: Scope
) -> Statement | None:
    """Return ASSERT(condition) or ASSERT(condition, text): a fault where the condition is FALSE."""
    given = {"IN": 0, "MESSAGE": 1}
    values: list[tree.Expression | None] = [None, None]
    for number, argument in enumerate(call.arguments):
        at = number if argument.name is None else given.get(argument.name.upper(), len(values))
        if at >= len(values) or values[at] is not None or argument.is_output:
            text = f"{callee.name} takes a condition, and a text for the reader if you like"
            scope.names.findings.error("ST4002", argument.span, text, "ASSERT(level < 100)")
            return None
        values[at] = argument.value
    condition, message = values
    if condition is None:
        scope.names.findings.error("ST4002", call.span, "ASSERT needs a condition")
        return None
    checked = check_condition(condition, scope, "the condition of ASSERT")
    if message is not None:
        value = check(message, scope)
        if value is not None and not is_text(value):
            text = f"the text of ASSERT is of type {value.type}"
            scope.names.findings.error("ST3002", message.span, text, "expected a string")
    if checked is None:
        return None
    return program.Require(node.span, checked, scope.names.site(FaultKind.ASSERTION, node.span))


_Special = Callable[[tree.CallStatement, tree.Call, tree.Name, Scope], Statement | None]
SPECIAL_CALLS: Final[dict[str, _Special]] = {**dict.fromkeys(SPLITS, _split), "ASSERT": _assert}
"""By name in upper case."""
