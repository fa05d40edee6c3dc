"""The terminals of the two-tank rig by name: in which of its tables each one is, and where.

level_upper -> the rig's input register 0        pump -> its coil 0
"""

from typing import Final, Literal, NamedTuple

Table = Literal["input", "discrete", "holding", "coil"]


class Terminal(NamedTuple):
    """One terminal: sensors are inputs and discretes, what acts on the rig holdings and coils."""

    table: Table
    number: int

    @property
    def is_sensor(self) -> bool:
        """Whether programs read it."""
        return self.table in {"input", "discrete"}

    @property
    def bits(self) -> int:
        """16 for counts, of which 27648 are the full range; 1 for a switch."""
        return 16 if self.table in {"input", "holding"} else 1


NAMES: Final[dict[Table, tuple[str, ...]]] = {
    "input": (
        "level_upper", "level_lower", "temperature_upper", "temperature_lower", "inflow",
        "inlet_position", "transfer_position",
    ),
    "discrete": (
        "upper_not_full", "lower_not_full", "heater_covered", "pump_running", "drain_open",
    ),
    "holding": ("inlet_valve", "transfer_valve", "heater_power"),
    "coil": ("pump", "heater_contactor", "drain"),
}  # fmt: skip
TERMINALS: Final = {
    name: Terminal(table, number)
    for table, names in NAMES.items()
    for number, name in enumerate(names)
}
PLANTS: Final = {"two_tanks": TERMINALS}
"""The terminals of each plant, by their names."""
