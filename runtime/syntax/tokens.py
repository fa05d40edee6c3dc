"""The tokens of Structured Text and the reserved words (6.1)."""

import enum
from typing import Final, NamedTuple


class TokenKind(enum.Enum):
    """What a token is, as far as its spelling tells."""

    NAME = "name"
    KEYWORD = "keyword"
    INTEGER = "integer"
    REAL = "real number"
    TYPED = "typed literal"
    STRING = "string"
    DIRECT = "address"
    OPERATOR = "operator"
    PRAGMA = "pragma"
    END = "end of file"


class Token(NamedTuple):
    """One token. `key` is its text in upper case, by which words and operators are compared."""

    kind: TokenKind
    text: str
    key: str
    start: int
    end: int


KEYWORDS: Final = frozenset(
    """
    ABSTRACT ACTION AND AND_THEN ARRAY AT BY CASE CLASS CONFIGURATION CONSTANT CONTINUE DO ELSE
    ELSIF END_ACTION END_CASE END_CLASS END_CONFIGURATION END_FOR END_FUNCTION END_FUNCTION_BLOCK
    END_GET END_IF END_INTERFACE END_METHOD END_NAMESPACE END_PROGRAM END_PROPERTY END_REPEAT
    END_RESOURCE END_SET END_STEP END_STRUCT END_TRANSITION END_TYPE END_UNION END_VAR END_WHILE
    EXIT EXTENDS FALSE FINAL FOR FUNCTION FUNCTION_BLOCK IF IMPLEMENTS INITIAL_STEP INTERFACE
    METHOD MOD NAMESPACE NON_RETAIN NOT NULL OF OR OR_ELSE OVERLAP OVERRIDE PERSISTENT POINTER
    PRIVATE PROGRAM PROPERTY PROTECTED PUBLIC REF_TO REFERENCE REPEAT RESOURCE RETAIN RETURN STEP
    STRUCT SUPER TASK THEN THIS TO TRANSITION TRUE TYPE UNION UNTIL USING VAR VAR_ACCESS VAR_CONFIG
    VAR_EXTERNAL VAR_GLOBAL VAR_IN_OUT VAR_INPUT VAR_INST VAR_OUTPUT VAR_STAT VAR_TEMP WHILE WITH
    XOR
    """.split()
)
"""Words that cannot be names, in upper case (table 4). Words that matter in one place only, such as
INTERVAL or ON, stay free; so do the names of data types."""
