"""Write the C of the long repetitive programs as a person would, from their ST, line by line.

    python bench/c/from_st.py     writes bench/c/{a_interlock,b_timers,c_pid,e_states,h_plant}.c

The function blocks are written by hand in the headers. What is left of these programs are hundreds
of assignments and calls with drawn constants; they are taken over from the ST text, so that both
say the same: numbered variables become arrays, calls take their arguments by position.

    ton07(IN := in07, PT := T#120ms);   ->   ton_run(&ton[7], in[7], 120 * MS, now);

AND and OR become & and |, which evaluate both sides as ST does; they run faster than && and ||.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PROGRAMS: Final = HERE.parent / "programs"
CALL: Final = re.compile(r"^(\s*)(?:(\w+): )?([a-z]+)(\d\d)\((\w+ := .*)\);$")
NUMBERED: Final = re.compile(r"\b(?!pulse|rol)([a-z]+?)(\d{2,3})\b")
ARGUMENT: Final = re.compile(r",? ?(\w+) := ")


@dataclass(frozen=True, slots=True)
class Block:
    """How a block is called in C: its function, arguments in order, whether with the time."""

    function: str
    arguments: tuple[str, ...]
    timed: bool = False


LAG: Final = ("x", "tau", "ts")
PID: Final = ("sp", "pv", "kp", "ti", "td", "ts", "man", "mv")
BLOCKS: Final = {
    "ton": Block("ton_run", ("IN", "PT"), timed=True),
    "tof": Block("tof_run", ("IN", "PT"), timed=True),
    "ctu": Block("ctu_run", ("CU", "R", "PV")),
    "rt": Block("r_trig_run", ("CLK",)),
    **{
        f"{part}{kind}": Block(f"lag_run_{kind}", LAG)
        for part in ("flt", "pa", "pb")
        for kind in "rl"
    },
    **{f"pid{kind}": Block(f"pid_run_{kind}", PID) for kind in "rl"},
    "mc": Block("machine_run", ("start", "stop", "part", "fault", "ack", "cycle")),
    "tk": Block("tank_run", ("inflow", "outvalve", "area")),
    "tot": Block("totalizer_run", ("rate", "reset")),
    "mot": Block("motor_run", ("cmd", "interlock", "feedback", "reset"), timed=True),
    "vlv": Block("valve_run", ("open_cmd", "block", "travel")),
    "cv": Block("conveyor_run", ("run", "eye_in", "eye_out", "full_next"), timed=True),
    "al": Block("alarm_run", ("x", "hh", "ll", "hyst", "ack", "dly"), timed=True),
    "lg": Block("logger_run", ("v", "trig")),
}
LEVEL: Final = {
    "0": Block("levelctl_off", ()),
    "1": Block("levelctl_hand", ("sp", "pv", "hand")),
    "2": Block("levelctl_auto", ("sp", "pv", "kp", "ti")),
}
"""Level control is called for each of its modes with what that mode needs."""

BEGIN: Final = "    /* The rungs, taken over from the ST text. */"
END: Final = "    /* End of the rungs. */"
LOOP_LINES_MIN: Final = 4
NUMBER: Final = re.compile(r"(?<![\w.])\d+(?![\w.])")
LFSR: Final = re.compile(
    r"if \(\(lfsr & 0x1u\) != 0x0u\) {\s*lfsr = \(lfsr >> 1\) \^ 0xEDB88320u;\s*} else {"
    r"\s*lfsr = \(lfsr >> 1\);\s*}"
)
LINES: Final = {
    "status := CONCAT('LOT ', DINT_TO_STRING(lot));": (
        '      snprintf(status, sizeof status, "LOT %d", lot);'
    ),
    "status := CONCAT(status, ' FAULT');": '        strcat(status, " FAULT");',
    "status := CONCAT(status, ' ALARM');": '        strcat(status, " ALARM");',
    "status := CONCAT(status, ' OK');": '        strcat(status, " OK");',
    "mw27 := INT_TO_UINT(LEN(status));": "    mw[27] = (uint16_t)strlen(status);",
}
"""Lines with strings, which C says in its own way."""

LITERALS: Final = (
    (r"DWORD#16#0*([0-9A-F]+)", r"0x\1u"),
    (r"U?INT#(\d+)", r"\1"),
    (r"T#(\d+)ms", r"\1 * MS"),
    (r"\bTRUE\b", "true"),
    (r"\bFALSE\b", "false"),
)
OPERATORS: Final = (
    (r"SHR\((\w+), 1\)", r"(\1 >> 1)"),
    (r"ROL\(chk, 1\)", "rol32(chk, 1)"),
    (r"\bMOD\b", "%"),
    (r"AND (0x|\(1u)", r"& \1"),
    (r"OR (0x|\(1u)", r"| \1"),
    (r"\bAND\b", "&"),
    (r"\bOR\b", "|"),
    (r"\bNOT ", "!"),
    (r"<>", "!="),
    (r"(?<![:<>!])=(?!=)", "=="),
    (r":=", "="),
    (r"(\S+) = '([^']+)'", r'strcpy(\1, "\2")'),
)
CONVERSIONS: Final = {
    "INT_TO_DINT": "",
    "DINT_TO_DWORD": "(uint32_t)",
    "LREAL_TO_DINT": "(int32_t)rint",
    "INT_TO_UINT": "(uint16_t)",
    "INT_TO_REAL": "(float)",
    "REAL_TO_LREAL": "(double)",
    "REAL_TO_INT": "(int16_t)rintf",
    "REAL_TO_UINT": "to_uint",
    "SCALE_IN": "scale_in",
    "SCALE_OUT": "scale_out",
}
FLOW: Final = (
    (r"\bIF (.*?) THEN\b", r"if (\1) {"),
    (r"\bELSIF (.*?) THEN\b", r"} else if (\1) {"),
    (r"\bELSE\b", "} else {"),
    (r"\bEND_(IF|CASE);", "}"),
    (r"\bCASE (\w+) OF$", r"switch (\1) {"),
)


def body_of(text: str) -> list[str]:
    """Return the lines of the program's body."""
    program = text[text.index("PROGRAM bench") : text.index("END_PROGRAM")]
    return program[program.rindex("END_VAR") :].splitlines()[1:]


def argument_table(text: str) -> dict[str, str]:
    """Return the arguments of a call by name; commas inside of them stand in brackets only."""
    parts = ARGUMENT.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def call_in_c(line: str) -> str:
    """Return a line with its block call as C writes it; other lines as they are."""
    found = CALL.match(line)
    if found is None:
        return line
    indent, label, name, number, text = found.groups()
    given = argument_table(text)
    block = LEVEL[given["mode"]] if name == "lc" else BLOCKS[name]
    values = [f"&{name}{number}", *(given[key] for key in block.arguments)]
    values += ["now"] if block.timed else []
    head = f"case {label}: " if label else ""
    tail = " break;" if label else ""
    return f"{indent}{head}{block.function}({', '.join(values)});{tail}"


def in_c(line: str, *, real: str) -> str:
    """Return a line of ST in C; `real` is the suffix of real constants."""
    line = re.sub(r"\(\*(.*)\*\)", r"/*\1*/", call_in_c(line))
    if line.strip().startswith("/*"):
        return line
    line = re.sub(r"DWORD#16#([0-9A-F]{8})", lambda m: mask(m[1]), line)
    for pattern, text in LITERALS:
        line = re.sub(pattern, text, line)
    line = re.sub(r"\b(\d+\.\d+)\b", rf"\1{real}", line)
    line = re.sub(r"^(\s*)(\d): (.*)$", r"\1case \2: \3 break;", line)
    line = line.replace(" XOR ", " ^ " if re.match(r"\s*(chk|lfsr)\b", line) else " != ")
    line = re.sub(r"\((lfsr) AND \(1u << (\d+)\)\) <> 0x0u", r"((\1 >> \2) & 1)", line)
    for pattern, text in OPERATORS:
        line = re.sub(pattern, text, line)
    for name, text in CONVERSIONS.items():
        line = line.replace(f"{name}(", f"{text}(")
    line = re.sub(r"\b(di|dq)(\d\d)\b", lambda m: f"{m[1]}.{int(m[2])}", line)
    line = NUMBERED.sub(lambda m: f"{m[1]}[{int(m[2])}]", line)
    line = re.sub(r"\bdi\.(\d+)", r"bit(di, \1)", line)
    line = re.sub(r"^(\s*)dq\.(\d+) = (.*);$", r"\1put_bit(dq, \2, \3);", line)
    for pattern, text in FLOW:
        line = re.sub(pattern, text, line)
    return re.sub(r"\.(Q|CV)\b", lambda m: m[0].lower(), line)


def mask(digits: str) -> str:
    """Return a constant of one bit as the shift that a person would write, others in hex."""
    value = int(digits, 16)
    return f"(1u << {value.bit_length() - 1})" if value.bit_count() == 1 else f"0x{value:X}u"


def real_suffix(line: str) -> str:
    """Return the suffix of the constants in a line: LREAL is double, REAL float."""
    return "" if re.search(r"\b(sp|flt|pid|pa|pb)l\d\d|fsum|\bfs\b", line) else "f"


def collapsed(lines: list[str]) -> list[str]:
    """Return the lines with runs that differ by evenly rising numbers written as loops."""
    result: list[str] = []
    at = 0
    while at < len(lines):
        length = run_length(lines, at)
        if length >= LOOP_LINES_MIN:
            result.append(loop_of(lines[at], lines[at + 1], length))
            at += length
        else:
            result.append(lines[at])
            at += 1
    return result


def run_length(lines: list[str], at: int) -> int:
    """Return how many lines from `at` on differ by the same steps of their numbers."""
    length, step = 1, None
    while at + length < len(lines):
        following = steps(lines[at + length - 1], lines[at + length])
        if following is None or (step is not None and following != step):
            break
        length, step = length + 1, following
    return length


def steps(line: str, following: str) -> list[int] | None:
    """Return by how much each number rises to the next line; None where the rest differs."""
    is_statement = ";" in line and line.count("{") == line.count("}") and "case" not in line
    if NUMBER.sub("#", line) != NUMBER.sub("#", following) or not is_statement:
        return None
    pairs = zip(NUMBER.findall(line), NUMBER.findall(following), strict=True)
    rises = [int(new) - int(old) for old, new in pairs]
    return rises if any(rises) else None


def loop_of(line: str, following: str, length: int) -> str:
    """Return a loop over k for a run of lines."""
    rises = iter(steps(line, following) or ())

    def number(found: re.Match[str]) -> str:
        rise = next(rises)
        if not rise:
            return found[0]
        turn = "k" if rise == 1 else f"{rise} * k"
        return turn if found[0] == "0" else f"({turn} + {found[0]})"

    body = NUMBER.sub(number, line).replace("[(", "[").replace(")]", "]")
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}for (int k = 0; k < {length}; k++)\n{indent}    {body.strip()}"


def convert(lines: list[str]) -> str:
    """Return the C of a body."""
    result: list[str] = []
    in_case = False
    for line in lines:
        text = LINES.get(line.strip(), in_c(line, real=real_suffix(line)))
        in_case = in_case or "switch (" in text
        if in_case and line.strip() == "ELSE":
            text = text.replace("} else {", "default:")
        in_case = in_case and line.strip() != "END_CASE;"
        result.append(text.rstrip())
    text = "\n".join(collapsed(result))
    return LFSR.sub("lfsr = lfsr_next(lfsr);", text)


REPEATED: Final = ("a_interlock", "b_timers", "c_pid", "e_states", "h_plant")


def written(name: str) -> str:
    """Return what the C file of a program has to say, its rungs between the two marks."""
    head, _, rest = (HERE / f"{name}.c").read_text(encoding="utf-8").partition(BEGIN)
    tail = rest[rest.index(END) :]
    body = convert(body_of((PROGRAMS / f"{name}.st").read_text(encoding="utf-8")))
    return f"{head}{BEGIN}\n{body.strip(chr(10))}\n{tail}"


def main() -> None:
    """Write the files."""
    for name in REPEATED:
        (HERE / f"{name}.c").write_text(written(name), encoding="utf-8")


if __name__ == "__main__":
    main()
