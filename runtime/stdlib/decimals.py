"""Reals and decimal digits, with the same digits on every machine and in both engines.

Numbers are scaled by powers of ten in pairs of doubles (high + low, Dekker's product), which keeps
some 100 bits. Only + - * / and comparisons are used, each rounded as IEEE 754 says.
"""

import math
from typing import Any, Final

_SPLIT: Final = 134_217_729.0
"""2 ** 27 + 1: cuts a double into halves whose products are exact."""
_SPLIT_24: Final = 536_870_913.0
"""2 ** 29 + 1: cuts the first 24 bits off, which are what REAL holds."""
_EXACT: Final = 22
"""The greatest power of ten that a double holds exactly."""
_TENTHS: Final = 100_000_000_000_000_000


def power_of_ten(exponent: int) -> float:
    """Return 10 ** exponent for 0 … 22, exactly."""
    power = 1.0
    for _ in range(exponent):
        power *= 10.0
    return power


def product_error(left: float, right: float, product: float) -> float:
    """Return what rounding took off a product; 0 where that is beyond the range of doubles."""
    cut = _SPLIT * left
    left_high = cut - (cut - left)
    left_low = left - left_high
    cut = _SPLIT * right
    right_high = cut - (cut - right)
    right_low = right - right_high
    error = left_high * right_high - product
    error = error + left_high * right_low + left_low * right_high + left_low * right_low
    return error if error - error == 0.0 else 0.0


def scaled(high: float, low: float, power: int) -> tuple[float, float]:
    """Return (high + low) * 10 ** power as a pair."""
    while power != 0:
        step = min(abs(power), _EXACT)
        factor = power_of_ten(step)
        if power > 0:
            first = high * factor
            if first - first != 0.0:
                return first, 0.0
            second = product_error(high, factor, first) + low * factor
            power -= step
        else:
            first = high / factor
            back = first * factor
            second = ((high - back) - product_error(first, factor, back) + low) / factor
            power += step
        high = first + second
        low = second - (high - first)
    return high, low


def real_from(digits: int, power: int) -> float:
    """Return digits * 10 ** power, rounded once; an infinity beyond the range."""
    if digits == 0 or power < -400:  # noqa: PLR2004
        return 0.0
    if power > 400:  # noqa: PLR2004
        return math.inf
    high = float(digits)
    low = float(digits - int(high))
    high, low = scaled(high, low, power)
    return high + low


def to_24_bits(value: float) -> float:
    """Return a double rounded to the 24 bits of REAL."""
    cut = value * _SPLIT_24
    return cut - (cut - value)


def shortest(value: float, precision: int) -> tuple[int, int, int]:
    """Return the fewest digits that are read back as a positive value.

    Returns:
        The digits as a number, how many they are, and the power of ten that the first one counts.
    """
    power = math.floor(math.log10(value))
    first, _ = scaled(value, 0.0, -power)
    if first >= 10.0:  # noqa: PLR2004 - the logarithm was rounded
        power += 1
    elif first < 1.0:
        power -= 1
    digits, count, limit = 0, 0, 1
    while count < 17:  # noqa: PLR2004
        count += 1
        limit *= 10
        high, low = scaled(value, 0.0, count - 1 - power)
        whole = int(high)
        digits = whole + math.floor((high - float(whole)) + low + 0.5)
        back = real_from(digits, power - count + 1)
        if precision == 24:  # noqa: PLR2004
            back = to_24_bits(back)
        if back == value:
            break
    if digits == limit:
        return 1, 1, power + 1
    return digits, count, power


def mantissa_of(text: Any, at: int, end: int, digits: int, dropped: int) -> tuple[int, int]:
    """Read decimal digits behind those read before; those beyond the 18th are counted only."""
    for place in range(at, end):
        if digits < _TENTHS:
            digits = digits * 10 + (0 + text[place] - 48)
        else:
            dropped += 1
    return digits, dropped
