"""`takt run`: one project's gateway and runtime under the supervisor."""

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from runtime.app.ports import require_free
from runtime.app.retain_tools import start_cold
from runtime.app.supervisor import Command, Supervisor, spawn_leashed, stop_signals
from runtime.project.load import load_project

logger = logging.getLogger(__name__)

PYTHON = (sys.executable, "-P", "-m")
"""-P: a folder named `runtime` where the user stands must not be taken for Takt."""


def halves(
    folder: Path, gateway_log: IO[bytes] | None = None, runtime_log: IO[bytes] | None = None
) -> tuple[Command, Command]:
    """Return the commands of a project's gateway and runtime, in starting order.

    Args:
        folder: The project.
        gateway_log: Where the gateway's records go; None passes them on to this process's stderr.
        runtime_log: The same for the runtime.
    """
    gateway = (*PYTHON, "gateway", "run", str(folder))
    runtime = (*PYTHON, "runtime", "runtime", str(folder))
    return (
        Command("gateway", gateway, gateway_log, gateway_log),
        Command("runtime", runtime, runtime_log, runtime_log),
    )


def wait(seconds: float) -> None:
    """Wait between two looks of the supervisor."""
    time.sleep(seconds)  # noqa: TID251  the supervisor's one place to wait


def run_project(path: Path, seconds: float | None, *, cold: bool = False) -> int:
    """Run a project until SIGTERM, SIGINT or the end of its time; return the exit status.

    Args:
        path: The project's folder, or its `takt.toml`.
        seconds: How long; None for ever.
        cold: Whether RETAIN variables start as declared, this once: a restart after a crash of
            the runtime is warm.

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
    supervisor = Supervisor(halves(path), spawn_leashed, time.monotonic, wait)
    logger.info("project %s: starting", project.config.project.name)
    with stop_signals() as is_stopping:
        status = supervisor.run(_until(seconds, is_stopping))
    logger.info("project %s: ended", project.config.project.name, extra={"status": status})
    return status


def _until(seconds: float | None, is_stopping: Callable[[], bool]) -> Callable[[], bool]:
    if seconds is None:
        return is_stopping
    end_s = time.monotonic() + seconds
    return lambda: is_stopping() or time.monotonic() >= end_s
