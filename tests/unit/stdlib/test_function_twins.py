"""Each standard function's LLVM form computes what its Python body does, over edge values.

The interpreter calls the body, compiled code holds the LLVM form; both run over arrays of values.
"""

import itertools
from collections.abc import Iterator

import pytest

from runtime.codegen.intrinsics import EMISSIONS
from runtime.datatypes.elementary import ELEMENTARY, Elementary, Kind
from runtime.stdlib.declare import StandardFunction, in_generic, is_generic
from runtime.stdlib.library import FUNCTIONS
from tests.support.programs import program, run

COMBINATIONS_MAX = 150
TYPES = tuple(
    item
    for item in ELEMENTARY.values()
    if item.kind in {Kind.BOOL, Kind.SIGNED, Kind.UNSIGNED, Kind.BITS, Kind.REAL, Kind.DURATION}
)
_REALS = [
    "0.0", "-0.0", "1.0", "-1.0", "0.5", "2.5", "-2.5", "0.1", "1.0E10", "-1.0E10", "1.0E-40",
    "3.0E38", "0.0 / 0.0", "1.0 / 0.0", "-1.0 / 0.0", "3.0", "9.0E18", "2147483647.5",
]  # fmt: skip
_COUNTS = ["0", "1", "7", "8", "9", "15", "16", "31", "32", "33", "63", "64", "65", "255",
           "18446744073709551615"]  # fmt: skip


def edge_values(data_type: Elementary) -> list[str]:
    """Return spellings of values at which a function may go wrong."""
    if data_type.kind is Kind.BOOL:
        return ["FALSE", "TRUE"]
    if data_type.kind is Kind.REAL:
        return [*_REALS, "1.0E300"] if data_type.bits == 64 else _REALS
    low, high = data_type.minimum, data_type.maximum
    numbers = sorted({low, low + 1, max(low, -1), 0, 1, 2, high // 2, high - 1, high})
    unit = "ns" if data_type.kind is Kind.DURATION else ""
    return [f"{data_type}#{number}{unit}" for number in numbers]


def signatures(function: StandardFunction) -> Iterator[tuple[list[Elementary], Elementary]]:
    """Yield the parameters' types and the result's for each type that the function takes."""
    generic = sorted({item.type for item in function.parameters if is_generic(item.type)})
    options = [[item for item in TYPES if in_generic(name, item)] for name in generic]
    for chosen in itertools.product(*options):
        types = dict(zip(generic, chosen, strict=True))
        parameters = [types.get(item.type) or ELEMENTARY[item.type] for item in function.parameters]
        yield parameters, types.get(function.result) or ELEMENTARY[function.result]


CASES = [
    pytest.param(FUNCTIONS[name], parameters, result, id=f"{name}-{'-'.join(map(str, parameters))}")
    for name in sorted(EMISSIONS)
    for parameters, result in signatures(FUNCTIONS[name])
]


@pytest.mark.parametrize(("function", "parameters", "result"), CASES)
def test_a_function_computes_alike_in_both_engines(
    function: StandardFunction, parameters: list[Elementary], result: Elementary
) -> None:
    values = [
        _COUNTS if item.type == "ULINT" else edge_values(data_type)
        for item, data_type in zip(function.parameters, parameters, strict=True)
    ]
    rows = list(itertools.product(*values))
    rows = rows[:: max(1, len(rows) // COMBINATIONS_MAX)]
    columns = [", ".join(column) for column in zip(*rows, strict=True)]
    last = len(rows) - 1
    declared = "".join(
        f"P{number} : ARRAY [0..{last}] OF {data_type} := [{column}];\n"
        for number, (data_type, column) in enumerate(zip(parameters, columns, strict=True))
    )
    arguments = ", ".join(f"P{number}[I]" for number in range(len(parameters)))
    body = f"FOR I := 0 TO {last} DO R[I] := {function.name}({arguments}); END_FOR;"
    text = program(f"{declared}R : ARRAY [0..{last}] OF {result}; I : DINT;", body)
    assert run(text).cycles[-1].fault is None


def test_every_function_is_emitted_or_compiled_by_numba() -> None:
    missing = [item.name for item in FUNCTIONS.values() if not item.native]
    assert sorted(missing) == sorted(EMISSIONS)
