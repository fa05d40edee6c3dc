"""Signal generators: what they give at which time."""

import pytest

from gateway.flow.signals import value_at
from runtime.project.virtual import Signal

SECOND = 1_000_000_000


def signal(form: str, **settings: float | str) -> Signal:
    return Signal.model_validate({"form": form, **settings})


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("constant", [30.0, 30.0, 30.0, 30.0]),
        ("sine", [20.0, 30.0, 20.0, 10.0]),
        ("square", [30.0, 30.0, 10.0, 10.0]),
        ("triangle", [10.0, 20.0, 30.0, 20.0]),
        ("sawtooth", [10.0, 15.0, 20.0, 25.0]),
    ],
)
def test_a_turn_goes_from_low_to_high_in_the_signals_form(form: str, values: list[float]) -> None:
    given = signal(form, low=10.0, high=30.0, period="4s")
    for turn in (0, 7):
        found = [value_at(given, (4 * turn + second) * SECOND) for second in range(4)]
        assert found == pytest.approx(values)


def test_a_phase_is_a_part_of_a_turn_that_is_over_and_a_duty_the_part_that_is_high() -> None:
    ahead = signal("sawtooth", phase=0.25)
    assert value_at(ahead, 0) == 0.25
    short = signal("square", duty=0.1)
    assert [value_at(short, part * SECOND // 10) for part in range(10)] == [1.0, *[0.0] * 9]


def test_noise_has_a_new_value_each_period_which_only_its_seed_decides() -> None:
    noise = signal("noise", low=-1.0, seed=7)
    values = [value_at(noise, half * SECOND // 2) for half in range(2000)]
    assert values[::2] == values[1::2]
    assert len(set(values)) == 1000
    assert all(-1.0 <= value < 1.0 for value in values)
    assert abs(sum(values)) / 2000 < 0.1
    assert values[0] != value_at(signal("noise", low=-1.0, seed=8), 0)
