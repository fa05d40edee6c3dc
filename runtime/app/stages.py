"""What `takt show` prints: the output of each stage of the compiler, one line a thing."""

import dataclasses
import enum
from collections.abc import Callable, Iterator
from typing import Final

from runtime.build import check_sources, parse
from runtime.datatypes.derived import DataType
from runtime.diagnostics.diagnostic import Diagnostic, Findings
from runtime.model.program import Model
from runtime.prebuilt import Request
from runtime.retain.layout import exact_spans
from runtime.source import Span
from runtime.stdlib.declare import StandardBlock, StandardFunction
from runtime.syntax.lexer import tokenise
from runtime.syntax.tokens import TokenKind

Shown = tuple[str | None, tuple[Diagnostic, ...]]


def print_stage(stage: str, request: Request) -> Shown:
    """Return a stage's output for what was asked, None where that is wrong, and the findings."""
    return _STAGES[stage](request)


def _tokens(request: Request) -> Shown:
    findings = Findings()
    lines = []
    for number, source in enumerate(request.sources):
        for token in tokenise(source, number, findings):
            if token.kind is not TokenKind.END:
                line, column = source.position(token.start)
                lines.append(f"{line:5}:{column:<4} {token.kind.value:14} {token.text}")
    return "\n".join(lines), tuple(findings.sorted())


def _tree(request: Request) -> Shown:
    findings = Findings()
    parts: list[str] = []
    for number, source in enumerate(request.sources):
        tokens = tokenise(source, number, findings)
        parts += outline(parse(tokens, number, source, findings))
    return (None if findings.errors else "\n".join(parts)), tuple(findings.sorted())


def outline(node: object, depth: int = 0) -> Iterator[str]:
    """Yield an indented line for each node below `node`, with its plain values."""
    indent = "  " * depth
    if isinstance(node, tuple | list) and not isinstance(node, Span):
        for item in node:
            yield from outline(item, depth)
        return
    if not dataclasses.is_dataclass(node):
        if node is not None:
            yield f"{indent}{node!r}"
        return
    shown = [
        (item.name, getattr(node, item.name))
        for item in dataclasses.fields(node)
        if getattr(node, item.name) != item.default
    ]
    words = [f"{name}={word}" for name, value in shown if (word := _word(value)) is not None]
    yield " ".join([f"{indent}{type(node).__name__}", *words])
    for name, value in shown:
        if _word(value) is None and value and not isinstance(value, Span):
            yield f"{indent}  .{name}"
            yield from outline(value, depth + 2)


def _word(value: object) -> str | None:
    """Return a value as one word, or None for what has lines of its own or says nothing."""
    if isinstance(value, DataType):
        return repr(str(value))
    if isinstance(value, StandardBlock | StandardFunction):
        return repr(value.name)
    if isinstance(value, enum.Enum):
        return repr(value.value)
    if value is None or isinstance(value, tuple) or dataclasses.is_dataclass(value):
        return None
    return repr(value)


def _model(request: Request) -> Shown:
    return _of_model(request, lambda model: "\n".join(_model_lines(model)))


def _model_lines(model: Model) -> Iterator[str]:
    for letter, (offset, size) in zip(
        "IQM", (model.inputs, model.outputs, model.memory), strict=True
    ):
        yield f"area %{letter} offset {offset} bytes {size}"
    for variable in model.variables:
        bit = f" bit {variable.place.bit}" if variable.place.bit >= 0 else ""
        place = variable.place
        yield f"variable {variable.path} : {place.type} offset {place.offset}{bit}"
    for item in model.retained:
        symbol = item.symbol
        kept = ", ".join(f"{at}+{size}" for at, size in exact_spans(symbol.offset, symbol.type))
        yield f"{item.retention.name.lower()} {symbol.path} : {symbol.type} bytes {kept}"
    for task in model.tasks:
        instances = ", ".join(item.name for item in task.instances)
        yield f"task {task.name}: {instances}"
    for routine in model.routines.values():
        yield f"routine {routine.name}"
        yield from outline(routine.body, 1)


def _llvm(request: Request) -> Shown:
    from runtime.codegen.module import program_ir

    return _of_model(request, program_ir)


def _assembly(request: Request) -> Shown:
    from runtime.codegen.module import assembly

    return _of_model(request, assembly)


def _of_model(request: Request, text: Callable[[Model], str]) -> Shown:
    checked = check_sources(request.sources, request.plans, request.channels)
    return (None if checked.model is None else text(checked.model)), checked.findings


_STAGES: Final[dict[str, Callable[[Request], Shown]]] = {
    "tokens": _tokens,
    "tree": _tree,
    "model": _model,
    "llvm": _llvm,
    "asm": _assembly,
}
