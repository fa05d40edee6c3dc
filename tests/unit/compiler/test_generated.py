"""Random well-typed programs leave the same bytes in both engines.

TAKT_FUZZ_CASES sets how many are drawn; hypothesis prints the smallest program that fails.
"""

import os

from hypothesis import HealthCheck, assume, given, settings

from tests.support.generator import programs
from tests.support.programs import codes_of, run
from tests.support.shaped_generator import shaped_programs

CASES = int(os.environ.get("TAKT_FUZZ_CASES", "300"))


@settings(
    max_examples=max(CASES // 3, 10),
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(programs())
def test_generated_programs_run_alike_in_both_engines(text: str) -> None:
    assume("ST3011" not in codes_of(text))  # a division by what folds to the constant 0
    run(text, cycles=2)


@settings(
    max_examples=max(CASES // 10, 10),
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(shaped_programs())
def test_generated_strings_structures_and_classes_run_alike_in_both_engines(text: str) -> None:
    run(text, cycles=2)
