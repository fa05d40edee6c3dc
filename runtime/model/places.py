"""Places: what a name, a member, an index or an address stands for in memory."""

from dataclasses import replace

from runtime.artifact.abi import FaultKind
from runtime.datatypes.derived import UNKNOWN, Array, DataType, OpenArray, Structure
from runtime.datatypes.elementary import (
    BOOL,
    BYTE,
    DWORD,
    LINT,
    LWORD,
    UDINT,
    WORD,
    Elementary,
    Kind,
)
from runtime.datatypes.texts import Text
from runtime.model.constants import fold
from runtime.model.program import (
    Base,
    CallStandard,
    Constant,
    Convert,
    DynamicStep,
    Expression,
    Load,
    Operate,
    Place,
    Step,
)
from runtime.model.scope import Names, Scope, element_of, member_of, part_of
from runtime.model.texts import call_text
from runtime.project.units import Address, parse_address
from runtime.source import Span
from runtime.stdlib.library import FUNCTIONS
from runtime.stdlib.text import TEXT_FUNCTIONS

_BY_WIDTH = {1: BOOL, 8: BYTE, 16: WORD, 32: DWORD, 64: LWORD}


def read_address(text: str, span: Span, names: Names) -> Address | None:
    """Return the address of a directly represented variable, or report it (ST2007)."""
    try:
        address = parse_address(text)
    except ValueError as error:
        names.findings.error("ST2007", span, f"{text} is no address", f"expected {error}")
        return None
    if address.byte + max(address.width // 8, 1) > names.area_sizes[address.area]:
        limit = names.area_sizes[address.area]
        names.findings.error("ST2007", span, f"{text} lies beyond the {limit} bytes of its area")
        return None
    return address


def place_of_address(address: Address, names: Names, data_type: DataType | None = None) -> Place:
    """Return the place of an address, as the given type or the bit string of its width."""
    offset = names.area_offsets[address.area] + address.byte
    is_bit = address.width == 1 and not isinstance(data_type, Array)
    bit = address.bit if is_bit else -1
    return Place(Base.STATE, offset, data_type or _BY_WIDTH[address.width], bit=bit)


def member_place(
    place: Place, name: str, span: Span, scope: Scope, *, inside: bool = False
) -> Place | None:
    """Return the place of a member, or report that there is none (ST2006).

    Args:
        place: The structure or instance.
        name: The member.
        span: Where it is named.
        scope: For findings.
        inside: Whether internal members may be named too.
    """
    findings = scope.names.findings
    if not isinstance(place.type, Structure):
        findings.error("ST2006", span, f"{place.type} has no members, so no {name}")
        return None
    routine = scope.names.routines.get(place.type.name.upper())
    key = name.upper() if routine is None else routine.member_key(name)
    field = place.type.field(key)
    known = visible_members(place.type, scope)
    if field is None or not (inside or key in known):
        reason = "is internal to" if field is not None else "is no member of"
        hint = f"it has {', '.join(known)}" if known else ""
        findings.error("ST2006", span, f"{name} {reason} {place.type}", hint)
        return None
    if field.type is UNKNOWN:
        return None  # reported where it is declared
    return member_of(place, place.type, field)


def visible_members(structure: Structure, scope: Scope) -> list[str]:
    """Return the members that a user of a type may name: of a class what is PUBLIC too.

    What is INTERNAL may be named in the namespace of its class.
    """
    routine = scope.names.routines.get(structure.name.upper())
    if routine is None:
        return [item.name for item in structure.fields]
    return [
        key
        for key, item in routine.variables.items()
        if item.section in {"VAR_INPUT", "VAR_OUTPUT"}
        or item.access == "PUBLIC"
        or (item.access == "INTERNAL" and scope.is_within(routine.namespace))
    ]


def index_place(
    place: Place, indices: list[tuple[Expression, Span]], span: Span, scope: Scope
) -> Place | None:
    """Return the place of an element; constant indices are checked now, others at run time."""
    findings = scope.names.findings
    array = place.type
    if isinstance(array, Text):
        return _character(place, array, indices, span, scope)
    if not isinstance(array, Array | OpenArray):
        findings.error("ST3009", span, f"{array} is no array and has no elements")
        return None
    dimensions = len(array.bounds) if isinstance(array, Array) else array.dimensions
    if len(indices) != dimensions:
        text = f"{len(indices)} indices for {dimensions} dimensions"
        findings.error("ST3007", span, text, f"the variable is {array}")
        return None
    if isinstance(array, OpenArray):
        return _open_element(place, array, indices, scope)
    return _element(place, array, indices, scope)


def _element(
    place: Place, array: Array, indices: list[tuple[Expression, Span]], scope: Scope
) -> Place | None:
    offset, steps = 0, []
    stride = array.count if array.is_packed else array.size
    for (index, span), (lower, upper) in zip(indices, array.bounds, strict=True):
        stride //= upper - lower + 1
        if isinstance(index, Constant):
            if not lower <= index.value <= upper:
                text = f"index {index.value} is outside {lower}..{upper}"
                scope.names.findings.error("ST3008", span, text)
                return None
            offset += (int(index.value) - lower) * stride
            continue
        site = scope.names.site(FaultKind.INDEX, span, f"{lower}..{upper}")
        steps.append(Step(_as_lint(index), lower, upper, stride, site))
    if array.is_packed:
        byte, bit = array.bit_place(offset)
        return replace(part_of(place, byte, BOOL, "", bit), bit_steps=tuple(steps))
    return element_of(place, offset, array.element, tuple(steps))


def _open_element(
    place: Place, array: OpenArray, indices: list[tuple[Expression, Span]], scope: Scope
) -> Place:
    """Return the place of an element of ARRAY [*]: the last dimension's elements are neighbours."""
    steps: list[DynamicStep] = []
    stride: Expression = Constant(LINT, array.element.size)
    for (index, span), (lower, upper) in reversed(list(zip(indices, place.bounds, strict=True))):
        site = scope.names.site(FaultKind.INDEX, span)
        steps.append(DynamicStep(_as_lint(index), lower, upper, stride, site))
        span_of = Operate(LINT, "-", LINT, upper, lower)
        count = Operate(LINT, "+", LINT, span_of, Constant(LINT, 1))
        stride = Operate(LINT, "*", LINT, stride, count)
    return element_of(place, 0, array.element, tuple(reversed(steps)))


def _character(
    place: Place, text: Text, indices: list[tuple[Expression, Span]], span: Span, scope: Scope
) -> Place | None:
    """Return the place of a character of a string, from 1 to its length (6.4.2.1)."""
    if len(indices) != 1:
        scope.names.findings.error("ST3007", span, f"{len(indices)} indices for a {text}")
        return None
    ((index, where),) = indices
    if isinstance(index, Constant) and not 1 <= index.value <= text.capacity:
        told = f"position {index.value} is outside 1..{text.capacity}"
        scope.names.findings.error("ST3008", where, told)
        return None
    site = scope.names.site(FaultKind.INDEX, where)
    one, unit = Constant(LINT, 1), Constant(LINT, text.unit)
    step = DynamicStep(_as_lint(index), one, _length(place, text), unit, site)
    return replace(element_of(place, text.header, text.character, (step,)), owner="")


def _length(place: Place, text: Text) -> Expression:
    """Return how many characters a string has."""
    if text.is_bare:
        return call_text(TEXT_FUNCTIONS["LEN"], (Load(text.plain, place),))
    length: Expression = Convert(LINT, Load(UDINT, part_of(place, 0, UDINT, "")))
    if place.owner:
        return length
    within = (length, Constant(LINT, text.capacity))  # what overlaps others may hold any length
    return CallStandard(LINT, FUNCTIONS["MIN"], within)


def _as_lint(index: Expression) -> Expression:
    return index if index.type is LINT else fold(Convert(LINT, index))


def partial_place(place: Place, width: int, number: int, span: Span, scope: Scope) -> Place | None:
    """Return the place of a bit, byte, word or double word of a bit string or integer."""
    findings, whole = scope.names.findings, place.type
    if not isinstance(whole, Elementary) or not (whole.is_integer or whole.kind is Kind.BITS):
        findings.error("ST2006", span, f"{whole} has no parts; expected a bit string")
        return None
    if (number + 1) * width > whole.bits or (width > 1 and width >= whole.bits):
        text = f"part {number} of {width} bits lies beyond the {whole.bits} bits of {whole}"
        findings.error("ST3008", span, text)
        return None
    if width == 1:
        return part_of(place, number // 8, BOOL, "", number % 8)
    return part_of(place, number * width // 8, _BY_WIDTH[width], "")


def is_index_type(data_type: Elementary) -> bool:
    """Whether values of a type can be an index: an integer that LINT holds, or an enumeration."""
    return (data_type.is_integer and data_type.name != "ULINT") or data_type.kind is Kind.ENUM
