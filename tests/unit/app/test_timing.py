"""`takt timing`, and the warning before the start."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from runtime.app.timing import Measured, measure, processor_factor, processor_use, timings, warnings
from runtime.artifact import program as artifact
from runtime.artifact.program import CompiledProgram
from runtime.build import compile_sources
from runtime.cli.main import app
from runtime.project.load import load_project
from runtime.source import Source

HEAVY = """
PROGRAM Main
VAR i, j : DINT; x : LREAL; END_VAR
FOR i := 1 TO {turns} DO FOR j := 1 TO 1000 DO x := SIN(x) + 1.0; END_FOR; END_FOR;
END_PROGRAM
CONFIGURATION C
  TASK Fast (INTERVAL := T#1ms, PRIORITY := 0);
  PROGRAM P WITH Fast : Main;
END_CONFIGURATION
"""


def compiled(text: str) -> CompiledProgram:
    program = compile_sources((Source("main.st", text),), "test").program
    assert program is not None
    return program


def test_a_task_that_cannot_end_in_time_is_warned_of_with_its_name() -> None:
    (said,) = warnings(compiled(HEAVY.format(turns=1000)))
    assert said.startswith("task Fast: may miss its releases")
    assert "interval of 1 ms" in said


def test_a_task_that_fits_is_passed_over() -> None:
    assert list(warnings(compiled(HEAVY.format(turns=1)))) == []


def test_the_estimate_is_scaled_to_the_processor() -> None:
    program = compiled(HEAVY.format(turns=1))
    (once,), (twice,) = timings(program, 1.0), timings(program, 2.0)
    assert twice.estimate_ns == 2 * once.estimate_ns
    assert processor_use([twice]) > processor_use([once])
    assert processor_factor() > 0


def test_programs_without_a_task_have_the_base_cycle_to_end_in(tmp_path: Path) -> None:
    text = HEAVY.format(turns=1).replace("END_CONFIGURATION", "PROGRAM Q : Main; END_CONFIGURATION")
    (tmp_path / "main.st").write_text(text, encoding="utf-8")
    toml = '[project]\nname = "test"\n[runtime]\nbase = "3ms"\n'
    (tmp_path / "takt.toml").write_text(toml, encoding="utf-8")
    fast, base = timings(compiled(text), 1.0, load_project(tmp_path))
    assert (fast.path.task, base.path.task) == ("Fast", "base")
    assert base.response is not None
    assert base.response.load.period_ns == 3_000_000
    assert timings(compiled(text), 1.0)[1].response is None  # sources alone name no base cycle


def test_scans_are_measured_in_order_of_size() -> None:
    (taken,) = measure(compiled(HEAVY.format(turns=1)), 20)
    assert taken is not None
    assert 0 < taken.median_ns <= taken.p999_ns <= taken.maximum_ns


OPEN_ENDED = """
PROGRAM Open VAR i : DINT; turns : DINT := 10; END_VAR FOR i := 1 TO turns DO ; END_FOR; END_PROGRAM
PROGRAM Shut VAR n : DINT; END_VAR n := n + 1; END_PROGRAM
CONFIGURATION C
  TASK High (INTERVAL := T#1s, PRIORITY := 0);
  TASK Middle (INTERVAL := T#1s, PRIORITY := 1);
  TASK Low (INTERVAL := T#1s, PRIORITY := 2);
  PROGRAM A WITH High : Shut;
  PROGRAM B WITH Middle : Open;
  PROGRAM C WITH Low : Shut;
END_CONFIGURATION
"""


def test_nobody_knows_whether_a_loop_of_unknown_length_leaves_time(tmp_path: Path) -> None:
    assert [item.fits for item in timings(compiled(OPEN_ENDED), 1.0)] == [True, None, None]
    source = tmp_path / "open.st"
    source.write_text(OPEN_ENDED, encoding="utf-8")
    done = CliRunner().invoke(app, ["timing", str(source), "--scans", "3"])
    assert done.exit_code == 0
    assert "open.st:2: loop of unknown length, counted once" in done.output
    assert "?: fits by what was measured" in done.output


def test_tasks_on_processors_of_their_own_do_not_wait_for_each_other(tmp_path: Path) -> None:
    text = HEAVY.format(turns=20).replace("INTERVAL := T#1ms", "INTERVAL := T#10ms")
    low = "TASK Low (INTERVAL := T#10ms, PRIORITY := 1);\n  PROGRAM Q WITH Low : Main;\n"
    (tmp_path / "main.st").write_text("PROGRAM Main END_PROGRAM", encoding="utf-8")
    body = text.replace("CONFIGURATION C\n", "CONFIGURATION C\nRESOURCE A ON X\n").replace(
        "END_CONFIGURATION",
        f"END_RESOURCE\nRESOURCE B ON X\n{low}END_RESOURCE\nEND_CONFIGURATION",
    )
    program = compiled(body)

    def found(*cpus: tuple[str, int]) -> list[bool | None]:
        pins = "".join(f'[[resource]]\nname = "{name}"\ncpu = {cpu}\n' for name, cpu in cpus)
        (tmp_path / "takt.toml").write_text(f'[project]\nname = "t"\n{pins}', encoding="utf-8")
        factor = 6e6 / program.paths[0].ns  # 6 ms of 10 ms each
        return [item.fits for item in timings(program, factor, load_project(tmp_path))]

    assert found() == [True, False]
    assert found(("A", 0)) == [True, False], "the other one may come there too"
    assert found(("A", 0), ("B", 0)) == [True, False]
    assert found(("A", 0), ("B", 1)) == [True, True]


def test_a_scan_takes_no_less_than_was_measured() -> None:
    slow = Measured(median_ns=2_000_000_000, p999_ns=2_000_000_000, maximum_ns=2_000_000_000)
    found = timings(compiled(OPEN_ENDED), 1.0, measured=[None, slow, None])
    assert [item.fits for item in found] == [True, False, False]


def test_a_task_that_faults_is_told_and_the_others_are_measured(tmp_path: Path) -> None:
    text = OPEN_ENDED.replace("n := n + 1;", "n := 1 / n;")
    first, second, third = measure(compiled(text), 3)
    assert (first, third) == (None, None)
    assert second is not None
    source = tmp_path / "faulty.st"
    source.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["timing", str(source), "--scans", "3"])
    assert "task High: not measured, a scan faults; `takt sim` shows where" in done.output


def test_paths_survive_the_file_of_a_program() -> None:
    text = "PROGRAM Main VAR x : INT; END_VAR\nWHILE x < 9 DO x := x + 1; END_WHILE; END_PROGRAM"
    program = compiled(text)
    assert program.paths[0].unbounded == (("main.st", 2),)
    assert artifact.parse(artifact.dump(program)).paths == program.paths


def test_the_command_ends_with_1_where_a_task_does_not_fit(tmp_path: Path) -> None:
    source = tmp_path / "heavy.st"
    source.write_text(HEAVY.format(turns=1000), encoding="utf-8")
    result = CliRunner().invoke(app, ["timing", str(source), "--scans", "1"])
    assert result.exit_code == 1
    assert "NO" in result.stdout


@pytest.mark.parametrize("loop", ["WHILE x < 3 DO x := x + 1; END_WHILE;"])
def test_the_command_names_loops_of_unknown_length(tmp_path: Path, loop: str) -> None:
    source = tmp_path / "loop.st"
    source.write_text(f"PROGRAM Main\nVAR x : INT; END_VAR\n{loop}\nEND_PROGRAM\n")
    result = CliRunner().invoke(app, ["timing", str(source), "--scans", "5"])
    assert result.exit_code == 0, result.output
    assert "loop.st:3: loop of unknown length" in result.stdout
