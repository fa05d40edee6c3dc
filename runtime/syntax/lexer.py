"""Turn ST text into tokens. Case is kept; keywords compare without it (6.1.2).

One regular expression takes a token at a time; comments nest, so they are counted by hand:

    (* outer (* inner *) still outer *)  x := 16#FF;   ->   x  :=  16#FF  ;
"""

import re
from typing import Final

from runtime.diagnostics.diagnostic import Findings
from runtime.source import Source, Span
from runtime.syntax.tokens import KEYWORDS, Token, TokenKind

_TOKEN: Final = re.compile(
    r"""
      (?P<space>[\s\ufeff]+)
    | (?P<line>//[^\n]*)
    | (?P<comment>\(\*|/\*)
    | (?P<pragma>\{[^}]*\}?)
    | (?P<date>(?i:L?(?:DATE_AND_TIME|DATE|DT|D)\#)\d[\d_]*(?:-\d[\d_:.]*)*
        |(?i:L?(?:TIME_OF_DAY|TOD)\#)\d[\d_:.]*)
    | (?P<text>(?i:[WU]?STRING|[WU]?CHAR|U)\#(?:'(?:\$.|[^$'\n])*'?|"(?:\$.|[^$"\n])*"?))
    | (?P<typed>(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,15}\#)
        (?:[+-]?\d+\#\w+|[+-]?\d\w*(?:\.\d\w*)*|\w+)
      )
    | (?P<string>'(?:\$.|[^$'\n])*'?|"(?:\$.|[^$"\n])*"?)
    | (?P<direct>%[A-Za-z]*\*|%[A-Za-z]*[0-9]+(?:\.[0-9]+)*)
    | (?P<real>[0-9][0-9_]*\.[0-9][0-9_]*(?:[eE][+-]?[0-9]+)?)
    | (?P<integer>[0-9]+\#\w*|[0-9]\w*)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<operator>:=|\?=|=>|<=|>=|<>|\*\*|\.\.|[-+*/=<>()\[\],;:.&^\#])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_EXPONENT: Final = re.compile(r"[eE][+-]?[0-9]+")
_COMMENT_PARTS: Final = {
    "(*": ("*)", re.compile(r"\(\*|\*\)")),
    "/*": ("*/", re.compile(r"/\*|\*/")),
}
"""How a comment begins: how it ends, and what opens or closes one of its kind inside (table 3)."""
_KINDS: Final = {
    "typed": TokenKind.TYPED,
    "date": TokenKind.TYPED,
    "text": TokenKind.STRING,
    "string": TokenKind.STRING,
    "direct": TokenKind.DIRECT,
    "real": TokenKind.REAL,
    "integer": TokenKind.INTEGER,
    "operator": TokenKind.OPERATOR,
    "pragma": TokenKind.PRAGMA,
}


def tokenise(source: Source, number: int, findings: Findings) -> list[Token]:
    """Return the tokens of a source, the last one being END.

    Args:
        source: The text.
        number: The source's number in the project, for spans.
        findings: Takes what cannot be read (codes ST1001 to ST1005).
    """
    text = source.text
    tokens: list[Token] = []
    at, end = 0, len(text)
    match_at = _TOKEN.match
    while at < end:
        match = match_at(text, at)
        assert match is not None
        group = match.lastgroup
        start, at = at, match.end()
        if group in {"space", "line"}:
            continue
        word = match.group()
        if group == "name":
            key = word.upper()
            kind = TokenKind.KEYWORD if key in KEYWORDS else TokenKind.NAME
            tokens.append(Token(kind, word, key, start, at))
        elif group == "comment":
            at = _skip_comment(text, start, Span(number, start, start + 2), findings)
        elif group == "other":
            findings.error("ST1001", Span(number, start, at), f"character {word!r} has no meaning")
        else:
            assert group is not None
            if not _is_closed(group, word, Span(number, start, at), findings):
                word = word.rstrip().removesuffix(";")  # that ends the statement, not the text
                at = start + len(word)
            if group == "typed":
                at = _extend_exponent(text, word, at)
                word = text[start:at]
            tokens.append(Token(_KINDS[group], word, word.upper(), start, at))
    tokens.append(Token(TokenKind.END, "", "", end, end))
    return tokens


def _extend_exponent(text: str, word: str, at: int) -> int:
    """Return the end of a typed real whose exponent has a sign: LREAL#1.0E-3 stops at the E."""
    if word[-1] in "eE" and "." in word:
        match = _EXPONENT.match(text, at - 1)
        return match.end() if match else at
    return at


def _skip_comment(text: str, start: int, opening: Span, findings: Findings) -> int:
    """Return the offset behind a comment that begins at `start`."""
    begin = text[start : start + 2]
    end, part = _COMMENT_PARTS[begin]
    depth, at = 1, start + 2
    while depth:
        match = part.search(text, at)
        if match is None:
            findings.error("ST1002", opening, "comment is not closed", f"close it with {end}")
            return len(text)
        depth += 1 if match.group() == begin else -1
        at = match.end()
    return at


def _is_closed(group: str, word: str, span: Span, findings: Findings) -> bool:
    """Whether a string or pragma ends with its mark (ST1003, ST1004 where it does not)."""
    quoted = word[word.find("#") + 1 :] if group == "text" else word
    if group in {"string", "text"} and (len(quoted) < 2 or quoted[-1] != quoted[0]):  # noqa: PLR2004
        findings.error(
            "ST1003", span, "string is not closed on its line", f"close it with {quoted[0]}"
        )
        return False
    if group == "pragma" and word[-1] != "}":
        findings.error("ST1004", span, "pragma is not closed", "close it with }")
    return True
