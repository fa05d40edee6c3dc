"""Inputs with R_EDGE or F_EDGE: the body sees TRUE in the call in which the input rises or falls.

`CU : BOOL R_EDGE` stands as it is given; beside it are kept what the body sees as CU, and the level
of the last call (6.6.3.2). As with F_TRIG the level before the first call is low.
"""

from collections.abc import Iterator
from dataclasses import replace

from runtime.datatypes.elementary import BOOL
from runtime.model.hidden import edge_names
from runtime.model.program import Assign, Expression, Invert, Load, Operate, Statement
from runtime.model.scope import RoutineInfo, Scope, VariableInfo
from runtime.syntax import tree


def check_edge(variable: tree.Variable, block: tree.VarBlock, scope: Scope) -> None:
    """Report an edge that is not of a BOOL input of a block or program (ST2021)."""
    is_input = block.section == "VAR_INPUT" and not scope.routine.has_calls
    is_bool = isinstance(variable.type, tree.NamedType) and variable.type.name.upper() == "BOOL"
    if is_input and is_bool:
        return
    text = f"{variable.name} cannot have {variable.edge}"
    hint = "a BOOL in VAR_INPUT of a FUNCTION_BLOCK or PROGRAM can"
    scope.names.findings.error("ST2021", variable.span, text, hint)


def with_edges(info: RoutineInfo) -> RoutineInfo:
    """Return a routine as its body sees it: the names of such inputs are those of the edges."""
    seen = {key: replace(edge, name=item.name) for key, item, edge, _ in _edges(info)}
    return replace(info, variables=info.variables | seen) if seen else info


def detect_edges(info: RoutineInfo) -> Iterator[Statement]:
    """Yield the statements that stand before the body; a chart's actions see what its body saw."""
    if info.kind == "ACTION":
        return
    for _, item, edge, level in _edges(info):
        falls = item.edge == "F_EDGE"
        now: Expression = Load(BOOL, item.place)
        now = Invert(BOOL, now) if falls else now
        was = Invert(BOOL, Load(BOOL, level.place))
        yield Assign(item.span, edge.place, Operate(BOOL, "AND", BOOL, now, was))
        yield Assign(item.span, level.place, now)


def _edges(
    info: RoutineInfo,
) -> Iterator[tuple[str, VariableInfo, VariableInfo, VariableInfo]]:
    """Yield the inputs with an edge by their keys: input, edge, level."""
    for key, item in info.variables.items():
        names = edge_names(key)
        if item.edge and all(name in info.variables for name in names):
            edge, level = (info.variables[name] for name in names)
            yield key, item, edge, level
