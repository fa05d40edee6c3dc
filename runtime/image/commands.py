"""Commands to a running program: write a variable, hold it at a value, let it go.

    queue = Commands(image)
    ticket = queue.write(symbol, 5)
    queue.answer(ticket)            # None until the task's next take, then cycle and status

Each task has a queue in the image; what only one task writes is commanded through its own, so that
the value is not overwritten by that task's commit. Any number of processes may command: they lock
the image's file for the moment in which they write. The scan never waits for them.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.artifact.program import Symbol
from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.values import store
from runtime.errors import ImageError
from runtime.image import layout
from runtime.image.layout import CommandKind, CommandStatus, SectionKind
from runtime.image.segment import Image
from runtime.image.slots import fence
from runtime.image.words import HalfWords, Words

WHOLE_BYTE: Final = 0xFF
"""The mask of a value that is not a single bit."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A command that was given."""

    task: int
    number: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that are to stand at a place of the state."""

    offset: int
    content: bytes
    mask: int = WHOLE_BYTE
    """Of a single byte, the bits that are to change."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command."""

    status: CommandStatus
    cycle: int
    """The cycle of the task in which it took effect."""
    sequence: int
    """Number of that cycle's take among all takes and commits."""


class Commands:
    """Gives commands through an attached image."""

    def __init__(self, image: Image, permit: Callable[[], None] | None = None) -> None:
        """Command the program that runs on an image.

        Args:
            image: It.
            permit: Called with the lock held, as the last thing before a command is put in; what it
                raises keeps the command out.
        """
        self._image = image
        self._permit: Callable[[], None] = permit or _always
        count = len(image.directory.tasks)
        self._queues = [image.section(SectionKind.COMMANDS, number) for number in range(count)]

    def write(self, symbol: Symbol, value: bool | float | str) -> Ticket:  # noqa: FBT001
        """Give a variable a value once, at its task's next take.

        Raises:
            ImageError: The variable cannot be commanded, or too many commands wait.
        """
        return self._give(CommandKind.WRITE, symbol, value)

    def write_together(self, pieces: Sequence[Piece], commands_max: int) -> tuple[Ticket, ...]:
        """Set stretches of the state, all that are one task's at the same take of it.

        Neighbours are one command.

        Args:
            pieces: Whole values, which someone has checked against the program's symbols.
            commands_max: How many commands it may take.

        Raises:
            ValueError: It takes more of them.
            ImageError: Too many commands wait; nothing was commanded.
        """
        waiting: dict[int, list[Piece]] = {}
        for piece in pieces:
            _join(waiting.setdefault(self.task_at(piece.offset), []), piece)
        count = sum(map(len, waiting.values()))
        if count > commands_max:
            raise ValueError(f"{count} commands: expected {commands_max} at most")
        with self._alone():
            for task, own in waiting.items():
                self._check_room(task, len(own))
            self._permit()
            return tuple(
                Ticket(task, number)
                for task, own in waiting.items()
                for number in post(self._queues[task], [_encode_piece(piece) for piece in own])
            )

    def force(self, symbol: Symbol, value: bool | float | str) -> Ticket:  # noqa: FBT001
        """Hold a variable at a value until it is released.

        Raises:
            ImageError: The variable cannot be forced, or too many commands wait.
        """
        if symbol.type.size > layout.FORCE_VALUE_MAX:
            raise ImageError(f"{symbol.path} is {symbol.type}: expected a number or BOOL to force")
        return self._give(CommandKind.FORCE, symbol, value)

    def release(self, symbol: Symbol) -> Ticket:
        """Let a forced variable go.

        Raises:
            ImageError: The variable cannot be commanded, or too many commands wait.
        """
        return self._give(CommandKind.UNFORCE, symbol, value=None)

    def release_all(self) -> tuple[Ticket, ...]:
        """Let all forced variables go.

        Raises:
            ImageError: Too many commands wait.
        """
        return tuple(
            self._post(task, CommandKind.UNFORCE_ALL, 0, 0, b"")
            for task in range(len(self._queues))
        )

    def answer(self, ticket: Ticket) -> Answer | None:
        """Return what became of a command; None while it waits, or where 64 others came since."""
        queue = self._queues[ticket.task]
        words, slot = Words(queue), _slot(ticket.number)
        if words[layout.COMMANDS_APPLIED] < ticket.number:
            return None
        number, _, _, _, _, cycle, sequence, status = layout.COMMAND.unpack_from(queue, slot)
        fence()
        if number != ticket.number or words[slot] != number:
            return None
        return Answer(CommandStatus(status), cycle, sequence)

    def refuse_waiting(self) -> int:
        """Refuse what waits, for a runtime whose tasks do not run; return how many it was.

        They were meant for a program that stood; nobody expects them after its restart.
        """
        refused = 0
        with self._alone():
            for queue in self._queues:
                words, halves = Words(queue), HalfWords(queue)
                written, applied = words[layout.COMMANDS_WRITTEN], words[layout.COMMANDS_APPLIED]
                for number in range(applied + 1, written + 1):
                    halves[_slot(number) + layout.COMMAND_STATUS] = CommandStatus.REFUSED
                fence()
                words[layout.COMMANDS_APPLIED] = written
                refused += written - applied
        return refused

    def _give(
        self,
        kind: CommandKind,
        symbol: Symbol,
        value: bool | float | str | None,  # noqa: FBT001
    ) -> Ticket:
        data_type = symbol.type
        if symbol.is_read_only:
            text = f"{symbol.path} is {symbol.sealed_by}: expected what may be written to command"
            raise ImageError(text)
        if not isinstance(data_type, Elementary) or data_type.kind is Kind.REFERENCE:
            raise ImageError(f"{symbol.path} is {data_type}: expected a single value to command")
        if data_type.size > layout.COMMAND_VALUE_MAX:
            limit = layout.COMMAND_VALUE_MAX
            raise ImageError(
                f"{symbol.path} takes {data_type.size} bytes: expected {limit} at most"
            )
        mask = WHOLE_BYTE if symbol.bit < 0 else 1 << symbol.bit
        content = bytearray(data_type.size)
        if symbol.bit >= 0:
            content[0] = mask if value else 0
        elif value is not None:
            store(content, 0, data_type, value)
        return self._post(self.task_of(symbol), kind, mask, symbol.offset, bytes(content))

    def task_of(self, symbol: Symbol) -> int:
        """Return the task that alone writes a variable, else the first one."""
        return self.task_at(symbol.offset)

    def task_at(self, offset: int) -> int:
        """Return the task that alone writes a place of the state, else the first one."""
        for number, task in enumerate(self._image.directory.tasks):
            if any(start <= offset < start + size for start, size in task.owned):
                return number
        return 0

    def _check_room(self, task: int, count: int) -> None:
        words = Words(self._queues[task])
        written, applied = words[layout.COMMANDS_WRITTEN], words[layout.COMMANDS_APPLIED]
        if written - applied + count > layout.COMMAND_SLOTS:
            name = self._image.directory.tasks[task].name
            text = f"{written - applied} commands wait for task {name!r}: expected it to run"
            raise ImageError(text)

    def _post(self, task: int, kind: CommandKind, mask: int, offset: int, content: bytes) -> Ticket:
        with self._alone():
            self._check_room(task, 1)
            self._permit()
            (number,) = post(self._queues[task], [_encode(kind, mask, offset, content)])
            return Ticket(task, number)

    def _alone(self) -> AbstractContextManager[None]:
        return command_lock(self._image.path)


@contextlib.contextmanager
def command_lock(image: Path, *, is_patient: bool = True) -> Iterator[None]:
    """Keep other processes and threads that command out for the moment.

    Raises:
        ImageError: The image is gone, or the lock, unless patience is asked for.
    """
    try:
        descriptor = os.open(image, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        raise ImageError(f"{image}: gone; expected a running runtime") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if is_patient else fcntl.LOCK_NB))
        except BlockingIOError:
            raise ImageError(f"{image}: another process commands at this moment") from None
        yield
    finally:
        os.close(descriptor)


def post(queue: memoryview, commands: Sequence[bytes]) -> range:
    """Put commands with their values into a queue that has room; return their numbers.

    The task sees all of them or none.
    """
    words = Words(queue)
    first = words[layout.COMMANDS_WRITTEN] + 1
    numbers = range(first, first + len(commands))
    for number, command in zip(numbers, commands, strict=True):
        slot = _slot(number)
        words[slot] = 0
        queue[slot + 8 : slot + len(command)] = command[8:]
        fence()
        words[slot] = number
    fence()
    words[layout.COMMANDS_WRITTEN] = numbers.stop - 1
    return numbers


def _always() -> None:
    """Permit everything."""


def _encode(kind: CommandKind, mask: int, offset: int, content: bytes) -> bytes:
    fields = (0, kind, mask, offset, len(content), 0, 0, CommandStatus.WAITING)
    return layout.COMMAND.pack(*fields) + content


def _encode_piece(piece: Piece) -> bytes:
    return _encode(CommandKind.WRITE, piece.mask, piece.offset, piece.content)


def _join(pieces: list[Piece], piece: Piece) -> None:
    """Add a piece behind others of a task, to the last of them where it goes on there."""
    before = pieces[-1] if pieces else None
    if (
        before is not None
        and before.mask == piece.mask == WHOLE_BYTE
        and before.offset + len(before.content) == piece.offset
        and len(before.content) + len(piece.content) <= layout.COMMAND_VALUE_MAX
    ):
        pieces[-1] = Piece(before.offset, before.content + piece.content)
    else:
        pieces.append(piece)


def _slot(number: int) -> int:
    return layout.COMMANDS_HEADER_BYTES + number % layout.COMMAND_SLOTS * layout.COMMAND_BYTES
