"""Errors that reach a user. Each message names the thing, its value and what was expected."""

from dataclasses import dataclass


class TaktError(Exception):
    """A fault that is reported as one line of text and ends the command with `exit_code`."""

    exit_code = 1


class UsageError(TaktError):
    """The command line is wrong (exit status 2)."""

    exit_code = 2


class ImageError(TaktError):
    """The process image is missing, of another version, or does not fit its project."""


class HostError(TaktError):
    """The machine refuses what was asked for (a port in use, a file that cannot be written)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a configuration: where it stands, what stands there, what was expected."""

    path: str
    value: str
    expected: str
    line: int = 0
    """Line of the file, 0 where there is none."""

    def __str__(self) -> str:
        """Return the fault as one line."""
        return f"{self.path} = {self.value}: expected {self.expected}"


class ProjectError(TaktError):
    """A `takt.toml` with all of its faults, gathered before anything is started."""

    def __init__(self, file: str, faults: tuple[Fault, ...]) -> None:
        self.file = file
        self.faults = faults
        noun = "fault" if len(faults) == 1 else "faults"
        lines = "".join(f"\n  {_on_line(fault)}{fault}" for fault in faults)
        super().__init__(f"{file}: {len(faults)} {noun}{lines}")


def _on_line(fault: Fault) -> str:
    return f"line {fault.line}: " if fault.line else ""
