"""Located variables (6.5.5): a variable AT an address must have the address's width.

The elements of an array must have it too; they stand at that address and the ones behind, so that
an array of BOOL is a row of bits. So do the characters of a STRING, whatever the width of a whole
byte or more.

Members of a structure can stand at relative addresses (6.4.4.7): `LEVEL AT %B2 : INT` begins two
bytes behind the structure's begin. The number counts in units of the width as everywhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from runtime.datatypes.derived import Array, DataType
from runtime.datatypes.elementary import BOOL, Elementary
from runtime.datatypes.texts import Text, bare_text, read_text, text_image
from runtime.limits import AREA_BYTES_MAX
from runtime.model.places import place_of_address, read_address
from runtime.model.program import Place
from runtime.model.scope import RoutineInfo, TypeInfo, part_of
from runtime.model.work import Declarations
from runtime.project.units import Address
from runtime.syntax import tree


def located(
    variable: tree.Variable, resolved: TypeInfo, info: RoutineInfo | None, work: Declarations
) -> Place | None:
    """Return the place of a variable with an address, and note its initial value."""
    assert variable.address is not None
    if info is not None and info.has_calls:
        text = f"{variable.name} cannot have an address: a function's variables are its own"
        work.names.findings.error("ST2008", variable.span, text)
        return None
    place = address_place(variable, resolved, work)
    if place is not None and variable.initial is not None:
        work.pokes += pokes_at(place, resolved)
    return place


def pokes_at(place: Place, resolved: TypeInfo) -> Iterator[tuple[Place, bytes]]:
    """Yield the initial value of a variable as it stands at its address, an array's bits singly."""
    if isinstance(place.type, Text):
        assert isinstance(resolved.type, Text)
        yield place, text_image(place.type, read_text(resolved.initial, 0, resolved.type))
    elif isinstance(place.type, Array) and place.type.is_packed:
        for number in range(place.type.count):
            byte, bit = place.type.bit_place(number)
            yield part_of(place, byte, BOOL, "", bit), resolved.initial[number : number + 1]
    else:
        yield place, resolved.initial


def address_place(variable: tree.Variable, resolved: TypeInfo, work: Declarations) -> Place | None:
    """Return the place of a variable's address, after checking that its type fits (ST2008)."""
    assert variable.address is not None
    address = read_address(variable.address.text, variable.address.span, work.names)
    if address is None:
        return None
    data_type = _at(resolved.type, address)
    if data_type is None:
        text = f"{resolved.type} does not fit the {_describe(address)} at {variable.address.text}"
        work.names.findings.error("ST2008", variable.address.span, text, _hint(resolved.type))
        return None
    end = address.byte + data_type.size
    if end > AREA_BYTES_MAX:
        text = f"{resolved.type} at {variable.address.text} ends beyond {AREA_BYTES_MAX} bytes"
        work.names.findings.error("ST2007", variable.address.span, text)
        return None
    work.area_ends[address.area] = max(work.area_ends.get(address.area, 0), end)
    return place_of_address(address, work.names, data_type)


def _at(data_type: DataType, address: Address) -> DataType | None:
    """Return a type as it stands at an address, None where it does not fit there."""
    if isinstance(data_type, Text):
        fits = data_type.name == "STRING" and data_type.capacity > 0 and address.width > 1
        return bare_text(data_type.capacity) if fits else None
    if isinstance(data_type, Array) and data_type.element is BOOL and address.width == 1:
        return replace(data_type, first_bit=address.bit)
    if isinstance(data_type, Array):
        element = data_type.element
        return data_type if _at(element, address) == element and element is not BOOL else None
    fits = isinstance(data_type, Elementary) and _width(data_type) == address.width
    return data_type if fits else None


def _hint(data_type: DataType) -> str:
    if isinstance(data_type, Text):
        return "expected a STRING at an address of whole bytes, such as %IB0"
    if isinstance(data_type, Array) and data_type.element is BOOL:
        return "expected the address of its first bit, such as %IX0.0"
    return ""


def _width(data_type: Elementary) -> int:
    return 1 if data_type.name == "BOOL" else data_type.bits


def _describe(address: Address) -> str:
    return "bit" if address.width == 1 else f"{address.width} bits"


# -- members of structures ------------------------------------------------------------------------

_RELATIVE: Final = re.compile(r"%([BWDL])([0-9]{1,9})", re.IGNORECASE)
_UNITS: Final = {"B": 1, "W": 2, "D": 4, "L": 8}


@dataclass(slots=True)
class Overlaps:
    """The bytes of a structure that its members take, so that no two share any unless they may."""

    structure: str
    allowed: bool
    is_union: bool
    taken: list[tuple[int, int, str]] = field(default_factory=list)

    def other(self, start: int, end: int) -> str | None:
        """Return the name of a member that takes one of some bytes already."""
        return next((name for low, high, name in self.taken if start < high and low < end), None)


def relative_offset(
    member: tree.Variable, data_type: DataType, overlaps: Overlaps, work: Declarations
) -> int | None:
    """Return the offset of a member AT a relative address, None where it has none.

    A bit is refused (ST9001), an offset that its type cannot have or that another member takes is
    an error (ST2008).
    """
    if member.address is None:
        return None
    spelt, span = member.address.text, member.address.span
    if overlaps.is_union:
        text = f"{member.name} cannot have an address: members of a UNION begin where it begins"
        work.names.findings.error("ST2008", span, text)
        return None
    match = _RELATIVE.fullmatch(spelt)
    if match is None:
        text = f"a member of a structure cannot stand at {spelt}"
        work.names.findings.error("ST9001", span, text, "give a byte, such as %B2 or %W1")
        return None
    offset = int(match[2]) * _UNITS[match[1].upper()]
    if offset % data_type.alignment:
        text = f"{data_type} cannot stand at byte {offset}"
        hint = f"expected a multiple of {data_type.alignment}"
        work.names.findings.error("ST2008", span, text, hint)
        return None
    other = overlaps.other(offset, offset + data_type.size)
    if other is not None and not overlaps.allowed:
        text = f"{member.name} shares bytes of {overlaps.structure} with {other}"
        work.names.findings.error("ST2008", span, text, "declare it as STRUCT OVERLAP")
        return None
    return offset
