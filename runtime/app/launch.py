"""`takt run`: gateway and runtime under the supervisor, of one project or of many PLCs."""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from runtime.app.instances import FleetOptions, check_together, instances_of
from runtime.app.ports import require_free
from runtime.app.retain_tools import start_cold
from runtime.app.supervisor import Command, Supervisor, spawn_leashed, stop_signals
from runtime.project.load import load_project

logger = logging.getLogger(__name__)

PYTHON = (sys.executable, "-P", "-m")
"""-P: a folder named `runtime` where the user stands must not be taken for Takt."""


def halves(
    folder: Path,
    gateway_log: IO[bytes] | None = None,
    runtime_log: IO[bytes] | None = None,
    record: Path | None = None,
) -> tuple[Command, Command]:
    """Return the commands of a project's gateway and runtime, in starting order.

    Args:
        folder: The project.
        gateway_log: Where the gateway's records go; None passes them on to this process's stderr.
        runtime_log: The same for the runtime.
        record: A file that takes all that is needed to repeat the run.
    """
    gateway = (*PYTHON, "gateway", "run", str(folder))
    recorded = () if record is None else ("--record", str(record))
    runtime = (*PYTHON, "runtime", "runtime", str(folder), *recorded)
    return (
        Command("gateway", gateway, gateway_log, gateway_log),
        Command("runtime", runtime, runtime_log, runtime_log),
    )


def wait(seconds: float) -> None:
    """Wait between two looks of the supervisor."""
    time.sleep(seconds)  # noqa: TID251  the supervisor's one place to wait


def run_project(
    path: Path, seconds: float | None, *, cold: bool = False, record: Path | None = None
) -> int:
    """Run a project until SIGTERM, SIGINT or the end of its time; return the exit status.

    Args:
        path: The project's folder, or its `takt.toml`.
        seconds: How long; None for ever.
        cold: Whether RETAIN variables start as declared, this once: a restart after a crash of
            the runtime is warm.
        record: A file that takes all that is needed to repeat the run; a restarted runtime writes
            the next one.

    Raises:
        ProjectError: The project has faults; nothing was started.
        HostError: The metrics port is taken; nothing was started.
    """
    project = load_project(path)
    metrics = project.config.metrics
    if metrics.enabled:
        require_free("metrics.port", metrics.host, metrics.port)
    if cold:
        start_cold(project)
    supervisor = Supervisor(halves(path, record=record), spawn_leashed, time.monotonic, wait)
    logger.info("project %s: starting", project.config.project.name)
    with stop_signals() as is_stopping:
        status = supervisor.run(_until(seconds, is_stopping))
    logger.info("project %s: ended", project.config.project.name, extra={"status": status})
    return status


def run_many(paths: Sequence[Path], seconds: float | None, options: FleetOptions) -> int:
    """Run the PLCs of several projects, or instances of one, in one runtime; return the status.

    Each project has a gateway of its own; instances have none, for they have no devices.

    Raises:
        ProjectError: A project has faults; nothing was started.
        UsageError: The projects cannot run together; nothing was started.
        HostError: A metrics port is taken; nothing was started.
    """
    projects = [load_project(path) for path in paths]
    check_together(projects, options.instances)
    gateways = []
    for path, project in zip(paths, projects, strict=True) if options.instances == 1 else ():
        metrics, name = project.config.metrics, project.config.project.name
        if metrics.enabled:
            require_free(f"{name}: metrics.port", metrics.host, metrics.port)
        gateways.append(Command(f"gateway {name}", (*PYTHON, "gateway", "run", str(path))))
    if options.cold:
        for project in projects:
            for instance in instances_of(project, options.instances):
                start_cold(instance)
    runtime = (*PYTHON, "runtime", "runtime", *map(str, paths), *_as_arguments(options))
    supervisor = Supervisor(
        (*gateways, Command("runtime", runtime)), spawn_leashed, time.monotonic, wait
    )
    with stop_signals() as is_stopping:
        return supervisor.run(_until(seconds, is_stopping))


def _as_arguments(options: FleetOptions) -> tuple[str, ...]:
    pools = () if options.pools is None else ("--pools", str(options.pools))
    return ("--instances", str(options.instances), *pools)


def _until(seconds: float | None, is_stopping: Callable[[], bool]) -> Callable[[], bool]:
    if seconds is None:
        return is_stopping
    end_s = time.monotonic() + seconds
    return lambda: is_stopping() or time.monotonic() >= end_s
