"""`takt check`, `takt show`, `takt build`, `takt explain`: the compiler's own commands."""

import enum
import sys
from importlib.resources import files as package_files
from pathlib import Path
from typing import Annotated

import typer

from runtime.cli.sources import (
    Given,
    given_project,
    print_as_json,
    reject,
    requested,
    show_findings,
)
from runtime.errors import HostError, UsageError


class Stage(enum.StrEnum):
    """The stages of the compiler that can be printed."""

    TOKENS = "tokens"
    TREE = "tree"
    MODEL = "model"
    LLVM = "llvm"
    ASM = "asm"


def check(
    given: Given,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Diagnostics as JSON on stdout.")] = False,
) -> None:
    """Check a program without running it; exit status 1 where it has errors."""
    from runtime.app.named import check_named
    from runtime.build import check_sources, symbols_of
    from runtime.prebuilt import request_of

    project = given_project(given)
    request = requested(given, "check") if project is None else request_of(project)
    checked = check_sources(request.sources, request.plans, request.channels)
    if checked.model is None:
        raise reject(checked.findings, checked.sources, as_json=as_json)
    show_findings(checked.findings, checked.sources)
    if project is not None:
        resources = [task.resource for task in checked.model.tasks]
        check_named(project, symbols_of(checked.model), resources)
    if as_json:
        print_as_json(checked.findings, checked.sources)
    else:
        print("no errors", file=sys.stderr)


def show(
    given: Given,
    *,
    stage: Annotated[Stage, typer.Option(help="What to print.")] = Stage.MODEL,
) -> None:
    """Print what a stage of the compiler makes of a program."""
    from runtime.app.stages import print_stage

    request = requested(given, "show")
    text, findings = print_stage(str(stage), request)
    if text is None:
        raise reject(findings, request.sources, as_json=False)
    show_findings(findings, request.sources)
    print(text)


def build(
    given: Given,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "program.takt"
    ),
) -> None:
    """Compile a program into a file that machines of this kind run."""
    from runtime.app.ready import ready
    from runtime.artifact.program import dump

    compilation = ready(requested(given, output.stem))
    if compilation.program is None:
        raise reject(compilation.findings, compilation.sources, as_json=False)
    show_findings(compilation.findings, compilation.sources)
    try:
        output.write_bytes(dump(compilation.program))
    except OSError as error:
        raise HostError(f"{output}: cannot be written ({error.strerror})") from None


def explain(
    code: Annotated[str, typer.Argument(help="A diagnostic's code, such as ST3001.")],
) -> None:
    """Print the page of a diagnostic."""
    pages = package_files("runtime.diagnostics") / "pages"
    page = pages / f"{code.upper()}.md"
    if not code.isalnum() or not page.is_file():
        known = sorted(item.name.removesuffix(".md") for item in pages.iterdir())
        raise UsageError(f"{code}: no such diagnostic; expected one of {', '.join(known)}")
    print(page.read_text(encoding="utf-8").rstrip())
