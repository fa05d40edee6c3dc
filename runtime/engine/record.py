r"""A record: all that a run needs to be repeated bit by bit, as one file.

    b"TAKTREC\0" | uint32 version | uint32 header bytes | uint32 program bytes | reserved u32
    header (JSON) | compiled program | entries of the journal to the end of the file

The header tells what was forced already when the run began: a hot restart keeps that.

A thread without real-time priority appends what the journal holds; the scan does not wait for it.
"""

import contextlib
import json
import logging
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from runtime.artifact import program as artifact
from runtime.artifact.program import CompiledProgram
from runtime.engine.entries import DamagedError, Entry, JournalReader, end_of_whole, entries_of
from runtime.engine.handover import Force
from runtime.errors import HostError, TaktError

logger = logging.getLogger(__name__)

MAGIC: Final = b"TAKTREC\0"
VERSION: Final = 2
_PREFIX: Final = struct.Struct("<8sIIII")
WRITE_S: Final = 0.05
"""Period of writing to the file; the journal holds some 100 times as much."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read."""

    program: CompiledProgram
    hash_every: int
    entries: bytes
    forces: tuple[Force, ...] = ()
    """What was forced when it began."""
    cut_bytes: int = 0
    """Behind the entries: of one that was not written to its end."""

    def __iter__(self) -> Iterator[Entry]:
        """Yield the takes and commits in their order."""
        return entries_of(self.entries)


def read_record(path: Path) -> Record:
    """Return the record in a file.

    Raises:
        TaktError: It cannot be read or is none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TaktError(f"{path}: unreadable ({error.strerror}); expected a record") from None
    if len(content) < _PREFIX.size or content[:8] != MAGIC:
        raise TaktError(f"{path}: no record of a run; expected a file that starts with TAKTREC")
    _, version, header_bytes, program_bytes, _ = _PREFIX.unpack_from(content)
    if version != VERSION:
        raise TaktError(f"{path}: record of version {version}; expected version {VERSION}")
    start = _PREFIX.size + header_bytes
    end = start + program_bytes
    if len(content) < end:
        raise TaktError(f"{path}: cut off before the first scan; expected {end} bytes at least")
    try:
        header = json.loads(content[_PREFIX.size : start])
        program = artifact.parse(content[start:end])
        forces = tuple(Force(*words) for words in header["forces"])
        hash_every = header["hash_every"]
        size = end_of_whole(content[end:], tasks=len(program.tasks), inputs=program.inputs.size)
    except (ValueError, KeyError, TypeError):
        raise TaktError(f"{path}: damaged: its header is none of a record") from None
    except (DamagedError, TaktError) as error:
        raise TaktError(f"{path}: damaged: {error}") from None
    cut = len(content) - end - size
    return Record(program, hash_every, content[end : end + size], forces, cut)


class Recorder:
    """Writes a journal to a file beside the scan, from its entry to its end."""

    def __init__(
        self,
        path: Path,
        program: CompiledProgram,
        journal: JournalReader,
        hash_every: int,
        forces: Sequence[Force] = (),
    ) -> None:
        """Take what is recorded.

        Args:
            path: The file to write.
            program: With the state that the run begins with.
            journal: Of the run, which has not begun.
            hash_every: What the engine was told.
            forces: What is forced from the beginning.
        """
        self._path, self._program, self._journal = path, program, journal
        self._header = {"hash_every": hash_every, "forces": [astuple(item) for item in forces]}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        self._file: BinaryIO | None = None
        self.error: OSError | None = None
        """What ended the writing early, if anything did."""

    @property
    def lost_bytes(self) -> int:
        """Bytes that the journal had overwritten before they were written: 0, or no replay."""
        return self._journal.lost

    def __enter__(self) -> Self:
        """Create the file and begin to write.

        Raises:
            HostError: The file cannot be written.
        """
        header = json.dumps(self._header).encode()
        program = artifact.dump(self._program)
        try:
            self._file = self._path.open("wb")
            self._file.write(_PREFIX.pack(MAGIC, VERSION, len(header), len(program), 0))
            self._file.write(header + program)
        except OSError as error:
            raise HostError(f"{self._path}: cannot be written ({error.strerror})") from None
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Write what is left; call it when no scan runs any more."""
        self._end.set()
        self._thread.join()
        self._write()
        if self._file is not None:
            with contextlib.suppress(OSError):  # of what is left where the disk has failed before
                self._file.close()

    def _run(self) -> None:
        while not self._end.wait(WRITE_S):
            self._write()

    def _write(self) -> None:
        if self._file is None or self.error is not None:
            return
        try:
            self._file.write(self._journal.take())
            self._file.flush()
        except OSError as error:
            facts = {"file": str(self._path)}
            logger.error("the record ends here: %s", error.strerror, extra=facts)  # noqa: TRY400
            self.error = error
