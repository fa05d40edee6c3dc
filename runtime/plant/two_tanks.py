"""Physics of a laboratory rig: two tanks in cascade with level and temperature, in numba.

    mains ─► pump ─► inlet valve ─► [upper tank, heater] ─► transfer valve ─► [lower tank] ─► outlet
                                          │ overflow                            │ overflow └► drain

Water leaves a tank through an orifice by Torricelli's law: flow = area · sqrt(2 g level), where
the area is the effective one, contraction included. Each step moves amounts of water and of heat
from one place to the next, limited by what is there, so mass and heat are conserved to rounding
whatever the step. The drain belongs to nobody's control: it is the disturbance.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

State = npt.NDArray[np.float64]
"""The state of the rig, a vector indexed by the constants below."""

LEVEL_UPPER: Final = 0
"""m"""
LEVEL_LOWER: Final = 1
"""m"""
TEMPERATURE_UPPER: Final = 2
"""°C"""
TEMPERATURE_LOWER: Final = 3
"""°C"""
INLET_POSITION: Final = 4
"""Opening of the inlet valve, 0 to 1"""
TRANSFER_POSITION: Final = 5
"""Opening of the transfer valve, 0 to 1"""
PUMP_SPEED: Final = 6
"""Share of the nominal speed, 0 to 1"""
DRAIN_POSITION: Final = 7
"""Opening of the drain, 0 to 1"""
INFLOW: Final = 8
"""m³/s, through the inlet valve in the last step"""
INFLOW_TOTAL: Final = 9
"""m³ that came in since the start"""
OUTFLOW_TOTAL: Final = 10
"""m³ that left through outlet and drain since the start"""
OVERFLOW_TOTAL: Final = 11
"""m³ that ran over since the start"""
STATE_SIZE: Final = 12

GRAVITY_M_S2: Final = 9.81
HEAT_CAPACITY_J_M3K: Final = 4.18e6
"""Of water, by volume."""
BOILING_C: Final = 100.0
FILM_M3: Final = 1e-6
"""Below this volume a tank is wet rather than filled: its water is as warm as the mains."""
STEP_S_MAX: Final = 0.05
"""Longest step: beyond it the smallest tank could empty in a few steps."""


class Parameters(NamedTuple):
    """Dimensions of the rig. A named tuple, because numba takes it as it is."""

    upper_area_m2: float = 0.0020
    lower_area_m2: float = 0.0020
    height_m: float = 0.30
    """Height of both tanks' overflow edges."""
    pump_flow_m3_s: float = 1.6e-4
    """At full speed with the inlet valve open."""
    transfer_area_m2: float = 8.0e-5
    """Effective area of the open transfer valve."""
    outlet_area_m2: float = 3.2e-5
    """Effective area of the lower tank's outlet, which is always open."""
    drain_area_m2: float = 4.5e-5
    """Effective area of the open drain."""
    valve_travel_s: float = 1.0
    """Time from closed to open of the two control valves."""
    drain_travel_s: float = 0.3
    pump_run_up_s: float = 0.5
    heater_power_w: float = 5000.0
    heater_height_m: float = 0.04
    """Up to here the heater stands in the upper tank; only its wetted part gives heat."""
    heat_loss_w_k: float = 1.5
    """Of each tank to the room."""
    mains_c: float = 15.0
    """Temperature of the water that comes in."""
    room_c: float = 20.0


class Inputs(NamedTuple):
    """What acts on the rig from outside. Openings and power are shares from 0 to 1."""

    inlet_valve: float = 0.0
    transfer_valve: float = 0.0
    heater: float = 0.0
    pump: bool = False
    heater_contactor: bool = False
    drain: bool = False


DEFAULT_PARAMETERS: Final = Parameters()


def initial_state(parameters: Parameters) -> State:
    """Return the rig at rest: tanks empty, valves closed, everything at the mains' temperature."""
    state = np.zeros(STATE_SIZE)
    state[TEMPERATURE_UPPER] = state[TEMPERATURE_LOWER] = parameters.mains_c
    return state


@njit(cache=True)
def step(state: State, inputs: Inputs, parameters: Parameters, dt_s: float) -> None:
    """Move `state` on by `dt_s` seconds (at most STEP_S_MAX), in place.

    Equal arguments give equal bits.
    """
    _move_actuators(state, inputs, parameters, dt_s)
    _move_water(state, inputs, parameters, dt_s)


@njit(cache=True)
def _approach(position: float, target: float, travel: float) -> float:
    wanted = min(max(target, 0.0), 1.0)
    return position + min(max(wanted - position, -travel), travel)


@njit(cache=True)
def _move_actuators(state: State, inputs: Inputs, parameters: Parameters, dt_s: float) -> None:
    valve, drain = dt_s / parameters.valve_travel_s, dt_s / parameters.drain_travel_s
    pump = dt_s / parameters.pump_run_up_s
    state[INLET_POSITION] = _approach(state[INLET_POSITION], inputs.inlet_valve, valve)
    state[TRANSFER_POSITION] = _approach(state[TRANSFER_POSITION], inputs.transfer_valve, valve)
    state[DRAIN_POSITION] = _approach(state[DRAIN_POSITION], 1.0 if inputs.drain else 0.0, drain)
    state[PUMP_SPEED] = _approach(state[PUMP_SPEED], 1.0 if inputs.pump else 0.0, pump)


@njit(cache=True)
def _torricelli(area_m2: float, level_m: float) -> float:
    return area_m2 * math.sqrt(2.0 * GRAVITY_M_S2 * max(level_m, 0.0))


@njit(cache=True)
def _mixed(volume_m3: float, temperature_c: float, heat_j: float, parameters: Parameters) -> float:
    """Return the temperature of a volume that holds `heat_j` above `temperature_c`."""
    if volume_m3 < FILM_M3:
        return parameters.mains_c
    return min(temperature_c + heat_j / (HEAT_CAPACITY_J_M3K * volume_m3), BOILING_C)


@njit(cache=True)
def _move_water(state: State, inputs: Inputs, parameters: Parameters, dt_s: float) -> None:
    upper_m3 = state[LEVEL_UPPER] * parameters.upper_area_m2
    lower_m3 = state[LEVEL_LOWER] * parameters.lower_area_m2
    upper_c, lower_c = state[TEMPERATURE_UPPER], state[TEMPERATURE_LOWER]

    # What flows in this step, each no more than is there.
    state[INFLOW] = parameters.pump_flow_m3_s * state[PUMP_SPEED] * state[INLET_POSITION]
    entered = state[INFLOW] * dt_s
    transfer_area = parameters.transfer_area_m2 * state[TRANSFER_POSITION]
    moved = min(_torricelli(transfer_area, state[LEVEL_UPPER]) * dt_s, upper_m3 + entered)
    outlet_area = parameters.outlet_area_m2 + parameters.drain_area_m2 * state[DRAIN_POSITION]
    left = min(_torricelli(outlet_area, state[LEVEL_LOWER]) * dt_s, lower_m3 + moved)

    # Heat of each tank relative to its own temperature: what comes in warmer or colder, the
    # heater, the loss to the room. What flows out takes its share along and changes nothing.
    wetted = min(state[LEVEL_UPPER] / parameters.heater_height_m, 1.0)
    power = parameters.heater_power_w * min(max(inputs.heater, 0.0), 1.0) * wetted
    upper_j = HEAT_CAPACITY_J_M3K * entered * (parameters.mains_c - upper_c) + dt_s * (
        (power if inputs.heater_contactor else 0.0)
        - parameters.heat_loss_w_k * (upper_c - parameters.room_c)
    )
    lower_j = HEAT_CAPACITY_J_M3K * moved * (
        upper_c - lower_c
    ) - dt_s * parameters.heat_loss_w_k * (lower_c - parameters.room_c)

    upper_m3 = upper_m3 + entered - moved
    lower_m3 = lower_m3 + moved - left
    state[TEMPERATURE_UPPER] = _mixed(upper_m3, upper_c, upper_j, parameters)
    state[TEMPERATURE_LOWER] = _mixed(lower_m3, lower_c, lower_j, parameters)

    upper_over = max(upper_m3 - parameters.height_m * parameters.upper_area_m2, 0.0)
    lower_over = max(lower_m3 - parameters.height_m * parameters.lower_area_m2, 0.0)
    state[LEVEL_UPPER] = (upper_m3 - upper_over) / parameters.upper_area_m2
    state[LEVEL_LOWER] = (lower_m3 - lower_over) / parameters.lower_area_m2
    state[INFLOW_TOTAL] += entered
    state[OUTFLOW_TOTAL] += left
    state[OVERFLOW_TOTAL] += upper_over + lower_over
