"""Repeat a recorded run in virtual time, in one thread, and compare it with the record.

Every take and commit of the record is done again in its order with the inputs it had. Where the
record holds a hash of the committed state, the repeated one must have the same.
"""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runtime.app.directory import directory_of
from runtime.artifact.exchange import Exchange
from runtime.artifact.program import CompiledProgram
from runtime.engine import plan
from runtime.engine.entries import Entry, Kind
from runtime.engine.handover import Force
from runtime.engine.record import Record
from runtime.engine.scan import ScanEngine
from runtime.image.commands import post
from runtime.image.layout import SectionKind
from runtime.image.segment import create_image
from runtime.interpret.tasks import InterpretedTasks
from runtime.model.program import Model
from runtime.project.config import ProjectConfig
from runtime.project.load import Project


class Replayer(Protocol):
    """An engine that is driven take by take."""

    def set_inputs(self, inputs: bytes) -> None:
        """Put %I into the committed state."""

    def command(self, task: int, command: bytes) -> None:
        """Let the next take of a task apply a command."""

    def take(self, entry: Entry) -> None:
        """Do a take as it was done."""

    def body(self, task: int) -> bool:
        """Run the code of a task; return whether it went without a fault."""

    def commit(self, task: int, *, faulted: bool) -> None:
        """Do a commit."""

    def digest(self) -> int:
        """Return the hash of the committed state."""


class CompiledReplayer:
    """The scan engine itself, on an image that nobody sees."""

    def __init__(
        self, program: CompiledProgram, folder: Path, forces: Sequence[Force] = ()
    ) -> None:
        """Prepare it; `folder` holds the image, `forces` are there from the beginning."""
        config = ProjectConfig.model_validate({"project": {"name": "replay"}})
        project = Project(folder, config, ())
        directory = directory_of(project, program)
        self._image = create_image(folder / "replay.image", directory, 0, 1)
        self._engine = ScanEngine(program, project, self._image)
        self._engine.memory.force(forces)
        self._inputs = program.inputs.offset
        self._engine.memory.put_word(plan.PLC_VIRTUAL, 1)
        self._started = False

    def set_inputs(self, inputs: bytes) -> None:
        """Put %I into the committed state."""
        self._engine.memory.poke(self._inputs, inputs)

    def command(self, task: int, command: bytes) -> None:
        """Let the next take of a task apply a command."""
        post(self._image.section(SectionKind.COMMANDS, task), [command])

    def take(self, entry: Entry) -> None:
        """Do a take as it was done."""
        if not self._started:
            self._started = True
            epoch = self._engine.memory.word(plan.PLC_EPOCH_NS)
            origin = entry.time_ns - entry.first + epoch
            self._engine.memory.put_word(plan.PLC_ORIGIN_NS, origin)
        self._engine.take(entry.task, entry.time_ns)

    def body(self, task: int) -> bool:
        """Run the code of a task; return whether it went without a fault."""
        return self._engine.body(task)

    def commit(self, task: int, *, faulted: bool) -> None:
        """Do a commit."""
        self._engine.commit(task, faulted=faulted)

    def digest(self) -> int:
        """Return the hash of the committed state."""
        return self._engine.digest(self._engine.state)

    def close(self) -> None:
        """Release the image."""
        self._image.close()


class InterpretedReplayer:
    """The interpreter, with the memory model in Python."""

    def __init__(
        self,
        model: Model,
        exchanges: tuple[Exchange, ...],
        hasher: ScanEngine,
        forces: Sequence[Force] = (),
    ) -> None:
        """Take the model; `hasher` makes the hashes, `forces` are there from the beginning."""
        self._tasks = InterpretedTasks(model, exchanges)
        self._tasks.hold(forces)
        self._inputs = model.inputs[0]
        self._hasher = hasher

    def set_inputs(self, inputs: bytes) -> None:
        """Put %I into the committed state."""
        self._tasks.master[self._inputs : self._inputs + len(inputs)] = inputs

    def command(self, task: int, command: bytes) -> None:
        """Let the next take of a task apply a command."""
        self._tasks.command(task, command)

    def take(self, entry: Entry) -> None:
        """Do a take as it was done."""
        self._tasks.take(entry.task, entry.first, entry.cycle)

    def body(self, task: int) -> bool:
        """Run the code of a task; return whether it went without a fault."""
        return self._tasks.body(task)

    def commit(self, task: int, *, faulted: bool) -> None:
        """Do a commit."""
        if not faulted:
            self._tasks.commit(task)

    def digest(self) -> int:
        """Return the hash of the committed state."""
        return self._hasher.digest(bytes(self._tasks.master))


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay found."""

    scans: int
    """Commits that were repeated."""
    compared: int
    """Hashes among them that were compared."""
    differs_at: Entry | None = None
    """The first commit whose state or fault is not that of the record."""
    digest: int = 0
    """Hash of the committed state at the end."""


def replay(entries: Iterable[Entry], engine: Replayer) -> ReplayResult:
    """Repeat takes and commits; stop at the first difference."""
    scans = compared = 0
    for entry in entries:
        if entry.kind is Kind.TAKE:
            if entry.inputs:
                engine.set_inputs(entry.inputs)
            engine.take(entry)
            continue
        if entry.kind is Kind.COMMAND:
            engine.command(entry.task, entry.command)
            continue
        faulted = not engine.body(entry.task)
        engine.commit(entry.task, faulted=faulted or entry.first != 0)
        scans += 1
        differs = faulted and entry.first == 0
        if entry.digest:
            compared += 1
            differs = differs or engine.digest() != entry.digest
        if differs:
            return ReplayResult(scans, compared, entry, engine.digest())
    return ReplayResult(scans, compared, None, engine.digest())


@contextlib.contextmanager
def compiled_replayer(
    program: CompiledProgram, forces: Sequence[Force] = ()
) -> Iterator[CompiledReplayer]:
    """Prepare a replayer of compiled code for the block; `forces` are there from the beginning."""
    with tempfile.TemporaryDirectory(prefix="takt-replay-") as folder:
        engine = CompiledReplayer(program, Path(folder), forces)
        try:
            yield engine
        finally:
            engine.close()


def replay_record(record: Record) -> ReplayResult:
    """Repeat a record with the code that it holds."""
    with compiled_replayer(record.program, record.forces) as engine:
        return replay(record, engine)
