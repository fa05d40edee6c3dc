"""What all down-links of a project share: the image, the ids of the last hour, the audit log."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.cloud.carry_out import Effect, Errand, present_value
from gateway.cloud.lease import Gate, OpenGate
from gateway.config import COMMAND_LIFE_NS
from gateway.flow.command_rules import SeenIds, find_single, fitting_value
from gateway.flow.commands import Command, Moment, Reason, RefusalError, check_alive
from runtime.artifact.program import Symbol
from runtime.audit import AuditLog, stamped
from runtime.datatypes.elementary import Scalar
from runtime.datatypes.values import Json
from runtime.image.segment import Image
from runtime.project.uplinks import CommandRule

Record = Mapping[str, Json | None]


@dataclass(frozen=True, slots=True)
class Times:
    """Time and chance as arguments."""

    now: Callable[[], Moment]
    make_token: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Checked:
    """A command that may be carried out on the image it was checked against."""

    image: Image
    symbol: Symbol
    value: Scalar | str
    before: Json
    """The variable's value in the newest frame."""


class CommandDesk:
    """Checks commands against the program, carries them out, and writes down what happened."""

    def __init__(
        self,
        image: Callable[[], Image | None],
        audit: AuditLog,
        times: Times,
        gate: Gate | None = None,
    ) -> None:
        """Take the image that is served at a moment; the log is opened with its first line."""
        self.times = times
        self.gate: Gate = gate or OpenGate()
        self.seen = SeenIds()
        self._image, self._audit = image, audit
        self._writing = asyncio.Lock()

    async def restore(self) -> None:
        """Learn from the audit log which ids came before the gateway's start.

        Raises:
            OSError: The log cannot be read; commands may then come twice.
        """
        now = self.times.now()
        for command_id, seen_wall_ns, outcome in await asyncio.to_thread(self._recent, now.wall):
            seen_ns = now.monotonic - max(0, now.wall - seen_wall_ns)
            self.seen.restore(command_id, seen_ns, outcome)

    def _recent(self, wall_ns: int) -> list[tuple[str, int, str]]:
        """Return id, time of arrival and last outcome of the commands of the last hour."""
        found: dict[str, tuple[str, int, str]] = {}
        for record in self._audit.tail():
            match record:
                case {"id": str(command_id), "variable": str(), "time_ns": int(time_ns),
                      "outcome": str(outcome)} if outcome != Reason.DOUBLED:  # fmt: skip
                    first_ns = found[command_id][1] if command_id in found else time_ns
                    found[command_id] = command_id, first_ns, outcome
        return [item for item in found.values() if item[1] > wall_ns - COMMAND_LIFE_NS]

    def check(self, command: Command, rule: CommandRule) -> Checked:
        """Check a command against the program that runs now.

        Raises:
            RefusalError: It cannot be carried out now.
        """
        now = self.times.now()
        check_alive(command.deadline_ns, now.monotonic)
        image = self._image()
        self.gate.check(image.path if image is not None else None)
        if image is None:
            raise RefusalError(Reason.NOT_RUNNING, "no runtime is there")
        symbol = find_single(image.directory.symbols, command.variable)
        value = fitting_value(symbol, rule, command.value)
        return Checked(image, symbol, value, present_value(image, symbol, now.monotonic))

    async def carry_out(self, command: Command, checked: Checked) -> Effect | None:
        """Give a command to the program and wait for its effect; None where none was seen.

        Raises:
            RefusalError: It has expired meanwhile, another gateway commands, the image has changed,
                or the task refuses.
        """
        if self._image() is not checked.image:
            raise RefusalError(Reason.NOT_RUNNING, "the runtime was restarted meanwhile")
        errand = Errand(
            checked.image, checked.symbol, checked.value,
            deadline_ns=command.deadline_ns, clock=lambda: self.times.now().monotonic,
            gate=self.gate.check,
        )  # fmt: skip
        return await errand.effect(self._image)

    async def write_down(self, record: Record) -> None:
        """Append a line to the audit log, with the time; it is on disk before this returns.

        Raises:
            RefusalError: The disk does not take it.
        """
        line = stamped(record, self.times.now().wall)
        async with self._writing:
            try:
                await asyncio.to_thread(self._audit.append, line)
            except OSError as error:
                reason = error.strerror or str(error)
                raise RefusalError(
                    Reason.AUDIT, f"the audit log cannot be written ({reason})"
                ) from None
