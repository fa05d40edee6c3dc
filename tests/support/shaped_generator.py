"""Well-typed random programs of what has a shape: strings, structures, references, classes, dates.

They stand beside those of `generator`, which go through the numbers. Indices out of range, null
references and texts too long are left in: they must do alike in both engines.
"""

from typing import Final

from hypothesis import strategies as st

TYPES_TEXT: Final = """TYPE
  COLOUR : (RED, GREEN := 5, BLUE);
  INNER : STRUCT
    N : INT := 3; S : STRING[6] := 'in'; V : ARRAY [0..2] OF SINT; C : COLOUR;
  END_STRUCT;
  OUTER : STRUCT
    A : INNER; B : ARRAY [1..2] OF INNER := [(N := 7), (S := 'second')]; R : LREAL;
  END_STRUCT;
END_TYPE
INTERFACE ASKED
METHOD ASK : INT
VAR_INPUT X : INT; END_VAR
END_METHOD
END_INTERFACE
CLASS BASE IMPLEMENTS ASKED
VAR PUBLIC N : INT := 2; END_VAR
VAR LAST : STRING[5]; END_VAR
METHOD PUBLIC ASK : INT
VAR_INPUT X : INT; END_VAR
N := N + X; ASK := THIS.WEIGHT() + N;
END_METHOD
METHOD PUBLIC WEIGHT : INT
WEIGHT := 1;
END_METHOD
METHOD PUBLIC NAME : STRING[8]
VAR_INPUT S : STRING[8]; END_VAR
VAR_OUTPUT BEFORE : STRING[5]; END_VAR
BEFORE := LAST; LAST := S; NAME := CONCAT(S, '!');
END_METHOD
END_CLASS
CLASS DERIVED EXTENDS BASE
METHOD PUBLIC OVERRIDE WEIGHT : INT
WEIGHT := SUPER.WEIGHT() * 10 + N;
END_METHOD
END_CLASS
FUNCTION CHANGE : INT
VAR_INPUT I : INNER; S : STRING[6]; END_VAR
VAR_OUTPUT T : STRING[4]; END_VAR
VAR_IN_OUT O : OUTER; END_VAR
O.A := I; O.A.S := S; T := LEFT(S, 3); O.B[1].N := O.B[1].N + 1; CHANGE := LEN(O.B[2].S);
END_FUNCTION
FUNCTION TURN : ARRAY [0..9] OF BOOL
VAR_INPUT B : ARRAY [0..9] OF BOOL; END_VAR
VAR_OUTPUT T : ARRAY [0..9] OF BOOL; L : STRING[7]; END_VAR
VAR I : INT; END_VAR
FOR I := 0 TO 9 DO
  TURN[I] := B[9 - I]; T[I] := NOT B[I]; L := CONCAT(L, SEL(B[I], '_', 'T'));
END_FOR;
END_FUNCTION
"""
"""What all programs declare."""
_DECLARED: Final = """
S1 : STRING[6] := 'ab'; S2 : STRING := 'hello, world'; S3 : STRING[0];
W1 : WSTRING[5] := "äb"; W2 : WSTRING := "漢字";
V1 : USTRING[3] := U#'ä😀'; V2 : USTRING := U#'漢字';
O1, O2 : OUTER; I1 : INNER := (N := -1, V := [1, 2, 3]); K1, K2 : COLOUR;
B1 : BASE; D1, D2 : DERIVED; A1 : ASKED; R0 : BOOL;
R1, R2 : REF_TO INT; RI : REF_TO INNER; RS : REF_TO STRING[6]; P1, P2 : INT := 1;
Q1, Q2 : DATE := D#2024-02-29; T1, T2 : TOD := TOD#23:59:59.5;
M1, M2 : DT := DT#2024-12-31-23:59:59; U1, U2 : TIME := T#36h1ms;
INT_1, INT_2 : INT := 2; BOOL_1, BOOL_2 : BOOL := TRUE; SINT_1, SINT_2 : SINT := 1;
L1 AT %MB3 : STRING[5] := 'loc'; L2 AT %MW3 : STRING[9]; Y1, Y2 : ARRAY [0..9] OF BOOL;
X1 AT %MX1.3 : ARRAY [0..9] OF BOOL := [TRUE, 2(FALSE), TRUE]; X2 AT %MX2.6 : ARRAY [0..9] OF BOOL;
X3 AT %MX14.5 : ARRAY [1..2, 0..2] OF BOOL; X4 AT %MW1 : INT;
"""
_SMALL: Final = st.one_of(
    st.integers(-2, 9).map(str), st.sampled_from(["INT_1", "INT_2", "P1", "LEN(S1)", "I1.N"])
)
_INDEX: Final = st.sampled_from(["1", "2", "P1", "INT_1", "I1.N"])
_LITERALS: Final = ("''", "'x'", "'abc'", "'$$'", "'0123456789'", "'é'")


def _number(kind: str) -> st.SearchStrategy[str]:
    """Return numbers of the variables that these programs have."""
    leaves = {
        "INT": ["INT_1", "INT_2", "P1", "I1.N", "O1.A.N", "O2.B[P2].N", "B1.N", "D1.ASK(P1)",
                "B1.ASK(X := INT_2)", "FIND(S2, S1)", "LEN(W1)", "R1^", "RI^.N", "A1.ASK(1)",
                "TO_INT(K1)", "TO_INT(I1.C)", "INT#-7", "LEN(L1)", "X4"],
        "BOOL": ["BOOL_1", "S1 < S2", "S1 = RS^", "K1 = K2", "Q1 < Q2", "M1 >= M2", "T1 <> T2",
                 "R1 = R2", "RI = NULL", "A1 <> NULL", "W1 > W2", "P1 > P2", "U1 <= U2",
                 "X1[P1]", "X2[INT_2]", "X3[P1, INT_1]", "X1[3]", "L1 > L2"],
    }  # fmt: skip
    return st.sampled_from(leaves[kind])


_OTHERS: Final = {
    "DATE": (["Q1", "Q2", "D#1970-01-01", "D#2000-02-29"],
             ["DT_TO_DATE({DT})", "CONCAT_DATE({I}, {I}, {I})", "MAX({DATE}, {DATE})"]),
    "TOD": (["T1", "T2", "TOD#00:00:00"],
            ["DT_TO_TOD({DT})", "{TOD} + {TIME}", "{TOD} - {TIME}", "SEL({B}, {TOD}, {TOD})"]),
    "DT": (["M1", "M2", "DT#1969-07-20-20:17:40"],
           ["{DT} + {TIME}", "{DT} - {TIME}", "CONCAT_DATE_TOD({DATE}, {TOD})", "MIN({DT}, {DT})"]),
    "TIME": (["U1", "U2", "T#1ms", "T#-2h"],
             ["{DT} - {DT}", "{TOD} - {TOD}", "{DATE} - {DATE}", "{TIME} + {TIME}", "{TIME} * {I}",
              "-{TIME}", "LIMIT(T#-1d, {TIME}, T#1d)"]),
    "STRING": (["S1", "S2", "S3", "I1.S", "O1.A.S", "O2.B[P1].S", "RI^.S", "RS^", "L1", "L2",
                *_LITERALS],
               ["CONCAT({STRING}, {STRING})", "LEFT({STRING}, {N})", "RIGHT({STRING}, {N})",
                "MID({STRING}, {N}, {N})", "DELETE({STRING}, {N}, {N})",
                "INSERT({STRING}, {STRING}, {N})", "REPLACE({STRING}, {STRING}, {N}, {N})",
                "SEL({B}, {STRING}, {STRING})", "INT_TO_STRING({I})", "DATE_TO_STRING({DATE})",
                "TIME_TO_STRING({TIME})", "TOD_TO_STRING({TOD})", "DT_TO_STRING({DT})",
                "MAX({STRING}, {STRING})", "WSTRING_TO_STRING({WSTRING})", "BOOL_TO_STRING({B})",
                "USTRING_TO_STRING({USTRING})"]),
    "WSTRING": (["W1", "W2", '"€"', '""'],
                ["CONCAT({WSTRING}, {WSTRING})", "MID({WSTRING}, {N}, {N})",
                 "STRING_TO_WSTRING({STRING})", "LEFT({WSTRING}, {N})",
                 "USTRING_TO_WSTRING({USTRING})"]),
    "USTRING": (["V1", "V2", "U#'😀'", "U#''"],
                ["CONCAT({USTRING}, {USTRING})", "MID({USTRING}, {N}, {N})",
                 "INSERT({USTRING}, {USTRING}, {N})", "WSTRING_TO_USTRING({WSTRING})",
                 "STRING_TO_USTRING({STRING})", "MAX({USTRING}, {USTRING})",
                 "UCHAR_TO_USTRING(INT_TO_UCHAR({I}))"]),
}  # fmt: skip
"""Type -> leaves, and forms whose {…} are expressions of other types, {I}, {N}, {B} numbers."""


@st.composite
def valued(draw: st.DrawFn, kind: str, depth: int) -> str:
    """Return an expression of a type of `_OTHERS`."""
    leaves, forms = _OTHERS[kind]
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(leaves))
    text = draw(st.sampled_from(forms))
    parts = text.split("{")
    built = parts[0]
    for part in parts[1:]:
        wanted, _, rest = part.partition("}")
        built += f"({draw(_part(wanted, depth - 1))}){rest}"
    return built


def _part(wanted: str, depth: int) -> st.SearchStrategy[str]:
    if wanted == "I":
        return _number("INT")
    if wanted == "B":
        return _number("BOOL")
    return _SMALL if wanted == "N" else valued(wanted, depth)


_TARGETS: Final = {
    "STRING": ["S1", "S2", "S3", "I1.S", "O1.A.S", "O2.B[{Y}].S", "RI^.S", "RS^", "L1", "L2"],
    "WSTRING": ["W1", "W2"], "USTRING": ["V1", "V2"], "DATE": ["Q1", "Q2"], "TOD": ["T1", "T2"],
    "DT": ["M1", "M2"], "TIME": ["U1", "U2"],
}  # fmt: skip
_INTS: Final = ["P1", "P2", "I1.N", "O1.B[{Y}].N", "R1^", "RI^.N", "D1.N", "INT_2"]
_WHOLE: Final = (
    "I1 := O1.A;", "O1 := O2;", "O2.B[{Y}] := I1;", "O1.A := RI^;", "I1.V := O2.B[1].V;",
    "RI^.V[{X}] := 4;", "O1.B[2].V[{X}] := SINT_1;", "K1 := BLUE;", "K2 := K1;", "I1.C := GREEN;",
    "R1 := REF(P1);", "R1 := REF(I1.N);", "R2 := R1;", "R2 := REF(O1.B[{Y}].N);", "R1 := NULL;",
    "RI := REF(I1);", "RI := REF(O2.B[{Y}]);", "RS := REF(S1);", "RS := REF(O1.A.S);",
    "A1 := B1;", "A1 := D1;", "A1 := NULL;", "B1.N := P1;", "D2.ASK(X := P2);",
    "S1 := B1.NAME(S := S2, BEFORE => S3);", "S2 := D1.NAME(S := I1.S);", "D2 := D1;",
    "P2 := CHANGE(I := I1, S := S2, O := O2, T => S3);",
    "P1 := CHANGE(I := RI^, S := S1, O := O1);",
    "SPLIT_DATE(IN := Q1, YEAR => P1, MONTH => P2);", "P1 := DAY_OF_WEEK(Q2);",
    "X1 := X2;", "X2 := X1;", "Y1 := X1;", "X2 := Y1;", "X1[{X}] := X2[P2];", "X2[{X}] := BOOL_1;",
    "X3[{X}, {Y}] := X1[{Y}];", "L1[{X}] := 'z';", "X1 := TURN(Y1);", "L2 := S1; X4 := P1;",
    "Y2 := TURN(X1, T => X2, L => L1);", "X2 := TURN(X2, T => X1, L => S1);",
)  # fmt: skip


@st.composite
def _statement(draw: st.DrawFn, depth: int) -> str:
    choice = draw(st.integers(0, 9))
    if choice < 4:
        return _indexed(draw, draw(st.sampled_from(_WHOLE)))
    if choice < 7:
        kind = draw(st.sampled_from(sorted(_TARGETS)))
        target = _indexed(draw, draw(st.sampled_from(_TARGETS[kind])))
        return f"{target} := {draw(valued(kind, 2))};"
    if choice == 7 or depth == 0:
        target = _indexed(draw, draw(st.sampled_from(_INTS)))
        left, right = draw(_number("INT")), draw(_number("INT"))
        return f"{target} := {left} {draw(st.sampled_from('+-*'))} {right};"
    inner = draw(_body(depth - 1))
    if choice == 8:
        return f"IF {draw(_number('BOOL'))} THEN\n{inner}\nELSE\n{draw(_body(depth - 1))}\nEND_IF;"
    return f"FOR INT_1 := 0 TO {draw(st.integers(0, 3))} DO\n{inner}\nEND_FOR;"


def _indexed(draw: st.DrawFn, text: str) -> str:
    return text.replace("{X}", draw(_INDEX)).replace("{Y}", draw(_INDEX))


def _body(depth: int) -> st.SearchStrategy[str]:
    return st.lists(_statement(depth), min_size=1, max_size=5).map("\n".join)


@st.composite
def shaped_programs(draw: st.DrawFn) -> str:
    """Return whole programs; references are bound at first as often as not."""
    bound = "R1 := REF(P1); R2 := REF(P2); RI := REF(I1); RS := REF(S1); A1 := D1;"
    first = bound if draw(st.integers(0, 4)) else ""
    return (
        f"{TYPES_TEXT}PROGRAM MAIN\nVAR\n{_DECLARED}\nEND_VAR\n"
        f"IF NOT R0 THEN R0 := TRUE; {first} END_IF;\n{draw(_body(2))}\nEND_PROGRAM\n"
    )
