"""Calls of methods and properties: which body runs, on which instance.

Where the class of an instance is known, its method is called. Through a reference, an in-out, an
interface or THIS the instance may be of a derived class: then its number decides among the methods
of all classes it can be of, which are known, since a program is compiled as a whole.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from runtime.artifact.abi import FaultKind
from runtime.datatypes.derived import Structure
from runtime.datatypes.scalars import Reference
from runtime.model.checks import Checks
from runtime.model.functions import function_call
from runtime.model.lineage import base_part, class_of
from runtime.model.program import (
    Base,
    CallFunction,
    Expression,
    Place,
)
from runtime.model.scope import Names, RoutineInfo, Scope, referred
from runtime.syntax import tree

_RESTRICTED: Final = frozenset({"PRIVATE", "PROTECTED", "INTERNAL"})


def this_place(node: tree.This, scope: Scope) -> Place | None:
    """Return the instance that runs, or its base's part, or report that there is none."""
    own = scope.routine.own_class
    if own is None or own.structure is None or (node.is_super and own.base is None):
        word = "SUPER" if node.is_super else "THIS"
        need = "a class that extends one" if node.is_super else "a class or function block"
        text = f"{word} has no meaning here: expected inside of {need}"
        scope.names.findings.error("ST8005", node.span, text)
        return None
    whole = Place(Base.SELF, 0, own.structure, owner=own.name)
    return base_part(whole, own) if node.is_super else whole


def find_method(callee: tree.Expression, scope: Scope, checks: Checks) -> "Method | None":
    """Return the method that a callee names, or None where it names something else."""
    if isinstance(callee, tree.Name):
        own = scope.routine.own_class
        if own is None or callee.name.upper() not in own.methods or scope.find(callee.name):
            return None
        assert own.structure is not None
        place = Place(Base.SELF, 0, own.structure, owner=own.name)
        return Method(place, own, callee.name.upper(), exact=False)
    if not isinstance(callee, tree.Member) or not _may_be_instance(callee.object, scope):
        return None
    instance = checks.place(callee.object, scope)
    info = None if instance is None else class_of(instance.type, scope.names)
    if instance is None or info is None or callee.name.upper() not in info.methods:
        return None
    on_own = is_this(callee.object)
    exact = _is_super(callee.object) if on_own else instance.base is not Base.REFERENCE
    if isinstance(instance.type, Reference):
        site = scope.names.site(FaultKind.NULL_REFERENCE, callee.span)
        instance = referred(instance, Structure("?", (), 0, 1), site)
        exact = False
    return Method(instance, info, callee.name.upper(), exact=exact)


def _may_be_instance(node: tree.Expression, scope: Scope) -> bool:
    """Whether an expression names a variable, so that asking for its place reports nothing new."""
    while isinstance(node, tree.Member | tree.Index | tree.Deref | tree.Partial):
        node = node.object
    return isinstance(node, tree.This) or (
        isinstance(node, tree.Name) and scope.find(node.name) is not None
    )


def is_this(node: tree.Expression) -> bool:
    """Whether an expression is THIS, SUPER, or one of them with the ^ that CODESYS writes."""
    inner = node.object if isinstance(node, tree.Deref) else node
    return isinstance(inner, tree.This)


def _is_super(node: tree.Expression) -> bool:
    inner = node.object if isinstance(node, tree.Deref) else node
    return isinstance(inner, tree.This) and inner.is_super


class Method:
    """A method found by name: the instance it runs on, the class it was found in."""

    def __init__(self, instance: Place, info: RoutineInfo, name: str, *, exact: bool) -> None:
        self.instance = instance
        self.info = info
        self.name = name
        self.exact = exact
        """Whether the instance is of just this class."""


def method_call(
    node: tree.Call, method: Method, scope: Scope, checks: Checks
) -> CallFunction | None:
    """Return the call of a method."""
    names = scope.names
    key = method.info.methods[method.name]
    routine = names.routines[key]
    if not _permitted(routine, scope):
        access = next(word for word in routine.modifiers if word in _RESTRICTED)
        text = f"{routine.name} is {access} and cannot be called from here"
        names.findings.error("ST8004", node.span, text)
        return None
    call = function_call(node, routine, scope, checks)
    if call is None:
        return None
    targets = _targets(method, names)
    scope.routine.calls.discard(routine.name.upper())
    scope.routine.calls |= {target for _, target in targets} or {key}
    if len({target for _, target in targets}) == 1:
        return replace(call, routine=targets[0][1], instance=method.instance)
    site = names.site(FaultKind.NULL_REFERENCE, node.span)
    return replace(call, routine=key, instance=method.instance, targets=targets, site=site)


def _permitted(routine: RoutineInfo, scope: Scope) -> bool:
    own, owner = scope.routine.own_class, routine.owner
    assert owner is not None
    if "INTERNAL" in routine.modifiers:
        return scope.is_within(owner.namespace)
    if "PRIVATE" in routine.modifiers:
        return own is not None and own.name == owner.name
    return "PROTECTED" not in routine.modifiers or (own is not None and own.derives_from(owner))


def classes_that_are(wanted: RoutineInfo, names: Names) -> Iterator[RoutineInfo]:
    """Yield the classes whose instances are of a class or implement an interface."""
    for info in names.routines.values():
        if not info.type_id or "ABSTRACT" in info.modifiers:
            continue
        if wanted.kind == "INTERFACE":
            fits = wanted.name.upper() in info.interfaces
        else:
            fits = info.derives_from(wanted)
        if fits:
            yield info


def _targets(method: Method, names: Names) -> tuple[tuple[int, str], ...]:
    """Return the classes that the instance can be of, with the method of each."""
    if method.exact:
        return ((method.info.type_id, method.info.methods[method.name]),)
    return tuple(
        (info.type_id, info.methods[method.name])
        for info in classes_that_are(method.info, names)
        if method.name in info.methods
    )


def property_of(node: tree.Expression, word: str, scope: Scope, checks: Checks) -> Method | None:
    """Return the GET or SET of the property that an expression names, or None."""
    if isinstance(node, tree.Name):
        own = scope.routine.own_class
        if own is None or f"{node.name.upper()}.{word}" not in own.methods:
            return None
        if scope.find(node.name) is not None or scope.routine.result_name == node.name:
            return None
        named: tree.Expression = tree.Name(node.span, f"{node.name}.{word}")
    elif isinstance(node, tree.Member):
        named = tree.Member(node.span, node.object, f"{node.name}.{word}")
    else:
        return None
    return find_method(named, scope, checks)


def read_property(node: tree.Expression, scope: Scope, checks: Checks) -> Expression | None:
    """Return the value of a property, or None where the expression names none."""
    found = property_of(node, "GET", scope, checks)
    if found is None:
        return None
    return method_call(tree.Call(node.span, node, ()), found, scope, checks)


def write_property(
    node: tree.Expression, value: tree.Expression, scope: Scope, checks: Checks
) -> CallFunction | None:
    """Return the call that sets a property, or None where the expression names none."""
    found = property_of(node, "SET", scope, checks)
    if found is None:
        return None
    argument = tree.Argument(value.span, None, value, is_output=False)
    return method_call(tree.Call(node.span, node, (argument,)), found, scope, checks)
