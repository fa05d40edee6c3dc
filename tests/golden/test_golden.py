"""What each stage of the compiler prints stands in case files; `--update-cases` accepts the new."""

import re
from pathlib import Path

import pytest

from runtime.app.stages import print_stage
from runtime.diagnostics.diagnostic import caret_view
from runtime.prebuilt import Request
from runtime.source import Source

FOLDER = Path(__file__).parent
CASES = sorted(FOLDER.rglob("*.case"))
_OUTPUT = "-- output\n"
_SOURCE = re.compile(r"^-- source (\S+)\n", re.MULTILINE)


def printed(stage: str, sources: tuple[Source, ...]) -> str:
    """Return what a stage prints of some sources; `diagnostics` is what the check says."""
    asked = "model" if stage == "diagnostics" else stage
    text, findings = print_stage(asked, Request(sources, "golden"))
    shown = [caret_view(item, sources) for item in findings]
    if stage != "diagnostics" and text is not None:
        shown.append(text)
    return "".join(f"{part}\n" for part in shown) or "nothing\n"


@pytest.mark.parametrize(
    "path", CASES, ids=[str(path.relative_to(FOLDER).with_suffix("")) for path in CASES]
)
def test_a_stage_prints_what_its_case_holds(path: Path, request: pytest.FixtureRequest) -> None:
    given, _, expected = path.read_text(encoding="utf-8").partition(_OUTPUT)
    first, *parts = _SOURCE.split(given)
    sources = tuple(Source(*pair) for pair in zip(parts[::2], parts[1::2], strict=True))
    assert sources, f"{path}: expected a line '-- source NAME'"
    output = printed(path.parent.name, sources)
    if request.config.getoption("--update-cases"):
        texts = "".join(f"-- source {source.name}\n{source.text}" for source in sources)
        path.write_text(f"{first}{texts}{_OUTPUT}{output}", encoding="utf-8")
    else:
        assert output == expected
