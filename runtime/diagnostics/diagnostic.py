"""One finding about a program, and the list that gathers them while stages go on."""

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from runtime.limits import DIAGNOSTICS_MAX
from runtime.source import PROJECT_FILE, PROJECT_FILE_NAME, Source, Span


class Severity(enum.StrEnum):
    """How grave a finding is: an error keeps the program from running."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: code (its page is `takt explain CODE`), place, text and a hint."""

    code: str
    span: Span
    message: str
    help: str = ""
    severity: Severity = Severity.ERROR


@dataclass(slots=True)
class Findings:
    """The diagnostics of one compilation, in the order found; doubles at one place are dropped."""

    items: list[Diagnostic] = field(default_factory=list)
    _seen: set[tuple[str, Span]] = field(default_factory=set)
    _wrong: set[Span] = field(default_factory=set)
    errors: int = 0

    def error(self, code: str, span: Span, message: str, hint: str = "") -> None:
        """Add an error; the program will not run, the checks go on."""
        self._add(Diagnostic(code, span, message, hint, Severity.ERROR))

    def warning(self, code: str, span: Span, message: str, hint: str = "") -> None:
        """Add a warning; the program runs."""
        self._add(Diagnostic(code, span, message, hint, Severity.WARNING))

    def note(self, code: str, span: Span, message: str, hint: str = "") -> None:
        """Add a note."""
        self._add(Diagnostic(code, span, message, hint, Severity.NOTE))

    def _add(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.code, diagnostic.span)
        if key in self._seen:
            return
        self._seen.add(key)
        if diagnostic.severity is Severity.ERROR:
            self.errors += 1
            self._wrong.add(diagnostic.span)
        if len(self.items) < DIAGNOSTICS_MAX:
            self.items.append(diagnostic)

    def has_error_at(self, span: Span) -> bool:
        """Whether an error is known at exactly this place: what follows from it is no news."""
        return span in self._wrong

    def has_code(self, code: str, source: int) -> bool:
        """Whether a code was found in a source."""
        return any(item.code == code and item.span.source == source for item in self.items)

    def sorted(self) -> list[Diagnostic]:
        """Return the findings in source order."""
        return sorted(self.items, key=lambda item: (item.span.source, item.span.start))


def encode_findings(findings: Sequence[Diagnostic]) -> bytes:
    """Return findings as JSON."""
    rows = [[item.code, item.span, item.message, item.help, item.severity] for item in findings]
    return json.dumps(rows).encode()


def decode_findings(data: bytes) -> tuple[Diagnostic, ...]:
    """Return the findings that `encode_findings` wrote."""
    return tuple(
        Diagnostic(code, Span(*span), message, hint, Severity(severity))
        for code, span, message, hint, severity in json.loads(data)
    )


def one_line(diagnostic: Diagnostic, sources: tuple[Source, ...]) -> str:
    """Return `FILE:LINE:COL: severity CODE: text`, or without a place where it is of no source."""
    text = f"{diagnostic.severity} {diagnostic.code}: {diagnostic.message}"
    if diagnostic.span.source == PROJECT_FILE:
        return f"{PROJECT_FILE_NAME}: {text}"
    source = sources[diagnostic.span.source]
    line, column = source.position(diagnostic.span.start)
    return f"{source.name}:{line}:{column}: {text}"


def caret_view(diagnostic: Diagnostic, sources: tuple[Source, ...]) -> str:
    """Return the one line, the source line with carets under the span, and the help."""
    if diagnostic.span.source == PROJECT_FILE:
        rows = [one_line(diagnostic, sources)]
        return "\n".join([*rows, f"  = help: {diagnostic.help}"] if diagnostic.help else rows)
    source = sources[diagnostic.span.source]
    line, column = source.position(diagnostic.span.start)
    text = source.line(line)
    width = max(1, min(diagnostic.span.end - diagnostic.span.start, len(text) - column + 1))
    pad = "".join("\t" if letter == "\t" else " " for letter in text[: column - 1])
    gutter = f"{line:5} | "
    rows = [
        one_line(diagnostic, sources),
        f"{gutter}{text}",
        f"{' ' * (len(gutter) - 2)}| {pad}{'^' * width}",
    ]
    if diagnostic.help:
        rows.append(f"{' ' * (len(gutter) - 2)}= help: {diagnostic.help}")
    return "\n".join(rows)


def as_dict(diagnostic: Diagnostic, sources: tuple[Source, ...]) -> dict[str, str | int]:
    """Return the finding as the object that `--format jsonl` prints."""
    name, line, column = PROJECT_FILE_NAME, 1, 1
    if diagnostic.span.source != PROJECT_FILE:
        source = sources[diagnostic.span.source]
        name = source.name
        line, column = source.position(diagnostic.span.start)
    return {
        "file": name,
        "line": line,
        "column": column,
        "severity": str(diagnostic.severity),
        "code": diagnostic.code,
        "message": diagnostic.message,
    }
