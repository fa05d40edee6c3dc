"""What does one value cost our OPC UA client and server beside plain asyncua?

Each row compares values per processor second of the side that it names; the other side is the same
process for both, so that neither the network nor the load of the machine decides. The last rows
update 10,000 variables each second and tell how old they are when they arrive.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from report import Goal, Report, Row, parse_options

from runtime.artifact.abi import CONTEXT_BYTES
from runtime.artifact.program import Area, Symbol
from runtime.datatypes.elementary import LREAL
from runtime.image.directory import Directory, TaskEntry
from runtime.image.layout import FRAME_HEADER, Mode, SectionKind
from runtime.image.segment import create_image, image_path

ROLES = str(Path(__file__).with_name("opcua_roles.py"))
SIZES = (100, 1_000, 10_000)
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Program:
    """An image whose variables change in every period."""

    def __init__(self, count: int, period_s: float) -> None:
        """Create the image and publish the first scan."""
        symbols = [Symbol(f"MAIN.V{n}", CONTEXT_BYTES + 8 * n, LREAL) for n in range(count)]
        self.state = np.zeros(CONTEXT_BYTES // 8 + count)
        self.state[CONTEXT_BYTES // 8 :] = range(count)
        directory = Directory(
            project="bench", tasks=(TaskEntry("Main", 10_000_000),), devices=(),
            outputs=Area(CONTEXT_BYTES, 0), state_bytes=8 * len(self.state),
            symbols=tuple(symbols), sites=(), input_area=Area(0, 0), memory_area=Area(0, 0),
        )  # fmt: skip
        self.image = create_image(image_path("bench"), directory, count, time.monotonic_ns())
        self.image.mode = Mode.RUNNING
        self.period_s = period_s
        self.changing = threading.Event()
        self.cycle = 0
        self._stop = threading.Event()
        self.scan()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def scan(self) -> None:
        """Publish one scan."""
        self.cycle += 1
        now = time.monotonic_ns()
        self.image.runtime_heartbeat_ns = now
        size = 8 * len(self.state)
        header = FRAME_HEADER.pack(self.cycle, now, now, now, 0, 0, 0, size, self.cycle, 0, 0)
        self.image.ring(SectionKind.FRAME).publish(header + self.state.tobytes())

    def _run(self) -> None:
        while not self._stop.wait(self.period_s if self.changing.is_set() else 0.05):
            if self.changing.is_set():
                self.state[CONTEXT_BYTES // 8 :] += 1.0
                self.scan()
            self.image.runtime_heartbeat_ns = time.monotonic_ns()

    def end(self) -> None:
        """Stop, and take the image away."""
        self._stop.set()
        self._thread.join()
        self.image.path.unlink(missing_ok=True)
        self.image.close()


class ServerProcess:
    """A server, where it listens, and what it costs."""

    def __init__(
        self, process: subprocess.Popen[str], endpoint: str, begin: Callable[[], object]
    ) -> None:
        """Take a server that listens; `begin` lets its values change."""
        self.process = process
        self.endpoint = endpoint
        self.begin = begin

    @property
    def cpu_s(self) -> float:
        """Processor seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        parts = fields.rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) * _TICK_S


@contextlib.contextmanager
def our_server(count: int, period_s: float) -> Iterator[ServerProcess]:
    """Run our server of a program whose variables change."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TAKT_IMAGE_DIR"] = folder
        program = Program(count, period_s)
        (Path(folder) / "bench.st").write_text("PROGRAM Main END_PROGRAM\n")
        (Path(folder) / "takt.toml").write_text(
            '[project]\nname = "bench"\n[[task]]\nname = "Main"\ninterval = "10ms"\n'
            'programs = ["Main"]\n[opcua]\nport = 0\nsecurity = ["None"]\nanonymous = true\n'
        )
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gateway", "opcua", folder],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        try:
            for line in process.stderr:
                record = json.loads(line)
                if "endpoint" in record:
                    yield ServerProcess(process, record["endpoint"], program.changing.set)
                    break
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
            program.end()


@contextlib.contextmanager
def asyncua_server(count: int, period_s: float) -> Iterator[ServerProcess]:
    """Run a plain asyncua server whose variables change."""
    process = subprocess.Popen(
        [sys.executable, ROLES, "server", "asyncua", str(count), str(period_s)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    wire = process.stdin

    def begin() -> None:
        wire.write("begin\n")
        wire.flush()

    try:
        port = json.loads(process.stdout.readline())["port"]
        yield ServerProcess(process, f"opc.tcp://127.0.0.1:{port}/bench", begin)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        wire.close()


def client(kind: str, what: str, server: ServerProcess, count: int, seconds: float) -> Any:
    """Run a client; return its report, with what the server spent meanwhile."""
    before = server.cpu_s
    done = subprocess.run(
        [sys.executable, ROLES, "client", kind, what, server.endpoint, str(count), str(seconds)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    report = json.loads(done.stdout)
    report["server_cpu"] = max(server.cpu_s - before, _TICK_S)
    return report


def rate(report: Any, side: str) -> float:
    """Return the values per processor second of a side."""
    return float(report["values"] / max(report[side], 1e-6))


@dataclass(frozen=True, slots=True)
class Pair:
    """Both servers with the same number of values, and how long to measure."""

    report: Report
    count: int
    rounds: int
    seconds: float
    ours: ServerProcess
    peer: ServerProcess

    def measure(self, kind: str, what: str, server: ServerProcess, seconds: float = 0) -> Any:
        """Run a client in a window of the report."""
        with self.report.window():
            return client(kind, what, server, self.count, seconds or self.seconds)

    def add(self, name: str, values: list[float], peer_values: list[float]) -> None:
        """Add a row that is to be ahead of plain asyncua."""
        goal = Goal(ratio_at_least=1.0)
        unit = "values/CPU s"
        title = f"{name} of {self.count}"
        self.report.rows.append(Row(title, unit, values, "asyncua", peer_values, goal))


def compare_reads(pair: Pair) -> None:
    """Compare reading, server beside server and client beside client."""
    ours_server, peer_server, ours_client, peer_client = [], [], [], []
    for _ in range(pair.rounds):
        fast = pair.measure("ours", "read", pair.ours)
        slow = pair.measure("ours", "read", pair.peer)
        plain = pair.measure("asyncua", "read", pair.ours)
        assert fast["sum"] == slow["sum"] == plain["sum"] == pair.count * (pair.count - 1) / 2
        ours_server.append(rate(fast, "server_cpu"))
        peer_server.append(rate(slow, "server_cpu"))
        ours_client.append(rate(fast, "cpu"))
        peer_client.append(rate(plain, "cpu"))
    pair.add("server, read", ours_server, peer_server)
    pair.add("client, read", ours_client, peer_client)


def compare_writes(pair: Pair) -> None:
    """Compare writing, client beside client."""
    ours, peers = [], []
    for _ in range(pair.rounds):
        ours.append(rate(pair.measure("ours", "write", pair.peer), "cpu"))
        peers.append(rate(pair.measure("asyncua", "write", pair.peer), "cpu"))
    pair.add("client, write", ours, peers)


def compare_changes(pair: Pair, period_s: float) -> None:
    """Compare telling changes, server beside server and client beside client."""
    ours_server, peer_server, ours_client, peer_client, ages, told = [], [], [], [], [], []
    length_s = max(pair.seconds, 4 * period_s)
    pair.ours.begin()
    pair.peer.begin()
    for _ in range(pair.rounds):
        fast = pair.measure("ours", "notify", pair.ours, length_s)
        slow = pair.measure("ours", "notify", pair.peer, length_s)
        plain = pair.measure("asyncua", "notify", pair.ours, length_s)
        ours_server.append(rate(fast, "server_cpu"))
        peer_server.append(rate(slow, "server_cpu"))
        ours_client.append(rate(fast, "cpu"))
        peer_client.append(rate(plain, "cpu"))
        ages.append(fast["age_ms"])
        told.append(fast["values"] / length_s)
    pair.add("server, changes", ours_server, peer_server)
    pair.add("client, changes", ours_client, peer_client)
    if pair.count == SIZES[-1]:
        age_goal = Goal(value_below=1000.0)
        title = f"oldest of {pair.count} changed each second"
        pair.report.rows.append(Row(title, "ms", ages, goal=age_goal))
        pair.report.rows.append(Row(f"told of {pair.count} changed each second", "1/s", told))


def main() -> None:
    """Measure and report."""
    question = "What does one value cost our OPC UA client and server beside plain asyncua?"
    report = Report(question, parse_options(question))
    rounds, seconds = (1, 0.5) if report.options.quick else (3, 4.0)
    for count in SIZES:
        period_s = 0.1 if count < SIZES[-1] else 1.0
        with our_server(count, period_s) as ours, asyncua_server(count, period_s) as peer:
            pair = Pair(report, count, rounds, seconds, ours, peer)
            compare_reads(pair)
            compare_writes(pair)
            compare_changes(pair, period_s)
    report.notes.append("the clients read the same sums from both servers")
    report.finish()


if __name__ == "__main__":
    main()
