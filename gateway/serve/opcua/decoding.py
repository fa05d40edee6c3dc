"""Values that clients write, as the program holds them: the way back of `coding`."""

import math
from collections.abc import Callable
from typing import Final

from asyncua import ua

from gateway.protocols.opcua.builtin import TICK_NS, TICKS_1970, Status
from gateway.serve.opcua.coding import Change
from gateway.serve.opcua.variables import Variable
from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.scalars import Enumeration, Subrange
from runtime.datatypes.texts import Text
from runtime.datatypes.values import takes

_MILLISECOND_NS: Final = 1_000_000
Value = bool | int | float | str


class WriteError(Exception):
    """A value that the variable cannot hold; `status` says why."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"{status:#x}")


def value_of(variable: Variable, variant: ua.Variant | None) -> Value:
    """Return a Variant as the value of a variable.

    Raises:
        WriteError: It is of another type, or beyond what the variable can hold.
    """
    scalar = variable.type
    assert isinstance(scalar, Elementary)
    wrong = variant is None or variant.is_array or variant.Value is None
    if variant is None or wrong or variant.VariantType.value != variable.coding.builtin:
        raise WriteError(Status.BAD_TYPE_MISMATCH)
    return _CHANGES[variable.coding.change](variant.Value, scalar)


def _plain(value: Value, scalar: Elementary) -> Value:
    if isinstance(scalar, Subrange) and not takes(scalar, int(value)):
        raise WriteError(Status.BAD_OUT_OF_RANGE)
    if scalar.kind is Kind.BOOL:
        return bool(value)
    return value


def _duration(value: float, scalar: Elementary) -> int:
    if not math.isfinite(value):
        raise WriteError(Status.BAD_OUT_OF_RANGE)
    return _within(round(value * _MILLISECOND_NS), scalar)


def _date(value: object, scalar: Elementary) -> int:
    ticks = int(ua.datetime_to_win_epoch(value))
    return _within((ticks - TICKS_1970) * TICK_NS, scalar)


def _enumeration(value: int, scalar: Elementary) -> int:
    if isinstance(scalar, Enumeration) and not takes(scalar, value):
        raise WriteError(Status.BAD_OUT_OF_RANGE)
    return _within(value, scalar)


def _text(value: str, scalar: Elementary) -> str:
    if isinstance(scalar, Text) and len(value) > scalar.capacity:
        raise WriteError(Status.BAD_OUT_OF_RANGE)
    return value


def _within(value: int, scalar: Elementary) -> int:
    if not scalar.minimum <= value <= scalar.maximum:
        raise WriteError(Status.BAD_OUT_OF_RANGE)
    return value


_CHANGES: Final[dict[Change, Callable[..., Value]]] = {
    Change.NONE: _plain,
    Change.DURATION: _duration,
    Change.DATE: _date,
    Change.ENUM: _enumeration,
    Change.TEXT: _text,
}
