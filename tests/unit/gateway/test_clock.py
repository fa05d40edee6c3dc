"""The schedule of polls and the waits between attempts."""

from gateway.field.clock import Backoff, Schedule


def test_the_first_poll_is_due_at_the_start() -> None:
    schedule = Schedule(100, 10)

    assert not schedule.take(99)
    assert schedule.take(100)
    assert schedule.due_ns == 110


def test_a_late_poll_does_not_move_the_schedule() -> None:
    schedule = Schedule(100, 10)

    assert schedule.take(107)
    assert schedule.due_ns == 110


def test_missed_polls_are_skipped_and_counted_never_made_up() -> None:
    schedule = Schedule(100, 10)
    schedule.take(100)

    assert schedule.take(145)
    assert schedule.skipped == 3
    assert schedule.due_ns == 150
    assert not schedule.take(149)


def test_waits_grow_from_a_short_first_one_to_the_cap() -> None:
    backoff = Backoff(first_s=0.5, factor=2, cap_s=3)

    assert [backoff.take() for _ in range(5)] == [0.5, 1, 2, 3, 3]
    backoff.reset(1)
    assert [backoff.take() for _ in range(3)] == [0.5, 1, 1]
