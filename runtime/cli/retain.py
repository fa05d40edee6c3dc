"""`takt retain`: look at retained values, carry them elsewhere, forget them."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.plc import GivenInstance, plc_name
from runtime.cli.run import ProjectPath
from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.project.load import Project

retain = typer.Typer(
    help="Retained values of a project: show, export, import, clear.", no_args_is_help=True
)


@retain.command()
def show(project: ProjectPath, *, instance: GivenInstance = None) -> None:
    """Print the retained values as they were saved last, with the time of that."""
    from runtime.app import retain_tools

    found = retain_tools.described(retain_tools.kept(_chosen(project, instance)))
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
    *,
    instance: GivenInstance = None,
) -> None:
    """Write the retained values as JSON."""
    from runtime.app import retain_tools
    from runtime.errors import HostError

    found = retain_tools.described(retain_tools.kept(_chosen(project, instance)))
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
    *,
    instance: GivenInstance = None,
) -> None:
    """Set retained values from a file; those it does not name stay. The project must not run."""
    from runtime.app import retain_tools

    count = retain_tools.bring_in(_chosen(project, instance), file)
    print(f"{count} variable{'' if count == 1 else 's'} set")


@retain.command()
def clear(
    project: ProjectPath,
    *,
    instance: GivenInstance = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget all retained values, PERSISTENT ones too. The project must not run."""
    from runtime.app import retain_tools

    loaded = _chosen(project, instance)

    def make_sure() -> None:
        if not yes:
            name = loaded.config.project.name
            typer.confirm(f"Forget all retained values of {name}?", abort=True)

    retain_tools.clear(loaded, make_sure)


def _chosen(path: Path, instance: str | None) -> "Project":
    """Return the project, or that of one of the PLCs that it runs as."""
    from runtime.app.instances import named
    from runtime.app.retain_tools import instances_kept
    from runtime.project.load import load_project

    project = load_project(path)
    count = instances_kept(project) if instance is None else 0
    if count:
        raise UsageError(
            f"project {project.config.project.name} has retained values of {count} PLCs: "
            "expected --instance with a number or name"
        )
    return named(project, plc_name(project.config.project.name, instance))
