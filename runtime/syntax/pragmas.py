"""Pragmas: conditional ones decide which text counts; all others have no effect, as a note says.

    {define SIMULATED}  {IF defined (SIMULATED) AND NOT defined (FAST)} … {ELSE} … {END_IF}

The names are those that the same source defines before. A condition of another kind is refused,
since a guess would compile the wrong text.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from runtime.diagnostics.diagnostic import Findings
from runtime.source import Span
from runtime.syntax.tokens import Token, TokenKind

_DIRECTIVE: Final = re.compile(
    r"\{\s*(define|undefine|if|elsif|else|end_if)\b\s*(.*?)\s*\}", re.IGNORECASE | re.DOTALL
)
_DEFINED: Final = re.compile(r"defined\s*\(\s*(\w+)\s*\)", re.IGNORECASE)
_WORD: Final = re.compile(r"\s*(\(|\)|\w+)")


@dataclass(slots=True)
class _Branch:
    """An open {IF}: where it stands, whether a part of it was taken, whether this part counts."""

    span: Span
    taken: bool
    counts: bool


@dataclass(slots=True)
class _Conditions:
    """What is defined, and which conditions are open."""

    number: int
    findings: Findings
    names: set[str] = field(default_factory=set)
    open: list[_Branch] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Whether the text here counts."""
        return all(branch.counts for branch in self.open)

    def take(self, token: Token, word: str, rest: str) -> None:
        """Follow one directive."""
        span = Span(self.number, token.start, token.end)
        if word == "if":
            holds = self.counts and self._holds(rest, span)
            self.open.append(_Branch(span, holds, holds))
        elif word in {"define", "undefine"}:
            if self.counts:
                change = self.names.add if word == "define" else self.names.discard
                change(rest.split(maxsplit=1)[0].upper() if rest else "")
        elif not self.open:
            self.findings.error("ST1006", span, f"{token.text} without an {{IF}} before it")
        elif word == "end_if":
            self.open.pop()
        else:
            last = self.open[-1]
            outer = all(branch.counts for branch in self.open[:-1])
            last.counts = outer and not last.taken and (word == "else" or self._holds(rest, span))
            last.taken = last.taken or last.counts

    def _holds(self, condition: str, span: Span) -> bool:
        """Return whether a condition over defined names holds; ST1006 for any other."""
        text = _DEFINED.sub(
            lambda match: "TRUE" if match[1].upper() in self.names else "FALSE", condition
        )
        words = [match.upper() for match in _WORD.findall(text)]
        result = _Reader(words).whole()
        if result is None or _WORD.sub("", text).strip():
            hint = "expected defined (NAME), joined by AND, OR, NOT"
            self.findings.error("ST1006", span, f"the condition {condition!r} is unknown", hint)
            return False
        return result


class _Reader:
    """Reads TRUE, FALSE, NOT, AND, OR and parentheses; None stands for what is none of them."""

    def __init__(self, words: list[str]) -> None:
        self._words = words

    def whole(self) -> bool | None:
        """Return the value of all words."""
        value = self._either()
        return None if self._words else value

    def _either(self) -> bool | None:
        left = self._both()
        while self._accept("OR"):
            right = self._both()
            left = None if left is None or right is None else left or right
        return left

    def _both(self) -> bool | None:
        left = self._single()
        while self._accept("AND"):
            right = self._single()
            left = None if left is None or right is None else left and right
        return left

    def _single(self) -> bool | None:
        inverted = False
        while self._accept("NOT"):
            inverted = not inverted
        if self._accept("("):
            value = self._either()
            return None if value is None or not self._accept(")") else value != inverted
        if self._accept("TRUE"):
            return not inverted
        return inverted if self._accept("FALSE") else None

    def _accept(self, word: str) -> bool:
        if not self._words or self._words[0] != word:
            return False
        self._words.pop(0)
        return True


def without_pragmas(tokens: list[Token], number: int, findings: Findings) -> list[Token]:
    """Return the tokens that count; what has no effect is noted (ST1005)."""
    work, kept = _Conditions(number, findings), []
    for token in tokens:
        if token.kind is not TokenKind.PRAGMA:
            if work.counts or token.kind is TokenKind.END:
                kept.append(token)
            continue
        directive = _DIRECTIVE.fullmatch(token.text)
        span = Span(number, token.start, token.end)
        if directive is not None:
            work.take(token, directive[1].lower(), directive[2])
        elif work.counts and not findings.has_error_at(span):
            findings.note("ST1005", span, f"pragma {token.text} has no effect")
    for branch in work.open:
        findings.error("ST1006", branch.span, "{IF} is not closed", "close it with {END_IF}")
    return kept
