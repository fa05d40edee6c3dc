"""The rig obeys its physics: mass and heat are kept, Torricelli holds, bounds are kept."""

import math

import numpy as np
import pytest

from runtime.plant import two_tanks
from runtime.plant.two_tanks import Inputs, Parameters, State, initial_state, step

RIG = Parameters()
INSULATED = Parameters(heat_loss_w_k=0.0)
OPEN = Inputs(inlet_valve=0.3, transfer_valve=0.4, heater=0.5, pump=True, heater_contactor=True)


def after(
    seconds: float, inputs: Inputs, parameters: Parameters = RIG, dt_s: float = 0.005
) -> State:
    state = initial_state(parameters)
    run(state, seconds, inputs, parameters, dt_s)
    return state


def run(
    state: State,
    seconds: float,
    inputs: Inputs,
    parameters: Parameters = RIG,
    dt_s: float = 0.005,
) -> None:
    for _ in range(round(seconds / dt_s)):
        step(state, inputs, parameters, dt_s)


def stored_m3(state: State, parameters: Parameters = RIG) -> float:
    return float(
        state[two_tanks.LEVEL_UPPER] * parameters.upper_area_m2
        + state[two_tanks.LEVEL_LOWER] * parameters.lower_area_m2
    )


def random_inputs(chance: np.random.Generator) -> Inputs:
    return Inputs(
        chance.uniform(-0.2, 1.2), chance.uniform(-0.2, 1.2), chance.uniform(-0.2, 1.2),
        chance.random() < 0.8, chance.random() < 0.8, chance.random() < 0.3,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_water_that_came_in_is_stored_or_has_left(seed: int) -> None:
    chance, state = np.random.default_rng(seed), initial_state(RIG)
    for _ in range(40):
        run(state, chance.uniform(0.1, 2.0), random_inputs(chance))
    gone = state[two_tanks.OUTFLOW_TOTAL] + state[two_tanks.OVERFLOW_TOTAL]
    assert state[two_tanks.INFLOW_TOTAL] == pytest.approx(stored_m3(state) + gone, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_no_input_drives_a_quantity_out_of_its_bounds(seed: int) -> None:
    chance, state = np.random.default_rng(seed), initial_state(RIG)
    for _ in range(60):
        inputs = random_inputs(chance)
        for _ in range(100):
            step(state, inputs, RIG, 0.02)
        assert np.all(np.isfinite(state))
        levels = state[[two_tanks.LEVEL_UPPER, two_tanks.LEVEL_LOWER]]
        assert np.all((levels >= 0) & (levels <= RIG.height_m + 1e-12))
        shares = state[two_tanks.INLET_POSITION : two_tanks.DRAIN_POSITION + 1]
        assert np.all((shares >= 0) & (shares <= 1))
        warmth = state[[two_tanks.TEMPERATURE_UPPER, two_tanks.TEMPERATURE_LOWER]]
        assert np.all((warmth >= RIG.mains_c - 1e-9) & (warmth <= two_tanks.BOILING_C))


def test_the_steady_level_is_the_one_at_which_torricelli_lets_out_the_inflow() -> None:
    state = after(300, OPEN)
    inflow = RIG.pump_flow_m3_s * 0.3
    for level, area in (
        (two_tanks.LEVEL_UPPER, RIG.transfer_area_m2 * 0.4),
        (two_tanks.LEVEL_LOWER, RIG.outlet_area_m2),
    ):
        head = (inflow / area) ** 2 / (2 * two_tanks.GRAVITY_M_S2)
        assert state[level] == pytest.approx(head, rel=1e-6)


def test_a_tank_empties_in_the_time_that_torricelli_gives() -> None:
    parameters = RIG
    state = initial_state(parameters)
    state[two_tanks.LEVEL_LOWER] = 0.2
    root = math.sqrt(2 * two_tanks.GRAVITY_M_S2)
    whole = 2 * math.sqrt(0.2) * parameters.lower_area_m2 / (parameters.outlet_area_m2 * root)
    run(state, whole / 2, Inputs(), dt_s=0.001)
    assert state[two_tanks.LEVEL_LOWER] == pytest.approx(0.2 / 4, rel=2e-3)


def test_in_the_steady_state_the_water_carries_off_the_heaters_power() -> None:
    state = after(600, OPEN, INSULATED)
    rise = state[two_tanks.TEMPERATURE_UPPER] - INSULATED.mains_c
    carried = two_tanks.HEAT_CAPACITY_J_M3K * INSULATED.pump_flow_m3_s * 0.3 * rise
    assert carried == pytest.approx(INSULATED.heater_power_w * 0.5, rel=1e-6)
    assert state[two_tanks.TEMPERATURE_LOWER] == pytest.approx(
        state[two_tanks.TEMPERATURE_UPPER], rel=1e-6
    )


def test_a_closed_insulated_tank_warms_by_energy_over_heat_capacity() -> None:
    state = initial_state(INSULATED)
    state[two_tanks.LEVEL_UPPER] = 0.2
    run(state, 10, Inputs(heater=0.5, heater_contactor=True), INSULATED)
    joule = INSULATED.heater_power_w * 0.5 * 10
    expected = joule / (two_tanks.HEAT_CAPACITY_J_M3K * 0.2 * INSULATED.upper_area_m2)
    assert state[two_tanks.TEMPERATURE_UPPER] - INSULATED.mains_c == pytest.approx(expected)


def test_without_contactor_or_without_water_the_heater_gives_no_heat() -> None:
    dry = after(5, Inputs(heater=1.0, heater_contactor=True))
    assert dry[two_tanks.TEMPERATURE_UPPER] == RIG.mains_c
    unpowered = initial_state(INSULATED)
    unpowered[two_tanks.LEVEL_UPPER] = 0.2
    run(unpowered, 5, Inputs(heater=1.0), INSULATED)
    assert unpowered[two_tanks.TEMPERATURE_UPPER] == INSULATED.mains_c


def test_a_warm_tank_cools_to_the_temperature_of_the_room() -> None:
    state = initial_state(RIG)
    state[two_tanks.LEVEL_UPPER], state[two_tanks.TEMPERATURE_UPPER] = 0.1, 60.0
    run(state, 6000, Inputs(), dt_s=0.05)
    assert state[two_tanks.TEMPERATURE_UPPER] == pytest.approx(RIG.room_c, abs=0.1)


def test_a_full_tank_runs_over_and_keeps_its_level() -> None:
    state = after(60, Inputs(inlet_valve=1.0, pump=True))
    assert state[two_tanks.LEVEL_UPPER] == pytest.approx(RIG.height_m)
    assert state[two_tanks.OVERFLOW_TOTAL] > 0


def test_a_valve_takes_its_travel_time() -> None:
    state = initial_state(RIG)
    run(state, RIG.valve_travel_s / 2, Inputs(inlet_valve=1.0))
    assert state[two_tanks.INLET_POSITION] == pytest.approx(0.5)
    run(state, RIG.valve_travel_s / 2, Inputs(inlet_valve=1.0))
    assert state[two_tanks.INLET_POSITION] == pytest.approx(1.0)


def test_the_open_drain_lowers_the_lower_tank_only() -> None:
    calm, disturbed = after(60, OPEN), after(60, OPEN._replace(drain=True))
    assert disturbed[two_tanks.LEVEL_LOWER] < calm[two_tanks.LEVEL_LOWER] / 2
    assert disturbed[two_tanks.LEVEL_UPPER] == calm[two_tanks.LEVEL_UPPER]


def test_equal_runs_give_equal_bits() -> None:
    assert after(20, OPEN).tobytes() == after(20, OPEN).tobytes()


def test_halving_the_step_halves_the_error() -> None:
    levels = [two_tanks.LEVEL_UPPER, two_tanks.LEVEL_LOWER]
    fine = after(8, OPEN, dt_s=0.00125)[levels]
    full = np.abs(after(8, OPEN, dt_s=0.02)[levels] - fine)
    half = np.abs(after(8, OPEN, dt_s=0.01)[levels] - fine)
    assert np.all(full < 2e-4)
    assert np.all((half < 0.6 * full) & (half > 0.3 * full))
