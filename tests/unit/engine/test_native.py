"""From a Python function to machine code, and what is kept on disk of it."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.artifact import cache
from runtime.engine import native, scan

SIGNATURE = native.Signature("i64", ("i64", "i64"))


def plus(a: int, b: int) -> int:
    return a + b


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAKT_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("own_cache")
def test_a_python_function_becomes_one_exported_symbol() -> None:
    text = native.exported_ir(plus, SIGNATURE, "plus")
    code = native.NativeCode(native.emit_object(native.parse_ir(text)))
    assert code.function("plus", ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(40, 2) == 42
    defined = [line for line in text.splitlines() if line.startswith("define")]
    assert len(defined) == 1


def test_text_is_kept_and_told_apart_by_what_it_depends_on(own_cache: Path) -> None:
    first = native.exported_ir(plus, SIGNATURE, "plus")
    assert native.exported_ir(plus, SIGNATURE, "plus") == first
    assert len(list(own_cache.iterdir())) == 1
    native.exported_ir(plus, SIGNATURE, "plus", depends_on="another module")
    assert len(list(own_cache.iterdir())) == 2


def test_a_damaged_entry_is_made_again(own_cache: Path) -> None:
    first = scan.executive_object()
    for entry in own_cache.iterdir():
        entry.write_bytes(entry.read_bytes()[:-1] + b"!")
    assert scan.executive_object() == first


def test_the_loop_is_kept_under_a_key_of_its_sources(own_cache: Path) -> None:
    scan.executive_object()
    count = len(list(own_cache.iterdir()))
    cache.keep("another", b"")
    scan.executive_object()
    assert len(list(own_cache.iterdir())) == count + 1


def test_a_warm_start_of_the_engine_imports_no_numba() -> None:
    scan.executive_object()
    check = (
        "import sys; from runtime.engine import scan; from runtime.app import process;"
        "scan.executive_object(); assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)


def test_the_loop_calls_nothing_but_the_clock_memory_and_its_borders() -> None:
    signature = native.Signature("i64", ("ptr", "i64", "i64", "i64"))
    text = scan.loop_text("executive", "execute", signature, scan.EXECUTE)
    declared = {
        line.split("@")[1].split("(")[0] for line in text.splitlines() if line[:7] == "declare"
    }
    clock = {"clock_gettime", "clock_nanosleep", "sem_clockwait"}
    locks = {f"pthread_mutex_{name}" for name in ("lock", "trylock", "unlock")}
    allowed = clock | locks | {"memcmp", "bcmp", "sem_post"}
    assert {name for name in declared if not name.startswith("llvm.")} == allowed
