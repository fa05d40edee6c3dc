"""A compiled program on an engine and an image of its own: what several tasks do to each other."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from runtime.app.directory import directory_of
from runtime.build import build_project
from runtime.datatypes.values import Json
from runtime.engine.scan import Ending, ScanEngine
from runtime.image.layout import SectionKind
from runtime.image.payloads import Frame, Outputs
from runtime.image.segment import create_image
from runtime.image.statistics import TaskStatistics
from runtime.prebuilt import plans_of
from runtime.project.load import load_project
from runtime.project.plans import TaskPlan
from tests.support.newest import newest_frame, newest_outputs

MS = 1_000_000


class Plant:
    """An engine for a project made of one text and the sections of a `takt.toml`."""

    def __init__(self, folder: Path, source: str, toml: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plant.st").write_text(source)
        (folder / "takt.toml").write_text(f'[project]\nname = "plant"\n{toml}')
        self.project = load_project(folder)
        compilation = build_project(self.project)
        assert compilation.program is not None, [item.message for item in compilation.findings]
        self.program = compilation.program
        directory = directory_of(self.project, self.program)
        self.image = create_image(folder / "plant.image", directory, 1, now_ns=1)
        self.engine = ScanEngine(self.program, self.project, self.image)
        self.endings: dict[str, Ending] = {}

    def plans(self) -> tuple[TaskPlan, ...]:
        """Return the plans of the project's tasks, for a model of the same text."""
        return plans_of(self.project)

    def task(self, name: str) -> int:
        """Return the number of a task."""
        return next(n for n, task in enumerate(self.program.tasks) if task.name == name)

    def statistics(self, name: str) -> TaskStatistics:
        """Return the statistics of a task."""
        return TaskStatistics(self.image.section(SectionKind.TASK_STATISTICS, self.task(name)))

    def value(self, path: str, state: bytes | None = None) -> Json:
        """Return a variable of the committed state, or of another one."""
        symbol = self.program.symbol(path)
        assert symbol is not None, path
        return symbol.read(self.engine.state if state is None else state)

    @property
    def frame(self) -> Frame:
        """The newest frame."""
        return newest_frame(self.image)

    @property
    def outputs(self) -> Outputs:
        """The newest outputs."""
        return newest_outputs(self.image)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run all tasks in real time, a thread each, to the end of the block."""
        threads = [
            threading.Thread(target=self._serve, args=(number,))
            for number in range(len(self.program.tasks))
        ]
        if self.engine.watchdog is not None:
            threads.append(threading.Thread(target=self.engine.watch))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.engine.stop()
            for thread in threads:
                thread.join()

    def _serve(self, number: int) -> None:
        self.endings[self.program.tasks[number].name] = self.engine.workers[number].serve()
