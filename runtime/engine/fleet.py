"""Many PLCs in one process: each with memory and faults of its own, their tasks on a few threads.

The code of a program is mapped once, whatever the number of its instances. All tasks of a PLC go to
one pool (`engine.pool`), so that no task waits for another one's border; PLCs go to the pool with
the least to do. The PLCs of a pool begin in groups, spread over their shortest interval: released
all at once, the last one would be late by the time of all others; released one by one, 2,000 of
them at 10 ms, a pool spent five sixths of its time in falling asleep and waking up.

A PLC can be withdrawn, begin again in its own memory and be admitted again while the others of its
pool run: the pool's loop does both between two scans, for a few PLCs at a time.
"""

import ctypes
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from runtime.artifact import abi
from runtime.artifact.program import CompiledProgram
from runtime.engine import native, plan
from runtime.engine.arena import Arena
from runtime.engine.memory import PlcMemory
from runtime.engine.scan import (
    EXECUTE,
    WATCH_NS_MIN,
    WATCH_PARTS,
    Ending,
    Execute,
    ProgramFault,
    Worker,
    executive_object,
    loop_object,
    program_faults,
)
from runtime.engine.settings import TaskSettings, task_settings
from runtime.image.segment import Image
from runtime.project.load import Project

POOL: Final = "takt_pool"
_SIGNATURE: Final = native.Signature("i64", ("ptr",))
START_DELAY_NS: Final = 20_000_000
"""From `begin` to the first release: the threads start in that time."""
GROUP_NS: Final = 250_000
"""Between the groups of PLCs whose releases coincide."""
JOURNAL_BYTES: Final = 1 << 14
"""Bytes of each PLC's journal, for its last hundred cycles: 2,000 PLCs share one machine."""
ORDER_PLCS: Final = 8
"""PLCs that one order to a pool is about: the others wait a few microseconds while it is obeyed."""
OBEYED_POLL_S: Final = 0.000_5
SCAN_OVERHEAD_NS: Final = 3_000
"""What a scan costs besides its code, for the spread over the pools."""

Serve = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Plc:
    """One PLC of a fleet."""

    program: CompiledProgram
    project: Project
    image: Image
    settings: tuple[TaskSettings, ...]
    memory: PlcMemory

    @property
    def faults(self) -> tuple[ProgramFault, ...]:
        """The faults of its tasks that have ended by one."""
        return program_faults(self.program, self.memory, self.settings)

    @property
    def faulted(self) -> int:
        """How many of its tasks have ended by a fault."""
        tasks = range(len(self.settings))
        return sum(self.memory.job_word(number, plan.JOB_FAULTED) != 0 for number in tasks)

    @property
    def is_over(self) -> bool:
        """Whether none of its tasks runs any more, by a fault."""
        return self.memory.word(plan.PLC_FAULTED) != 0

    @property
    def load(self) -> float:
        """Estimated share of a processor that it takes."""
        paths = zip(self.program.paths, self.settings, strict=True)
        return sum((path.ns + SCAN_OVERHEAD_NS) / item.interval_ns for path, item in paths)

    @property
    def shortest_ns(self) -> int:
        """Shortest interval of its tasks."""
        return min(item.interval_ns for item in self.settings)

    def begin_again(self, program: CompiledProgram, *, whole: bool) -> None:
        """Make its memory as it is before the first scan, while it is withdrawn.

        Args:
            program: The same one, with the state to begin with.
            whole: Whether that is the state that it had: then what is forced stays so.
        """
        origin_ns = self.memory.word(plan.PLC_ORIGIN_NS)
        self.memory.begin_again(program, whole=whole)
        self.memory.put_word(plan.PLC_ORIGIN_NS, origin_ns)

    def keep_step(self) -> None:
        """Let its releases count from soon on, in step with those that it had before."""
        origin_ns, step = self.memory.word(plan.PLC_ORIGIN_NS), self.shortest_ns
        earliest = time.monotonic_ns() + plan.FIRST_RELEASE_DELAY_NS
        steps = -(-(earliest - origin_ns) // step)
        self.memory.put_word(plan.PLC_ORIGIN_NS, origin_ns + steps * step)


class Pool:
    """The PLCs that one native thread serves."""

    def __init__(self, serve: Serve, plcs: Sequence[Plc], spin_ns: int) -> None:
        """Prepare it; the PLCs must stay alive with it."""
        self._serve, self.plcs = serve, tuple(plcs)
        jobs = [job for plc in plcs for job in plc.memory.jobs]
        heap_bytes = plan.HEAP_PAIRS + len(jobs) * plan.HEAP_PAIR_BYTES
        self._arena = Arena()
        self._block = self._arena.reserve(plan.WORKER_BYTES)
        job_list = self._arena.reserve(8 * len(jobs))
        self._ordered = self._arena.reserve(8 * len(jobs))
        waiting, ready = self._arena.reserve(heap_bytes), self._arena.reserve(heap_bytes)
        self._arena.map()
        self._arena.put(job_list, {8 * number: job for number, job in enumerate(jobs)})
        words = {
            plan.WORKER_SPIN_NS: spin_ns,
            plan.WORKER_JOBS: len(jobs),
            plan.WORKER_JOB_LIST: self._arena.base + job_list,
            plan.WORKER_WAITING: self._arena.base + waiting,
            plan.WORKER_READY: self._arena.base + ready,
            plan.WORKER_ORDER_LIST: self._arena.base + self._ordered,
        }
        self._arena.put(self._block, words)

    def begin(self, origin_ns: int) -> None:
        """Give each PLC the time from which its releases count, spread over the interval.

        Args:
            origin_ns: CLOCK_MONOTONIC of the first release of the first one.
        """
        for number, plc in enumerate(self.plcs):
            phase = plc.shortest_ns * number // len(self.plcs)
            group = phase // GROUP_NS * GROUP_NS
            plc.memory.put_word(plan.PLC_ORIGIN_NS, origin_ns + group)

    def serve(self) -> Ending:
        """Run the PLCs in real time until `stop`."""
        return Ending(self._serve(self._arena.base + self._block))

    def stop(self) -> None:
        """Ask the loop to end; it does so before its next scan, within `plan.SLICE_NS`."""
        self._word(plan.WORKER_STOP).value = 1

    def order(self, order: int, plcs: Sequence[Plc]) -> None:
        """Let the loop withdraw or admit some of its PLCs; return when it has.

        The loop must run. It obeys between two scans, and sleeps for `plan.SLICE_NS` at most.
        """
        jobs = [job for plc in plcs for job in plc.memory.jobs]
        self._arena.put(self._ordered, {8 * number: job for number, job in enumerate(jobs)})
        self._word(plan.WORKER_ORDER_JOBS).value = len(jobs)
        word = self._word(plan.WORKER_ORDER)
        word.value = order
        never = threading.Event()
        while word.value != plan.NO_ORDER:
            never.wait(OBEYED_POLL_S)

    def _word(self, offset: int) -> ctypes.c_int64:
        return ctypes.c_int64.from_address(self._arena.base + self._block + offset)


class Fleet:
    """PLCs and the pools that run them; the images must stay alive while it runs."""

    def __init__(
        self, members: Sequence[tuple[CompiledProgram, Project, Image]], pools: int
    ) -> None:
        """Lay out all memory and map the code; nothing runs yet.

        Args:
            members: A program, its project and its image each.
            pools: How many threads may run them.

        Raises:
            ImageError: An address of a project lies outside its program's areas.
        """
        self._codes: dict[str, native.NativeCode] = {}
        self.plcs = tuple(self._plc(*member) for member in members)
        self._pool_code = native.NativeCode(pool_object())
        serve: Serve = self._pool_code.function(POOL, ctypes.c_int64, ctypes.c_int64)
        spin_ns = max(plc.project.config.runtime.spin for plc in self.plcs)
        self.pools = tuple(Pool(serve, part, spin_ns) for part in shares(self.plcs, pools))
        watched = [
            job
            for plc in self.plcs
            for job, item in zip(plc.memory.jobs, plc.settings, strict=True)
            if item.watchdog_ns
        ]
        self._watchdog = self._watching(watched) if watched else None

    def begin(self) -> None:
        """Set the first releases; the pools' threads must start soon after."""
        origin_ns = time.monotonic_ns() + START_DELAY_NS
        for pool in self.pools:
            pool.begin(origin_ns)

    def withdraw(self, plcs: Sequence[Plc], *, hold: bool) -> None:
        """Let no task of some PLCs run any more; the others do not notice.

        Args:
            plcs: Of this fleet, while it runs; they may have faulted.
            hold: Whether their outputs stand, for a restart that goes on from here; else they are
                safe.
        """
        for plc in plcs:
            plc.memory.put_word(plan.PLC_HOLDS, int(hold))
        for pool, part in self._by_pool(plcs):
            pool.order(plan.WITHDRAW, part)

    def admit(self, plcs: Sequence[Plc]) -> None:
        """Let the tasks of PLCs run again that were withdrawn and have begun again."""
        for pool, part in self._by_pool(plcs):
            for plc in part:
                plc.keep_step()
            pool.order(plan.ADMIT, part)

    def _by_pool(self, plcs: Sequence[Plc]) -> Iterator[tuple[Pool, list[Plc]]]:
        """Yield a few of some PLCs at a time, all of one pool."""
        wanted = {id(plc) for plc in plcs}
        for pool in self.pools:
            mine = [plc for plc in pool.plcs if id(plc) in wanted]
            for first in range(0, len(mine), ORDER_PLCS):
                yield pool, mine[first : first + ORDER_PLCS]

    @property
    def is_watched(self) -> bool:
        """Whether any task has a longest execution, so that `watch` has work."""
        return self._watchdog is not None

    def watch(self) -> Ending:
        """Watch over the execution times until `stop`."""
        assert self._watchdog is not None
        limits = [item.watchdog_ns for plc in self.plcs for item in plc.settings]
        shortest = min(limit for limit in limits if limit)
        return self._watchdog.watch(max(WATCH_NS_MIN, shortest // WATCH_PARTS))

    def stop(self) -> None:
        """Ask all loops to end."""
        for pool in self.pools:
            pool.stop()
        if self._watchdog is not None:
            self._watchdog.stop()

    @property
    def regions(self) -> tuple[tuple[int, int], ...]:
        """Address and bytes of the memory that scans touch, besides code and stack."""
        return tuple(region for plc in self.plcs for region in plc.memory.regions)

    def _plc(self, program: CompiledProgram, project: Project, image: Image) -> Plc:
        if program.source_hash not in self._codes:
            self._codes[program.source_hash] = native.NativeCode(program.object_code)
        code, settings = self._codes[program.source_hash], task_settings(program, project)
        symbols = [abi.TASK_SYMBOL.format(number) for number in range(len(program.tasks))]
        entries = [code.address(symbol) for symbol in symbols]
        memory = PlcMemory(program, project, image, settings, entries, JOURNAL_BYTES)
        return Plc(program, project, image, settings, memory)

    def _watching(self, jobs: Sequence[int]) -> Worker:
        self._loop_code = native.NativeCode(executive_object())
        word = ctypes.c_int64
        execute: Execute = self._loop_code.function(EXECUTE, word, word, word, word, word)
        return Worker(execute, jobs, self.plcs[0].memory.heartbeat, 0)


def pool_object() -> bytes:
    """Return the machine code of the loop of a pool."""
    return loop_object("pool", "serve", _SIGNATURE, POOL)


def shares(plcs: Sequence[Plc], pools: int) -> list[list[Plc]]:
    """Return the PLCs of each pool: the heaviest ones first, each to the least loaded pool."""
    parts: list[list[Plc]] = [[] for _ in range(min(pools, len(plcs)))]
    loads = [0.0] * len(parts)
    for plc in sorted(plcs, key=lambda item: -item.load):
        least = loads.index(min(loads))
        parts[least].append(plc)
        loads[least] += plc.load
    return parts
