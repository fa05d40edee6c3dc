"""A place in the token list, and how the parser gets back on its feet after an error."""

from collections.abc import Iterable
from typing import Final

from runtime.diagnostics.diagnostic import Findings
from runtime.limits import NESTING_MAX
from runtime.source import Source, Span
from runtime.syntax.pragmas import without_pragmas
from runtime.syntax.tokens import Token, TokenKind


class ResyncError(Exception):
    """The text cannot be read on from here; it was reported, the caller looks for a fresh start."""


STATEMENT_STARTS: Final = frozenset({"IF", "CASE", "FOR", "WHILE", "REPEAT", "EXIT", "RETURN"})
UNIT_STARTS: Final = frozenset(
    {"PROGRAM", "FUNCTION", "FUNCTION_BLOCK", "TYPE", "VAR_GLOBAL", "CONFIGURATION", "NAMESPACE",
     "END_NAMESPACE", "USING",
     "CLASS", "INTERFACE"}
)  # fmt: skip


class Cursor:
    """Reads tokens in order; `expect` reports what was wanted and what is there."""

    def __init__(
        self, tokens: list[Token], number: int, source: Source, findings: Findings
    ) -> None:
        """Start at the first token of source `number`; pragmas are followed or passed over."""
        self.source = number
        self._text = source
        self.findings = findings
        self._tokens = without_pragmas(tokens, number, findings)
        self._at = 0
        self.depth = 0
        self._is_cut = findings.has_code("ST1002", number)
        self.current = self._tokens[0]

    def span_of(self, token: Token) -> Span:
        """Return a token's place."""
        return Span(self.source, token.start, token.end)

    def line_of(self, token: Token) -> int:
        """Return the line a token stands on."""
        return self._text.position(token.start).line

    def since(self, start: Token) -> Span:
        """Return the place from a token to the end of the one read last."""
        last = self._tokens[self._at - 1] if self._at else start
        return Span(self.source, start.start, max(start.end, last.end))

    @property
    def last(self) -> Token:
        """The token that was taken last."""
        return self._tokens[max(self._at - 1, 0)]

    def advance(self) -> Token:
        """Take the current token."""
        token = self.current
        if token.kind is not TokenKind.END:
            self._at += 1
            self.current = self._tokens[self._at]
        return token

    def peek(self, distance: int = 1) -> Token:
        """Return a token ahead without taking it."""
        return self._tokens[min(self._at + distance, len(self._tokens) - 1)]

    def at(self, *keys: str) -> bool:
        """Whether the current token is one of these words or operators."""
        token = self.current
        return token.key in keys and token.kind in {TokenKind.KEYWORD, TokenKind.OPERATOR}

    def accept(self, *keys: str) -> Token | None:
        """Take the current token where it is one of these."""
        return self.advance() if self.at(*keys) else None

    def expect(self, key: str, where: str, hint: str = "") -> Token:
        """Take this word or operator, or report that it is missing."""
        if self.at(key):
            return self.advance()
        raise self.fault(f"expected {key} {where}", hint)

    def name(self, what: str) -> Token:
        """Take a name, or report that `what` is missing."""
        if self.current.kind is TokenKind.NAME:
            return self.advance()
        hint = f"{self.current.key} is a reserved word" if self.is_keyword() else ""
        raise self.fault(f"expected {what}", hint)

    def dotted_name(self, what: str, further: str) -> str:
        """Take `a.b.c`, or report that `what`, or behind a dot `further`, is missing."""
        text = self.name(what).text
        while self.accept("."):
            text += "." + self.name(further).text
        return text

    def is_keyword(self) -> bool:
        """Whether the current token is a reserved word."""
        return self.current.kind is TokenKind.KEYWORD

    def fault(self, wanted: str, hint: str = "") -> ResyncError:
        """Report what was wanted and what stands there instead (ST1101)."""
        token, span = self.current, self.span_of(self.current)
        if token.kind is TokenKind.END and self._is_cut:
            return ResyncError()  # the rest of the file is a comment, as was reported
        found = "the end of the file" if token.kind is TokenKind.END else repr(token.text)
        if not self.findings.has_error_at(span):
            self.findings.error("ST1101", span, f"{wanted}, found {found}", hint)
        return ResyncError()

    def begins_line(self) -> bool:
        """Whether the current token stands on a later line than the one before."""
        return self._at > 0 and self.line_of(self.last) < self.line_of(self.current)

    def missing(self, wanted: str) -> ResyncError:
        """Report that something is missing: at the end of its line where the next one goes on."""
        last, token = self.last, self.current
        is_known = self.findings.has_error_at(self.span_of(token))
        if not self.begins_line() or is_known or self._is_cut:
            return self.fault(wanted)
        behind = Span(self.source, last.end - 1, last.end)
        if not self.findings.has_error_at(behind):
            self.findings.error("ST1101", behind, f"{wanted} at the end of this line")
        return ResyncError()

    def enter(self) -> None:
        """Count one level of nesting (ST1102 beyond the limit)."""
        self.depth += 1
        self.bound(self.depth, NESTING_MAX, "levels of nesting")

    def bound(self, count: int, limit: int, what: str) -> None:
        """Go on only while a count is within its limit (ST1102)."""
        if count > limit:
            text = f"more than {limit} {what}"
            self.findings.error("ST1102", self.span_of(self.current), text)
            raise ResyncError

    def leave(self, levels: int = 1) -> None:
        """Count back levels of nesting."""
        self.depth -= levels

    def skip_to(self, stops: Iterable[str]) -> None:
        """Pass over tokens until one of these words or operators is current."""
        keys = frozenset(stops)
        while self.current.kind is not TokenKind.END:
            if self.current.key in keys and self.current.kind in {
                TokenKind.KEYWORD,
                TokenKind.OPERATOR,
            }:
                return
            self.advance()
