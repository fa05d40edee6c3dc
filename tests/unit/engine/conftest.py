"""A rig for each test: engine, image and the gateway's side of it, without any process."""

from pathlib import Path

import pytest

from tests.support.handmade import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)
