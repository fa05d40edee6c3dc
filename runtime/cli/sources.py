"""What the compiler's commands share: reading sources, showing findings."""

import json
import sys
from pathlib import Path

import typer

from runtime.diagnostics.diagnostic import Diagnostic, as_dict, caret_view
from runtime.source import Source, read_source


def read_sources(files: list[Path]) -> tuple[Source, ...]:
    """Read the sources that a command names."""
    return tuple(read_source(file) for file in files)


def show_findings(findings: tuple[Diagnostic, ...], sources: tuple[Source, ...]) -> None:
    """Print findings with their lines on stderr."""
    for finding in findings:
        print(caret_view(finding, sources), file=sys.stderr)


def reject(
    findings: tuple[Diagnostic, ...], sources: tuple[Source, ...], *, as_json: bool
) -> typer.Exit:
    """Print why a program was rejected; return what ends the command with status 1."""
    show_findings(findings, sources)
    if as_json:
        print(json.dumps({"diagnostics": [as_dict(item, sources) for item in findings]}))
    return typer.Exit(1)
