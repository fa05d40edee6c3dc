"""The runtime process: build the program, create the image, serve it until told to stop.

The image file is removed at a clean end unless a newer runtime has replaced it. Whoever is attached
keeps the mapping: a gateway still reads the safe outputs, and sees the mode STOPPED; one that comes
later finds no runtime, which is the truth.
"""

import contextlib
import fcntl
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runtime.app import timing
from runtime.app.control import ControlServer
from runtime.app.directory import directory_of
from runtime.app.named import check_named
from runtime.app.plc import Plc
from runtime.app.ready import ready_project
from runtime.app.retain_tools import start_cold
from runtime.app.retention import Keeper
from runtime.app.threads import Wakeups, leaving_on_a_signal
from runtime.artifact.program import CompiledProgram
from runtime.diagnostics.diagnostic import caret_view
from runtime.errors import HostError
from runtime.image.orders import Addressed, chosen, control_path, refusal
from runtime.image.segment import Image, create_image, image_path
from runtime.project.load import Project, load_project

logger = logging.getLogger(__name__)

EXIT_COMPILE_ERRORS: Final = 1


def run(path: Path, *, cold: bool = False, record: Path | None = None) -> int:
    """Build a project and run it until SIGTERM or SIGINT; return the exit status.

    Findings go to stderr with a view of the source; errors among them end it with status 1.

    Args:
        path: The project's folder, or its `takt.toml`.
        cold: Whether RETAIN variables start as declared; PERSISTENT ones never do.
        record: A file that takes all that is needed to repeat the run.

    Raises:
        TaktError: The project is faulty, runs already, or the machine refuses the image.
    """
    begun_ns = time.monotonic_ns()
    project = load_project(path)
    with leaving_on_a_signal():
        program = built(project)
    if program is None:
        return EXIT_COMPILE_ERRORS
    if cold:
        start_cold(project)
    return serve(project, program, begun_ns, record)


def built(project: Project) -> CompiledProgram | None:
    """Return the program of a project, None where it has errors; say on stderr what was found.

    Raises:
        ProjectError: The program does not have what the project names.
    """
    compilation = ready_project(project)
    for finding in compilation.findings:
        sys.stderr.write(caret_view(finding, compilation.sources) + "\n")
    program = compilation.program
    if program is not None:
        check_named(project, program.symbols, (task.resource for task in program.tasks))
    return program


def serve(
    project: Project, program: CompiledProgram, begun_ns: int, record: Path | None = None
) -> int:
    """Run a compiled program until SIGTERM or SIGINT; return the exit status.

    Call it in the main thread: it takes the two signals over while it runs.

    Args:
        project: Its tasks, devices and addresses.
        program: What the compiler made of its sources.
        begun_ns: CLOCK_MONOTONIC when the build began, for the log.
        record: A file that takes all that is needed to repeat the run.

    Raises:
        HostError: The project runs already, or the image cannot be created.
    """
    path = image_path(project.config.project.name)
    with contextlib.ExitStack() as stack:
        stack.enter_context(alone(path))
        wakeups = stack.enter_context(Wakeups())
        image = stack.enter_context(
            create_image(
                path, directory_of(project, program), program.layout_hash, time.monotonic_ns()
            )
        )
        stack.callback(remove, image)
        control = stack.enter_context(
            ControlServer(control_path(path), wakeups.wake, lambda asked: _refusal(asked, image))
        )
        kept = stack.enter_context(Keeper(project, program, image))
        for sentence in timing.warnings(program, project):
            logger.warning(sentence)
        plc = Plc(project, program, image, kept, record)
        logger.info("built", extra=_build_facts(begun_ns))
        return plc.serve(wakeups, control)


def _refusal(asked: Addressed, image: Image) -> str | None:
    """Return why an order cannot be carried out, None where it can."""
    named = chosen(asked.instance, (image.directory.project,))
    return named if isinstance(named, str) else refusal(asked.order, image.mode)


@contextlib.contextmanager
def alone(image: Path) -> Iterator[None]:
    """Keep a second runtime of the project away: two would drive the same devices.

    Raises:
        HostError: There is one, or the folder of images cannot be written.
    """
    lock = image.with_suffix(".lock")
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(lock.open("w", encoding="ascii"))
            lock.chmod(0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HostError(
                f"{lock}: held by another runtime; expected one runtime for this project"
            ) from None
        except OSError as error:
            raise HostError(f"{lock}: cannot be written ({error.strerror})") from None
        yield


def remove(image: Image) -> None:
    """Remove the file of an image, unless a newer runtime has replaced it."""
    if image.is_current():
        image.path.unlink(missing_ok=True)


def _build_facts(begun_ns: int) -> dict[str, object]:
    seconds = (time.monotonic_ns() - begun_ns) / 1e9
    compiled = {"numba", "runtime.codegen.module"} & sys.modules.keys()
    start = "cold" if compiled else "warm"
    return {"start": start, "seconds": round(seconds, 3)}
