"""Carry kept values over to another layout, by name and type.

A value moves where nothing of it is lost: REAL to LREAL, a number into any type that holds it, a
text that fits, an enumeration by the name of its value, an element by its index, a member by its
name. All else starts as declared, and the report says so.

    old A : INT = 7, B : STRING[80]      new A : DINT = 7 (moved), C : REAL (new); B is dropped
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from runtime.datatypes.derived import Array, DataType, Structure
from runtime.datatypes.elementary import CHAR, Elementary, Kind, Scalar
from runtime.datatypes.scalars import Enumeration, Subrange
from runtime.datatypes.texts import Text, read_text, units_of
from runtime.datatypes.values import Buffer, load, store
from runtime.retain.layout import Layout


@dataclass(slots=True)
class Migration:
    """What became of each variable, by path; a variable stands in one list or in none."""

    kept: int = 0
    """Variables carried over."""
    new: list[str] = field(default_factory=list)
    """Not among the old values: they start as declared."""
    dropped: list[str] = field(default_factory=list)
    """Among the old values only."""
    reset: list[str] = field(default_factory=list)
    """Of a type that does not take the old value: they start as declared."""


@dataclass(frozen=True, slots=True)
class _Carrier:
    old: Buffer
    new: bytearray
    report: Migration

    def carry(self, path: str, source: tuple[int, DataType], target: tuple[int, DataType]) -> None:
        """Carry one value, or the parts of one, from an offset and type to others."""
        (old_at, old), (new_at, new) = source, target
        if old == new:
            self.new[new_at : new_at + new.size] = self.old[old_at : old_at + old.size]
        elif isinstance(old, Array) and isinstance(new, Array):
            self._array(path, (old_at, old), (new_at, new))
        elif isinstance(old, Structure) and isinstance(new, Structure):
            self._structure(path, (old_at, old), (new_at, new))
        elif not self._scalar((old_at, old), (new_at, new)):
            self.report.reset.append(path)

    def _array(self, path: str, source: tuple[int, Array], target: tuple[int, Array]) -> None:
        (old_at, old), (new_at, new) = source, target
        if len(old.bounds) != len(new.bounds):
            self.report.reset.append(path)
            return
        ranges = [
            range(max(a[0], b[0]), min(a[1], b[1]) + 1)
            for a, b in zip(old.bounds, new.bounds, strict=True)
        ]
        if len(ranges) == 1 and old.element == new.element:
            count, size = len(ranges[0]), new.element.size
            old_at += (ranges[0].start - old.bounds[0][0]) * size
            new_at += (ranges[0].start - new.bounds[0][0]) * size
            self.new[new_at : new_at + count * size] = self.old[old_at : old_at + count * size]
            return
        for indices in product(*ranges):
            name = f"{path}[{','.join(map(str, indices))}]"
            self.carry(
                name,
                (old_at + _place(old, indices), old.element),
                (new_at + _place(new, indices), new.element),
            )

    def _structure(
        self, path: str, source: tuple[int, Structure], target: tuple[int, Structure]
    ) -> None:
        (old_at, old), (new_at, new) = source, target
        if old.is_union or new.is_union:
            self.report.reset.append(path)
            return
        for item in new.fields:
            before = old.field(item.name)
            if before is not None:
                self.carry(
                    f"{path}.{item.name}",
                    (old_at + before.offset, before.type),
                    (new_at + item.offset, item.type),
                )

    def _scalar(self, source: tuple[int, DataType], target: tuple[int, DataType]) -> bool:
        """Carry one elementary value; return whether the new type takes it."""
        (old_at, old), (new_at, new) = source, target
        if not (isinstance(old, Elementary) and isinstance(new, Elementary)):
            return False
        value: Scalar | str | None
        if isinstance(old, Text):
            value = _fitting_text(read_text(self.old, old_at, old), new)
        else:
            value = _fitting(load(self.old, old_at, old), old, new)
        if value is None:
            return False
        store(self.new, new_at, new, value)
        return True


def _place(array: Array, indices: tuple[int, ...]) -> int:
    number = 0
    for index, (lower, upper) in zip(indices, array.bounds, strict=True):
        number = number * (upper - lower + 1) + index - lower
    return number * array.element.size


def _fitting_text(value: str, new: Elementary) -> str | None:
    if not isinstance(new, Text):
        return None
    units = units_of(value, new.name)
    whole = new.name != "STRING" or all(ord(item) <= CHAR.maximum for item in value)
    return value if whole and len(units) // new.unit <= new.capacity else None


_NUMBERS = frozenset({Kind.SIGNED, Kind.UNSIGNED, Kind.REAL})
_WHOLE = frozenset({Kind.SIGNED, Kind.UNSIGNED, Kind.BITS})


def _fitting(value: Scalar, old: Elementary, new: Elementary) -> Scalar | None:
    """Return a value as the new type holds it without loss, else None."""
    kinds = {old.kind, new.kind}
    if isinstance(new, Text) or not (len(kinds) == 1 or kinds <= _NUMBERS or kinds <= _WHOLE):
        return None
    if isinstance(old, Enumeration) and isinstance(new, Enumeration):
        name = old.name_of(int(value))
        return None if name is None else new.value_of(name)
    if isinstance(value, float) and not math.isfinite(value):
        return value if new.kind is Kind.REAL else None
    if isinstance(new, Subrange) and not new.lower <= value <= new.upper:
        return None
    fitted = new.fit(value)
    return fitted if fitted == value else None


def migrate(old: Layout, values: Buffer, new: Layout, initial: bytes) -> tuple[bytes, Migration]:
    """Return packed values of the new layout, and what became of the old ones.

    Args:
        old: What `values` holds.
        values: Packed values as they were kept.
        new: What is wanted.
        initial: Packed values as the program declares them.
    """
    carrier = _Carrier(values, bytearray(initial), Migration())
    report = carrier.report
    sources: dict[str, list[tuple[int, DataType]]] = {}
    for item in old.entries:
        sources.setdefault(item.path, []).append((item.offset, item.type))
    for item in new.entries:
        found = sources.get(item.path, [])
        for source in found:
            carrier.carry(item.path, source, (item.offset, item.type))
        if found and item.path not in report.reset:
            report.kept += 1
    report.new += _missing(new, old)
    report.dropped += _missing(old, new)
    return bytes(carrier.new), report


def _missing(first: Layout, second: Layout) -> list[str]:
    """Return the variables and members that the first layout has and the second has not."""
    names = {name for item in second.entries for name in _names(item.path, item.type)}
    found = [name for item in first.entries for name in _names(item.path, item.type)]
    lacking = [name for name in found if name not in names]
    whole = set(lacking)
    return [name for name in dict.fromkeys(lacking) if name.rpartition(".")[0] not in whole]


def _names(path: str, data_type: DataType) -> Iterator[str]:
    """Yield a variable's path and those of its members; of an array's elements as `path[]`."""
    yield path
    if isinstance(data_type, Array):
        if isinstance(data_type.element, Structure):
            yield from (name for name in _names(f"{path}[]", data_type.element) if name[-1] != "]")
    elif isinstance(data_type, Structure) and not data_type.is_union:
        for item in data_type.fields:
            yield from _names(f"{path}.{item.name}", item.type)


def persistent_part(layout: Layout, values: Buffer) -> tuple[Layout, bytes]:
    """Return what a cold start keeps: the PERSISTENT variables, packed anew."""
    entries, parts, end = [], [], 0
    for item in layout.entries:
        if item.persistent:
            entries.append(replace(item, offset=end))
            parts.append(values[item.offset : item.offset + item.type.size])
            end += item.type.size
    return Layout(tuple(entries), end), b"".join(parts)
