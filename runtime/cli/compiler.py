"""`takt check`, `takt show`, `takt build`, `takt explain`: the compiler's own commands."""

import enum
from importlib.resources import files as package_files
from pathlib import Path
from typing import Annotated

import typer

from runtime.cli.sim import Files
from runtime.cli.sources import read_sources, reject, show_findings
from runtime.errors import HostError, UsageError


class Stage(enum.StrEnum):
    """The stages of the compiler that can be printed."""

    TOKENS = "tokens"
    TREE = "tree"
    MODEL = "model"
    LLVM = "llvm"
    ASM = "asm"


def check(
    files: Files,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Diagnostics as JSON on stdout.")] = False,
) -> None:
    """Check a program without running it; exit status 1 where it has errors."""
    from runtime.build import check_sources

    sources = read_sources(files)
    checked = check_sources(sources)
    if checked.model is None:
        raise reject(checked.findings, sources, as_json=as_json)
    show_findings(checked.findings, sources)


def show(
    files: Files,
    *,
    stage: Annotated[Stage, typer.Option(help="What to print.")] = Stage.MODEL,
) -> None:
    """Print what a stage of the compiler makes of a program."""
    from runtime.app.stages import print_stage

    sources = read_sources(files)
    text, findings = print_stage(str(stage), sources)
    if text is None:
        raise reject(findings, sources, as_json=False)
    show_findings(findings, sources)
    print(text)


def build(
    files: Files,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "program.takt"
    ),
) -> None:
    """Compile a program into a file that machines of this kind run."""
    from runtime.artifact.program import dump
    from runtime.build import compile_sources

    sources = read_sources(files)
    compilation = compile_sources(sources, output.stem)
    if compilation.program is None:
        raise reject(compilation.findings, sources, as_json=False)
    show_findings(compilation.findings, sources)
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
