"""Assignments: what can be written, and how a value or a whole gets there."""

from runtime.artifact.abi import FaultKind
from runtime.datatypes.derived import Structure, plain_form
from runtime.datatypes.elementary import Elementary
from runtime.datatypes.scalars import Reference, Subrange
from runtime.model import program
from runtime.model.coerce import coerce
from runtime.model.expressions import CHECKS, check, check_as, place_of
from runtime.model.hidden import STEP_SECTION
from runtime.model.lineage import interface_value, lifted_reference
from runtime.model.program import Assign, Constant, CopyBytes, Place
from runtime.model.scope import Scope
from runtime.source import Span
from runtime.syntax import tree


def target_place(node: tree.Expression, scope: Scope) -> Place | None:
    """Return the place that an assignment writes, or report that it cannot be written (ST3005)."""
    root: tree.Expression = node
    while isinstance(root, tree.Member | tree.Index | tree.Partial):
        root = root.object
    if isinstance(root, tree.Name):
        variable = scope.find(root.name)
        if variable is not None and variable.constant:
            text = f"{variable.name} is CONSTANT and cannot be assigned"
            scope.names.findings.error("ST3005", node.span, text)
            return None
        if variable is not None and variable.section == STEP_SECTION:
            text = f"{variable.name} is a step: the chart alone changes it"
            scope.names.findings.error("ST3005", node.span, text)
            return None
    place = place_of(node, scope)
    if place is None or not isinstance(node, tree.Member):
        return place
    owner = place_of(node.object, scope)
    if owner is not None and isinstance(owner.type, Structure):
        block = scope.names.routines.get(owner.type.name.upper())
        member = None if block is None else block.variables[block.member_key(node.name)]
        if block is not None and member is not None and member.section == "VAR_OUTPUT":
            text = f"{node.name} is an output of {block.name} and cannot be assigned from outside"
            scope.names.findings.error("ST3005", node.span, text)
            return None
    return place


def assign(span: Span, target: Place, value: program.Expression, scope: Scope) -> Assign:
    """Return an assignment, with the check of the target's subrange where it can fail."""
    bounds = target.type
    if not isinstance(bounds, Subrange) or isinstance(value, Constant):
        return Assign(span, target, value)
    allowed = f"{bounds.lower}..{bounds.upper}"
    return Assign(span, target, value, scope.names.site(FaultKind.SUBRANGE, span, allowed))


def _assign_reference(
    target: Place, data_type: Reference, value: tree.Expression, span: Span, scope: Scope
) -> Assign | None:
    checked = check(value, scope)
    if checked is None:
        return None
    lifted = lifted_reference(checked, data_type, scope.names)
    bound = coerce(lifted, data_type, value.span, scope.names.findings)
    return None if bound is None else Assign(span, target, bound)


def assign_value(
    target: Place, value: tree.Expression, span: Span, scope: Scope
) -> Assign | CopyBytes | None:
    """Return the assignment of an expression to a place, as a value or as a whole."""
    if isinstance(target.type, Reference) and target.type.style == "INTERFACE":
        bound = interface_value(value, target.type, scope, CHECKS)
        return None if bound is None else Assign(span, target, bound)
    if isinstance(target.type, Reference):
        return _assign_reference(target, target.type, value, span, scope)
    if isinstance(target.type, Elementary):
        checked = check_as(value, target.type, scope)
        return None if checked is None else assign(span, target, checked, scope)
    if not isinstance(value, tree.Name | tree.Member | tree.Index | tree.Deref):
        checked = check(value, scope)
        if checked is not None:
            coerce(checked, target.type, value.span, scope.names.findings)
        return None
    source = place_of(value, scope)
    if source is None:
        return None
    if source.type is not target.type and plain_form(source.type) != plain_form(target.type):
        text = f"{source.type} does not convert to {target.type} by itself"
        scope.names.findings.error("ST3001", value.span, text)
        return None
    return CopyBytes(span, target, source)
