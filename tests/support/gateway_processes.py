"""Processes for tests of the uplinks: `gateway run`, and `gateway cloud` receiving."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import wait_until

PATIENCE_S = 30.0


@dataclass
class Process:
    """A process of the gateway, and where its output goes."""

    process: subprocess.Popen[bytes]
    log: Path

    def messages(self) -> str:
        return self.log.read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def gateway(folder: Path, *arguments: str) -> AbstractContextManager[Process]:
    """Run `python -m gateway …` to the end of the block."""
    return _running(folder / f"{arguments[0]}.log", "gateway", *arguments)


def runtime_half(folder: Path, project: Path) -> AbstractContextManager[Process]:
    """Run a project's runtime to the end of the block."""
    return _running(folder / "runtime.log", "runtime", "runtime", str(project))


@contextmanager
def _running(log: Path, package: str, *arguments: str) -> Iterator[Process]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", package, *arguments], stdout=output, stderr=output
        )
    try:
        yield Process(process, log)
    finally:
        process.kill()
        process.wait()


@dataclass
class Consumer:
    """`takt cloud` with a file of SQLite."""

    process: Process
    file: Path

    def await_connected(self) -> None:
        """Wait until its table is made and the broker knows it."""
        wait_until(lambda: '"connected"' in self.process.messages(), PATIENCE_S, "the consumer")

    def samples(self) -> int:
        """Return how many samples it has kept."""
        if not self.file.exists():
            return 0
        with closing(sqlite3.connect(self.file)) as database:
            try:
                count: int = database.execute("SELECT count(*) FROM sample").fetchone()[0]
            except sqlite3.OperationalError:  # the table is still to be made
                return 0
        return count

    def account(self) -> dict[str, object]:
        """End it; return its account of the one stream there is."""
        self.process.end()
        last = json.loads(self.process.messages().splitlines()[-1])
        (account,) = last["streams"].values()
        found: dict[str, object] = account
        return found


@contextmanager
def consumer(folder: Path, url: str) -> Iterator[Consumer]:
    """Receive from a broker to the end of the block."""
    file = folder / "received.db"
    with gateway(folder, "cloud", url, "--to", str(file), "--seconds", "1") as process:
        yield Consumer(process, file)
