"""What statements may write: names of variables, by which later stages know what stays as it was.

The sets hold owners (`Place.owner`). ANYTHING stands for a write that may reach any variable:
through a reference or a VAR_IN_OUT, of a whole structure, or of a part of a variable. A located
variable overlaps with other located ones only, which have no owner: writing it adds nothing.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.datatypes.derived import Array, Structure
from runtime.datatypes.elementary import Elementary
from runtime.model import program
from runtime.model.program import Base, Model, Place, Routine

ANYTHING: Final = "*"
Owners = frozenset[str]
_NODES: Final = program.__name__


def parts_of(node: object) -> Iterator[Any]:
    """Yield a node of the model and all nodes inside it, in order; tuples are walked through."""
    left = [node]
    while left:
        current = left.pop()
        if isinstance(current, tuple):
            left += reversed(current)
        elif is_node(current):
            yield current
            left += [getattr(current, name) for name in reversed(fields_of(type(current)))]


def is_node(item: object) -> bool:
    """Whether something is a node of the model."""
    kind = type(item)
    return kind.__module__ == _NODES and hasattr(kind, "__dataclass_fields__")


def fields_of(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields of a kind of node."""
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(item.name for item in dataclasses.fields(kind))
    return names


_FIELDS: Final[dict[type[Any], tuple[str, ...]]] = {}
"""The fields of each kind of node that was met: asking a class for them takes long."""


@dataclass(slots=True)
class Writes:
    """What the routines of a model write; each is looked at once, when it is asked for."""

    routines: Mapping[str, Routine]
    located_end: int
    """Where the areas %I, %Q and %M end in the state; named variables stand behind."""
    _known: dict[str, Owners] = field(default_factory=dict)

    def of(self, nodes: object) -> Owners:
        """Return the owners that statements or expressions may write."""
        owners: set[str] = set()
        for node in parts_of(nodes):
            owners.update(self._own(node))
            if ANYTHING in owners:
                return frozenset({ANYTHING})
        return frozenset(owners)

    def routine(self, name: str) -> Owners:
        """Return the owners that a call of a routine may write."""
        if name not in self._known:
            routine = self.routines.get(name)
            reset = () if routine is None else tuple(place for place, _ in routine.temporaries)
            found = {ANYTHING} if routine is None else set(self.of(routine.body))
            self._known[name] = frozenset(found.union(*map(self._place, reset)))
        return self._known[name]

    def _own(self, node: object) -> Iterable[str]:
        """Return what a node writes itself, apart from the nodes inside it."""
        match node:
            case program.Assign(target=place) | program.CopyBytes(target=place):
                return self._place(place)
            case program.For(variable=place):
                return self._place(place)
            case program.Spread(parts=parts):
                return [owner for _, place in parts for owner in self._place(place)]
            case program.Invoke(standard=None, routine=name):
                return self.routine(name)
            case program.Invoke(instance=place):
                return _members(place)
            case program.CallFunction(outputs=outputs):
                return self._call(node, outputs)
        return ()

    def _call(
        self, node: program.CallFunction, outputs: tuple[tuple[int, Place], ...]
    ) -> Iterable[str]:
        names = [name for _, name in node.targets] or [node.routine]
        called = [owner for name in names for owner in self.routine(name)]
        return [*called, *(owner for _, place in outputs for owner in self._place(place))]

    def _place(self, place: Place) -> Iterable[str]:
        """Return what a write to a place may reach."""
        is_plain = isinstance(place.type, Elementary) or (
            isinstance(place.type, Array) and isinstance(place.type.element, Elementary)
        )
        if place.owner:
            return (place.owner,) if is_plain else (ANYTHING,)
        if place.base is Base.STATE and place.offset < self.located_end:
            return ()
        return (ANYTHING,)


def _members(instance: Place) -> Iterable[str]:
    """Return the owners of the members of a standard block's instance."""
    structure = instance.type
    if not instance.owner or not isinstance(structure, Structure):
        return (ANYTHING,)
    return [f"{item.owner or structure.name}.{item.name}" for item in structure.fields]


def writes_of(model: Model) -> Writes:
    """Return what the routines of a model write."""
    offset, size = model.memory
    return Writes(model.routines, offset + size)
