"""What tests with processes share: the scan loop's machine code, made once before the first one."""

from pathlib import Path

import pytest

from runtime.engine.scan import executive_object


@pytest.fixture(scope="session", autouse=True)
def compiled_loop(takt_cache: Path) -> None:
    """Compile the loop now: no process has to wait for it within its patience."""
    assert takt_cache.is_dir()
    executive_object()
