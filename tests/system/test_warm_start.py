"""The start of an unchanged program: which modules `takt run` and its halves import."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from runtime.errors import ImageError
from runtime.image.layout import Mode
from runtime.image.segment import attach_image, image_path
from tests.support.runtime_process import PATIENCE_S, ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

PROGRAM = """
PROGRAM Main
VAR RETAIN n : DINT; END_VAR VAR t : TON; s : STRING; END_VAR
n := n + 1; t(IN := TRUE, PT := T#1s); s := CONCAT('n', DINT_TO_STRING(n));
END_PROGRAM
"""
COMPILER = ("runtime.build", "runtime.codegen", "runtime.interpret", "runtime.model",
            "runtime.stdlib", "runtime.syntax", "runtime.timing.path", "numba")  # fmt: skip
IMPORTED = re.compile(r"^import time: .*\| +(\S+)$", re.MULTILINE)


def run_once(project: Path, name: str, *arguments: str) -> set[str]:
    """Run a project until the PLC of a name runs; return the modules that were imported."""
    log = project / "log"
    environment = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    command = [sys.executable, "-P", "-m", "runtime", *arguments, str(project)]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stderr=sink, cwd=ROOT, env=environment)

    def is_running() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(ImageError), attach_image(image_path(name)) as image:
            return image.mode is Mode.RUNNING
        return False

    try:
        wait_until(is_running, PATIENCE_S, "the mode RUNNING")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    return set(IMPORTED.findall(log.read_text()))


def compiler_parts(modules: set[str]) -> set[str]:
    return {name for name in modules if any(f"{name}.".startswith(f"{part}.") for part in COMPILER)}


@pytest.mark.parametrize(
    "command", [("runtime",), ("run",), ("runtime", "--instances", "2")], ids=" ".join
)
def test_an_unchanged_program_starts_without_the_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    name = "unchanged_2" if "--instances" in command else "unchanged"
    (tmp_path / "main.st").write_text(f"{PROGRAM}(* {' '.join(command)} *)\n")
    (tmp_path / "takt.toml").write_text(
        '[project]\nname = "unchanged"\n[[task]]\nname = "T"\ninterval = "5ms"\n'
        'programs = ["Main"]\n[metrics]\nenabled = false\n'
    )
    first = run_once(tmp_path, name, *command)
    assert "runtime.model.build_model" in compiler_parts(first), "the first start compiles"
    again = run_once(tmp_path, name, *command)
    assert "runtime.app.process" in again
    assert compiler_parts(again) == set()
