"""A project with retained variables on disk, and the image and frames of its runtime."""

from pathlib import Path

from runtime.app.directory import directory_of
from runtime.artifact.program import CompiledProgram
from runtime.build import build_project
from runtime.image import layout
from runtime.image.layout import SectionKind
from runtime.image.segment import Image, create_image
from runtime.project.load import Project, load_project

SOURCE = """
PROGRAM Main
VAR RETAIN N : DINT := 1; A : ARRAY [1..500] OF DINT; T : TON; END_VAR
VAR PERSISTENT P : DINT := 5; END_VAR
VAR I, LOOSE : DINT; END_VAR
N := N + 1;
FOR I := 1 TO 500 DO A[I] := N; END_FOR;
P := P + 1;
T(IN := TRUE, PT := T#1h);
LOOSE := LOOSE + 1;
END_PROGRAM
"""
"""All elements of A equal N after each scan, so that a mixture of scans shows."""


def write_project(
    folder: Path, source: str = SOURCE, interval: str = "10ms", task: str = "1ms"
) -> Path:
    """Write a project named `keep` and return its folder."""
    project = folder / "project"
    project.mkdir(exist_ok=True)
    (project / "main.st").write_text(source)
    (project / "takt.toml").write_text(
        f'[project]\nname = "keep"\n[retain]\ninterval = "{interval}"\n'
        f'[[task]]\nname = "Fast"\ninterval = "{task}"\nprograms = ["Main"]\n'
    )
    return project


def loaded(folder: Path, source: str = SOURCE) -> tuple[Project, CompiledProgram]:
    """Return the project of such a folder and its compiled program."""
    project = load_project(write_project(folder, source))
    program = build_project(project).program
    assert program is not None
    return project, program


def image_of(project: Project, program: CompiledProgram, folder: Path) -> Image:
    """Create the image that a runtime of the project would."""
    directory = directory_of(project, program)
    return create_image(folder / "keep.image", directory, program.layout_hash, 1)


def publish(image: Image, cycle: int, state: bytes, fault: int = 0) -> None:
    """Publish a frame as the scan does."""
    header = layout.FRAME_HEADER.pack(cycle, 100, 110, 120, fault, 0, 0, len(state), cycle, 0, 0)
    image.ring(SectionKind.FRAME).publish(header + state)
