"""`takt timing`: how long scans will take here, and whether the tasks fit in their intervals."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli.sources import Given, given_project, reject, requested, show_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.app.timing import Measured, TaskTiming
    from runtime.artifact.program import CompiledProgram
    from runtime.prebuilt import Request

_MISSES: Final = 1
_ANSWERS: Final = {True: "yes", False: "NO", None: "?"}
_COLUMNS: Final = ("interval", "estimate", "median", "p99.9", "max", "response", "fits")


def timing(
    given: Given,
    *,
    scans: Annotated[int, typer.Option(min=1, help="Scans to measure.")] = 2000,
) -> None:
    """Estimate each task's longest path, measure scans, and tell whether the tasks fit.

    Exit status: 0; 1 the program has errors, or a task may miss its releases; 2 wrong usage.
    """
    from runtime.app.timing import measure, processor_factor, processor_use, timings
    from runtime.prebuilt import request_of

    project = given_project(given)
    program = _compiled(requested(given, "timing") if project is None else request_of(project))
    factor = processor_factor()
    measured = measure(program, scans)
    found = timings(program, factor, project, measured)
    print(f"this processor takes {factor:.2f} of the reference processor's time")
    print(table(found, measured))
    for item, taken in zip(found, measured, strict=True):
        if taken is None:
            print(f"task {item.path.task}: not measured, a scan faults; `takt sim` shows where")
        for file, line in item.path.unbounded:
            print(f"task {item.path.task}: {file}:{line}: loop of unknown length, counted once")
    if any(item.response is not None and item.fits is None for item in found):
        print("?: fits by what was measured; a loop of unknown length may take longer")
    print(
        f"the tasks take {processor_use(found):.2%} of one processor, the engine's share included"
    )
    if any(item.fits is False for item in found):
        raise typer.Exit(_MISSES)


def table(found: "Sequence[TaskTiming]", measured: "Sequence[Measured | None]") -> str:
    """Return a line for each task, all times in µs."""
    width = max(4, *(len(item.path.task) for item in found))
    lines = [f"{'task':<{width}}" + "".join(f"{name:>12}" for name in _COLUMNS) + "   (µs)"]
    for item, taken in zip(found, measured, strict=True):
        response = item.response
        times = [
            None if response is None else response.load.period_ns, item.estimate_ns,
            *((taken.median_ns, taken.p999_ns, taken.maximum_ns) if taken else (None,) * 3),
            None if response is None else response.response_ns,
        ]  # fmt: skip
        cells = ["-" if time is None else f"{time / 1000:.1f}" for time in times]
        fits = "-" if response is None else _ANSWERS[item.fits]
        lines.append(
            f"{item.path.task:<{width}}" + "".join(f"{cell:>12}" for cell in (*cells, fits))
        )
    return "\n".join(lines)


def _compiled(request: "Request") -> "CompiledProgram":
    from runtime.app.ready import ready

    compilation = ready(request)
    if compilation.program is None:
        raise reject(compilation.findings, compilation.sources, as_json=False)
    show_findings(compilation.findings, compilation.sources)
    return compilation.program
