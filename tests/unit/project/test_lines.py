"""Faults of a takt.toml bear the line on which they stand."""

from pathlib import Path

import pytest

from runtime.errors import Fault, ProjectError
from runtime.project.lines import project_error
from runtime.project.load import load_project
from tests.unit.project.test_load import SOUND, changed, folder_of

TEXT = """\
[project]  # 1
name = "plant"
sources = [
  "*.st",
]
[[device]]  # 6
name = "rack"
[[device]]
  name = "rack"  # 9
[[server]]
[[server.range]]
table = "coil"
[[ server.range ]]  # 13
table = "x"
[[server]]
[[server.range]]
scale = { factor = 0 }  # 17
text = '''
[[device]]
name = "no device"
'''
[[device]]  # 22
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("project", 1),
        ("project.sources[0]", 3),
        ("device[0].host", 6),
        ("device[1].name", 9),
        ("device[2]", 22),
        ("server[0].range[1]", 13),
        ("server[0].range[1].table", 14),
        ("server[1].range[0].scale.factor", 17),
        ("metrics.port", 0),
    ],
)
def test_a_fault_stands_on_the_line_of_its_key_or_of_what_it_is_a_part_of(
    path: str, line: int
) -> None:
    (fault,) = project_error("takt.toml", TEXT, [Fault(path, "x", "y")]).faults
    assert fault.line == line


def test_faults_are_told_in_the_order_of_their_lines() -> None:
    faults = [Fault("device[1].name", "x", "y"), Fault("project.name", "x", "y")]
    assert str(project_error("takt.toml", TEXT, faults)) == (
        "takt.toml: 2 faults\n"
        "  line 2: project.name = x: expected y\n"
        "  line 9: device[1].name = x: expected y"
    )


def test_a_project_that_is_loaded_tells_lines(tmp_path: Path) -> None:
    text = changed('table = "coil"', 'table = "coils"')
    with pytest.raises(ProjectError, match=r"line \d+: io\[1\]\.table = 'coils'") as caught:
        load_project(folder_of(tmp_path, text))
    assert SOUND.splitlines()[caught.value.faults[0].line - 1] == 'table = "coil"'
