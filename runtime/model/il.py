"""Instruction List: the current result becomes an expression, jumps join numbered blocks.

    LD A | ADD 3 | ST B         ->  B := A + 3
    LD A | ADD 3 | ST B | ST C  ->  result := A + 3; B := result; C := result

The result is kept as the typed expression that it is. Where it is wanted again behind an
instruction that writes, it is first stored into the routine's hidden variable for results
(`hidden.py`), as its own type: so the type of the result follows what is loaded, and nothing is
computed twice.
A result goes through a label only where the instructions behind the label use one.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from runtime.artifact.abi import FaultKind
from runtime.datatypes.derived import Structure
from runtime.datatypes.elementary import BOOL, Elementary
from runtime.model import program
from runtime.model.coerce import settle
from runtime.model.expressions import check, place_of
from runtime.model.hidden import RESULT_BYTES, result_name
from runtime.model.jumps import Part, join_blocks
from runtime.model.program import Assign, Constant, Expression, Load, Statement
from runtime.model.statements import Body, check_statements
from runtime.source import Span
from runtime.syntax import tree

_SYMBOLS: Final = {
    "AND": "AND", "OR": "OR", "XOR": "XOR", "ADD": "+", "SUB": "-", "MUL": "*", "DIV": "/",
    "MOD": "MOD", "GT": ">", "GE": ">=", "EQ": "=", "NE": "<>", "LE": "<=", "LT": "<",
}  # fmt: skip
_LOADS: Final = frozenset({"LD", "LDN"})
_FLOW: Final = frozenset({"CAL", "CALC", "CALCN", "JMP", "JMPC", "JMPCN", "RET", "RETC", "RETCN"})
_PLAIN: Final = frozenset({*_SYMBOLS, "ANDN", "ORN", "XORN", "LD", "LDN", "NOT"})
"""Operators that change nothing but the result."""


def check_instructions(listing: tree.InstructionList, body: Body) -> tuple[Statement, ...]:
    """Return the statements that a body in IL stands for."""
    return _translate(listing, body, wanted_at_end=False)[0]


def check_result(
    listing: tree.InstructionList, body: Body
) -> tuple[tuple[Statement, ...], Expression | None]:
    """Return the statements of a list and the result it ends with; None where it is wrong."""
    for item in listing.instructions:
        if item.operator.startswith("RET"):
            text = f"{item.operator} cannot stand in the condition of a transition"
            body.scope.names.findings.error("ST7001", item.span, text)
    return _translate(listing, body, wanted_at_end=True)


def _translate(
    listing: tree.InstructionList, body: Body, *, wanted_at_end: bool
) -> tuple[tuple[Statement, ...], Expression | None]:
    work = _Translation(body, listing.instructions, wanted_at_end=wanted_at_end)
    work.find_labels()
    work.find_wants()
    for number, item in enumerate(listing.instructions):
        if item.labels:
            work.begin_block(number, item)
        work.instruction(item, number)
    result = work.need(listing.span) if wanted_at_end else None
    return join_blocks(listing.span, work.parts), result


@dataclass(slots=True)
class _Label:
    """Where a label stands, and the result that is handed on to it."""

    block: int
    number: int
    """Number of its instruction."""
    type: Elementary | None = None
    """The type of the result handed on, once it is known."""


@dataclass(slots=True)
class _Translation:
    """A list on its way to statements: the result so far, and the blocks."""

    body: Body
    instructions: tuple[tree.Instruction, ...]
    wanted_at_end: bool
    parts: list[Part] = field(default_factory=lambda: [Part()])
    labels: dict[str, _Label] = field(default_factory=dict)
    wants: list[bool] = field(default_factory=list)
    result: Expression | None = None
    wrong: bool = False
    """The result is missing for a reason that was reported."""
    reached: bool = True
    depth: int = 0
    """How many parentheses are open."""

    # -- reports and statements ------------------------------------------------------------------

    def error(self, code: str, span: Span, text: str, hint: str = "") -> None:
        """Report an error; what follows from it is not reported."""
        self.body.scope.names.findings.error(code, span, text, hint)
        self.result, self.wrong = None, True

    def say(self, *nodes: tree.Statement) -> None:
        """Add statements given as trees."""
        self.parts[-1].statements += check_statements(nodes, self.body)

    def need(self, span: Span) -> Expression | None:
        """Return the current result, or report that there is none (ST7002)."""
        if self.result is None and not self.wrong:
            self.error("ST7002", span, "there is no current result here", "begin with LD")
        return self.result

    def need_bool(self, item: tree.Instruction) -> Expression | None:
        """Return the current result where it is a BOOL."""
        value = self.need(item.span)
        if value is not None and value.type is not BOOL:
            text = f"{item.operator} needs a result of type BOOL, it is of type {value.type}"
            self.error("ST3004", item.span, text, "compare it first, such as NE 0")
            return None
        return value

    def given(self, span: Span) -> tree.Expression:
        """Return the current result as a tree."""
        value = self.need(span)
        return tree.Wrong(span) if value is None else tree.Given(span, value)

    def keep(self, span: Span, *, typed: bool = False) -> None:
        """Store the result into the hidden variable, so that no later write changes it.

        Args:
            span: Where it is wanted.
            typed: Store a constant too, as a value of its own type.
        """
        value = self.result
        if value is None or (isinstance(value, Constant) and not typed):
            return
        value = settle(value, span, self.body.scope.names.findings)
        if value is None or value.type.size > RESULT_BYTES:
            text = "a result of this type cannot be kept here"
            self.error("ST9001", span, text, "store it with ST and load it again")
            return
        slot = self.body.scope.find(result_name(self.depth))
        assert slot is not None
        place = replace(slot.place, type=value.type, owner="")
        if value != Load(value.type, place):
            self.parts[-1].statements.append(Assign(span, place, value))
        self.result = Load(value.type, place)

    # -- labels ------------------------------------------------------------------------------------

    def find_labels(self) -> None:
        """Number the blocks; report a label that stands twice (ST2003)."""
        block = 0
        for number, item in enumerate(self.instructions):
            block += bool(item.labels)
            for label in item.labels:
                if label.name.upper() in self.labels:
                    text = f"label {label.name} stands here for the second time"
                    self.body.scope.names.findings.error("ST2003", label.span, text)
                self.labels[label.name.upper()] = _Label(block, number)

    def begin_block(self, number: int, item: tree.Instruction) -> None:
        """Go on behind a label: with a result only where one is wanted there."""
        names = [self.labels[label.name.upper()] for label in item.labels]
        if not self.wanted(number):
            self.result = None
        elif not self.reached:
            self.result = self._handed_on(names)
        elif self.result is not None:
            for label in names:
                self.hand_on(label, item.span)
        self.wrong = self.wrong and self.result is None and self.reached
        self.reached = True
        self.parts.append(Part())

    def _handed_on(self, names: list[_Label]) -> Expression | None:
        data_type = next((label.type for label in names if label.type is not None), None)
        slot = self.body.scope.find(result_name(0))
        if data_type is None or slot is None:
            return None
        return Load(data_type, replace(slot.place, type=data_type, owner=""))

    def hand_on(self, label: _Label, span: Span) -> None:
        """Store the result for a label; all that comes there has one type (ST7003)."""
        self.keep(span, typed=True)
        if self.result is None:
            return
        if label.type is None:
            label.type = self.result.type
        elif label.type is not self.result.type:
            text = f"the label is reached with results of type {label.type} and {self.result.type}"
            self.error("ST7003", span, text, "store the result before, load it behind the label")

    def find_wants(self) -> None:
        """Work out, from the end, whether a result that comes to an instruction is used."""
        self.wants = [self.wanted_at_end]
        for item in reversed(self.instructions):
            if item.operator in {"CAL", ""}:
                self.wants.append(self.wants[-1])
            else:
                is_load = item.operator in _LOADS and not self._is_block(item)
                self.wants.append(not (is_load or item.operator in {"JMP", "RET"}))
        self.wants.reverse()

    def wanted(self, number: int) -> bool:
        """Whether instruction `number` or one behind it uses the result that comes to it."""
        return self.wants[number]

    def _is_block(self, item: tree.Instruction) -> bool:
        """Whether the operand is an instance: LD of a counter loads its preset (table 53)."""
        root = item.operands[0] if item.operands else None
        while isinstance(root, tree.Index | tree.Member):
            root = root.object
        scope = self.body.scope
        if not isinstance(root, tree.Name) or scope.find(root.name) is None:
            return False
        place = place_of(item.operands[0], scope)
        if place is None or not isinstance(place.type, Structure):
            return False
        return place.type.name.upper() in scope.names.routines

    # -- instructions ------------------------------------------------------------------------------

    def instruction(self, item: tree.Instruction, number: int) -> None:
        """Translate one instruction; `number` is its place in the list, -1 inside parentheses."""
        operator = item.operator
        if not operator:
            return
        if not self.reached:
            text = f"{operator} is never reached: the instruction before always leaves"
            self.body.scope.names.findings.warning("ST7004", item.span, text, "give it a label")
            self.reached, self.wrong = True, True
        negated = operator.endswith("N") and operator in {"LDN", "STN", "ANDN", "ORN", "XORN"}
        stem = operator[:-1] if negated else operator
        wanted = number < 0 or self.wanted(number + 1)
        if stem in _SYMBOLS:
            self._operate(item, _SYMBOLS[stem], negated=negated)
        elif operator == "NOT":
            self._take(tree.Unary(item.span, "NOT", self.given(item.span)))
        elif stem in {"LD", "ST", "S", "R"} and not self._is_block(item):
            self._move(item, stem, negated=negated, wanted=wanted)
        elif operator in _FLOW:
            self._flow(item, wanted=wanted, number=number)
        else:
            self._call(item, wanted=wanted)

    def _take(self, node: tree.Expression) -> None:
        """Make an expression the result."""
        self.result = None if isinstance(node, tree.Wrong) else check(node, self.body.scope)
        self.wrong = self.result is None

    def _operate(self, item: tree.Instruction, symbol: str, *, negated: bool) -> None:
        left = self.given(item.span)
        operands = item.operands
        if item.inner is not None:
            operands = (self._inside(item, item.inner),)
            left = self.given(item.span)
        for operand in operands:
            right = tree.Unary(operand.span, "NOT", operand) if negated else operand
            left = tree.Binary(item.span, symbol, left, right)
        self._take(left)

    def _inside(
        self, item: tree.Instruction, inner: tuple[tree.Instruction, ...]
    ) -> tree.Expression:
        """Return what the instructions in parentheses give; the result outside stays."""
        if any(part.operator not in _PLAIN for part in inner):
            self.keep(item.span)
        outer, outer_wrong = self.result, self.wrong
        self.depth += 1
        self.result, self.wrong = None, False
        for part in inner:
            self.instruction(part, -1)
        value = self.given(item.span)
        self.depth -= 1
        self.result, self.wrong = outer, outer_wrong
        return value

    def _move(self, item: tree.Instruction, stem: str, *, negated: bool, wanted: bool) -> None:
        (operand, *more) = item.operands
        if more:
            self.error("ST7001", more[0].span, f"{item.operator} has one operand")
            return
        if stem == "LD":
            self._take(tree.Unary(item.span, "NOT", operand) if negated else operand)
            return
        if stem in {"S", "R"} and self.need_bool(item) is None:
            return
        if wanted:
            self.keep(item.span)
        value = self.given(item.span)
        if stem == "ST":
            value = tree.Unary(item.span, "NOT", value) if negated else value
            self.say(tree.Assign(item.span, operand, value))
            return
        bit = tree.Literal(item.span, "bool", "TRUE" if stem == "S" else "FALSE")
        change = tree.Assign(item.span, operand, bit)
        self.say(tree.If(item.span, (tree.Branch(item.span, value, (change,)),), ()))

    def _call(self, item: tree.Instruction, *, wanted: bool) -> None:
        """Call a function on the result, or a block with the result as one of its inputs."""
        first = item.operands[0] if item.operands else None
        if isinstance(first, tree.Call) and item.span == first.span:
            self._take(first)
            return
        if first is not None and self._is_block(item):
            if wanted:
                self.keep(item.span)
            value = self.given(item.span)
            argument = tree.Argument(item.span, item.operator, value, is_output=False)
            call = tree.Call(item.span, first, (argument,))
            self.say(tree.CallStatement(item.span, call))
            return
        self._call_function(item)

    def _call_function(self, item: tree.Instruction) -> None:
        """Call a function: the result is its first argument. An unknown one is its own fault."""
        findings = self.body.scope.names.findings
        errors = findings.errors
        missing: tree.Expression = tree.Wrong(item.span)
        result = missing if self.result is None else tree.Given(item.span, self.result)
        wrong = self.wrong
        arguments = tuple(
            tree.Argument(node.span, None, node, is_output=False)
            for node in (result, *item.operands)
        )
        self._take(tree.Call(item.span, tree.Name(item.span, item.operator), arguments))
        if result is missing and findings.errors == errors:
            self.wrong = wrong
            self.need(item.span)

    def _flow(self, item: tree.Instruction, *, wanted: bool, number: int) -> None:
        """Translate CAL, JMP and RET with their modifiers."""
        word, modifier = item.operator[:3], item.operator[3:]
        if number < 0:
            self.error("ST7001", item.span, f"{item.operator} cannot stand in parentheses")
            return
        condition = self.need_bool(item) if modifier else None
        if modifier and condition is None:
            return
        if wanted and word == "CAL":
            self.keep(item.span)
        target = self._target(item) if word == "JMP" else None
        if modifier and wanted and word != "CAL":
            self.keep(item.span)
        action = self._action(item, word, target)
        if not modifier:
            self.parts[-1].statements += action
            self.reached = word == "CAL"
            self.result = self.result if self.reached else None
        elif self.result is not None:
            test = self.result
            if modifier == "CN":
                test = program.Invert(BOOL, test)
            self.parts[-1].statements.append(program.If(item.span, ((test, action),), ()))

    def _target(self, item: tree.Instruction) -> _Label | None:
        """Return the label of a jump (ST7005 where there is none), handing the result on to it."""
        (operand, *_) = item.operands
        name = operand.name if isinstance(operand, tree.Name) else "?"
        label = self.labels.get(name.upper())
        if label is None:
            known = ", ".join(self.labels) or "none"
            text = f"there is no label {name} in this list"
            self.body.scope.names.findings.error("ST7005", item.span, text, f"labels: {known}")
        elif self.wanted(label.number):
            self.hand_on(label, item.span)
        return label

    def _action(
        self, item: tree.Instruction, word: str, target: _Label | None
    ) -> tuple[Statement, ...]:
        if word == "RET":
            return (program.Return(item.span),)
        if word == "CAL":
            return check_statements((tree.CallStatement(item.span, item.operands[0]),), self.body)
        if target is None:
            return ()
        site = -1
        if target.block < len(self.parts):
            site = self.body.scope.names.site(FaultKind.WATCHDOG, item.span)
        self.parts[-1].targets.append(target.block)
        return (program.GoTo(item.span, target.block, site),)
