"""The report of a fault: what, where, with which values, and the scans that led to it.

The scan does nothing for it but its journal. When a task has faulted, the main thread writes one
file of JSON: the fault with the calls that led to it, their source lines and what these name; the
variables of the state in which the code faulted (nothing of it was committed; what its task does
not exchange is as others have committed it); and the last takes, commits and commands of all tasks,
with inputs and the variables that `[recorder]` names. `takt report` prints it.
"""

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final, Protocol

from runtime.app.command_text import told_command
from runtime.app.fault_lines import LineOf, lines_of, named_values, told_links
from runtime.app.named import recorded_symbols
from runtime.artifact.program import CompiledProgram, Symbol
from runtime.datatypes.values import Json
from runtime.engine.entries import Entry, Kind, entries_of
from runtime.engine.memory import PlcMemory
from runtime.engine.scan import ProgramFault
from runtime.engine.settings import TaskSettings
from runtime.errors import UsageError
from runtime.limits import REPORTED_VALUES_MAX
from runtime.project.load import Project
from runtime.source import read_source

logger = logging.getLogger(__name__)

VERSION: Final = 4


class Recorded(Protocol):
    """What a fault is read from: the engine of a PLC, or a PLC of a fleet."""

    @property
    def settings(self) -> tuple[TaskSettings, ...]:
        """How the tasks run."""

    @property
    def memory(self) -> PlcMemory:
        """What they run on."""

    @property
    def faults(self) -> tuple[ProgramFault, ...]:
        """The faults of those that have ended by one."""


class FlightRecorder:
    """Writes the reports of one engine's faults."""

    def __init__(
        self, project: Project, program: CompiledProgram, engine: Recorded, *, alone: bool = True
    ) -> None:
        """Let the engine note the chosen variables; call it before the engine runs.

        Args:
            project: Where the reports go.
            program: What runs.
            engine: What runs it.
            alone: Whether no other PLC writes reports there; else their files bear its name.

        Raises:
            ProjectError: `[recorder]` names a variable that the program does not have.
        """
        self._project, self._program, self._engine = project, program, engine
        self._chosen = recorded_symbols(project, program.symbols)
        engine.memory.note(self._chosen)
        self._label = "" if alone else f"{project.config.project.name}-"
        self._reported: set[str] = set()

    def fresh_faults(self) -> tuple[ProgramFault, ...]:
        """Return the faults that this has not returned before."""
        fresh = tuple(item for item in self._engine.faults if item.task not in self._reported)
        self._reported |= {item.task for item in fresh}
        return fresh

    def write(self, fault: ProgramFault, wall_ns: int) -> Path | None:
        """Write the report of a fault; return the file, None where the disk refuses it."""
        folder = self._project.folder / self._project.config.recorder.folder
        name = f"{wall_ns // 1_000_000_000}-{self._label}{fault.task}-{fault.cycle}.json"
        file = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(self.report(fault, wall_ns), indent=1), encoding="utf-8")
        except OSError as error:
            facts = {"file": str(file), "error": error.strerror}
            logger.error("the report of the fault cannot be written", extra=facts)  # noqa: TRY400
            return None
        return file

    def report(self, fault: ProgramFault, wall_ns: int) -> dict[str, object]:
        """Return the report of a fault as JSON holds it."""
        names = [item.name for item in self._engine.settings]
        task = names.index(fault.task)
        memory = self._engine.memory
        state = memory.private(task)
        if len(names) > 1:
            state = self._program.tasks[task].exchange.seen(state, memory.committed)
        entries = list(entries_of(memory.journal().last()))
        told = list(told_links(fault.chain, fault.site, self._lines()))
        return {
            "report": VERSION,
            "project": self._project.config.project.name,
            "wall_ns": wall_ns,
            "fault": {
                "kind": fault.kind.label,
                "task": fault.task,
                "cycle": fault.cycle,
                "file": fault.site.file if fault.site else None,
                "line": fault.site.line if fault.site else None,
                "routine": fault.site.routine if fault.site else None,
                "cause": fault.chain.cause,
                "limit": fault.limit,
                "instance": fault.chain.instance,
                "calls": [asdict(link) | {"source": line} for link, line in told],
                "source": told[-1][1] if told else "",
            },
            "named": named_values(told, self._program.symbols, state),
            "values": self._values(state),
            "scans": list(self._scans(entries, names)),
        }

    def _lines(self) -> LineOf:
        texts = {}
        for path in self._project.sources:
            with contextlib.suppress(UsageError):
                texts[str(path.relative_to(self._project.folder))] = read_source(path).text
        return lines_of(texts)

    def _values(self, state: bytes) -> dict[str, Json]:
        listed = self._program.symbols[:REPORTED_VALUES_MAX]
        return {symbol.path: symbol.read(state) for symbol in listed}

    def _scans(self, entries: list[Entry], names: list[str]) -> Iterator[dict[str, object]]:
        """Yield the entries of the last scans, the oldest first."""
        commits = [n for n, entry in enumerate(entries) if entry.kind is Kind.COMMIT]
        cycles = self._project.config.recorder.cycles
        first = commits[-cycles - 1] + 1 if len(commits) > cycles else 0
        for entry in entries[first:] if cycles else []:
            told: dict[str, object] = {
                "what": entry.kind.name.lower(),
                "sequence": entry.sequence,
                "task": names[entry.task],
                "cycle": entry.cycle,
            }
            if entry.kind is Kind.TAKE:
                told |= {"release_ns": entry.time_ns, "now_ns": entry.first}
                told |= {"inputs": entry.inputs.hex()} if entry.inputs else {}
            elif entry.kind is Kind.COMMIT:
                told |= {"end_ns": entry.time_ns, "faulted": entry.first != 0}
                told |= {"values": self._seen_values(entry)} if self._chosen else {}
            else:
                told |= told_command(entry.command, self._program.symbols)
            yield told

    def _seen_values(self, entry: Entry) -> dict[str, Json]:
        """Return the chosen variables that the task of a commit reads or writes."""
        found: dict[str, Json] = {}
        at = 0
        for symbol in self._chosen:
            if self._sees(entry.task, symbol):
                content = Symbol(symbol.path, at, symbol.type, symbol.bit)
                found[symbol.path] = content.read(entry.values)
            at += symbol.type.size
        return found

    def _sees(self, task: int, symbol: Symbol) -> bool:
        """Whether a task's copy of a variable is more than what it began with."""
        tasks, inputs = self._program.tasks, self._program.inputs
        if len(tasks) == 1 or inputs.offset <= symbol.offset < inputs.offset + inputs.size:
            return True
        return tasks[task].exchange.touches(symbol.offset, symbol.type.size)
