"""The cost of a request, fitted to round trips, tells the gap worth reading along."""

import pytest

from gateway.flow.cost import Cost, CostModel

GUESS = Cost(1_000_000, 60_000)


def test_a_gap_is_worth_reading_while_it_costs_less_than_a_request() -> None:
    assert GUESS.gap_max(125) == 16
    assert Cost(1000, 0).gap_max(125) == 125
    assert Cost(0, 1000).gap_max(125) == 0


def test_before_any_measurement_the_guess_holds() -> None:
    assert CostModel(GUESS).cost == GUESS


def test_round_trips_of_one_size_tell_nothing_of_the_cost_of_a_unit() -> None:
    model = CostModel(GUESS)
    for _ in range(50):
        model.add(10, 900_000)

    assert model.cost.unit_ns == GUESS.unit_ns
    assert model.cost.request_ns == pytest.approx(300_000)


@pytest.mark.parametrize(("request_ns", "unit_ns"), [(4_000_000, 1_146_000), (90_000, 30)])
def test_round_trips_of_several_sizes_give_both_costs(request_ns: int, unit_ns: int) -> None:
    model = CostModel(GUESS)
    for number in range(400):
        units = 1 + number * 37 % 120
        model.add(units, request_ns + unit_ns * units)

    assert model.cost.request_ns == pytest.approx(request_ns, rel=0.02)
    assert model.cost.unit_ns == pytest.approx(unit_ns, rel=0.02)


def test_the_fit_follows_a_device_that_changes() -> None:
    model = CostModel(GUESS)
    for unit_ns in (1_000, 50_000):
        for number in range(4000):
            units = number % 100
            model.add(units, 100_000 + unit_ns * units)

    assert model.cost.unit_ns == pytest.approx(50_000, rel=0.05)


def test_a_device_that_answers_more_the_faster_costs_nothing_a_unit() -> None:
    model = CostModel(GUESS)
    for units in (1, 100) * 20:
        model.add(units, 500_000 - units * 1000)

    assert model.cost.unit_ns == 0
    assert model.cost.gap_max(125) == 125
