"""README's table of commands lists every command that `takt` has."""

import re

from typer.main import get_command

from runtime.cli.main import app
from tests.support.runtime_process import ROOT


def test_the_readme_lists_every_command_of_takt() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("## Commands")
    table, _, _ = rest.partition("Exit status")
    listed = set(re.findall(r"`takt ([a-z]+)", table))
    command = get_command(app)
    assert set(getattr(command, "commands", {})) == listed
