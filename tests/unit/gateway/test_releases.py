"""When tasks publish is foretold from what they have published, and polls get into step with it."""

import asyncio
import time

import pytest

from gateway.field.fine_timer import FineTimer
from gateway.field.phase import Phase
from gateway.flow.releases import LOOK_AGAIN_NS, OVERDUE_NS, Releases

MS = 1_000_000
PAUSE = 10 * MS


def known(release_ns: int = 100 * MS, took_ns: int = MS // 5) -> Releases:
    """Return a task of 5 ms, and one without an interval, of which one publication was seen."""
    releases = Releases((5 * MS, 0))
    releases.note(0, release_ns, release_ns + took_ns)
    return releases


def test_without_a_publication_looks_are_a_pause_apart() -> None:
    assert Releases((5 * MS,)).look_ns(7, PAUSE) == 7 + PAUSE


def test_the_next_look_is_when_the_next_scan_has_published() -> None:
    look_ns = known().look_ns(101 * MS, PAUSE)
    assert 105 * MS + MS // 5 <= look_ns < 105 * MS + MS // 4


def test_a_pause_that_ends_before_comes_first() -> None:
    assert known().look_ns(101 * MS, MS) == 102 * MS


def test_a_publication_that_is_overdue_is_looked_for_closely_and_then_given_up() -> None:
    due_ns = known().look_ns(101 * MS, PAUSE)
    assert known().look_ns(due_ns, PAUSE) == due_ns + LOOK_AGAIN_NS
    assert known().look_ns(due_ns + OVERDUE_NS, PAUSE) == due_ns + OVERDUE_NS + PAUSE


def test_a_scan_that_took_long_is_waited_for_and_forgotten_in_time() -> None:
    releases = known(took_ns=2 * MS)
    for number in range(1, 1000):
        release_ns = (100 + 5 * number) * MS
        releases.note(0, release_ns, release_ns + MS // 10)
        if number == 1:
            assert releases.look_ns(release_ns + MS, PAUSE) > release_ns + 6 * MS
    assert releases.look_ns(release_ns + MS, PAUSE) < release_ns + 5 * MS + MS // 5


def test_a_task_without_an_interval_tells_nothing() -> None:
    releases = Releases((5 * MS, 0))
    releases.note(1, 3, 4)
    assert releases.grid is None


def test_the_grid_is_the_same_at_every_scan_and_that_of_the_fastest_task() -> None:
    releases = Releases((20 * MS, 5 * MS))
    releases.note(0, 103 * MS, 104 * MS)
    assert releases.grid == (3 * MS, 20 * MS)
    for number in range(3):
        releases.note(1, (101 + 5 * number) * MS, (102 + 5 * number) * MS)
        assert releases.grid == (MS, 5 * MS)


# -- polls in step -------------------------------------------------------------------------------
@pytest.mark.parametrize("period_ms", [1, 5, 10, 100])
def test_polls_begin_just_before_a_release(period_ms: int) -> None:
    first_ns = Phase(period_ms * MS).first_ns((2 * MS, 5 * MS), 0, 1000 * MS)
    assert first_ns is not None
    assert 1000 * MS <= first_ns < (1000 + period_ms) * MS
    step_ns = min(period_ms, 5) * MS
    assert 0 < (2 * MS - first_ns) % step_ns <= step_ns // 2


def test_devices_share_out_the_scans_between_two_polls() -> None:
    begins = {Phase(20 * MS).first_ns((0, 5 * MS), turn, 1000 * MS) for turn in range(8)}
    assert len(begins) == 4


def test_a_period_that_does_not_go_into_the_interval_stays_as_it_is() -> None:
    assert Phase(7 * MS).first_ns((0, 5 * MS), 0, 0) is None
    assert Phase(7 * MS).shift_ns(0, 3 * MS) == 0


def test_the_same_grid_moves_nothing_again() -> None:
    phase = Phase(10 * MS)
    assert phase.first_ns((0, 5 * MS), 0, 1) is not None
    assert phase.first_ns((0, 5 * MS), 0, 2) is None
    assert phase.first_ns((1, 5 * MS), 0, 3) is not None


@pytest.mark.parametrize("takes_ns", [200_000, 900_000, 1_700_000])
def test_a_poll_learns_to_end_before_its_release(takes_ns: int) -> None:
    phase = Phase(5 * MS)
    due_ns = phase.first_ns((0, 5 * MS), 0, 1)
    assert due_ns is not None
    late = []
    for _ in range(2000):
        done_ns = due_ns + takes_ns
        late.append(done_ns % (5 * MS) < 2 * MS)
        due_ns += 5 * MS + phase.shift_ns(due_ns, done_ns)
    assert sum(late[1000:]) <= 20
    assert -due_ns % (5 * MS) - takes_ns < MS // 4


def test_a_poll_that_cannot_be_in_time_begins_half_an_interval_before() -> None:
    phase = Phase(5 * MS)
    due_ns = phase.first_ns((0, 5 * MS), 0, 1)
    assert due_ns is not None
    for _ in range(100):
        due_ns += 5 * MS + phase.shift_ns(due_ns, due_ns + 4 * MS)
    assert -due_ns % (5 * MS) == 5 * MS // 2


# -- the timer -----------------------------------------------------------------------------------
def test_a_fine_timer_wakes_no_sooner_than_it_was_asked_and_forgets_what_was_set_before() -> None:
    async def scenario() -> None:
        woken = asyncio.Event()
        timer = FineTimer(woken.set)
        try:
            timer.set(time.monotonic_ns() + 3600 * 1000 * MS)
            at_ns = time.monotonic_ns() + 2 * MS
            timer.set(at_ns)
            await woken.wait()
            assert time.monotonic_ns() >= at_ns
            woken.clear()
            timer.set(0)  # past: at once
            await woken.wait()
        finally:
            timer.close()

    asyncio.run(asyncio.wait_for(scenario(), 20))
