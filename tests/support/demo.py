"""A demo in a process of its own, and its recording read while it grows."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_until

Record = dict[str, Any]
"""One line of the recording, see `runtime.app.recording`."""


@dataclass
class Demo:
    """A running `takt demo --plain --record`."""

    process: subprocess.Popen[str]
    file: Path
    records: list[Record] = field(default_factory=list)
    _read: int = 0

    def wait_for(self, condition: Callable[[Record], bool], timeout_s: float, what: str) -> Record:
        """Return the first record from now on that meets the condition."""
        self._take()
        seen = len(self.records)

        def found() -> bool:
            assert self.process.poll() is None, "the demo ended before its time"
            self._take()
            return any(condition(record) for record in self.records[seen:])

        wait_until(found, timeout_s, what)
        return next(record for record in self.records[seen:] if condition(record))

    def kill(self, name: str) -> int:
        """Kill a child with SIGKILL; return the time_ns of the last record before that."""
        last = self.wait_for(lambda record: record["processes"][name]["pid"] > 0, 30, f"a {name}")
        os.kill(last["processes"][name]["pid"], signal.SIGKILL)
        return int(last["time_ns"])

    def end(self) -> str:
        """End it as Ctrl-C does; return what it printed."""
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=20)
        self._take()
        return output

    def _take(self) -> None:
        if not self.file.exists():
            return
        with self.file.open() as file:
            file.seek(self._read)
            while (line := file.readline()).endswith("\n"):
                self.records.append(json.loads(line))
                self._read = file.tell()


def start_demo(folder: Path) -> Demo:
    """Start a demo whose recording goes into a folder."""
    file = folder / "recording.jsonl"
    # A job in a shell's background ignores Ctrl-C, and its children inherit that; ours must not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "runtime", "demo", "--plain", "--record", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    return Demo(process, file)
