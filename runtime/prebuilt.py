"""Programs that were compiled before: found by the hash of all that their code depends on.

Nothing of the compiler is imported here, so that a start of an unchanged program does without it:
loading it takes longer than all the rest of such a start.
"""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from runtime.artifact import cache
from runtime.artifact import program as artifact
from runtime.artifact.program import CompiledProgram
from runtime.diagnostics.diagnostic import Diagnostic, decode_findings, encode_findings
from runtime.engine.native import platform_key
from runtime.errors import TaktError
from runtime.project.load import Project
from runtime.project.plans import TaskPlan
from runtime.project.units import Address
from runtime.source import Source, read_source

_COMPILER: Final = (
    "artifact",
    "codegen",
    "datatypes",
    "engine",
    "model",
    "project/plans.py",
    "stdlib",
    "syntax",
    "timing",
    "build.py",
    "limits.py",
)
"""Folders and files that decide on a program's code."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """What compiling gives; `program` is None where there are errors among the findings."""

    sources: tuple[Source, ...]
    findings: tuple[Diagnostic, ...]
    program: CompiledProgram | None
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """All that is asked of the compiler."""

    sources: tuple[Source, ...]
    """The texts, in any order."""
    name: str
    """The program's; its code does not depend on it."""
    plans: tuple[TaskPlan, ...] | None = None
    """The tasks; None runs every PROGRAM in one task, or what a CONFIGURATION says."""
    channels: tuple[Address, ...] = ()
    """Addresses that the areas %I, %Q and %M must cover besides those in the sources."""

    @property
    def key(self) -> str:
        """The key of its result in the cache."""
        texts = [part for source in self.sources for part in (source.name, source.text)]
        return cache.key_of(
            _compiler_hash(), platform_key(), repr(self.plans), repr(self.channels), *texts
        )


def plans_of(project: Project) -> tuple[TaskPlan, ...]:
    """Return the tasks that a project's `takt.toml` declares."""
    return tuple(
        TaskPlan(task.name, task.programs, task.interval or 0, task.priority, task.single)
        for task in project.config.task
    )


def request_of(project: Project) -> Request:
    """Return what a project asks for; sources are named as seen from its folder."""
    sources = tuple(
        Source(str(path.relative_to(project.folder)), read_source(path).text)
        for path in project.sources
    )
    channels = tuple(
        address
        for entry in project.config.io
        for address in (entry.address, *(told for (told,) in entry.telling.values()))
    )
    return Request(sources, project.config.project.name, plans_of(project) or None, channels)


def fetch(request: Request) -> Compilation | None:
    """Return what was compiled before, or None; its warnings are said at each start."""
    key = request.key
    data, findings = cache.fetch(key), cache.fetch(_findings_key(key))
    if data is None or findings is None:
        return None
    try:
        program = replace(artifact.parse(data), name=request.name)
        return Compilation(request.sources, decode_findings(findings), program, cached=True)
    except TaktError:
        return None  # made by another version: made again


def keep(request: Request, program: CompiledProgram, findings: tuple[Diagnostic, ...]) -> None:
    """Keep what was compiled."""
    key = request.key
    cache.keep(key, artifact.dump(program))
    cache.keep(_findings_key(key), encode_findings(findings))


def _findings_key(key: str) -> str:
    return cache.key_of("findings", key)


@functools.cache
def _compiler_hash() -> str:
    """Return a hash of the compiler itself: another compiler may make other code."""
    folder = Path(__file__).parent
    named = [folder / part for part in _COMPILER]
    files = sorted(
        file for item in named for file in (item.rglob("*.py") if item.is_dir() else (item,))
    )
    return cache.key_of(*(file.read_bytes() for file in files))
