"""The compiler from end to end: sources in, a compiled program and findings out.

    tokens -> tree -> model -> LLVM -> object -> CompiledProgram

Stages meet here only. What was compiled before is fetched (`prebuilt`); a process that starts looks
there first and imports this only where there is something to compile (`app.ready`).
"""

import re
import sys
from dataclasses import dataclass, replace
from typing import Final

from runtime import prebuilt
from runtime.artifact.calls import OWN, Call, Calls
from runtime.artifact.program import (
    Area,
    CompiledProgram,
    Site,
    Symbol,
    TaskInfo,
    TaskPath,
)
from runtime.diagnostics.diagnostic import Diagnostic, Findings
from runtime.limits import AREA_BYTES_MAX, RECURSION_LIMIT
from runtime.model.build_model import build_model
from runtime.model.exchange import exchanges
from runtime.model.numbered import NumberedCall
from runtime.model.program import Model, Place, Routine
from runtime.prebuilt import Compilation, Request
from runtime.project.load import Project
from runtime.project.plans import TaskPlan
from runtime.project.units import Address, parse_address
from runtime.source import Source, Span
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
    resolved = resolve_namespaces(units, findings)
    model = build_model(resolved, plans, area_sizes(tokens, channels), findings)
    return Checked(sources, tuple(findings.sorted()), None if findings.errors else model)


def parse(tokens: list[Token], number: int, source: Source, findings: Findings) -> Unit:
    """Return the tree of one source."""
    return unit(Cursor(tokens, number, source, findings))


def area_sizes(tokens: list[list[Token]], channels: tuple[Address, ...]) -> dict[str, int]:
    """Return the bytes of the areas %I, %Q and %M: up to the last address that is written down."""
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
    """Return the compiled program of some sources, made before where nothing has changed."""
    request = Request(sources, name, plans, channels)
    return prebuilt.fetch(request) or compile_request(request)


def build_project(project: Project) -> Compilation:
    """Return the compiled program of a project, made before where nothing has changed."""
    request = prebuilt.request_of(project)
    return prebuilt.fetch(request) or compile_request(request)


def compile_request(request: Request) -> Compilation:
    """Compile, and keep the result."""
    sources = request.sources
    checked = check_sources(sources, request.plans, request.channels)
    if checked.model is None:
        return Compilation(sources, checked.findings, None)
    from runtime.codegen.module import compile_model

    code = compile_model(checked.model)
    program = _program(request.name, checked.model, code, sources, request.key)
    prebuilt.keep(request, program, checked.findings)
    return Compilation(sources, checked.findings, program)


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
        calls=calls_of(model, sources),
        units=model.units,
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
        Site(site.kind, *_file_and_line(site.span, sources), site.routine, site.allowed)
        for site in model.sites
    )


def calls_of(model: Model, sources: tuple[Source, ...]) -> Calls:
    """Return the calls of each routine of a model that a task reaches, by their titles."""
    return {
        model.routines[callee].title: tuple(
            _call(call, model.routines[callee], model, sources) for call in calls
        )
        for callee, calls in model.ways.items()
    }


_CALLED: Final = re.compile(r"\w+(\^|\.\w+|\[[^\[\]\n]*(\[[^\[\]\n]*\][^\[\]\n]*)*\])*")
"""What is called, at the begin of a call: a name, its members and indices, references followed."""
_OWNER: Final = re.compile(r"(THIS|SUPER)\b\^?\.?", re.IGNORECASE)


def _call(call: NumberedCall, callee: Routine, model: Model, sources: tuple[Source, ...]) -> Call:
    if call.place is None:
        return Call(call.number, "", call.instance, instance=OWN)
    source = sources[call.place.source]
    written = _CALLED.match(source.text, call.place.start, call.place.end)
    name = _OWNER.sub("", written.group() if written else "", count=1)
    caller, (line, column) = model.routines[call.caller], source.position(call.place.start)
    instance = _called_instance(name, callee)
    told = "" if instance == OWN else name
    return Call(call.number, caller.title, told, source.name, line, column, instance)


def _called_instance(name: str, callee: Routine) -> str:
    """Return the part of what is called that is an instance."""
    if callee.instance is not None and callee.instance.name.upper() == callee.name:
        return name or OWN
    is_part = callee.is_method or callee.instance is not None
    return (name.rpartition(".")[0] or OWN) if is_part else ""


def _file_and_line(span: Span, sources: tuple[Source, ...]) -> tuple[str, int]:
    source = sources[span.source]
    return source.name, source.position(span.start).line
