"""How the types of classes relate: which class a value is of, and its base's part of it."""

from runtime.datatypes.derived import DataType, Structure
from runtime.datatypes.scalars import Reference
from runtime.model.program import Place
from runtime.model.scope import Names, RoutineInfo, part_of


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
