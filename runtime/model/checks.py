"""What the checkers of calls share: how an argument is checked, and the order of arguments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runtime.model.program import Expression, Place
from runtime.model.scope import Scope
from runtime.syntax import tree


@dataclass(frozen=True, slots=True)
class Checks:
    """How the arguments are checked; `expressions` hands in its own functions."""

    value: Callable[[tree.Expression, Scope], Expression | None]
    place: Callable[[tree.Expression, Scope], Place | None]
    pointer: Callable[[tree.Expression, Scope], Place | None]
    """Like `place`, but a REFERENCE TO stands for itself, not for what it refers to."""
    operate: Callable[[tree.Binary, Expression, Expression, Scope], Expression | None]


def ordered_inputs(
    node: tree.Call, scope: Scope, checks: Checks, names: Sequence[str] = ()
) -> list[tuple[tree.Expression, Expression]] | None:
    """Return a call's inputs in order, by position or by name: IN, IN1, IN2, … or those given.

    What is missing or unknown is reported (ST4001 to ST4003).
    """
    findings = scope.names.findings
    found: dict[int, tree.Argument] = {}
    for number, argument in enumerate(node.arguments):
        at = number if argument.name is None else _place_of(argument.name.upper(), names)
        if at < 0 or argument.is_output:
            text = f"there is no input {argument.name}"
            hint = f"the inputs are {', '.join(names) or 'IN1, IN2, …'}"
            findings.error("ST4001", argument.span, text, hint)
            return None
        if at in found:
            findings.error("ST4003", argument.span, f"{argument.name} is given twice")
            return None
        found[at] = argument
    if sorted(found) != list(range(len(found))) or (names and len(found) != len(names)):
        wanted = f"{len(names)} arguments" if names else "IN1, IN2 and so on without a gap"
        findings.error("ST4002", node.span, f"{len(found)} arguments: expected {wanted}")
        return None
    inputs = []
    for at in sorted(found):
        written = found[at].value
        value = checks.value(written, scope) if written is not None else None
        if written is None or value is None:
            return None
        inputs.append((written, value))
    return inputs


def _place_of(key: str, names: Sequence[str]) -> int:
    if names:
        return list(names).index(key) if key in names else -1
    if key == "IN":
        return 0
    number = key.removeprefix("IN")
    return int(number) - 1 if number.isdigit() and number != key else -1
