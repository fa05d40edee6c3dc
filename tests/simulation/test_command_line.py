"""The compiler's commands as users call them: exit statuses, what goes where, no traceback ever."""

import contextlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from runtime.cli.main import main

pytestmark = pytest.mark.system

COUNTER = """PROGRAM MAIN
VAR X : INT; GO : BOOL := TRUE; R : REAL := 0.1; T1 : TON; END_VAR
IF GO THEN X := X + 1; END_IF;
T1(IN := GO, PT := T#150ms);
END_PROGRAM
"""
DIVIDER = (
    "PROGRAM MAIN\nVAR D : INT := 2; X : INT; END_VAR\nD := D - 1;\nX := 10 / D;\nEND_PROGRAM\n"
)
WRONG = "PROGRAM MAIN\nVAR X : INT; END_VAR\nX := Y;\n  X := TRUE AND X;\nEND_PROGRAM\n"


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[object]:
        """The lines of stdout as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Shop:
    """A folder in which commands run."""

    folder: Path

    def file(self, name: str, text: str | bytes) -> str:
        """Write a file; return its name."""
        data = text if isinstance(text, bytes) else text.encode()
        (self.folder / name).write_bytes(data)
        return name

    def takt(self, *arguments: str) -> Done:
        """Run the command; it must not fail with a traceback."""
        done = subprocess.run(
            [sys.executable, "-m", "runtime", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def call(self, *arguments: str) -> Done:
        """Run the command in this process, which is quicker."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            patch.object(sys, "argv", ["takt", *arguments]),
            pytest.raises(SystemExit) as end,
        ):
            main()
        assert isinstance(end.value.code, int)
        return Done(end.value.code, out.getvalue(), err.getvalue())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_sim_prints_one_line_a_cycle(shop: Shop) -> None:
    done = shop.takt("sim", shop.file("a.st", COUNTER), "--cycles", "2", "--watch", "main.x,MAIN.R")
    assert (done.status, done.err) == (0, "")
    assert done.out == (
        '{"cycle":1,"time_ns":0,"values":{"MAIN.X":1,"MAIN.R":0.1}}\n'
        '{"cycle":2,"time_ns":100000000,"values":{"MAIN.X":2,"MAIN.R":0.1}}\n'
    )


def test_both_engines_print_the_same_bytes(shop: Shop) -> None:
    name = shop.file("a.st", COUNTER)
    compiled = shop.takt("sim", name, "--cycles", "4", "--period", "75ms")
    assert shop.takt(
        "sim", name, "--cycles", "4", "--period", "75ms", "--engine", "interpreted"
    ) == (compiled)
    assert len(compiled.lines) == 4


def test_a_project_is_checked_and_simulated_with_its_own_tasks(shop: Shop) -> None:
    shop.file("a.st", COUNTER)
    shop.file(
        "takt.toml",
        '[project]\nname = "own"\n[[task]]\nname = "T"\ninterval = "200ms"\nprograms = ["MAIN"]\n',
    )
    assert shop.call("check", ".") == Done(0, "", "no errors\n")
    simulated = ("--cycles", "3", "--watch", "MAIN.X")
    compiled = shop.call("sim", ".", *simulated)
    assert [line["values"]["MAIN.X"] for line in compiled.lines if isinstance(line, dict)] == [
        1, 1, 2,
    ]  # fmt: skip
    assert shop.call("sim", "takt.toml", *simulated, "--engine", "interpreted") == compiled
    assert "task T: MAIN" in shop.call("show", ".").out
    assert ".: expected one project alone" in shop.call("check", "a.st", ".").err


@pytest.mark.parametrize("engine", ["compiled", "interpreted"])
def test_an_offset_holds_in_virtual_time(shop: Shop, engine: str) -> None:
    shop.file("a.st", COUNTER)
    task = '[[task]]\nname = "T"\ninterval = "20ms"\noffset = "10ms"\nprograms = ["MAIN"]\n'
    shop.file("takt.toml", f'[project]\nname = "own"\n{task}')
    options = ("--cycles", "7", "--period", "5ms", "--watch", "MAIN.X", "--engine", engine)
    done = shop.call("sim", ".", *options)
    counts = [line["values"]["MAIN.X"] for line in done.lines if isinstance(line, dict)]
    assert counts == [0, 0, 1, 1, 1, 1, 2], "released at 10 ms and at 30 ms"
    assert done.err == ""


def test_a_period_beyond_a_task_s_interval_is_told(shop: Shop) -> None:
    shop.file("a.st", COUNTER)
    task = '[[task]]\nname = "T"\ninterval = "20ms"\nprograms = ["MAIN"]\n'
    shop.file("takt.toml", f'[project]\nname = "own"\n{task}')
    done = shop.call("sim", ".", "--cycles", "1")
    assert done.status == 0
    assert done.err == "note: task T of 20 ms runs once in --period 100 ms\n"


def test_what_is_wrong_in_the_project_file_is_placed_there(shop: Shop) -> None:
    shop.file("a.st", COUNTER)
    shop.file(
        "takt.toml",
        '[project]\nname = "own"\n[[task]]\nname = "T"\ninterval = "1s"\n'
        'programs = ["Mian", "Other"]\n[[task]]\nname = "E"\nsingle = "Main.Y"\n'
        'programs = ["Main"]\n',
    )
    done = shop.call("check", ".", "--json")
    assert done.status == 1
    assert done.err.splitlines() == [
        "takt.toml: error ST2011: task T runs program Mian, which is not declared",
        "  = help: declared programs: MAIN",
        "takt.toml: error ST2011: task T runs program Other, which is not declared",
        "  = help: declared programs: MAIN",
        "takt.toml: error ST2017: task E: single = Main.Y is no variable",
        "  = help: expected the path of a BOOL such as MAIN.START",
    ]
    (only,) = done.lines
    assert isinstance(only, dict)
    assert {row["file"] for row in only["diagnostics"]} == {"takt.toml"}


def test_sim_takes_inputs_before_their_cycle(shop: Shop) -> None:
    inputs = shop.file("in.jsonl", '{"cycle":2,"set":{"MAIN.X":40,"main.go":false}}\n\n')
    done = shop.takt(
        "sim", shop.file("a.st", COUNTER), "--cycles", "2", "--watch", "MAIN.X", "--inputs", inputs
    )
    assert [line["values"] for line in done.lines if isinstance(line, dict)] == [
        {"MAIN.X": 1}, {"MAIN.X": 40},
    ]  # fmt: skip


def test_sim_can_print_a_table(shop: Shop) -> None:
    done = shop.takt("sim", shop.file("a.st", COUNTER), "--cycles", "1", "--format", "table")
    assert done.status == 0
    assert done.out.splitlines()[0].split()[:3] == ["cycle", "time", "MAIN.X"]


@pytest.mark.parametrize("engine", ["compiled", "interpreted"])
def test_a_fault_is_the_last_line_and_status_3(shop: Shop, engine: str) -> None:
    done = shop.takt("sim", shop.file("d.st", DIVIDER), "--engine", engine)
    assert done.status == 3
    fault = {"kind": "division-by-zero", "file": "d.st", "line": 4, "cycle": 2}
    assert done.lines[-1] == {"fault": fault}
    assert len(done.lines) == 2


@pytest.mark.parametrize(
    "command", [["sim"], ["sim", "--engine", "interpreted"], ["check", "--json"]]
)
def test_errors_are_lines_on_stderr_one_object_on_stdout_and_status_1(
    shop: Shop, command: list[str]
) -> None:
    done = shop.takt(*command, shop.file("w.st", WRONG))
    assert done.status == 1
    heads = [line for line in done.err.splitlines() if line.startswith("w.st:")]
    assert heads == [
        "w.st:3:6: error ST2001: Y is not declared",
        "w.st:4:8: error ST3002: AND is not defined for BOOL and INT",
    ]
    (only,) = done.lines
    assert isinstance(only, dict)
    assert only["diagnostics"][0] == {
        "file": "w.st", "line": 3, "column": 6, "severity": "error", "code": "ST2001",
        "message": "Y is not declared",
    }  # fmt: skip
    assert len(only["diagnostics"]) == 2


def test_check_of_a_sound_program_says_so(shop: Shop) -> None:
    sound = shop.file("a.st", COUNTER)
    assert shop.takt("check", sound) == Done(0, "", "no errors\n")
    assert shop.takt("check", sound, "--json") == Done(0, '{"diagnostics": []}\n', "")


def test_check_takes_several_files_in_any_order(shop: Shop) -> None:
    block = shop.file("z.st", "FUNCTION F : INT VAR_INPUT X : INT; END_VAR F := X; END_FUNCTION")
    main = shop.file("a.st", "PROGRAM MAIN VAR X : INT; END_VAR X := F(1); END_PROGRAM")
    assert shop.takt("check", main, block).status == 0
    assert shop.takt("check", block, main).status == 0
    assert "ST2005" in shop.takt("check", main).err


USAGE = {
    "no file": (["sim"], "Missing argument"),
    "missing file": (["sim", "nowhere.st"], "nowhere.st: unreadable (No such file or directory)"),
    "not UTF-8": (["sim", "latin.st"], "latin.st:1:4: byte 0xE9 is no UTF-8; expected UTF-8 text"),
    "unknown option": (["sim", "a.st", "--bogus"], "No such option"),
    "unknown command": (["simulate"], "No such command"),
    "bad period": (["sim", "a.st", "--period", "5"], "--period 5: expected a duration with unit"),
    "zero period": (["sim", "a.st", "--period", "0ms"], "expected a duration above 0"),
    "bad cycles": (["sim", "a.st", "--cycles", "-1"], "--cycles"),
    "bad engine": (["sim", "a.st", "--engine", "fast"], "--engine"),
    "unknown watch": (["sim", "a.st", "--watch", "MAIN.Y"], "MAIN.Y: no such variable"),
    "unknown code": (["explain", "ST0000"], "ST0000: no such diagnostic"),
    "a path for a code": (["explain", "../codes"], "no such diagnostic"),
}


@pytest.mark.parametrize("name", sorted(USAGE))
def test_wrong_usage_is_told_with_status_2(shop: Shop, name: str) -> None:
    shop.file("a.st", COUNTER)
    shop.file("latin.st", "(* é *)".encode("latin-1"))
    arguments, message = USAGE[name]
    done = shop.call(*arguments)
    assert (done.status, done.out) == (2, "")
    assert message in done.err


INPUTS: dict[str, tuple[str | bytes, str]] = {
    "no JSON": ("{cycle:1}", "in.jsonl:1: no JSON"),
    "no object": ("[1]", "in.jsonl:1: expected"),
    "no cycle": ('{"set":{}}', "in.jsonl:1: expected"),
    "cycle 0": ('{"cycle":0,"set":{}}', "1 or more"),
    "a boolean cycle": ('{"cycle":true,"set":{}}', "1 or more"),
    "unknown name": ('{"cycle":1,"set":{"MAIN.Q":1}}', "in.jsonl:1: MAIN.Q: no such variable"),
    "wrong type": ('{"cycle":1,"set":{"MAIN.X":true}}', "MAIN.X = true: expected a whole number"),
    "out of range": (
        '\n{"cycle":1,"set":{"MAIN.X":40000}}',
        "in.jsonl:2: MAIN.X = 40000: expected",
    ),
    "an instance": ('{"cycle":1,"set":{"MAIN.T1":1}}', "expected a single variable"),
    "not UTF-8": ("é".encode("latin-1"), "byte 0 is no UTF-8"),
    "deep": ("[" * 200_000, "no JSON"),
}


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_a_wrong_line_of_inputs_is_told_with_its_number(shop: Shop, name: str) -> None:
    content, message = INPUTS[name]
    done = shop.call("sim", shop.file("a.st", COUNTER), "--inputs", shop.file("in.jsonl", content))
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def test_a_file_of_inputs_that_is_missing_is_named(shop: Shop) -> None:
    done = shop.takt("sim", shop.file("a.st", COUNTER), "--inputs", "nowhere.jsonl")
    assert done.status == 2
    assert done.err == (
        "error: nowhere.jsonl: unreadable (No such file or directory); "
        "expected a file of JSON lines\n"
    )


@pytest.mark.parametrize("stage", ["tokens", "tree", "model", "llvm", "asm"])
def test_show_prints_each_stage(shop: Shop, stage: str) -> None:
    done = shop.takt("show", "--stage", stage, shop.file("a.st", COUNTER))
    assert (done.status, done.err) == (0, "")
    assert len(done.out.splitlines()) > 10


def test_show_of_a_wrong_program_says_why(shop: Shop) -> None:
    done = shop.takt("show", "--stage", "model", shop.file("w.st", WRONG))
    assert (done.status, done.out) == (1, "")
    assert "ST2001" in done.err


def test_explain_prints_the_page(shop: Shop) -> None:
    done = shop.takt("explain", "st3001")
    assert done.status == 0
    assert done.out.startswith("# ST3001: ")
    assert "```st fail" in done.out


def test_build_writes_a_file_that_holds_the_program(shop: Shop) -> None:
    done = shop.takt("build", shop.file("a.st", COUNTER), "--output", "line.takt")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert (shop.folder / "line.takt").read_bytes().startswith(b"TAKTPROG")


def test_build_into_a_missing_folder_is_told(shop: Shop) -> None:
    done = shop.takt("build", shop.file("a.st", COUNTER), "--output", "no/where.takt")
    assert done.status == 1
    assert "no/where.takt: cannot be written (No such file or directory)" in done.err


def test_the_version_is_printed(shop: Shop) -> None:
    done = shop.takt("--version")
    assert done.status == 0
    assert done.out.startswith("takt ")
