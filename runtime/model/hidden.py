"""Variables that IL, SFC and edges need besides the declared ones; no text can spell their names.

A step is a structure of its flag X and its time T that users may read. Beside it stand hidden
variables: when it was entered, whether it is entered or left next; the control of each action; and
for IL one variable for each level of parentheses that a current result can be kept in. An input
with R_EDGE or F_EDGE has two: the edge, and the level of the last call. What a method declares as
VAR_INST is a hidden variable of its class.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from runtime.source import Span
from runtime.syntax import tree

RESULT_BYTES: Final = 8
"""What the variable of a current result holds: every elementary type but the texts."""
STEP_SECTION: Final = "STEP"
"""Section of a step: everyone may read it, the chart alone writes it."""
HIDDEN_SECTION: Final = "HIDDEN"
"""Section of variables that keep their value and have no name outside."""
CONTROL_TYPE: Final = "action control"
"""The name of the type of an action's control block."""


def result_name(depth: int) -> str:
    """Return the name of the variable that keeps a result of IL inside `depth` parentheses."""
    return f"RESULT {depth}"


def step_name(step: str) -> str:
    """Return the name of the hidden side of a step."""
    return f"STEP {step.upper()}"


def control_name(within: str, action: str) -> str:
    """Return the name of the control that an action, perhaps an address, has in a chart.

    Args:
        within: The action that the chart stands in; empty for the chart of a whole body.
        action: The action that the chart runs.
    """
    return f"CONTROL {within.upper()} {action.upper().replace('.', ' ')}"


def hidden_blocks(pou: tree.Pou) -> tuple[tree.VarBlock, ...]:
    """Return sections with what the notation of a unit's body needs."""
    listings = []
    blocks: list[tree.VarBlock] = []
    if isinstance(pou.notation, tree.InstructionList):
        listings.append(pou.notation)
    elif isinstance(pou.notation, tree.Chart):
        for within, chart in _charts("", pou.notation):
            blocks += _chart_blocks(within, chart)
            conditions = [item.condition for item in chart.transitions]
            inner = [*conditions, *(item.notation for item in chart.actions)]
            listings += [item for item in inner if isinstance(item, tree.InstructionList)]
    blocks += _edge_blocks(pou)
    blocks += _static_blocks(pou)
    if listings:
        depth = max(_depth(listing.instructions) for listing in listings)
        span = pou.name.span
        results = [_variable(result_name(n), _named("LWORD", span)) for n in range(depth + 1)]
        blocks.append(tree.VarBlock(span, "VAR_TEMP", (), tuple(results)))
    return tuple(blocks)


def edge_names(name: str) -> tuple[str, str]:
    """Return the hidden variables of an input with R_EDGE: what the body sees, and the memory."""
    return f"EDGE {name.upper()}", f"LEVEL {name.upper()}"


def instance_name(owner: str, method: str, variable: str) -> str:
    """Return the name of what a VAR_INST of a method is in the instances of its class."""
    return f"{owner} {method} {variable}".upper().replace(".", " ")


def _static_blocks(pou: tree.Pou) -> list[tree.VarBlock]:
    """Return sections with the VAR_INST of a class's methods."""
    return [
        replace(
            block,
            section=HIDDEN_SECTION,
            variables=tuple(
                replace(item, name=instance_name(pou.name.name, method.name.name, item.name))
                for item in block.variables
            ),
        )
        for method in pou.methods
        for block in method.blocks
        if block.section == "VAR_INST"
    ]


def _edge_blocks(pou: tree.Pou) -> list[tree.VarBlock]:
    variables = [
        _variable(name, _named("BOOL", item.span))
        for block in pou.blocks
        for item in block.variables
        if item.edge
        for name in edge_names(item.name)
    ]
    return [tree.VarBlock(pou.span, HIDDEN_SECTION, (), tuple(variables))] if variables else []


def _depth(instructions: tuple[tree.Instruction, ...]) -> int:
    return max(
        (1 + _depth(item.inner) for item in instructions if item.inner is not None), default=0
    )


def _charts(within: str, chart: tree.Chart) -> Iterator[tuple[str, tree.Chart]]:
    """Yield a chart and those in its actions, each with the action that it stands in."""
    yield within, chart
    for action in chart.actions:
        if isinstance(action.notation, tree.Chart):
            yield from _charts(action.name.name, action.notation)


def _chart_blocks(within: str, chart: tree.Chart) -> list[tree.VarBlock]:
    steps = tuple(_step(item) for item in chart.steps)
    hidden = [_hidden_step(item) for item in chart.steps]
    flags = [_action_flags(item) for item in chart.actions]
    controls = [
        _variable(control_name(within, key), _named(CONTROL_TYPE, span))
        for key, span in dict(_targets(chart)).items()
    ]
    return [
        tree.VarBlock(chart.span, STEP_SECTION, (), steps),
        tree.VarBlock(chart.span, HIDDEN_SECTION, (), (*hidden, *flags, *controls)),
    ]


def _targets(chart: tree.Chart) -> Iterator[tuple[str, Span]]:
    for step in chart.steps:
        for item in step.associations:
            key = target_key(item.action)
            if key is not None:
                yield key, item.action.span


def target_key(action: tree.Expression) -> str | None:
    """Return what an action is known by: its name or address; None where it has neither."""
    if isinstance(action, tree.Name):
        return action.name.upper()
    return action.text.upper() if isinstance(action, tree.Direct) else None


def _named(name: str, span: Span) -> tree.NamedType:
    return tree.NamedType(span, name)


def _variable(
    name: str, data_type: tree.TypeSpec, initial: tree.Initial | None = None
) -> tree.Variable:
    return tree.Variable(data_type.span, name, data_type, initial, None)


def _structure(span: Span, **members: tuple[str, bool]) -> tree.StructType:
    """Return a structure of members NAME=(type, whether it begins as TRUE)."""
    true = tree.Literal(span, "bool", "TRUE")
    return tree.StructType(
        span,
        tuple(
            _variable(name, _named(data_type, span), true if begins else None)
            for name, (data_type, begins) in members.items()
        ),
    )


def _step(step: tree.Step) -> tree.Variable:
    span = step.name.span
    return _variable(step.name.name, _structure(span, X=("BOOL", step.initial), T=("TIME", False)))


def _hidden_step(step: tree.Step) -> tree.Variable:
    members = _structure(
        step.name.span,
        SINCE=("TIME", False),
        ENTERED=("BOOL", step.initial),
        LEFT=("BOOL", False),
    )
    return _variable(step_name(step.name.name), members)


def _action_flags(action: tree.Action) -> tree.Variable:
    flags = _structure(action.name.span, Q=("BOOL", False), A=("BOOL", False))
    return _variable(action.name.name, flags)
