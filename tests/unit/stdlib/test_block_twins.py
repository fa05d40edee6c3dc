"""Each standard block leaves the same bytes, called as Python and compiled by numba."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.datatypes.elementary import Elementary, Kind
from runtime.stdlib.declare import StandardBlock
from runtime.stdlib.library import BLOCKS
from tests.support.programs import program, run

CYCLES = 12
_PERIODS = st.sampled_from([1_000_000, 50_000_000, 100_000_000, 1_000_000_007])
_DURATIONS = st.sampled_from([0, 1, 50_000_000, 100_000_000, 250_000_000, 2**63 - 1, -1])
_REALS = st.sampled_from(
    [0.0, 1.0, -1.0, 0.1, 50.0, 99.5, 1e10, -1e30, "NaN", "Infinity", "-Infinity"]
)


def values(data_type: Elementary) -> st.SearchStrategy[object]:
    """Return values of a type as JSON holds them."""
    if data_type.kind is Kind.BOOL:
        return st.booleans()
    if data_type.kind is Kind.REAL:
        return _REALS
    if data_type.kind is Kind.DURATION:
        return _DURATIONS
    edges = [data_type.minimum, data_type.minimum + 1, 0, 1, 2, 3, data_type.maximum]
    if data_type.is_calendar:
        edges = [0, 86_400 * 10**9, 946_684_800 * 10**9]
    return st.sampled_from(edges)


def scripts(block: StandardBlock) -> st.SearchStrategy[dict[int, dict[str, object]]]:
    """Return what to write into an instance's inputs before which cycle."""
    inputs = {f"MAIN.B.{name}": values(kind) for name, (kind, _) in block.inputs.items()}
    some = st.fixed_dictionaries({}, optional=inputs)
    return st.dictionaries(st.integers(1, CYCLES), some, max_size=CYCLES)


def writable(block: StandardBlock) -> bool:
    """Whether all inputs can be written as JSON."""
    kinds = {kind.kind for kind, _ in block.inputs.values()}
    return not kinds & {Kind.TEXT, Kind.CHARACTER, Kind.REFERENCE} and not any(
        kind.is_calendar for kind, _ in block.inputs.values()
    )


@pytest.mark.parametrize("name", sorted(name for name, item in BLOCKS.items() if writable(item)))
def test_a_block_runs_alike_in_both_engines(name: str) -> None:
    block = BLOCKS[name]
    text = program(f"B : {name};", "B();")

    @settings(max_examples=12, derandomize=True, deadline=None)
    @given(scripts(block), _PERIODS)
    def check(script: dict[int, dict[str, object]], period_ns: int) -> None:
        run(text, cycles=CYCLES, period_ns=period_ns, inputs=script)

    check()
