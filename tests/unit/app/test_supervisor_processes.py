"""The supervisor with real processes: they die with it, and are started again when they die."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.app.supervisor import Command, Policy, Supervisor, spawn_leashed
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

SLEEPER = (sys.executable, "-c", "import signal; signal.pause()")
OWNER = """
import sys, time
from runtime.app.supervisor import Command, Supervisor, spawn_leashed
from pathlib import Path
supervisor = Supervisor(
    (Command("sleeper", (sys.executable, "-c", "import signal; signal.pause()")),),
    spawn_leashed, time.monotonic, time.sleep,
)
supervisor.start()
Path(sys.argv[1]).write_text(str(supervisor.status("sleeper").pid))
signal = __import__("signal").pause()
"""


def runs(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] != "Z"


def test_a_killed_child_is_started_again() -> None:
    command = Command("sleeper", SLEEPER)
    supervisor = Supervisor((command,), spawn_leashed, time.monotonic, time.sleep, Policy())
    with supervisor:
        first = supervisor.status("sleeper").pid
        os.kill(first, signal.SIGKILL)

        def came_back() -> bool:
            supervisor.step()
            return supervisor.status("sleeper").pid not in {0, first}

        wait_until(came_back, 30, "the child's restart")
        second = supervisor.status("sleeper").pid
    assert not runs(second)
    assert supervisor.exit_status == 0


def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(pid_file)])
    try:
        wait_until(lambda: pid_file.exists() and pid_file.read_text(), 30, "the child's start")
        child = int(pid_file.read_text())
        wait_until(lambda: b"pause" in Path(f"/proc/{child}/cmdline").read_bytes(), 30, "its exec")
        assert runs(child)
    finally:
        owner.kill()
        owner.wait()
    wait_until(lambda: not runs(child), 30, "the child's end")
