"""`takt runtime`: a project's runtime alone, without the gateway; or the PLCs of several."""

from pathlib import Path
from typing import Annotated, Final

import typer

from runtime.errors import UsageError

ProjectPaths = Annotated[
    list[Path],
    typer.Argument(metavar="PROJECT...", help="A project's folder, or its takt.toml; or several."),
]
Instances = Annotated[
    int, typer.Option(min=1, help="PLCs of each project, in one process; they have no devices.")
]
Pools = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Threads that run several PLCs; default: processors less 1."),
]
Cold = Annotated[bool, typer.Option("--cold", help="RETAIN variables start as declared.")]

RecordFile = Annotated[
    Path | None,
    typer.Option("--record", help="A file that takes all that `takt replay` needs; never replaced"
                 ": FILE-2 comes after FILE."),
]  # fmt: skip
ONE_RECORD: Final = "--record: several PLCs are not recorded; expected one project"


def runtime_half(
    projects: ProjectPaths,
    *,
    instances: Instances = 1,
    pools: Pools = None,
    cold: Cold = False,
    record: RecordFile = None,
) -> None:
    """Run a project's runtime alone: exit 0 when stopped, 3 when the program had faulted."""
    from runtime.log import configure_logging

    configure_logging()
    if len(projects) == 1 and instances == 1:
        from runtime.app.process import run

        raise typer.Exit(run(projects[0], cold=cold, record=record))
    if record is not None:
        raise UsageError(ONE_RECORD)
    from runtime.app.fleet import run_fleet
    from runtime.app.instances import FleetOptions

    raise typer.Exit(run_fleet(projects, FleetOptions(instances, pools, cold)))
