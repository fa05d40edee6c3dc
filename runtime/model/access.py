"""VAR_ACCESS: names by which others reach variables, with the direction (6.5.2.2, table 15).

LINE_SPEED : STATION_1.PUMP.SPEED : REAL READ_WRITE;   ->   symbol LINE_SPEED at that place
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from runtime.datatypes.derived import plain_form
from runtime.datatypes.elementary import LINT
from runtime.model.configure import Layout, instance_place
from runtime.model.expressions import place_of
from runtime.model.initial import constant_of
from runtime.model.places import index_place, member_place
from runtime.model.program import Base, Expression, Place, Variable
from runtime.model.types import resolve_type
from runtime.syntax import tree

if TYPE_CHECKING:
    from runtime.source import Span


def expose(configurations: Iterable[tree.Configuration], layout: Layout) -> None:
    """Add the names of all VAR_ACCESS sections to the symbols."""
    for configuration in configurations:
        resources = frozenset(item.name.name.upper() for item in configuration.resources)
        for block in configuration.blocks:
            if block.section == "VAR_ACCESS":
                for variable in block.variables:
                    _expose(variable, resources, layout)


def _expose(variable: tree.Variable, resources: frozenset[str], layout: Layout) -> None:
    work, name = layout.work, variable.name.upper()
    findings = work.names.findings
    assert variable.path is not None
    place = _place(variable.path, resources, layout)
    resolved = resolve_type(variable.type, work.scope_of(), work)
    if place is None or resolved is None:
        return
    if resolved.type != plain_form(place.type):
        text = f"{variable.name} stands for a variable of type {place.type}, not {resolved.type}"
        findings.error("ST3001", variable.span, text)
    elif any(item.path == name for item in layout.variables):
        findings.error("ST2003", variable.span, f"{variable.name} is already declared")
    else:
        layout.variables.append(Variable(name, place, variable.direction))


def _place(node: tree.Expression, resources: frozenset[str], layout: Layout) -> Place | None:
    """Return what a path names: a global, an address, a variable of an instance, part of those."""
    scope = layout.work.scope_of()
    if isinstance(node, tree.Index):
        return _element(node, _place(node.object, resources, layout), layout)
    if not isinstance(node, tree.Member):
        return place_of(node, scope)
    if isinstance(node.object, tree.Name) and node.object.name.upper() in layout.instances:
        instance, info, _ = layout.instances[node.object.name.upper()]
        if node.name.upper() in info.variables:
            return instance_place(info, instance, node.name.upper())
        text = f"{info.name} has no variable {node.name}"
        scope.names.findings.error("ST2006", node.span, text)
        return None
    inner = node.object
    if isinstance(inner, tree.Member | tree.Name) and _is_resource(inner, resources):
        return place_of(tree.Name(node.span, node.name), scope)
    if isinstance(inner, tree.Member) and _is_resource(inner.object, resources):
        inner = tree.Name(inner.span, inner.name)
        if inner.name.upper() in layout.instances:
            return _place(replace(node, object=inner), resources, layout)
    owner = _place(inner, resources, layout)
    return None if owner is None else member_place(owner, node.name, node.span, scope, inside=True)


def _is_resource(node: tree.Expression, resources: frozenset[str]) -> bool:
    return isinstance(node, tree.Name) and node.name.upper() in resources


def _element(node: tree.Index, place: Place | None, layout: Layout) -> Place | None:
    scope = layout.work.scope_of()
    indices: list[tuple[Expression, Span]] = []
    for index in node.indices:
        value = constant_of(index, LINT, scope)
        if value is None:
            return None
        indices.append((value, index.span))
    element = None if place is None else index_place(place, indices, node.span, scope)
    if element is None or (element.base is Base.STATE and not element.steps):
        return element
    text = "a path names a variable that stands at a fixed place"
    scope.names.findings.error("ST2009", node.span, text)
    return None
