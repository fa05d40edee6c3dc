"""Which PLC a command means: that of a project, or one of the several that the project runs as."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.errors import UsageError

GivenProject = Annotated[
    Path, typer.Argument(metavar="PROJECT", help="A project's folder, or its takt.toml.")
]
GivenInstance = Annotated[
    str | None,
    typer.Option(
        "--instance",
        metavar="NAME|NUMBER",
        help="Which of the PLCs that the project runs as; without it the only one.",
    ),
]


def plc_name(project: str, instance: str | None) -> str:
    """Return the name of a PLC; a number is the one at the end of its name.

    Args:
        project: Name of the project.
        instance: As the user wrote it; None means the project itself.
    """
    if instance is None:
        return project
    return f"{project}_{instance}" if instance.isdecimal() else instance


def plc_image(project: Path, instance: str | None) -> Path:
    """Return the image of a PLC.

    Raises:
        UsageError: The project runs as several PLCs, and none of them is named.
    """
    from runtime.image.segment import image_path, image_paths
    from runtime.project.load import load_project

    name = load_project(project).config.project.name
    path = image_path(plc_name(name, instance))
    others = [
        other for other in image_paths() if other.stem.removeprefix(f"{path.stem}_").isdecimal()
    ]
    if not path.exists() and others:
        raise UsageError(
            f"project {name} runs as {len(others)} PLCs: expected --instance with a number or name"
        )
    return path
