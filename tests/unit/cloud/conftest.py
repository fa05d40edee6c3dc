"""What several tests of the way to the cloud stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cloud_plant import PlayedPlant, cloud_project, play_plant


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedPlant]:
    """A project's image as its runtime leaves it, played by the test."""
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    played = play_plant(cloud_project(tmp_path / "project", ""))
    yield played
    played.image.close()
