"""Bodies in other notations than ST: which one a body is in shows in its first words."""

from runtime.syntax import tree
from runtime.syntax.parser.cursor import Cursor
from runtime.syntax.parser.il import at_instructions, instruction_list
from runtime.syntax.parser.sfc import CHART_STARTS, chart


def notation(cursor: Cursor) -> tree.Notation | None:
    """Read a body in SFC or IL; None where it is in ST, of which nothing is taken."""
    if cursor.at(*CHART_STARTS):
        return chart(cursor)
    if at_instructions(cursor):
        return instruction_list(cursor)
    return None
