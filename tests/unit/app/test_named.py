"""What `takt.toml` names in the program must be there, and is judged before anything runs."""

from pathlib import Path

from typer.testing import CliRunner

from runtime.cli.main import app

SOURCE = """
PROGRAM Main VAR N : INT; A : ARRAY [1..3] OF INT; END_VAR VAR CONSTANT K : INT := 1; END_VAR
N := N + 1; END_PROGRAM
CONFIGURATION C
RESOURCE Line ON X
TASK Fast(INTERVAL := T#10ms, PRIORITY := 1);
PROGRAM P WITH Fast : Main;
END_RESOURCE
END_CONFIGURATION
"""
CONFIGURED = '[project]\nname = "named"\n'
PLANNED = CONFIGURED + '[[task]]\nname = "T"\ninterval = "1ms"\nprograms = ["Main"]\n'


def checked(folder: Path, toml: str, *options: str) -> tuple[int, str]:
    (folder / "main.st").write_text(SOURCE, encoding="utf-8")
    (folder / "takt.toml").write_text(toml, encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(folder), *options])
    return result.exit_code, result.stderr if result.exception is None else str(result.exception)


def test_names_that_the_program_has_are_accepted(tmp_path: Path) -> None:
    toml = CONFIGURED + '[[resource]]\nname = "LINE"\ncpu = 0\n[recorder]\nvariables = ["p.a[3]"]\n'
    assert checked(tmp_path, toml) == (0, "no errors\n")


def test_all_names_that_the_program_lacks_are_told_at_once(tmp_path: Path) -> None:
    toml = (
        CONFIGURED
        + '[[resource]]\nname = "Lime"\ncpu = 0\n[recorder]\nvariables = ["P.M", "P.A[4]"]\n'
    )
    status, said = checked(tmp_path, toml)
    assert status == 1
    record, variable = "recorder.variables", "expected the path of a variable"
    assert said.splitlines()[1:] == [
        (
            "  line 4: resource[0].name = 'Lime': "
            "expected a RESOURCE of the CONFIGURATION with tasks (LINE)"
        ),
        f"  line 7: {record}[0] = 'P.M': {variable} (no such variable; did you mean P.N?)",
        f"  line 7: {record}[1] = 'P.A[4]': {variable} (index 4 of P.A is outside 1..3)",
    ]


def test_ranges_of_servers_name_what_there_is_and_may_be_written(tmp_path: Path) -> None:
    item = '[[server.range]]\ntable = "holding"\nregister = {}\nvariable = "{}"\n{}'
    toml = CONFIGURED + '[[server]]\nname = "cell"\nprotocol = "modbus-tcp"\nport = 1502\n'
    write = 'access = "read-write"\n'
    toml += item.format(0, "P.N", write) + item.format(1, "P.M", "") + item.format(2, "P.K", write)
    status, said = checked(tmp_path, toml)

    assert status == 1
    assert said.splitlines()[1:] == [
        (
            "  line 15: server[0].range[1].variable = 'P.M': "
            "expected the path of a variable (no such variable; did you mean P.N?)"
        ),
        "  line 20: server[0].range[2].access = 'read-write': expected \"read\": P.K is CONSTANT",
    ]


def test_a_resource_means_nothing_to_tasks_of_the_file(tmp_path: Path) -> None:
    status, said = checked(tmp_path, PLANNED + '[[resource]]\nname = "Line"\ncpu = 0\n')
    assert status == 1
    assert "[[task]], which have a cpu each" in said
