"""Retained variables of a running project: restored before the first scan, saved beside the scan.

    start    files -> newest commit -> migrated to this program -> initial state
    running  newest scan frame -> packed values -> commit, where they changed (a thread of its own)
    stop     the last frame once more

The scan does nothing for it. Each scan publishes its state as a frame anyway, in a ring whose
writer never waits; the saver is one more reader, without real-time priority. A frame is the end of
one scan, so what is saved is of one scan too; frames of a scan that ended in a fault are left out.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from runtime.artifact import abi
from runtime.artifact.program import CompiledProgram
from runtime.image import layout
from runtime.image.layout import SectionKind
from runtime.image.segment import Image
from runtime.image.slots import Publication, SlotRing
from runtime.image.statistics import RetainCounts, RetainStatistics
from runtime.project.config import ProjectConfig
from runtime.project.load import Project
from runtime.retain.disk import Disk, FileDisk, Lock
from runtime.retain.layout import Packing, Window, packing_of, through, windows
from runtime.retain.migrate import Migration, migrate
from runtime.retain.store import Recovery, Stamp, Store, recover

logger = logging.getLogger(__name__)

_NAMES_SHOWN: Final = 20
_STAMP_AGE_NS: Final = 60_000_000_000
"""So long the time of the program may go on without a save where no value changes."""
_TELL_AGAIN_NS: Final = 60_000_000_000
"""So long the log is not told again of a disk that fails now and then."""
_NOW: Final = Window(abi.NOW_NS, abi.NOW_NS + 8)


def retain_folder(project: Project) -> Path:
    """Return the folder of a project's retained values."""
    chosen = project.config.retain.folder
    state = os.environ.get("TAKT_STATE")
    if chosen is not None:
        return project.folder / chosen
    return Path(state) if state else project.folder / "retain"


def disk_of(project: Project) -> FileDisk:
    """Return the two files of a project's retained values."""
    return FileDisk(retain_folder(project), project.config.project.name)


# -- start ----------------------------------------------------------------------------------------


def restore(
    program: CompiledProgram, packing: Packing, found: Recovery
) -> tuple[CompiledProgram, Migration | None]:
    """Return the program with retained values in its initial state, and what became of them.

    The program's time goes on from where the values are of: timers that are kept count on.
    """
    if found.commit is None:
        return program, None
    state = bytearray(program.initial_state)
    values, report = found.commit.values, Migration(kept=len(packing.layout.entries))
    if found.commit.layout != packing.layout:
        values, report = migrate(
            found.commit.layout, values, packing.layout, packing.pack(program.initial_state)
        )
    packing.unpack(values, state)
    state[_NOW.start : _NOW.end] = found.commit.stamp.program_ns.to_bytes(8, "little", signed=True)
    return replace(program, initial_state=bytes(state)), report


def report_recovery(
    plc: str, found: Recovery, report: Migration | None, files: tuple[Path, ...]
) -> None:
    """Say what was found of a PLC and what became of it."""
    for chain in found.chains:
        if chain.trouble:
            place = {"plc": plc, "file": str(files[chain.slot])}
            logger.warning("retained values: %s", chain.trouble, extra=place)
    if found.commit is None or report is None:
        lost = any(chain.trouble for chain in found.chains)
        level = logging.ERROR if lost else logging.INFO
        reason = "none of the files can be used" if lost else "nothing was saved before"
        text = "retained variables start as declared: %s"
        logger.log(level, text, reason, extra={"plc": plc})
        return
    facts: dict[str, object] = {
        "plc": plc,
        "cycle": found.commit.stamp.cycle,
        "saved_ns": found.commit.stamp.wall_ns,
        "kept": report.kept,
    }
    for name in ("new", "dropped", "reset"):
        names: list[str] = getattr(report, name)
        if names:
            facts[name] = names[:_NAMES_SHOWN]
            facts[f"{name}_count"] = len(names)
    loses = report.dropped or report.reset
    logger.log(logging.WARNING if loses else logging.INFO, "retained values restored", extra=facts)


# -- running --------------------------------------------------------------------------------------


class OvertakenError(Exception):
    """The scan published so fast that no frame could be copied whole."""


class FrameReader:
    """Reads kept values out of the newest frame of an image."""

    def __init__(self, ring: SlotRing, inputs: int, packing: Packing) -> None:
        """Take the ring of frames, the number of inputs in it, and what is kept."""
        self._ring = ring
        state = layout.FRAME_HEADER.size + -(-inputs // 8) * 8
        seen = windows(packing)
        self._spans = [
            slice(0, layout.FRAME_HEADER.size),
            *(slice(state + item.start, state + item.end) for item in (_NOW, *seen)),
        ]
        self._packing = through(packing, seen, layout.FRAME_HEADER.size + 8)
        self._taken = 0

    def pass_over(self) -> None:
        """Let the frames that there are be no news."""
        self._taken = self._ring.head

    def take(self) -> tuple[bytes, int, int] | None:
        """Return values, cycle and program time of a new frame; None without one.

        Raises:
            OvertakenError: There is a new one and it could not be copied.
        """
        found = self._ring.latest(self._spans)
        if found is None and self._ring.head > 0:
            raise OvertakenError
        if found is not None and _fault_of(found):
            found = self._ring.publication(found.number - 1, self._spans)
        if found is None or found.number == self._taken:
            return None
        self._taken = found.number
        cycle: int = layout.FRAME_HEADER.unpack_from(found.payload)[0]
        now = found.payload[layout.FRAME_HEADER.size : layout.FRAME_HEADER.size + 8]
        return self._packing.pack(found.payload), cycle, int.from_bytes(now, "little", signed=True)

    def forget(self) -> None:
        """Let the newest frame be taken again."""
        self._taken = 0


def _fault_of(frame: Publication) -> int:
    kind: int = layout.FRAME_HEADER.unpack_from(frame.payload)[4]
    return kind


@dataclass(slots=True)
class Saving:
    """Commits what a reader gives; a failing disk is said once and counted."""

    store: Store
    reader: FrameReader
    wall_ns: Callable[[], int]
    who: Mapping[str, str]
    """Which PLC it is and where the store writes, for the log."""
    failures: int = field(default=0)
    """Commits that failed."""
    failing: bool = field(default=False)
    """Whether the last commit did."""
    _told_ns: int | None = field(default=None)
    """Time of day at which the log was last told of a failure."""
    _is_told: bool = field(default=False)
    """Whether the log knows that it fails."""
    shown: RetainStatistics | None = field(default=None)
    """Where everyone sees the counters."""
    saved_wall_ns: int = field(default=0)
    """Time of day of the last commit."""
    _saved_ns: int = field(default=0)
    """Time of the program at the last commit."""

    def save(self, *, last: bool = False) -> None:
        """Commit the newest frame, where its values are not what was kept last.

        Args:
            last: Whether no further frame comes: the time of the program is kept in any case.
        """
        try:
            taken = self.reader.take()
        except OvertakenError:
            self._fail("no frame stays long enough to be copied", None)
            self._show()
            return
        if taken is not None:
            values, cycle, program_ns = taken
            stale = program_ns - self._saved_ns >= _STAMP_AGE_NS
            stamp = Stamp(cycle, program_ns, self.wall_ns())
            self.commit(values, stamp, always=last or stale)

    def commit(self, values: bytes, stamp: Stamp, *, always: bool = False) -> None:
        """Commit, and say where the disk begins or ceases to fail."""
        try:
            if self.store.commit(values, stamp, always=always):
                self._saved_ns, self.saved_wall_ns = stamp.program_ns, stamp.wall_ns
        except OSError as error:
            self.reader.forget()
            self._fail(error.strerror or str(error), error.filename)
        else:
            if self._is_told:
                facts = {**self.who, "failures": self.failures}
                logger.warning("retained values are saved again", extra=facts)
            self.failing = self._is_told = False
        self._show()

    def _fail(self, reason: str, file: str | None) -> None:
        """Count a failure; a disk that fails now and then fills the log once a minute at most."""
        self.failures += 1
        self.failing = True
        now_ns = self.wall_ns()
        if not self._is_told and (
            self._told_ns is None or not 0 <= now_ns - self._told_ns < _TELL_AGAIN_NS
        ):
            facts = {**self.who, "error": reason} | ({"file": file} if file else {})
            logger.error("retained values cannot be saved; trying again", extra=facts)
            self._told_ns, self._is_told = now_ns, True

    def _show(self) -> None:
        if self.shown is not None:
            store = self.store
            self.shown.show(
                RetainCounts(
                    store.commits, self.failures, store.written_bytes, self.saved_wall_ns,
                    self.failing, store.value_bytes,
                )
            )  # fmt: skip


class Keeper:
    """Restores retained values on entry, saves them until its end, and once more then.

    `program` is what to run. Enter it before the engine is made, leave it when no scan runs.
    """

    def __init__(self, project: Project, program: CompiledProgram, image: Image) -> None:
        """Read nothing yet."""
        self._project, self._image = project, image
        self._packing = packing_of(program.retained)
        self._disk = disk_of(project)
        name, folder = project.config.project.name, str(retain_folder(project))
        self._who = {"plc": name, "folder": folder}
        self._lock = Lock(retain_folder(project), project.config.project.name)
        self._locked = False
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._saving: Saving | None = None
        self._alone = threading.Lock()
        """Held while a commit is made: the saver's thread and a restart both make some."""
        self.program = program

    def __enter__(self) -> Self:
        """Restore, and begin to save.

        Raises:
            HostError: Another process writes these files.
        """
        if not self._packing.layout.entries:
            return self
        try:
            self._lock.__enter__()
            self._locked = True
        except OSError as error:
            facts = {**self._who, "error": error.strerror}
            logger.warning("retained values: the folder cannot be written", extra=facts)
        found = recover(self._disk)
        self.program, report = restore(self.program, self._packing, found)
        report_recovery(self._who["plc"], found, report, self._disk.paths)
        self._saving = self._begin(self._disk, found)
        self._thread = threading.Thread(target=self._run, name="retain", daemon=True)
        self._thread.start()
        return self

    def _begin(self, disk: Disk, found: Recovery) -> Saving:
        """Commit what the program starts with, where that is not what is kept already."""
        store = Store(disk, self._packing.layout, found)
        ring = self._image.ring(SectionKind.FRAME)
        reader = FrameReader(ring, self._image.directory.inputs, self._packing)
        shown = RetainStatistics(self._image.section(SectionKind.RETAIN_STATISTICS))
        saved_ns = 0 if found.commit is None else found.commit.stamp.wall_ns
        saving = Saving(store, reader, time.time_ns, self._who, shown=shown, saved_wall_ns=saved_ns)
        self._commit_beginning(saving, 0)
        return saving

    def _commit_beginning(self, saving: Saving, cycle: int) -> None:
        """Keep the values that the program begins with."""
        state = self.program.initial_state
        now = int.from_bytes(state[_NOW.start : _NOW.end], "little", signed=True)
        saving.commit(self._packing.pack(state), Stamp(cycle, now, time.time_ns()))

    def begin_again(self, program: CompiledProgram, cycle: int) -> None:
        """Keep what a restart begins with, at once: a loss of power does not undo it.

        Args:
            program: With the state that it begins with; no scan of it has run.
            cycle: The last one before.
        """
        self.program = program
        if self._saving is not None:
            with self._alone:
                self._saving.reader.pass_over()
                self._commit_beginning(self._saving, cycle)

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        _leave(_pinned(self._project.config))
        assert self._saving is not None
        while not self._end.wait(self._project.config.retain.interval / 1e9):
            with self._alone:
                self._saving.save()

    def __exit__(self, *_: object) -> None:
        """Save the last scan."""
        if self._thread is not None and self._saving is not None:
            self._end.set()
            self._thread.join()
            self._saving.save(last=True)
            facts = {
                **self._who,
                "commits": self._saving.store.commits,
                "bytes": self._saving.store.written_bytes,
                "failures": self._saving.failures,
            }
            if self._saving.failing:
                logger.error("the last retained values are not saved", extra=facts)
            else:
                logger.info("retained values saved", extra=facts)
        self._disk.close()
        if self._locked:
            self._lock.__exit__(None, None, None)


def _pinned(config: ProjectConfig) -> set[int]:
    """Return the processors that scans are pinned to."""
    resources = (item.cpu for item in config.resource)
    tasks = (item.cpu for item in config.task)
    return {cpu for cpu in (config.runtime.cpu, *resources, *tasks) if cpu is not None}


def _leave(processors: set[int]) -> None:
    """Keep this thread, and what it does to caches, away from some processors where it can be."""
    others = os.sched_getaffinity(0) - processors
    if processors and others:
        os.sched_setaffinity(0, others)
