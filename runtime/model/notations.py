"""The body of a routine, whichever notation it is in."""

from runtime.model.il import check_instructions
from runtime.model.program import Statement
from runtime.model.sfc import check_chart
from runtime.model.statements import Body, check_statements
from runtime.syntax import tree


def check_body(unit: tree.Pou, body: Body) -> tuple[Statement, ...]:
    """Return the typed statements of a unit's body."""
    if isinstance(unit.notation, tree.Chart):
        return check_chart(unit.notation, body)
    if isinstance(unit.notation, tree.InstructionList):
        return check_instructions(unit.notation, body)
    return check_statements(unit.body, body)
