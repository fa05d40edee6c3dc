"""The rig's terminals: counts, switches, its clock and its disturbance."""

import pytest

from runtime.plant import rig as rigs
from runtime.plant import two_tanks
from runtime.plant.rig import COUNTS_FULL, Disturbance, Rig

NEVER = Disturbance(lasts_s=0.0)


def test_a_full_range_reads_27648_counts_and_no_more() -> None:
    rig = Rig(NEVER)
    rig.state[two_tanks.LEVEL_UPPER] = 0.15
    rig.state[two_tanks.LEVEL_LOWER] = 0.31
    registers = rig.input_registers()
    assert registers[:2] == [COUNTS_FULL // 2, COUNTS_FULL]
    assert len(registers) == rigs.INPUT_REGISTERS


def test_set_points_beyond_the_range_open_fully() -> None:
    rig = Rig(NEVER)
    rig.command([65_535, COUNTS_FULL // 2, 0], [False, False, False])
    rig.advance_to(0.1)
    rig.advance_to(0.5)
    rig.advance_to(1.0)
    rig.advance_to(1.5)
    assert rig.input_registers()[5:] == [COUNTS_FULL, COUNTS_FULL // 2]


def test_limit_switches_are_closed_where_all_is_well() -> None:
    rig = Rig(NEVER)
    assert rig.discrete_inputs() == [True, True, False, False, False]
    rig.state[two_tanks.LEVEL_UPPER] = 0.29
    assert rig.discrete_inputs() == [False, True, True, False, False]


def test_time_passes_in_whole_steps() -> None:
    rig = Rig(NEVER)
    rig.advance_to(0.012)
    assert rig.time_s == pytest.approx(0.010)
    rig.advance_to(0.0151)
    assert rig.time_s == pytest.approx(0.015)


def test_a_long_hold_up_is_not_made_up_for() -> None:
    rig = Rig(NEVER)
    rig.advance_to(100.0)
    assert rig.time_s == pytest.approx(rigs.CATCH_UP_S_MAX)


def test_the_drain_opens_by_itself_after_the_pump_started() -> None:
    rig = Rig(Disturbance(first_s=2.0, lasts_s=1.0, every_s=10.0))

    def drain_at(time_s: float) -> bool:
        while rig.time_s < time_s - 1e-9:
            rig.advance_to(rig.time_s + 0.1)
        return rig.discrete_inputs()[4]

    assert not drain_at(5.0)
    rig.command([0, 0, 0], [True, False, False])
    assert not drain_at(6.9)
    assert drain_at(7.5)
    assert not drain_at(8.5)
    assert drain_at(17.5)


def test_a_coil_opens_the_drain_at_once() -> None:
    rig = Rig(NEVER)
    rig.command([0, 0, 0], [False, False, True])
    rig.advance_to(0.4)
    assert rig.discrete_inputs()[4]


def test_a_schedule_without_duration_never_opens() -> None:
    assert not any(NEVER.is_open(second / 10) for second in range(2000))
