"""How the types of classes relate: which class a value is of, its base's part of it, references."""

from dataclasses import replace

from runtime.datatypes.derived import DataType, Structure
from runtime.datatypes.scalars import Reference, reference
from runtime.model.checks import Checks
from runtime.model.program import AddressOf, Base, Constant, Expression, Load, Place
from runtime.model.scope import Names, RoutineInfo, Scope, part_of
from runtime.source import Span
from runtime.syntax import tree


def class_of(data_type: DataType, names: Names) -> RoutineInfo | None:
    """Return the class, function block or interface that a type's values are of."""
    if isinstance(data_type, Reference) and data_type.style == "INTERFACE":
        return names.routines.get(data_type.target_name)
    if isinstance(data_type, Structure):
        return names.routines.get(data_type.name.upper())
    return None


def base_part(place: Place, info: RoutineInfo) -> Place:
    """Return the part of an instance that its base's members are."""
    assert info.base is not None
    assert info.base.structure is not None
    return part_of(place, info.base_offset, info.base.structure, place.owner)


def upcast(place: Place, wanted: DataType, names: Names) -> Place | None:
    """Return an instance as one of a class that its own extends; None where it does not."""
    info = class_of(place.type, names)
    while info is not None and place.type != wanted:
        if info.base is None:
            return None
        place = base_part(place, info)
        info = info.base
    return place if info is not None and isinstance(place.type, Structure) else None


def lifted_reference(value: Expression, target: Reference, names: Names) -> Expression:
    """Return a reference to a derived class as one to its base; any other value as it is."""
    wanted = names.target_of(target)
    if not isinstance(wanted, Structure) or not isinstance(value.type, Reference):
        return value
    if isinstance(value, AddressOf):
        place = upcast(value.place, wanted, names)
        same_style = value.type == reference(value.place.type, target.style)
        return AddressOf(target, place) if place is not None and same_style else value
    source, base = class_referred(value.type, names), class_of(wanted, names)
    if not isinstance(value, Load) or source is None or base is None or not base.type_id:
        return value
    if value.type.style != target.style or not source.derives_from(base):
        return value
    return replace(value, type=target, place=replace(value.place, type=target))


def class_referred(data_type: Reference, names: Names) -> RoutineInfo | None:
    """Return the class, function block or interface that a reference is to."""
    if data_type.style == "INTERFACE":
        return names.routines.get(data_type.target_name)
    target = names.target_of(data_type)
    return None if target is None else class_of(target, names)


def interface_value(
    value: tree.Expression, target: Reference, scope: Scope, checks: Checks
) -> Expression | None:
    """Return what an interface variable takes: an instance that implements it, another, NULL."""
    if isinstance(value, tree.Null):
        return Constant(target, 0)
    place = checks.place(value, scope)
    info = None if place is None else class_of(place.type, scope.names)
    if place is None:
        return None
    wanted = target.target_name
    if info is None or (wanted not in info.interfaces and info.name.upper() != wanted):
        text = f"{place.type} does not implement {target.target_name}"
        scope.names.findings.error("ST3001", value.span, text)
        return None
    if isinstance(place.type, Reference):
        return Load(target, replace(place, type=target))
    return _address(place, target, value.span, scope)


def _address(place: Place, target: Reference, span: Span, scope: Scope) -> AddressOf | None:
    if place.base is Base.LOCAL:
        text = "a variable of a function ends with its call, so nothing may refer to it"
        scope.names.findings.error("ST3012", span, text)
        return None
    return AddressOf(target, place)
