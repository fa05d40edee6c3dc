"""Response-time analysis against the examples of its literature."""

import pytest

from runtime.timing.schedule import Load, Response, responses, utilisation


def loads(*rows: tuple[int, float, int]) -> list[Load]:
    """Return tasks of (period, path, priority)."""
    return [Load(f"T{number}", *row) for number, row in enumerate(rows)]


def times(found: list[Response]) -> list[float | None]:
    return [item.response_ns for item in found]


def test_the_response_times_of_the_textbook_example() -> None:
    """Burns and Wellings, Real-Time Systems: (T, C) = (7, 3), (12, 3), (20, 5)."""
    found = list(responses(loads((7, 3, 0), (12, 3, 1), (20, 5, 2))))
    assert times(found) == [3, 6, 20]
    assert all(item.fits for item in found)


def test_tasks_of_one_priority_hold_each_other_up() -> None:
    assert times(list(responses(loads((10, 2, 1), (10, 3, 1))))) == [5, 5]


def test_a_task_that_ends_behind_its_next_release_does_not_fit() -> None:
    high, low = responses(loads((10, 6, 0), (15, 7, 1)))
    assert high.fits
    assert (low.response_ns, low.fits) == (19, False)


def test_a_task_without_any_time_left_has_no_response_time() -> None:
    _, low = responses(loads((10, 10, 0), (100, 1, 1)))
    assert low.response_ns is None
    assert not low.fits


def test_the_engines_share_is_paid_for_by_every_scan() -> None:
    assert times(list(responses(loads((10, 2, 0), (20, 3, 1)), overhead_ns=1))) == [3, 7]


def test_utilisation_is_the_share_of_one_processor() -> None:
    tasks = loads((10, 5, 0), (8, 2, 1))
    assert utilisation(tasks) == pytest.approx(5 / 10 + 2 / 8)
    assert utilisation(tasks, overhead_ns=1) == pytest.approx(6 / 10 + 3 / 8)
