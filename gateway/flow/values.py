"""Values as databases hold them: a number where binary64 holds it exactly, else text. Pure."""

import json
import math
from typing import Final

from runtime.datatypes.values import Json

_EXACT_IN_DOUBLE: Final = 1 << 53
_NOT_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def split_value(value: Json) -> tuple[float | None, str | None]:
    """Return a value as number and text; one of the two is None. TRUE is 1."""
    if isinstance(value, float):
        return value, None
    if isinstance(value, int):
        exact = abs(value) <= _EXACT_IN_DOUBLE
        return (float(value), None) if exact else (None, str(value))
    if isinstance(value, str):
        number = _NOT_FINITE.get(value)
        return (number, None) if number is not None else (None, value)
    return None, json.dumps(value)
