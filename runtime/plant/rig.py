"""The rig as a device sees it: its terminals in counts and bits, its clock, its disturbance."""

from dataclasses import dataclass
from typing import Final

from runtime.plant import two_tanks
from runtime.plant.two_tanks import Inputs, Parameters, State

COUNTS_FULL: Final = 27_648
"""Counts of a full measuring range, as analogue modules of the trade give them."""
LEVEL_RANGE_M: Final = 0.30
TEMPERATURE_RANGE_C: Final = 100.0
FLOW_RANGE_M3_S: Final = 2.0e-4

HIGH_HIGH_M: Final = 0.28
"""The float switch of each tank opens above this level."""
HEATER_COVERED_M: Final = 0.05
"""The heater's dry-run switch closes above this level."""

STEP_S: Final = 0.005
CATCH_UP_S_MAX: Final = 0.5
"""A process that was held up longer than this loses the rest: the rig never runs in fast motion."""

INPUT_REGISTERS: Final = 7
DISCRETE_INPUTS: Final = 5
HOLDING_REGISTERS: Final = 3
COILS: Final = 3


@dataclass(frozen=True, slots=True)
class Disturbance:
    """When the drain opens by itself, counted from the pump's first start."""

    first_s: float = 12.0
    lasts_s: float = 4.0
    every_s: float = 30.0
    """From one opening to the next; `lasts_s` of 0 never opens it."""

    def is_open(self, running_s: float) -> bool:
        """Whether the drain is open at that time."""
        since = running_s - self.first_s
        return since >= 0 and since % self.every_s < self.lasts_s


class Rig:
    """The two tanks with their terminals. Give it commands, let time pass, read its sensors."""

    def __init__(
        self, disturbance: Disturbance, parameters: Parameters = two_tanks.DEFAULT_PARAMETERS
    ) -> None:
        """Stand at rest, empty, at time 0."""
        self.parameters = parameters
        self.state: State = two_tanks.initial_state(parameters)
        self._disturbance = disturbance
        self._commands = Inputs()
        self._steps = 0
        self._started_at_step: int | None = None

    def compile(self) -> None:
        """Compile the physics now: within the first step it would hold up the first answers."""
        two_tanks.step(self.state, self._commands, self.parameters, 0.0)

    def command(self, holding: list[int], coils: list[bool]) -> None:
        """Take set-points (counts) and switches.

        Args:
            holding: Inlet valve, transfer valve, heater power; 27648 is 100 %.
            coils: Pump, heater contactor, drain.
        """
        inlet, transfer, heater = (min(value / COUNTS_FULL, 1.0) for value in holding)
        pump, contactor, drain = coils
        self._commands = Inputs(inlet, transfer, heater, pump, contactor, drain)
        if pump and self._started_at_step is None:
            self._started_at_step = self._steps

    @property
    def time_s(self) -> float:
        """Time of the rig since its start."""
        return self._steps * STEP_S

    def advance_to(self, time_s: float) -> None:
        """Let time pass up to `time_s`, in whole steps, at most CATCH_UP_S_MAX of it.

        Returns with `time_s` behind where there was more: the caller moves its origin.
        """
        due = min(time_s - self.time_s, CATCH_UP_S_MAX)
        for _ in range(int(due / STEP_S + 1e-6)):
            inputs = self._commands._replace(drain=self._commands.drain or self._is_disturbed())
            two_tanks.step(self.state, inputs, self.parameters, STEP_S)
            self._steps += 1

    def _is_disturbed(self) -> bool:
        if self._started_at_step is None:
            return False
        return self._disturbance.is_open((self._steps - self._started_at_step) * STEP_S)

    def input_registers(self) -> list[int]:
        """Return levels, temperatures, inflow, valve positions (upper or inlet first), counts."""
        state = self.state
        return [
            _counts(state[two_tanks.LEVEL_UPPER], LEVEL_RANGE_M),
            _counts(state[two_tanks.LEVEL_LOWER], LEVEL_RANGE_M),
            _counts(state[two_tanks.TEMPERATURE_UPPER], TEMPERATURE_RANGE_C),
            _counts(state[two_tanks.TEMPERATURE_LOWER], TEMPERATURE_RANGE_C),
            _counts(state[two_tanks.INFLOW], FLOW_RANGE_M3_S),
            _counts(state[two_tanks.INLET_POSITION], 1.0),
            _counts(state[two_tanks.TRANSFER_POSITION], 1.0),
        ]

    def discrete_inputs(self) -> list[bool]:
        """Return upper and lower level below high-high, heater covered, pump runs, drain open.

        The first three are wired so that a broken wire trips: TRUE is well.
        """
        state = self.state
        return [
            bool(state[two_tanks.LEVEL_UPPER] < HIGH_HIGH_M),
            bool(state[two_tanks.LEVEL_LOWER] < HIGH_HIGH_M),
            bool(state[two_tanks.LEVEL_UPPER] > HEATER_COVERED_M),
            bool(state[two_tanks.PUMP_SPEED] > 0.9),  # noqa: PLR2004
            bool(state[two_tanks.DRAIN_POSITION] > 0.5),  # noqa: PLR2004
        ]


def _counts(value: float, full: float) -> int:
    """Return a measured value in counts, saturated at the ends of its range."""
    return round(min(max(value / full, 0.0), 1.0) * COUNTS_FULL)
