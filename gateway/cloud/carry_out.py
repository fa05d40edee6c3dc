"""One command through the image: given to its task, answered with its cycle, read back from it."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.config import COMMAND_PATIENCE_S, COMMAND_POLL_S
from gateway.flow.authority import silence_limit_ns
from gateway.flow.commands import Reason, RefusalError, check_alive
from gateway.flow.scans import decode_scan
from runtime.artifact.program import Symbol
from runtime.datatypes.elementary import Scalar
from runtime.datatypes.values import Json
from runtime.errors import ImageError
from runtime.image import layout
from runtime.image.commands import Commands, Ticket
from runtime.image.layout import CommandStatus, Mode, SectionKind
from runtime.image.segment import Image


@dataclass(frozen=True, slots=True)
class Effect:
    """What a command did."""

    task: str
    cycle: int
    """The task's, in which it took effect."""
    value: Json | None
    """The variable's at the end of that cycle; None where its frame was gone before it was read."""


def present_value(image: Image, symbol: Symbol, now_ns: int) -> Json:
    """Return a variable's value in the newest frame.

    Raises:
        RefusalError: No program is running there.
    """
    limit_ns = silence_limit_ns(task.interval_ns for task in image.directory.tasks)
    if image.mode is not Mode.RUNNING or now_ns - image.runtime_heartbeat_ns > limit_ns:
        raise RefusalError(Reason.NOT_RUNNING, "the program is not running")
    newest = image.ring(SectionKind.FRAME).latest()
    if newest is None:
        raise RefusalError(Reason.NOT_RUNNING, "the program has not run yet")
    return symbol.read(decode_scan(newest.number, newest.payload).state)


class Errand:
    """A command that the image has taken."""

    def __init__(
        self,
        image: Image,
        symbol: Symbol,
        value: Scalar | str,
        *,
        deadline_ns: int,
        clock: Callable[[], int],
        gate: Callable[[Path | None], None],
    ) -> None:
        """Give the command to the variable's task.

        Args:
            image: It, and the variable and value.
            symbol: A single value.
            value: Fits the variable.
            deadline_ns: The command's, CLOCK_MONOTONIC.
            clock: That clock.
            gate: Raises RefusalError where commands may not enter an image, at the last moment: the
                lock of the image's commands is held, and nothing comes between it and the command.

        Raises:
            RefusalError: It has expired, or will have before the task's next scan, or has no place.
        """

        def permit() -> None:
            if image.gateway_pid not in {0, os.getpid()}:
                text = f"gateway {image.gateway_pid} serves the image now"
                raise RefusalError(Reason.SUPERSEDED, text)
            gate(image.path)
            check_alive(deadline_ns, clock())

        self._image, self._symbol = image, symbol
        self._commands = Commands(image, permit)
        now_ns = clock()
        self._ring = image.ring(SectionKind.FRAME)
        self._first = self._ring.head + 1
        interval_ns = image.directory.tasks[self._commands.task_of(symbol)].interval_ns
        check_alive(deadline_ns, now_ns)
        if now_ns + interval_ns > deadline_ns:
            raise RefusalError(
                Reason.EXPIRED, "it expires before the next scan of its task is sure"
            )
        try:
            self._ticket: Ticket = self._commands.write(symbol, value)
        except ImageError as error:
            raise RefusalError(Reason.RUNTIME, str(error)) from None
        self._patience_s = COMMAND_PATIENCE_S + interval_ns / 1e9

    async def effect(self, current: Callable[[], Image | None]) -> Effect | None:
        """Wait for the scan; None where none came in time, or the image has changed.

        Raises:
            RefusalError: The task makes nothing of it.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._patience_s
        while current() is self._image:
            found = self._look(is_late=loop.time() > deadline_s)
            if found is not None:
                return found
            if loop.time() > deadline_s:
                return None
            await asyncio.sleep(COMMAND_POLL_S)
        return None

    def _look(self, *, is_late: bool) -> Effect | None:
        answer = self._commands.answer(self._ticket)
        if answer is None:
            return None
        task = self._image.directory.tasks[self._ticket.task].name
        if answer.status is not CommandStatus.APPLIED:
            raise RefusalError(Reason.RUNTIME, f"task {task} refuses it in cycle {answer.cycle}")
        found, is_there = self._read_back(answer.cycle)
        return Effect(task, answer.cycle, found) if is_there or is_late else None

    def _read_back(self, cycle: int) -> tuple[Json | None, bool]:
        """Return the value at the end of a cycle, and whether its frame is there, or gone."""
        head = self._ring.head
        header = slice(0, layout.FRAME_HEADER.size)
        for number in range(max(self._first, head - self._ring.slots + 1), head + 1):
            looked = self._ring.publication(number, [header])
            if looked is None:
                continue
            fields = layout.FRAME_HEADER.unpack(looked.payload)
            if fields[9] != self._ticket.task or fields[0] < cycle:
                continue
            whole = self._ring.publication(number) if fields[0] == cycle else None
            if whole is None:
                return None, True  # a later cycle: that of the command was overwritten
            return self._symbol.read(decode_scan(number, whole.payload).state), True
        return None, False
