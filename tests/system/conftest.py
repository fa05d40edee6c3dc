"""What tests with processes share: the scan loop's machine code, made once before the first one."""

from pathlib import Path

import pytest

from runtime.engine.scan import executive_object
from tests.support.certificates import make_certificates


@pytest.fixture(scope="session", autouse=True)
def compiled_loop(takt_cache: Path) -> None:
    """Compile the loop now: no process has to wait for it within its patience."""
    assert takt_cache.is_dir()
    executive_object()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the certificates of both ends, and a stranger's in `foreign`."""
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    make_certificates(folder / "foreign")
    return folder
