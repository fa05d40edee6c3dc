"""References to classes: an instance of a derived class where one of its base is wanted, and `?=`.

    base_ref := REF(derived);     derived_ref ?= base_ref;     itf ?= other_itf;

An attempt looks at the number that the instance begins with, so the class or interface named must
be one whose instances have such a number: with methods, or a CLASS.
"""

from runtime.datatypes.derived import Structure
from runtime.datatypes.scalars import Reference
from runtime.model.expressions import check, pointer_of
from runtime.model.lineage import class_of, class_referred
from runtime.model.methods import classes_that_are
from runtime.model.program import Assign, Attempt, Expression, Load
from runtime.model.references import refer
from runtime.model.scope import RoutineInfo, Scope
from runtime.syntax import tree


def check_attempt(node: tree.Attempt, scope: Scope) -> Assign | None:
    """Return `target ?= value`."""
    target = pointer_of(node.target, scope)
    if target is None:
        return None
    wanted = None
    if isinstance(target.type, Reference) and target.type.style != "REFERENCE TO":
        wanted = class_referred(target.type, scope.names)
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
    return value, class_referred(value.type, scope.names)
