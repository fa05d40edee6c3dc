"""The programs of `programs/` as contenders: compiled by Takt, and as hand-written C built by gcc.

Both run scans in a row inside the same native driver (`c/driver.c`), so that nothing else is timed.
"""

import ctypes
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from runtime.app.simulate import CompiledStepper, find_symbol
from runtime.artifact.program import CompiledProgram
from runtime.build import compile_sources
from runtime.limits import LOOP_BUDGET
from runtime.source import read_source

HERE: Final = Path(__file__).parent
PROGRAMS: Final = HERE / "programs"
NAMES: Final = tuple(sorted(path.stem for path in PROGRAMS.glob("?_*.st")))
PERIOD_NS: Final = 10_000_000
CHECKED_SCANS: Final = (1, 2, 10, 100, 1000, 5000)
SUMS: Final = {"c_pid": "FSUM", "g_matmul": "TR", "h_plant": "FS"}
"""The variable that is the sum of the outputs of a program that computes with reals."""

OWN_COUNTERS: Final = {"b_timers": 100}
"""Scans up to which the digests on file hold: theirs count with a CTU that stops at PV, where the
standard's goes on. Behind them contenders are compared with each other alone."""

GCC: Final = ("gcc", "-std=gnu11", "-ffp-contract=off", "-fPIC", "-shared", "-fvisibility=hidden")
"""Without fused multiply-add, as the C standard has it, so that results are equal bit by bit."""
LEVELS: Final = {"gcc -O2": ("-O2",), "gcc -O3 -march=native": ("-O3", "-march=native")}


class Contender(Protocol):
    """One way to run a program."""

    name: str

    def run(self, count: int) -> int:
        """Run the next scans; return the time that they took, in ns."""

    def digest(self) -> tuple[int, float]:
        """Return the digest and the sum of the outputs after the last scan."""


class TaktProgram:
    """A program compiled by Takt."""

    def __init__(self, program: CompiledProgram, driver: ctypes.CDLL, name: str = "takt") -> None:
        """Map the code and prepare the first scan."""
        self.name = name
        self._stepper = CompiledStepper(program)
        self._run = driver.run_takt
        self._next = 1
        self._chk = program.memory.offset
        path = next(item.path for item in program.symbols).split(".")[0]
        total = SUMS.get(program.name)
        self._total = find_symbol(program.symbols, f"{path}.{total}") if total else None

    def run(self, count: int) -> int:
        """Run the next scans; return the time that they took, in ns."""
        task, base = self._stepper.entry(0)
        time_ns: int = self._run(task, base, self._next, count, PERIOD_NS, LOOP_BUDGET)
        self._next += count
        assert time_ns >= 0, f"{self.name}: a fault"
        return time_ns

    def digest(self) -> tuple[int, float]:
        """Return the digest and the sum of the outputs after the last scan."""
        state = self._stepper.state
        (chk,) = struct.unpack_from("<I", state, self._chk)
        if self._total is None:
            return chk, 0.0
        total = self._total.read(state)
        assert isinstance(total, float)
        return chk, total


class CProgram:
    """A program in C, built by gcc into a library of its own."""

    def __init__(self, name: str, library: Path, driver: ctypes.CDLL, level: str) -> None:
        """Load the library; each one keeps its own variables."""
        self.name = level
        self._library = ctypes.CDLL(str(library))
        self._run = driver.run_c
        self._next = 1
        self._has_sum = name in SUMS

    def run(self, count: int) -> int:
        """Run the next scans; return the time that they took, in ns."""
        time_ns: int = self._run(self._library.scan, self._next, count, PERIOD_NS)
        self._next += count
        return time_ns

    def digest(self) -> tuple[int, float]:
        """Return the digest and the sum of the outputs after the last scan."""
        total = ctypes.c_double.in_dll(self._library, "fchk").value if self._has_sum else 0.0
        return ctypes.c_uint32.in_dll(self._library, "chk").value, total


def compile_takt(name: str) -> CompiledProgram:
    """Return a program of `programs/` compiled."""
    return compile_text(PROGRAMS / f"{name}.st", name)


def compile_text(path: Path, name: str) -> CompiledProgram:
    """Return the compiled program of a file; ends the benchmark where it has errors."""
    compilation = compile_sources((read_source(path),), name)
    if compilation.program is None:
        sys.exit(f"{path}: {compilation.findings[0]}")
    return compilation.program


def build_c(source: Path, target: Path, options: Sequence[str]) -> Path:
    """Build a C file into a library."""
    if shutil.which("gcc") is None:
        sys.exit("gcc is missing; expected the Debian package gcc (make packages)")
    subprocess.run([*GCC, *options, "-o", str(target), str(source), "-lm"], check=True)
    return target


def load_driver(folder: Path) -> ctypes.CDLL:
    """Return the native loops that run scans."""
    driver = ctypes.CDLL(str(build_c(HERE / "c" / "driver.c", folder / "driver.so", ("-O2",))))
    driver.run_takt.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int64, ctypes.c_int64,
        ctypes.c_int64,
    ]  # fmt: skip
    driver.run_c.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int64, ctypes.c_int64]
    driver.run_takt.restype = driver.run_c.restype = ctypes.c_int64
    return driver


def c_contenders(name: str, folder: Path, driver: ctypes.CDLL) -> list[Contender]:
    """Return the C of a program at each level of optimisation."""
    result: list[Contender] = []
    for number, (level, options) in enumerate(LEVELS.items()):
        library = folder / f"{name}{number}.so"
        build_c(HERE / "c" / f"{name}.c", library, options)
        result.append(CProgram(name, library, driver, level))
    return result


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two contenders that differ after a scan."""

    scan: int
    name: str
    found: tuple[int, float]
    expected: tuple[int, float]

    def __str__(self) -> str:
        """Say what differs."""
        return (
            f"{self.name} after scan {self.scan}: {self.found[0]:08x} {self.found[1]!r}, "
            f"expected {self.expected[0]:08x} {self.expected[1]!r}"
        )


def mismatches(name: str, contenders: Sequence[Contender]) -> Iterator[Mismatch]:
    """Run the first scans; yield where digests differ: from each other, from those on file."""
    known = json.loads((PROGRAMS / "expected_digests.json").read_text(encoding="utf-8"))[name]
    done = 0
    for scan in CHECKED_SCANS:
        for item in contenders:
            item.run(scan - done)
        done = scan
        first = contenders[0].digest()
        on_file = (int(known["chk"][str(scan)], 16), first[1])
        if first != on_file and scan <= OWN_COUNTERS.get(name, scan):
            yield Mismatch(scan, contenders[0].name, first, on_file)
        for item in contenders[1:]:
            if item.digest() != first:
                yield Mismatch(scan, item.name, item.digest(), first)
