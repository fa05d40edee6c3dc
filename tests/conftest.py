"""What all tests share: a cache of compiled code of their own, warm for the whole run."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.limits import RECURSION_LIMIT

sys.setrecursionlimit(RECURSION_LIMIT)  # the compiler does; hypothesis wants it before its tests


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that accepts what the golden cases give now."""
    parser.addoption(
        "--update-cases",
        action="store_true",
        help="write what tests/golden/**/*.case give now into the files; read the diff",
    )


@pytest.fixture(scope="session", autouse=True)
def takt_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep compiled code in a folder of this run, so that no test meets what another run left.

    Processes that share the tests share it too.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "takt-cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAKT_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what a command that ran inside of a test made of the loggers."""
    loggers = [logging.getLogger(name) for name in ("runtime", "gateway")]
    before = [(each.handlers, each.level, each.propagate) for each in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
