"""Compute expressions over columns of values, in both engines: one scan, one loop, many rows."""

import math
import struct
from collections.abc import Mapping, Sequence

from runtime.datatypes.values import Json
from tests.support.programs import program, run


def tabulated(
    columns: Mapping[str, tuple[str, Sequence[str]]], results: Mapping[str, tuple[str, str]]
) -> dict[str, list[Json]]:
    """Return the values of expressions in each row.

    Args:
        columns: Name -> type and its values, spelt in ST; all of one length. In an expression
            `P[I]` is the value of column P in the row.
        results: Name -> type and the expression.
    """
    (count,) = {len(values) for _, values in columns.values()}
    last = count - 1
    declared = [
        f"{name} : ARRAY [0..{last}] OF {kind} := [{', '.join(values)}];"
        for name, (kind, values) in columns.items()
    ]
    declared += [f"{name} : ARRAY [0..{last}] OF {kind};" for name, (kind, _) in results.items()]
    body = "".join(f"{name}[I] := {text};\n" for name, (_, text) in results.items())
    loop = f"FOR I := 0 TO {last} DO\n{body}END_FOR;"
    done = run(program("\n".join([*declared, "I : DINT;"]), loop), watch=_paths(results)).last
    found: dict[str, list[Json]] = {}
    for name in results:
        values = done[f"MAIN.{name.upper()}"]
        assert isinstance(values, list)
        is_real = results[name][0] == "REAL"
        found[name] = [_whole_real(value) for value in values] if is_real else values
    return found


def _whole_real(value: Json) -> Json:
    """Return a REAL with all its digits: it is printed in the fewest that name it."""
    if not isinstance(value, float):
        return value
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _paths(results: Mapping[str, object]) -> list[str]:
    return [f"MAIN.{name}" for name in results]


def spelt_real(value: float) -> str:
    """Return a real as ST spells it, or a quotient that is infinite or no number."""
    if math.isnan(value):
        return "0.0 / 0.0"
    if math.isinf(value):
        return "1.0 / 0.0" if value > 0 else "-1.0 / 0.0"
    mantissa, mark, exponent = repr(value).partition("e")
    return (mantissa if "." in mantissa else mantissa + ".0") + mark.upper() + exponent


def printed_real(value: float) -> Json:
    """Return a real as the command prints it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
