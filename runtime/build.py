"""The compiler from end to end: sources in, a compiled program and findings out.

    tokens -> tree -> model -> LLVM -> object -> CompiledProgram

Stages meet here only. Code is kept on disk by the hash of all it depends on, so that an unchanged
program starts without compiling.
"""

import functools
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.artifact import cache
from runtime.artifact import program as artifact
from runtime.artifact.program import (
    Area,
    CompiledProgram,
    Site,
    Symbol,
    TaskInfo,
    TaskPath,
)
from runtime.diagnostics.diagnostic import (
    Diagnostic,
    Findings,
    decode_findings,
    encode_findings,
)
from runtime.errors import TaktError
from runtime.limits import AREA_BYTES_MAX, RECURSION_LIMIT
from runtime.model.build_model import build_model
from runtime.model.configure import TaskPlan
from runtime.model.effects import calls_of
from runtime.model.exchange import exchanges
from runtime.model.program import Model, Place
from runtime.project.load import Project
from runtime.project.units import Address, parse_address
from runtime.source import Source, Span, read_source
from runtime.syntax.lexer import tokenise
from runtime.syntax.namespaces import resolve_namespaces
from runtime.syntax.parser.cursor import Cursor
from runtime.syntax.parser.declarations import unit
from runtime.syntax.tokens import Token, TokenKind
from runtime.syntax.tree import Unit
from runtime.timing.path import worst_paths


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking gives: a model, or errors among the findings."""

    sources: tuple[Source, ...]
    findings: tuple[Diagnostic, ...]
    model: Model | None


@dataclass(frozen=True, slots=True)
class Compilation:
    """What compiling gives; `program` is None where there are errors among the findings."""

    sources: tuple[Source, ...]
    findings: tuple[Diagnostic, ...]
    program: CompiledProgram | None
    cached: bool = False


def check_sources(
    sources: tuple[Source, ...],
    plans: tuple[TaskPlan, ...] | None = None,
    channels: tuple[Address, ...] = (),
) -> Checked:
    """Return the model of some sources.

    Args:
        sources: The texts, in any order.
        plans: The tasks; None runs every PROGRAM in one task.
        channels: Addresses that the areas %I, %Q and %M must cover besides those in the sources.
    """
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
    findings = Findings()
    tokens = [tokenise(source, number, findings) for number, source in enumerate(sources)]
    units = tuple(
        parse(part, number, sources[number], findings) for number, part in enumerate(tokens)
    )
    model = build_model(
        resolve_namespaces(units, findings), plans, area_sizes(tokens, channels), findings
    )
    return Checked(sources, tuple(findings.sorted()), None if findings.errors else model)


def parse(tokens: list[Token], number: int, source: Source, findings: Findings) -> Unit:
    """Return the tree of one source."""
    return unit(Cursor(tokens, number, source, findings))


def area_sizes(tokens: list[list[Token]], channels: tuple[Address, ...]) -> dict[str, int]:
    """Return the bytes of the areas %I, %Q and %M: up to the last address that is used."""
    ends = dict.fromkeys("IQM", 0)
    used = [
        address
        for part in tokens
        for token in part
        if token.kind is TokenKind.DIRECT and (address := _address(token.text)) is not None
    ]
    for address in (*used, *channels):
        end = address.byte + max(address.width // 8, 1)
        if end <= AREA_BYTES_MAX:
            ends[address.area] = max(ends[address.area], -(-end // 8) * 8)
    return ends


def _address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except ValueError:
        return None  # reported where it is used


def compile_sources(
    sources: tuple[Source, ...],
    name: str,
    plans: tuple[TaskPlan, ...] | None = None,
    channels: tuple[Address, ...] = (),
) -> Compilation:
    """Return the compiled program of some sources, from the cache where nothing has changed."""
    key = _key(sources, plans, channels)
    kept = _fetch(key)
    if kept is not None:
        program, findings = kept
        return Compilation(sources, findings, replace(program, name=name), cached=True)
    checked = check_sources(sources, plans, channels)
    if checked.model is None:
        return Compilation(sources, checked.findings, None)
    from runtime.codegen.module import compile_model

    program = _program(name, checked.model, compile_model(checked.model), sources, key)
    cache.keep(key, artifact.dump(program))
    cache.keep(_findings_key(key), encode_findings(checked.findings))
    return Compilation(sources, checked.findings, program)


def plans_of(project: Project) -> tuple[TaskPlan, ...]:
    """Return the tasks that a project's `takt.toml` declares."""
    return tuple(
        TaskPlan(task.name, task.programs, task.interval or 0, task.priority, task.single)
        for task in project.config.task
    )


def build_project(project: Project) -> Compilation:
    """Return the compiled program of a project; sources are named as seen from its folder."""
    sources = tuple(
        Source(str(path.relative_to(project.folder)), read_source(path).text)
        for path in project.sources
    )
    channels = tuple(entry.address for entry in project.config.io)
    return compile_sources(
        sources, project.config.project.name, plans_of(project) or None, channels
    )


def _key(
    sources: tuple[Source, ...],
    plans: tuple[TaskPlan, ...] | None,
    channels: tuple[Address, ...],
) -> str:
    from runtime.engine.native import platform_key

    texts = [part for source in sources for part in (source.name, source.text)]
    return cache.key_of(_compiler_hash(), platform_key(), repr(plans), repr(channels), *texts)


@functools.cache
def _compiler_hash() -> str:
    """Return a hash of the compiler itself: another compiler may make other code."""
    folder = Path(__file__).parent
    files = sorted(
        file
        for part in (
            "artifact",
            "codegen",
            "datatypes",
            "engine",
            "model",
            "stdlib",
            "syntax",
            "timing",
        )
        for file in (folder / part).rglob("*.py")
    )
    return cache.key_of(*(file.read_bytes() for file in (*files, folder / "limits.py")))


def _findings_key(key: str) -> str:
    return cache.key_of("findings", key)


def _fetch(key: str) -> tuple[CompiledProgram, tuple[Diagnostic, ...]] | None:
    """Return a program that was kept with its warnings: they are said at each start."""
    data, findings = cache.fetch(key), cache.fetch(_findings_key(key))
    if data is None or findings is None:
        return None
    try:
        return artifact.parse(data), decode_findings(findings)
    except TaktError:
        return None  # made by another version: made again


def _program(
    name: str, model: Model, code: bytes, sources: tuple[Source, ...], key: str
) -> CompiledProgram:
    return CompiledProgram(
        name=name,
        object_code=code,
        initial_state=model.initial_state,
        inputs=Area(*model.inputs),
        outputs=Area(*model.outputs),
        memory=Area(*model.memory),
        tasks=tasks_of(model),
        symbols=symbols_of(model),
        sites=sites_of(model, sources),
        paths=paths_of(model, sources),
        source_hash=key,
        retained=model.retained,
        calls=call_graph(model),
    )


def tasks_of(model: Model) -> tuple[TaskInfo, ...]:
    """Return when the tasks of a model run."""
    return tuple(
        TaskInfo(
            task.name,
            task.interval_ns,
            task.priority,
            None if task.single is None else _symbol("SINGLE", task.single),
            task.resource,
            exchange,
            tuple((item.name, model.routines[item.routine].title) for item in task.instances),
        )
        for task, exchange in zip(model.tasks, exchanges(model), strict=True)
    )


def _symbol(path: str, place: Place) -> Symbol:
    return Symbol(path, place.offset, place.type, place.bit)


def symbols_of(model: Model) -> tuple[Symbol, ...]:
    """Return the symbol table of a model."""
    return tuple(
        replace(_symbol(item.path, item.place), direction=item.direction)
        for item in model.variables
    )


def paths_of(model: Model, sources: tuple[Source, ...]) -> tuple[TaskPath, ...]:
    """Return the longest path of each task of a model."""
    return tuple(
        TaskPath(
            task.name, path.ns, tuple(_file_and_line(span, sources) for span in path.unbounded)
        )
        for task, path in zip(model.tasks, worst_paths(model), strict=True)
    )


def sites_of(model: Model, sources: tuple[Source, ...]) -> tuple[Site, ...]:
    """Return the source map of a model's fault sites."""
    return tuple(
        Site(site.kind, *_file_and_line(site.span, sources), site.routine) for site in model.sites
    )


def call_graph(model: Model) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the routines of a model with those that each may call, as they are declared."""
    titles = {name: routine.title for name, routine in model.routines.items()}
    return tuple(
        (titles[caller], tuple(sorted(titles[callee] for callee in callees)))
        for caller, callees in calls_of(model).items()
        if callees
    )


def _file_and_line(span: Span, sources: tuple[Source, ...]) -> tuple[str, int]:
    source = sources[span.source]
    return source.name, source.position(span.start).line
