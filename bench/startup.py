"""How long from starting the process to the first scan of the demo's program, cold and warm?

Cold: an empty cache, so that ST, blocks and scan loop are compiled. Warm: unchanged since.
Peers: for the cold start, Python that imports numba and lets it compile one empty function, which
no start through numba can beat; for the warm one, Python that starts and ends.
Goals: cold below 5 s, warm below 1 s.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo_project import started, write_project
from report import Goal, Report, Row, parse_options

BARE_NUMBA = "import numba; numba.njit('int64(int64)')(lambda a: a)"
BARE_PYTHON = "pass"


def run_python(code: str) -> float:
    """Return the seconds that Python takes from start to end of a line of code."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure in turns and report."""
    question = "How long from process start to the first scan of the demo's program?"
    report = Report(question, parse_options(question))
    cold_rounds, warm_rounds = (2, 4) if report.options.quick else (6, 20)
    cold, warm, bare_numba, bare_python = [], [], [], []
    layouts = set()
    with tempfile.TemporaryDirectory() as folder:
        project, cache = Path(folder) / "project", Path(folder) / "cache"
        write_project(project, "10ms")
        for number in range(cold_rounds):
            cache = Path(folder) / f"cache{number}"
            with report.window(), started(project, cache) as runtime:
                cold.append(runtime.first_scan_s)
                layouts.add(runtime.image.layout_hash)
            bare_numba.append(run_python(BARE_NUMBA))
        for _ in range(warm_rounds):
            with report.window(), started(project, cache) as runtime:
                warm.append(runtime.first_scan_s)
                layouts.add(runtime.image.layout_hash)
            bare_python.append(run_python(BARE_PYTHON))
    same = "the same" if len(layouts) == 1 else "NOT the same"
    report.notes.append(f"cold and warm starts run {same} layout of variables")
    report.rows += [
        Row("cold start", "s", cold, "bare numba", bare_numba, Goal(value_below=5.0)),
        Row("warm start", "s", warm, "bare python", bare_python, Goal(value_below=1.0)),
    ]
    report.finish()


if __name__ == "__main__":
    main()
