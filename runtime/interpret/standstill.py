"""Loops that stand still: turns that leave all memory as it was are not repeated, but charged.

Nothing but the memory and the loop budget tells one turn from the next: where both begin with the
same memory they do the same. So a loop that has come back to a memory seen before goes round for
ever, and the fault `watchdog` finds it with that memory, once its budget is spent. It is looked for
after thousands of turns only, and again each time that the turns have doubled.
"""

from typing import Final

from runtime.interpret.machine import Machine

FIRST_LOOK: Final = 4096
"""Turns of a loop before its memory is kept."""
_PERIOD_MAX: Final = 8
"""Turns until it must have come back."""
_NEVER: Final = 1 << 62


class Standstill:
    """Looks whether one loop, from when it begins, comes back to a memory that it had."""

    __slots__ = ("_left", "_place", "_seen", "_since")

    def __init__(self) -> None:
        self._seen = b""
        self._place = 0
        self._since = 0
        self._left = 0

    def look(self, machine: Machine, turns: int, place: int = 0) -> int:
        """Look at the memory behind a turn; return the number of the next turn to look behind.

        Where the memory has come back, all whole rounds that the budget has room for are charged.

        Args:
            machine: What the loop works on.
            turns: How often it has turned, each turn charged.
            place: Where it goes on, if it has several places for that.
        """
        if self._since and self._place == place and machine.memory == self._seen:
            round_turns = self._left - machine.budget
            machine.budget %= round_turns
            return _NEVER
        if self._since and turns < self._since + _PERIOD_MAX:
            return turns + 1
        if self._since:
            self._since = 0
            return 2 * turns
        self._seen, self._place = bytes(machine.memory), place
        self._since, self._left = turns, machine.budget
        return turns + 1
