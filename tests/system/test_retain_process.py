"""A real runtime with retained variables: killed at random points, on a failing disk, stopped."""

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runtime.app.retention import disk_of
from runtime.errors import ImageError
from runtime.image.layout import SectionKind
from runtime.image.payloads import decode_frame
from runtime.image.segment import Image, attach_image, image_path
from runtime.project.load import Project, load_project
from runtime.retain.store import Commit, recover
from tests.support.retain_project import write_project
from tests.support.runtime_process import PATIENCE_S, ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

KILLS = int(os.environ.get("TAKT_KILLS", "2"))
"""Runs that end by SIGKILL; `make retain-campaign` has more."""
SEED = int(os.environ.get("TAKT_SEED", "20"))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    monkeypatch.delenv("TAKT_STATE", raising=False)


@dataclass(slots=True)
class Running:
    """A runtime process of a project and its image."""

    project: Project
    process: subprocess.Popen[bytes]
    image: Image

    @property
    def number(self) -> int:
        """N after the newest scan."""
        newest = self.image.ring(SectionKind.FRAME).latest()
        if newest is None:
            return 0
        symbols = {item.path: item for item in self.image.directory.symbols}
        value = decode_frame(newest.payload).value(symbols["MAIN.N"])
        assert isinstance(value, int)
        return value

    def await_number(self, wanted: int) -> None:
        wait_until(lambda: self.number >= wanted, PATIENCE_S, f"N = {wanted}")

    def end(self, number: signal.Signals) -> list[dict[str, object]]:
        """End the process by a signal; return its records."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=PATIENCE_S)
        return [json.loads(line) for line in log.decode().splitlines()]


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[Running]:
    """Start the runtime of a project and wait for its first scan."""
    project = load_project(folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "runtime", "runtime", str(folder), *options],
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=dict(os.environ),
    )
    found: list[Image] = []

    def is_there() -> bool:
        with contextlib.suppress(ImageError):
            image = attach_image(image_path("keep"))
            if image.runtime_pid == process.pid:
                found.append(image)
                return True
            image.close()
        return process.poll() is not None

    try:
        wait_until(is_there, PATIENCE_S, "the image")
        assert process.poll() is None
        with found[0] as image:
            run = Running(project, process, image)
            run.await_number(1)
            yield run
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=PATIENCE_S)
        assert process.stderr is not None
        process.stderr.close()


def last_commit(project: Project) -> Commit:
    commit = recover(disk_of(project)).commit
    assert commit is not None
    return commit


def values(commit: Commit) -> dict[str, Any]:
    return {item.path: item.read(commit.values) for item in commit.layout.entries}


def one_scan(commit: Commit) -> int:
    """Return N of a commit, after making sure that all of it is of one scan."""
    found = values(commit)
    number = found["MAIN.N"]
    assert isinstance(number, int)
    assert found["MAIN.A"] == [number] * 500, "a mixture of scans"
    return number


def test_a_kill_at_any_moment_leaves_the_values_of_one_scan(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    folder = write_project(tmp_path)
    restored = 1
    for _ in range(KILLS):
        with running(folder) as run:
            assert run.number > restored, f"TAKT_SEED={SEED}: it goes on from what was restored"
            run.await_number(run.number + rng.randrange(20, 400))
            before = one_scan(last_commit(run.project))
            run.process.kill()
            run.process.wait(PATIENCE_S)
            restored = one_scan(last_commit(run.project))
            assert max(before, 2) <= restored <= run.number, f"TAKT_SEED={SEED}"


def test_a_warm_start_keeps_all_and_a_cold_one_what_is_persistent(tmp_path: Path) -> None:
    folder = write_project(tmp_path, interval="60min")
    stopped: list[Commit] = []
    records: list[dict[str, Any]] = []
    for options in ((), (), ("--cold",)):
        with running(folder, *options) as run:
            run.await_number(run.number + 100)
            records = run.end(signal.SIGTERM)
            stopped.append(last_commit(run.project))
            assert one_scan(stopped[-1]) == run.number, "the last scan is saved"
    first, warm, cold = map(values, stopped)
    assert warm["MAIN.N"] > first["MAIN.N"] + 50
    assert warm["MAIN.P"] > first["MAIN.P"] + 50
    assert warm["MAIN.T"]["ET"] >= first["MAIN.T"]["ET"] + 100_000_000, "the timer went on"
    assert cold["MAIN.P"] > warm["MAIN.P"] + 50
    (end,) = (item for item in records if item["message"] == "stopped")
    ran_ns = (end["scans"] + end["skipped"]) * 1_000_000
    assert cold["MAIN.T"]["ET"] <= ran_ns, "the timer began anew"
    assert cold["MAIN.P"] - cold["MAIN.N"] > warm["MAIN.N"], "N began anew"


def test_a_disk_that_takes_no_more_does_not_stop_the_scan(tmp_path: Path) -> None:
    """The limit on the size of files makes the kernel itself refuse writes (EFBIG)."""
    folder = write_project(tmp_path)
    with running(folder) as run:
        pid = run.process.pid
        run.await_number(run.number + 50)
        unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1000, unlimited[1]))
        last = -1
        while last != (last := one_scan(last_commit(run.project))):
            run.await_number(run.number + 200)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        wait_until(lambda: one_scan(last_commit(run.project)) > last, PATIENCE_S, "a save again")
        messages = [str(item["message"]) for item in run.end(signal.SIGTERM)]
    assert messages.count("retained values cannot be saved; trying again") == 1
    assert messages.count("retained values are saved again") == 1
