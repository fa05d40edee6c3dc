"""What the compiler's commands share: reading a project or sources, showing findings."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from runtime.diagnostics.diagnostic import Diagnostic, as_dict, caret_view
from runtime.errors import UsageError
from runtime.prebuilt import Request, request_of
from runtime.project.load import FILE_NAME, Project, load_project
from runtime.source import Source, read_source

Given = Annotated[
    list[Path],
    typer.Argument(metavar="PROJECT|FILE...", help="A project's folder, or ST sources."),
]
"""What a command of the compiler is given."""


def requested(paths: list[Path], name: str) -> Request:
    """Return what a command asks of the compiler.

    Args:
        paths: As `Given`.
        name: Of a program of mere sources; a project has its own.

    Raises:
        UsageError: A project beside something else.
    """
    project = given_project(paths)
    if project is not None:
        return request_of(project)
    return Request(tuple(read_source(file) for file in paths), name)


def given_project(paths: list[Path]) -> Project | None:
    """Return the project that a command is given, None where it is given sources.

    Raises:
        UsageError: A project beside something else.
    """
    projects = [path for path in paths if path.is_dir() or path.name == FILE_NAME]
    if not projects:
        return None
    if len(paths) > 1:
        raise UsageError(f"{projects[0]}: expected one project alone, or ST sources")
    return load_project(projects[0])


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
        print_as_json(findings, sources)
    return typer.Exit(1)


def print_as_json(findings: tuple[Diagnostic, ...], sources: tuple[Source, ...]) -> None:
    """Print findings as one object on stdout."""
    print(json.dumps({"diagnostics": [as_dict(item, sources) for item in findings]}))
