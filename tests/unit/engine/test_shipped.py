"""Shipped text: complete, up to date, and no more than a short cut."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.engine import shipped

WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
from runtime.app.ship import demand
demand()
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="text is shipped for x86_64 alone")
def test_all_that_is_to_be_shipped_is_there_and_of_these_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_CACHE", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, f"run `make ship`, for sources have changed\n{done.stderr}"


def test_what_is_not_shipped_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "some.zip"
    monkeypatch.setattr(shipped, "ARCHIVE", archive)
    assert shipped.fetch("key") is None
    archive.write_bytes(b"no archive at all")
    assert shipped.fetch("key") is None
    shipped.write({"other": "define"}, archive)
    assert shipped.fetch("key") is None
    assert shipped.fetch("other") == "define"


def test_the_same_texts_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    shipped.write({"a": "1", "b": "2"}, first)
    shipped.write({"b": "2", "a": "1"}, second)
    assert first.read_bytes() == second.read_bytes()
    assert shipped.keys(first) == {"a", "b"}


def test_while_texts_are_gathered_none_is_taken_from_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "ARCHIVE", tmp_path / "some.zip")
    shipped.write({"a": "old"}, shipped.ARCHIVE)
    with shipped.gathering() as texts:
        assert shipped.is_gathering()
        assert shipped.fetch("a") is None
        shipped.note("a", "new")
    assert texts == {"a": "new"}
    shipped.note("b", "lost")
    assert "b" not in texts
    assert shipped.fetch("a") == "old"
