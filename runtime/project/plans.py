"""The tasks of `takt.toml` as the compiler takes them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task and the names of the programs it runs, each as an instance of its own name."""

    name: str
    programs: tuple[str, ...]
    interval_ns: int = 0
    priority: int = 0
    single: str | None = None
    """Path of the BOOL whose rising edge releases it."""
