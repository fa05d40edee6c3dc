"""Broken programs, cut off at every token or with random wounds: checking always comes to an end.

TAKT_FUZZ_CASES sets how many wounded programs are tried, TAKT_FUZZ_SEED with which seed.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.build import check_sources
from runtime.diagnostics.diagnostic import Findings, caret_view
from runtime.source import Source
from runtime.syntax.lexer import tokenise
from runtime.syntax.tokens import KEYWORDS, TokenKind
from tests.support.programs import codes_of, run

CASES = int(os.environ.get("TAKT_FUZZ_CASES", "300"))
SEED = int(os.environ.get("TAKT_FUZZ_SEED", "61131"))
FOLDER = Path(__file__).parents[2] / "conformance"
PROGRAMS = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.st"))]
OPERATORS = ":= => <= >= <> ** .. - + * / = < > ( ) [ ] , ; : . & ^ #".split()
WORDS = [*sorted(KEYWORDS), *OPERATORS, "X", "TON", "INT", "1", "1.5", "T#1s", "16#FF", "%IX0.0",
         "'a'", '"', "'", "(*", "*)", "{", "}", "//", "\n", "\0", "µ", "INT#", "T#", "%", "$",
         "9" * 30, "STRING", "REF_TO", "__", "a.b.c"]  # fmt: skip

KIN = """
BOOL SINT INT DINT LINT USINT UINT UDINT ULINT BYTE WORD DWORD LWORD REAL LREAL TIME LTIME STRING
TON TOF CTU R_TRIG ABS MIN MAX SEL LIMIT SHL ROL SQRT EXPT TRUNC DINT_TO_REAL REAL_TO_INT TO_BYTE
0 1 2 3 7 127 128 255 256 32767 32768 65535 2147483648 16#FFFF_FFFF 18446744073709551615 0.0 1.5
1.0E30 T#1s T#100ms INT#-1 BYTE#255 BOOL#1 LREAL#0.1 + - * / MOD AND OR XOR < > = <> <= >= **
""".split()
BETWEEN = frozenset("+ - * / MOD AND OR XOR < > = <> <= >= **".split())
Wound = Callable[[list[str], random.Random], None]


def assert_checks(text: str) -> None:
    """Check a text; whatever is wrong with it is said in findings that can be shown."""
    sources = (Source("fuzz.st", text),)
    checked = check_sources(sources)
    for item in checked.findings:
        assert 0 <= item.span.start <= len(text)
        caret_view(item, sources)
    if checked.model is None:
        assert any(item.severity == "error" for item in checked.findings)


def assert_named(text: str, name: str) -> None:
    """Check a text; show it where the compiler fails."""
    try:
        assert_checks(text)
    except Exception as error:
        raise AssertionError(f"{name}: {error!r}\n{text}") from error


def remove_token(parts: list[str], chance: random.Random) -> None:
    del parts[chance.randrange(len(parts))]


def repeat_token(parts: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(parts))
    parts.insert(at, parts[at])


def swap_tokens(parts: list[str], chance: random.Random) -> None:
    one, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    parts[one], parts[other] = parts[other], parts[one]


def replace_token(parts: list[str], chance: random.Random) -> None:
    parts[chance.randrange(len(parts))] = chance.choice(WORDS)


def insert_token(parts: list[str], chance: random.Random) -> None:
    parts.insert(chance.randrange(len(parts) + 1), chance.choice(WORDS))


def borrow_token(parts: list[str], chance: random.Random) -> None:
    parts[chance.randrange(len(parts))] = chance.choice(words_of(chance.choice(PROGRAMS)))


def replace_by_kin(parts: list[str], chance: random.Random) -> None:
    """Replace a name by another name, a number by a number: what still parses is checked deeper."""
    places = [at for at, word in enumerate(parts) if kind_of(word) is not TokenKind.KEYWORD]
    at = chance.choice(places or [0])
    kin = [word for word in (*parts, *KIN) if kind_of(word) is kind_of(parts[at])]
    parts[at] = chance.choice(kin or [parts[at]])


def cut_stretch(parts: list[str], chance: random.Random) -> None:
    start = chance.randrange(len(parts))
    del parts[start : start + chance.randrange(1, 10)]


def wound_letter(parts: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(parts))
    word = parts[at]
    cut = chance.randrange(len(word) + 1)
    parts[at] = word[:cut] + chance.choice("x_0.#'($\t\x7f") + word[cut + 1 :]


WOUNDS: tuple[Wound, ...] = (
    remove_token, repeat_token, swap_tokens, replace_token, insert_token, borrow_token,
    replace_by_kin, cut_stretch, wound_letter,
)  # fmt: skip


def kind_of(word: str) -> TokenKind:
    """Return what a word is; of the operators, those that stand between operands are one kind."""
    if word.upper() in BETWEEN:
        return TokenKind.OPERATOR
    if word in OPERATORS:
        return TokenKind.KEYWORD
    return tokenise(Source("", word), 0, Findings())[0].kind


def words_of(text: str) -> list[str]:
    """Return the tokens of a program as text."""
    tokens = tokenise(Source("", text), 0, Findings())
    return [token.text for token in tokens if token.text] or ["X"]


def wounded(text: str, chance: random.Random, wounds: tuple[Wound, ...] = WOUNDS) -> str:
    """Return a program with one to five wounds, or one to three of a single kind."""
    parts = words_of(text)
    for _ in range(chance.randrange(1, 6 if len(wounds) > 1 else 4)):
        if parts:
            chance.choice(wounds)(parts, chance)
    return chance.choice([" ", "\n"]).join(parts)


@pytest.mark.parametrize("name", ["7.3.3/exit_and_continue", "6.6.1/outputs_of_a_function",
                                  "6.4.4/structures", "6.6.3/blocks_in_blocks"])  # fmt: skip
def test_fuzz_a_program_cut_off_at_any_token_is_checked(name: str) -> None:
    text = (FOLDER / f"{name}.st").read_text(encoding="utf-8")
    for token in tokenise(Source("", text), 0, Findings()):
        assert_checks(text[: token.start])
        assert_checks(text[: token.end])


def test_fuzz_wounded_programs_are_checked() -> None:
    chance = random.Random(SEED)
    for number in range(CASES):
        text = wounded(chance.choice(PROGRAMS), chance)
        assert_named(text, f"program {number} of seed {SEED}")


def test_fuzz_wounded_programs_that_are_accepted_run_alike_in_both_engines() -> None:
    chance = random.Random(SEED)
    accepted = 0
    for number in range(CASES // 3):
        text = wounded(chance.choice(PROGRAMS), chance, (replace_by_kin,))
        assert_named(text, f"program {number} of seed {SEED}")
        if not codes_of(text):
            accepted += 1
            try:
                run(text, cycles=3)
            except Exception as error:
                raise AssertionError(
                    f"program {number} of seed {SEED}: {error!r}\n{text}"
                ) from error
    assert accepted > 0


def test_fuzz_random_bytes_are_checked() -> None:
    chance = random.Random(SEED)
    for _ in range(max(CASES // 3, 10)):
        letters = bytes(chance.randrange(256) for _ in range(200)).decode("latin-1")
        words = " ".join(chance.choice(WORDS) for _ in range(100))
        for text in (letters, words):
            assert_named(text, f"seed {SEED}")
