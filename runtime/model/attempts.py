"""References to classes: an instance of a derived class where one of its base is wanted, and `?=`.

    base_ref := REF(derived);     derived_ref ?= base_ref;     itf ?= other_itf;

An attempt looks at the number that the instance begins with, so the class or interface named must
be one whose instances have such a number: with methods, or a CLASS.
"""

from dataclasses import replace

from runtime.datatypes.derived import Structure
from runtime.datatypes.scalars import Reference, reference
from runtime.model.expressions import check, pointer_of
from runtime.model.lineage import class_of, upcast
from runtime.model.methods import classes_that_are
from runtime.model.program import AddressOf, Assign, Attempt, Expression, Load
from runtime.model.references import refer
from runtime.model.scope import Names, RoutineInfo, Scope
from runtime.syntax import tree


def lifted_reference(value: Expression, target: Reference, names: Names) -> Expression:
    """Return a reference to a derived class as one to its base; any other value as it is."""
    wanted = names.target_of(target)
    if not isinstance(wanted, Structure) or not isinstance(value.type, Reference):
        return value
    if isinstance(value, AddressOf):
        place = upcast(value.place, wanted, names)
        same_style = value.type == reference(value.place.type, target.style)
        return AddressOf(target, place) if place is not None and same_style else value
    source, base = _class_referred(value.type, names), class_of(wanted, names)
    if not isinstance(value, Load) or source is None or base is None or not base.type_id:
        return value
    if value.type.style != target.style or not source.derives_from(base):
        return value
    return replace(value, type=target, place=replace(value.place, type=target))


def _class_referred(data_type: Reference, names: Names) -> RoutineInfo | None:
    """Return the class, function block or interface that a reference is to."""
    if data_type.style == "INTERFACE":
        return names.routines.get(data_type.target_name)
    target = names.target_of(data_type)
    return None if target is None else class_of(target, names)


def check_attempt(node: tree.Attempt, scope: Scope) -> Assign | None:
    """Return `target ?= value`."""
    target = pointer_of(node.target, scope)
    if target is None:
        return None
    wanted = None
    if isinstance(target.type, Reference) and target.type.style != "REFERENCE TO":
        wanted = _class_referred(target.type, scope.names)
    if wanted is None or not (wanted.type_id or wanted.kind == "INTERFACE"):
        text = f"{target.type} cannot be the target of ?="
        hint = "expected an interface, or a REF_TO a class or a function block with methods"
        scope.names.findings.error("ST3005", node.target.span, text, hint)
        return None
    value = _instance(node.value, scope)
    if value is None:
        return None
    assert isinstance(target.type, Reference)
    numbers = tuple(info.type_id for info in classes_that_are(wanted, scope.names))
    return Assign(node.span, target, Attempt(target.type, value, numbers))


def _instance(node: tree.Expression, scope: Scope) -> Expression | None:
    """Return a reference to an instance: an interface, a reference, or an instance by its name."""
    value, source = _found(node, scope)
    if source is None or not (source.type_id or source.kind == "INTERFACE"):
        text = "expected an interface, a reference to an instance, or an instance with methods"
        scope.names.findings.error("ST3001", node.span, text)
        return None
    return value


def _found(node: tree.Expression, scope: Scope) -> tuple[Expression | None, RoutineInfo | None]:
    """Return a reference and the class or interface that it is to."""
    place = None if isinstance(node, tree.Call) else pointer_of(node, scope)
    if place is not None and isinstance(place.type, Structure):
        return refer(place, "REF_TO", node, scope), class_of(place.type, scope.names)
    value: Expression | None = None
    if isinstance(node, tree.Call):
        value = check(node, scope)
    elif place is not None and isinstance(place.type, Reference):
        value = Load(place.type, place)
    if value is None or not isinstance(value.type, Reference):
        return value, None
    return value, _class_referred(value.type, scope.names)
