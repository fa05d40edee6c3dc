"""Kept values as JSON by name, and back: what `takt retain` shows, writes and reads.

An instance may be kept in two parts, its RETAIN and its PERSISTENT members; here it is one value.
Names that no program can spell (the hidden side of a step) are not shown.
"""

from collections.abc import Iterator

from runtime.datatypes.derived import Array, DataType, Structure
from runtime.datatypes.elementary import Elementary
from runtime.datatypes.values import Json, describe, parse_json, store
from runtime.errors import Fault
from runtime.retain.layout import Layout


def to_json(layout: Layout, values: bytes) -> dict[str, Json]:
    """Return all kept values by path, in the order of the layout."""
    found: dict[str, Json] = {}
    for item in layout.entries:
        if " " not in item.path:
            value = _visible(item.read(values))
            found[item.path] = _merged(found[item.path], value) if item.path in found else value
    return found


def _visible(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _visible(item) for key, item in value.items() if " " not in key}
    if isinstance(value, list):
        return [_visible(item) for item in value]
    return value


def _merged(first: Json, second: Json) -> Json:
    """Return two parts of one instance, or of an array of them, as one value."""
    if isinstance(first, dict) and isinstance(second, dict):
        both = dict(first)
        for key, item in second.items():
            both[key] = _merged(both[key], item) if key in both else item
        return both
    if isinstance(first, list) and isinstance(second, list):
        return [_merged(one, other) for one, other in zip(first, second, strict=True)]
    return second


def from_json(
    wanted: dict[str, object], layout: Layout, values: bytes
) -> tuple[bytes, tuple[Fault, ...]]:
    """Return the values with those in `wanted` set, and all faults of `wanted`.

    Paths and members may be in any case; those that are not named keep their values.
    """
    done = bytearray(values)
    places: dict[str, list[tuple[int, DataType]]] = {}
    for item in layout.entries:
        places.setdefault(item.path, []).append((item.offset, item.type))
    faults: list[Fault] = []
    for path, value in wanted.items():
        found = places.get(path.upper())
        if found is None:
            faults.append(Fault(path, repr(value), "the name of a retained variable"))
        else:
            faults += _set(done, path, found, value)
    return bytes(done), tuple(faults)


def _set(
    done: bytearray, path: str, places: list[tuple[int, DataType]], value: object
) -> Iterator[Fault]:
    """Set a value at all places that hold a part of it."""
    at, data_type = places[0]
    if isinstance(data_type, Structure) and not data_type.is_union:
        yield from _set_members(done, path, places, value)
    elif isinstance(data_type, Array):
        yield from _set_elements(done, path, places, value)
    elif isinstance(data_type, Elementary):
        parsed = parse_json(value, data_type)
        if parsed is None:
            yield Fault(path, repr(value), describe(data_type))
        else:
            store(done, at, data_type, parsed)
    else:
        yield Fault(path, repr(value), "a variable that is no UNION")


def _set_members(
    done: bytearray, path: str, places: list[tuple[int, DataType]], value: object
) -> Iterator[Fault]:
    members: dict[str, list[tuple[int, DataType]]] = {}
    for at, data_type in places:
        assert isinstance(data_type, Structure)
        for item in data_type.fields:
            members.setdefault(item.name, []).append((at + item.offset, item.type))
    if not isinstance(value, dict):
        yield Fault(path, repr(value), f"an object of {', '.join(members)}")
        return
    for name, item in value.items():
        inner = members.get(name.upper())
        if inner is None:
            yield Fault(f"{path}.{name}", repr(item), f"one of {', '.join(members)}")
        else:
            yield from _set(done, f"{path}.{name}", inner, item)


def _set_elements(
    done: bytearray, path: str, places: list[tuple[int, DataType]], value: object
) -> Iterator[Fault]:
    first = places[0][1]
    assert isinstance(first, Array)
    lower, upper = first.bounds[0]
    if not isinstance(value, list) or len(value) != upper - lower + 1:
        yield Fault(path, _short(value), f"a list of {upper - lower + 1} elements")
        return
    for number, item in enumerate(value):
        inner: list[tuple[int, DataType]] = []
        for at, data_type in places:
            assert isinstance(data_type, Array)
            rest = data_type.bounds[1:]
            element = Array(rest, data_type.element) if rest else data_type.element
            inner.append((at + number * element.size, element))
        yield from _set(done, f"{path}[{lower + number}]", inner, item)


def _short(value: object) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else repr(value)
