"""Functions over places instead of values: REF, ADR, __ISVALIDREF, LOWER_BOUND, UPPER_BOUND."""

from collections.abc import Callable
from typing import Final

from runtime.datatypes.derived import Array, OpenArray, plain_form
from runtime.datatypes.elementary import BOOL, DINT
from runtime.datatypes.scalars import Reference, reference
from runtime.model.checks import Checks
from runtime.model.coerce import untyped
from runtime.model.constants import fold
from runtime.model.functions import bounds_of
from runtime.model.program import (
    AddressOf,
    Base,
    Constant,
    Convert,
    Expression,
    Load,
    Operate,
    Place,
)
from runtime.model.scope import Scope
from runtime.syntax import tree


def _argument(node: tree.Call, count: int, scope: Scope) -> tree.Expression | None:
    values = [item.value for item in node.arguments]
    if len(values) != count or values[0] is None:
        assert isinstance(node.callee, tree.Name)
        text = f"{node.callee.name} takes {count} argument{'s' if count > 1 else ''}"
        scope.names.findings.error("ST4002", node.span, text)
        return None
    return values[0]


def refer(place: Place, style: str, node: tree.Expression, scope: Scope) -> AddressOf | None:
    """Return a reference to a place, or report why it can have none (ST3012)."""
    if place.base is Base.LOCAL:
        text = "a variable of a function ends with its call, so nothing may refer to it"
        scope.names.findings.error("ST3012", node.span, text)
        return None
    if place.bit >= 0:
        text = "a single bit has no address, so nothing can refer to it"
        scope.names.findings.error("ST3012", node.span, text)
        return None
    if plain_form(place.type) != place.type:
        text = f"{place.type} lies in memory as devices see it, so nothing can refer to it"
        scope.names.findings.error("ST3012", node.span, text)
        return None
    return AddressOf(reference(place.type, style), place)


def _reference_to(style: str) -> Callable[[tree.Call, Scope, Checks], Expression | None]:
    def special(node: tree.Call, scope: Scope, checks: Checks) -> Expression | None:
        argument = _argument(node, 1, scope)
        place = None if argument is None else checks.place(argument, scope)
        if argument is None or place is None:
            return None
        return refer(place, style, argument, scope)

    return special


def _is_valid(node: tree.Call, scope: Scope, checks: Checks) -> Expression | None:
    argument = _argument(node, 1, scope)
    place = None if argument is None else checks.pointer(argument, scope)
    if argument is None or place is None:
        return None
    if not isinstance(place.type, Reference):
        text = f"{place.type} is no reference"
        scope.names.findings.error("ST3002", argument.span, text)
        return None
    null = Constant(place.type, 0)
    return Operate(BOOL, "<>", place.type, Load(place.type, place), null)


def _bound(end: int) -> Callable[[tree.Call, Scope, Checks], Expression | None]:
    def special(node: tree.Call, scope: Scope, checks: Checks) -> Expression | None:
        argument = _argument(node, 2, scope)
        place = None if argument is None else checks.place(argument, scope)
        which = node.arguments[1].value if place is not None else None
        dimension = None if which is None else checks.value(which, scope)
        if place is None or dimension is None:
            return None
        if not isinstance(place.type, Array | OpenArray):
            scope.names.findings.error("ST3009", node.span, f"{place.type} is no array")
            return None
        ends = bounds_of(place)
        if not isinstance(dimension, Constant) or not 1 <= dimension.value <= len(ends):
            text = f"expected the number of a dimension, a constant from 1 to {len(ends)}"
            scope.names.findings.error("ST2009", node.arguments[1].span, text)
            return None
        return fold(Convert(DINT, ends[int(dimension.value) - 1][end]))

    return special


def _size_of(node: tree.Call, scope: Scope, checks: Checks) -> Expression | None:
    argument = _argument(node, 1, scope)
    place = None if argument is None else checks.place(argument, scope)
    return None if place is None else untyped(place.type.size)


SPECIAL: Final[dict[str, Callable[[tree.Call, Scope, Checks], Expression | None]]] = {
    "REF": _reference_to("REF_TO"),
    "ADR": _reference_to("POINTER TO"),
    "__ISVALIDREF": _is_valid,
    "LOWER_BOUND": _bound(0),
    "UPPER_BOUND": _bound(1),
    "SIZEOF": _size_of,
}
"""By name in upper case."""
