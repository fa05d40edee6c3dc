"""How a level's deviations become a verdict."""

from runtime.app.tally import BAND_MM, SETTLE_S, LevelTally


def run(
    tally: LevelTally, start_s: float, end_s: float, deviation_mm: float, *, disturbed: bool
) -> None:
    for tick in range(round(start_s * 10), round(end_s * 10)):
        tally.add(tick / 10, deviation_mm, disturbed=disturbed)


def test_the_start_does_not_count_as_held_badly() -> None:
    tally = LevelTally()
    run(tally, 0, SETTLE_S, -100, disturbed=False)
    run(tally, SETTLE_S, 20, -0.5, disturbed=False)
    assert tally.calm_mm_max == 0.5


def test_a_short_run_has_no_verdict() -> None:
    tally = LevelTally()
    run(tally, 0, SETTLE_S - 1, 0, disturbed=False)
    assert tally.calm_mm_max is None
    assert tally.recovery_s_max is None


def test_a_disturbance_is_counted_apart_with_its_recovery() -> None:
    tally = LevelTally()
    run(tally, 0, 20, 0.2, disturbed=False)
    run(tally, 20, 24, -14, disturbed=True)
    run(tally, 24, 27, 8, disturbed=False)
    run(tally, 27, 40, 1, disturbed=False)
    assert tally.disturbances == 1
    assert tally.disturbed_mm_max == 14
    assert tally.calm_mm_max == 1
    assert tally.recovery_s_max is not None
    assert abs(tally.recovery_s_max - 2.9) < 1e-9


def test_a_level_that_never_comes_back_spoils_the_calm_verdict() -> None:
    tally = LevelTally()
    run(tally, 0, 20, 0, disturbed=False)
    run(tally, 20, 24, -14, disturbed=True)
    run(tally, 24, 40, -14, disturbed=False)
    assert tally.calm_mm_max == 14
    assert tally.recovery_s_max is not None
    assert tally.recovery_s_max > SETTLE_S - 0.2


def test_a_second_disturbance_is_counted() -> None:
    tally = LevelTally()
    run(tally, 0, 20, 0, disturbed=False)
    for start_s in (20, 50):
        run(tally, start_s, start_s + 4, BAND_MM + 1, disturbed=True)
        run(tally, start_s + 4, start_s + 30, 0, disturbed=False)
    assert tally.disturbances == 2
