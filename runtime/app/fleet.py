"""The runtime process of many PLCs: instances of one project, or several projects, in pools.

    main thread    build each project once -> an image for each PLC -> watch for faults, carry out
                   orders to single PLCs -> clean up
    pool threads   a few: each runs its PLCs' tasks, earliest deadline first (`engine.pool`)

A PLC that faults stops alone, and restarts alone. An instance is named after its project and its
number, `press_7`: its image, its retained values, its log records and its reports bear that name.
"""

import contextlib
import functools
import logging
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from runtime.app.control import ControlServer
from runtime.app.directory import directory_of
from runtime.app.instances import FleetOptions, check_together, instances_of
from runtime.app.members import Group, Member, refused
from runtime.app.plc import EXIT_DEFECT, EXIT_FAULTED
from runtime.app.process import EXIT_COMPILE_ERRORS, alone, built, remove
from runtime.app.restart import Past
from runtime.app.retain_tools import start_cold
from runtime.app.retention import Keeper
from runtime.app.threads import (
    EXIT_STOPPED,
    PRIORITY_MAX,
    WATCH_THREAD,
    ScanThread,
    Wakeups,
    leaving_on_a_signal,
)
from runtime.artifact.program import CompiledProgram
from runtime.engine import realtime
from runtime.engine.fleet import Fleet, Plc
from runtime.image.directory import encode_names
from runtime.image.layout import Mode, SectionKind
from runtime.image.orders import control_path
from runtime.image.segment import Image, create_image, image_path
from runtime.image.statistics import TASK_TIMES, HistogramCopy, TaskStatistics
from runtime.project.load import Project, load_project

logger = logging.getLogger(__name__)

POOL_THREAD: Final = "takt-pool"
_LOOK_S: Final = 0.5
"""How often the main thread looks for PLCs that have faulted."""
REPORTS_MAX: Final = 8
"""Reports of faults that one look writes: what many PLCs share at once needs no more of them."""
_PERCENTILES: Final = (50, 99, 99.9, 99.99, 100)


def run_fleet(paths: Sequence[Path], options: FleetOptions) -> int:
    """Build projects and run them in one process until SIGTERM or SIGINT; return the exit status.

    Raises:
        TaktError: A project is faulty or runs already, or the machine refuses an image.
        UsageError: The projects cannot run together.
    """
    begun_ns = time.monotonic_ns()
    projects = [load_project(path) for path in paths]
    check_together(projects, options.instances)
    with leaving_on_a_signal():
        programs = [built(project) for project in projects]
    parts = [
        (program, instance)
        for project, program in zip(projects, programs, strict=True)
        if program is not None
        for instance in instances_of(project, options.instances)
    ]
    if None in programs:
        return EXIT_COMPILE_ERRORS
    for _, instance in parts if options.cold else ():
        start_cold(instance)
    with contextlib.ExitStack() as stack:
        for project in projects:
            stack.enter_context(alone(image_path(project.config.project.name)))
        wakeups = stack.enter_context(Wakeups())
        distinct = {program.source_hash: program for program, _ in parts}
        shared = {key: Shared.of(program) for key, program in distinct.items()}
        prepared = [
            _prepared(program, instance, shared[program.source_hash], stack)
            for program, instance in parts
        ]
        plcs = [(item.kept.program, item.project, item.image) for item in prepared]
        fleet = Fleet(plcs, options.pools or max(1, len(os.sched_getaffinity(0)) - 1))
        members = [
            Member(plc, Past(item.declared, item.image, item.kept))
            for plc, item in zip(fleet.plcs, prepared, strict=True)
        ]
        groups = [
            stack.enter_context(
                _taking_orders(project, members[number : number + options.instances], wakeups)
            )
            for number, project in zip(count(step=options.instances), projects, strict=False)
        ]
        return _run(fleet, groups, wakeups, begun_ns)


@contextlib.contextmanager
def _taking_orders(
    project: Project, members: Sequence[Member], wakeups: Wakeups
) -> Iterator[Group]:
    """Listen for orders to the PLCs of a project, for the block."""
    path = control_path(image_path(project.config.project.name))
    with ControlServer(path, wakeups.wake, lambda asked: refused(asked, members)) as control:
        yield Group(control, tuple(members))


@dataclass(frozen=True, slots=True)
class Shared:
    """What the images of all instances of a program have in common, made once."""

    names: str
    layout_hash: int

    @staticmethod
    def of(program: CompiledProgram) -> "Shared":
        """Return it for a program."""
        return Shared(
            encode_names(program.symbols, program.sites, program.units), program.layout_hash
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A PLC before its memory is laid out."""

    declared: CompiledProgram
    """As it was compiled; with its retained values it is `kept.program`."""
    project: Project
    image: Image
    kept: Keeper


def _prepared(
    program: CompiledProgram, project: Project, shared: Shared, stack: contextlib.ExitStack
) -> Prepared:
    """Create the image of a PLC and bring its retained values back."""
    path, directory = image_path(project.config.project.name), directory_of(project, program)
    now_ns = time.monotonic_ns()
    image = stack.enter_context(
        create_image(path, directory, shared.layout_hash, now_ns, shared.names)
    )
    stack.callback(remove, image)
    kept = stack.enter_context(Keeper(project, program, image))
    return Prepared(program, project, image, kept)


def _run(fleet: Fleet, groups: Sequence[Group], wakeups: Wakeups, begun_ns: int) -> int:
    with contextlib.ExitStack() as stack:
        grants = _wish(fleet, stack)
        threads = _threads(fleet, wakeups)
        logger.info("built", extra={"seconds": round((time.monotonic_ns() - begun_ns) / 1e9, 3)})
        for plc in fleet.plcs:
            plc.image.mode = Mode.READY
        fleet.begin()
        for thread in threads:
            thread.start()
        _report_start(fleet, grants)
        status = _watch(fleet, groups, wakeups, threads)
        fleet.stop()
        for thread in threads:
            thread.join()
    for plc in fleet.plcs:
        plc.image.mode = Mode.STOPPED
    _report_stop(fleet.plcs)
    return status


def _wish(fleet: Fleet, stack: contextlib.ExitStack) -> list[realtime.Grant]:
    wishes = [plc.project.config.runtime for plc in fleet.plcs]
    grants = []
    if any(wish.realtime_priority for wish in wishes):
        awake = stack.enter_context(contextlib.closing(realtime.AwakeProcessor()))
        grants.append(awake.grant)
    if any(wish.lock_memory for wish in wishes):
        grants.append(realtime.lock_memory(fleet.regions))
    realtime.populate(fleet.regions)
    return grants


def _threads(fleet: Fleet, wakeups: Wakeups) -> list[ScanThread]:
    """Return a thread for each pool, and the watchdog's where a task has a longest execution."""
    threads = []
    for number, pool in enumerate(fleet.pools):
        priority = max(item.fifo_priority for plc in pool.plcs for item in plc.settings)
        cpus = {item.cpu for plc in pool.plcs for item in plc.settings}
        cpu = cpus.pop() if len(cpus) == 1 else None
        name = f"{POOL_THREAD}-{number}"
        threads.append(ScanThread(name, pool.serve, priority, cpu, wakeups))
    if fleet.is_watched:
        top = max(item.fifo_priority for plc in fleet.plcs for item in plc.settings)
        priority = min(top + 1, PRIORITY_MAX) if top else 0
        threads.append(ScanThread(WATCH_THREAD, fleet.watch, priority, None, wakeups))
    return threads


def _watch(
    fleet: Fleet, groups: Sequence[Group], wakeups: Wakeups, threads: Sequence[ScanThread]
) -> int:
    """Report faults and carry orders out until a signal comes; return the exit status."""
    members = [member for group in groups for member in group.members]
    while not wakeups.wait(_LOOK_S):
        fresh = 0
        for member in members:
            fresh += member.look(reports=fresh < REPORTS_MAX)
        for group in groups:
            group.obey(fleet)
        if any(thread.over and thread.ending is None for thread in threads):
            logger.critical("a scan thread failed; this is a defect of Takt")
            return EXIT_DEFECT
    return EXIT_FAULTED if any(member.has_faulted for member in members) else EXIT_STOPPED


def _report_start(fleet: Fleet, grants: Iterable[realtime.Grant]) -> None:
    for grant in grants:
        logger.log(logging.INFO if grant.granted else logging.WARNING, "real time: %s", grant)
    facts = {"pid": os.getpid(), "plcs": len(fleet.plcs), "pools": len(fleet.pools)}
    logger.info("started", extra=facts)


def _report_stop(plcs: Sequence[Plc]) -> None:
    """Say how it went, all PLCs together."""
    sections = [
        TaskStatistics(plc.image.section(SectionKind.TASK_STATISTICS, number))
        for plc in plcs
        for number in range(len(plc.settings))
    ]
    facts: dict[str, object] = {
        name: sum(getattr(section, name) for section in sections)
        for name in ("scans", "overruns", "skipped")
    }
    for name in TASK_TIMES:
        merged = merge(getattr(section, name).copy() for section in sections)
        facts[f"{name}_ns"] = {f"p{rank:g}": merged.percentile(rank) for rank in _PERCENTILES}
    logger.info("stopped", extra={"plcs": len(plcs)} | facts)


def merge(copies: Iterable[HistogramCopy]) -> HistogramCopy:
    """Return the histogram of the values of at least one."""
    return functools.reduce(_sum, copies)


def _sum(left: HistogramCopy, right: HistogramCopy) -> HistogramCopy:
    return HistogramCopy(
        left.buckets + right.buckets, left.sum_ns + right.sum_ns, max(left.max_ns, right.max_ns)
    )
