"""`takt retain`: look at retained values, carry them elsewhere, forget them."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from runtime.cli.run import ProjectPath

retain = typer.Typer(
    help="Retained values of a project: show, export, import, clear.", no_args_is_help=True
)


@retain.command()
def show(project: ProjectPath) -> None:
    """Print the retained values as they were saved last, with the time of that."""
    from runtime.app import retain_tools
    from runtime.project.load import load_project

    found = retain_tools.described(retain_tools.kept(load_project(project)))
    values = found["values"]
    assert isinstance(values, dict)
    print(f"saved {found['saved']} in cycle {found['cycle']}")
    for path, value in values.items():
        print(f"{path} = {json.dumps(value, ensure_ascii=False)}")


@retain.command()
def export(
    project: ProjectPath,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; without it standard output.")
    ] = None,
) -> None:
    """Write the retained values as JSON."""
    from runtime.app import retain_tools
    from runtime.errors import HostError
    from runtime.project.load import load_project

    found = retain_tools.described(retain_tools.kept(load_project(project)))
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HostError(f"{output}: cannot be written ({error.strerror})") from None


@retain.command("import")
def bring_in(
    project: ProjectPath,
    file: Annotated[Path, typer.Argument(help="JSON as `takt retain export` writes it.")],
) -> None:
    """Set retained values from a file; those it does not name stay. The project must not run."""
    from runtime.app import retain_tools
    from runtime.project.load import load_project

    count = retain_tools.bring_in(load_project(project), file)
    print(f"{count} variables set")


@retain.command()
def clear(
    project: ProjectPath,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget all retained values, PERSISTENT ones too. The project must not run."""
    from runtime.app import retain_tools
    from runtime.project.load import load_project

    loaded = load_project(project)
    if not yes:
        name = loaded.config.project.name
        typer.confirm(f"Forget all retained values of {name}?", abort=True)
    retain_tools.clear(loaded)
