"""The hard limits of the tree: sizes, headers, no open ends, nothing of one machine."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 500
OPEN_ENDS = re.compile(
    r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b"
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(?:" + "|".join(["wor" + "k", "roo" + "t", "hom" + "e"]) + r")/\w"
)
HOSTS = [".".join(parts) for parts in (
    ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("debian", "org"),
    ("golang", "org"), ("crates", "io"), ("docker", "io"),
)]  # fmt: skip


def tracked() -> list[Path]:
    """Return the files of the tree that git knows, or all where there is no git."""
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is no git repository")
    git = shutil.which("git")
    if git is None:
        pytest.fail("git is missing; expected the Debian package git (make packages)")
    done = subprocess.run(
        [git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    paths = (ROOT / name for name in done.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def texts(*suffixes: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of each tracked file with one of the suffixes, or of each text file."""
    for path in tracked():
        if suffixes and path.suffix not in suffixes:
            continue
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring."""
    assert node.end_lineno is not None
    length = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None and first.end_lineno is not None:
        length -= first.end_lineno - first.lineno + 1
    return length


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{name}:{node.lineno} {node.name} has {lines_of(node)} lines"
        for name, text in texts(".py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and lines_of(node) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_no_module_is_longer_than_its_limit() -> None:
    counts = {name: len(text.splitlines()) for name, text in texts(".py")}
    assert {name: n for name, n in counts.items() if n > MODULE_LINES_MAX} == {}


def test_the_first_line_of_a_module_says_what_it_does() -> None:
    silent = [
        name
        for name, text in texts(".py")
        if text.strip() and not re.match(r'(#!.*\n)?r?"""\S.{10,}', text)
    ]
    assert silent == []


def test_no_file_has_open_ends() -> None:
    found = [
        f"{name}: {match[0]}"
        for name, text in texts()
        if (match := OPEN_ENDS.search(text)) is not None
    ]
    assert found == []


def test_no_file_names_a_path_of_one_machine_or_a_registry() -> None:
    found = [
        f"{name}: {match[0]}" for name, text in texts() if (match := MACHINE_PATHS.search(text))
    ]
    found += [f"{name}: {host}" for name, text in texts() for host in HOSTS if host in text]
    assert found == []


def test_no_file_is_committed_that_a_tool_makes() -> None:
    made = {".pyc", ".so", ".o", ".egg-info", ".takt"}
    assert [path.name for path in tracked() if path.suffix in made] == []


def test_every_standalone_package_folder_is_typed() -> None:
    assert (ROOT / "runtime" / "py.typed").is_file()
    assert (ROOT / "gateway" / "py.typed").is_file()


def test_every_benchmark_stands_in_the_list_of_benchmarks() -> None:
    table = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    benchmarks = [
        Path(name).name for name, text in texts(".py")
        if name.startswith("bench/") and "parse_options(question)" in text
    ]  # fmt: skip
    assert benchmarks
    assert [name for name in benchmarks if f"| `{name}` |" not in table] == []
