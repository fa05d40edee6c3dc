"""Writes the LLVM text of one function: instructions, labels, fault exits."""

from dataclasses import dataclass, field

from runtime.artifact import abi
from runtime.datatypes.elementary import BOOL, Elementary, Kind, Scalar

UNLIKELY = "!prof !0"
STATUS = "i64"
"""What functions return: below `FAULTED` all is well, from there on it tells the way to a fault."""
FINE = 0
FAULTED = 1
BOOL_RANGE = "!range !1"
BUDGET = "%budget"
"""Points to the loop budget in the context."""
_BUDGET_OWNER = "loop budget"
_STOP_OWNER = "watchdog"


def value_type(data_type: Elementary) -> str:
    """Return LLVM's type of a value in a register."""
    if data_type is BOOL:
        return "i1"
    if data_type.kind is Kind.TEXT:
        return "ptr"  # to the string: its length, then its code units
    return memory_type(data_type)


def memory_type(data_type: Elementary) -> str:
    """Return LLVM's type of a value in memory."""
    if data_type.kind is Kind.REAL:
        return "float" if data_type.size == 4 else "double"  # noqa: PLR2004
    return f"i{data_type.bits}"


def constant_text(data_type: Elementary, value: Scalar) -> str:
    """Return LLVM's spelling of a constant; reals by their bits, so that none is rounded."""
    if data_type is BOOL:
        return "true" if value else "false"
    if data_type.kind is Kind.REAL:
        return real_text(float(value))
    return str(int(value))


def real_text(value: float) -> str:
    """Return LLVM's spelling of a real constant, float or double alike."""
    import struct

    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


@dataclass(slots=True)
class Emitter:
    """The text of one function under construction."""

    header: str
    aliases: dict[str, int]
    """Owner of a place -> number of its alias metadata, shared by the whole module."""
    status: str = STATUS
    """LLVM's type of what the function returns."""
    lines: list[str] = field(default_factory=list)
    allocas: list[str] = field(default_factory=list)
    exits: list[str] = field(default_factory=list)
    budget: str = BUDGET
    """Where the loop budget is counted: in the context, or in a register of the call meanwhile."""
    _count: int = 0
    _fault_sites: dict[tuple[int, str], str] = field(default_factory=dict)
    _unnoted: list[tuple[str, str]] = field(default_factory=list)
    """Ways of faults that may have no instance yet, and the labels that they come from."""

    def fresh(self) -> str:
        """Return a new register's name."""
        self._count += 1
        return f"%r{self._count}"

    def label(self, word: str) -> str:
        """Return a new label's name."""
        self._count += 1
        return f"{word}{self._count}"

    def value(self, instruction: str) -> str:
        """Emit an instruction with a result; return its register."""
        register = self.fresh()
        self.lines.append(f"  {register} = {instruction}")
        return register

    def effect(self, instruction: str) -> None:
        """Emit an instruction without a result."""
        self.lines.append(f"  {instruction}")

    def alloca(self, kind: str, alignment: int) -> str:
        """Reserve memory of the call, at the head of the function."""
        register = self.fresh()
        self.allocas.append(f"  {register} = alloca {kind}, align {alignment}")
        return register

    def start(self, label: str) -> None:
        """Begin a basic block; the one before must have ended."""
        self.lines.append(f"{label}:")

    def jump(self, label: str) -> None:
        """End the block with a jump."""
        self.effect(f"br label %{label}")

    def branch(self, condition: str, if_true: str, if_false: str, note: str = "") -> None:
        """End the block with a branch."""
        suffix = f", {note}" if note else ""
        self.effect(f"br i1 {condition}, label %{if_true}, label %{if_false}{suffix}")

    def fault_if(self, condition: str, kind: abi.FaultKind, site: int, value: str = "") -> None:
        """Leave the function with a fault where the condition holds; `value`, an i64, is told."""
        exit_label = self._fault_sites.get((site, self.budget)) if not value else None
        if exit_label is None:
            exit_label = self.label("fault")
            self._fault_sites[site, self.budget] = exit_label
            told = [*self._told(kind, site), *self._value_told(value)]
            lines = [*self.budget_back(), *told, f"ret {self.status} {FAULTED}"]
            self.exits += [f"{exit_label}:", *(f"  {line}" for line in lines)]
        going_on = self.label("fine")
        self.branch(condition, exit_label, going_on, UNLIKELY)
        self.start(going_on)

    def hold_budget(self) -> None:
        """Count the loop budget in a register from here on, until `return_budget`."""
        self.budget = self.alloca("i64", 8)
        left = self.value(f"load i64, ptr {BUDGET}, align 8{self.alias(_BUDGET_OWNER)}")
        self.effect(f"store i64 {left}, ptr {self.budget}, align 8")

    def return_budget(self) -> None:
        """Count it in the context again."""
        for line in self.budget_back():
            self.effect(line)
        self.budget = BUDGET

    def budget_back(self) -> list[str]:
        """Return the instructions that bring what is left to the context."""
        if self.budget == BUDGET:
            return []
        left = self.fresh()
        alias = self.alias(_BUDGET_OWNER)
        return [
            f"{left} = load i64, ptr {self.budget}, align 8",
            f"store i64 {left}, ptr {BUDGET}, align 8{alias}",
        ]

    def spend_budget(self, turns: str, *, is_difference: bool) -> str:
        """Emit the charge of loop turns; return the condition that too many are spent.

        What is left is never below zero before, so a borrow tells: one instruction does both. Turns
        that are the difference of two limits are far below 2^63; there the sign tells as well, and
        LLVM joins the two subtractions.
        """
        alias = self.alias(_BUDGET_OWNER) if self.budget == BUDGET else ""
        left = self.value(f"load i64, ptr {self.budget}, align 8{alias}")
        if is_difference:
            less = self.value(f"sub nsw i64 {left}, {turns}")
            self.effect(f"store i64 {less}, ptr {self.budget}, align 8{alias}")
            return self.value(f"icmp slt i64 {less}, 0")
        pair = self.value(f"call {{i64, i1}} @llvm.usub.with.overflow.i64(i64 {left}, i64 {turns})")
        less = self.value(f"extractvalue {{i64, i1}} {pair}, 0")
        self.effect(f"store i64 {less}, ptr {self.budget}, align 8{alias}")
        return self.value(f"extractvalue {{i64, i1}} {pair}, 1")

    def is_stop_asked(self) -> str:
        """Emit a look at what the watchdog's thread says; return the condition that it barks."""
        place = self.value(f"getelementptr i8, ptr %base, i64 {abi.STOP_ASKED}")
        asked = self.value(f"load volatile i32, ptr {place}, align 4{self.alias(_STOP_OWNER)}")
        return self.value(f"icmp ne i32 {asked}, 0")

    def check_status(self, status: str, number: int, *, notes_instance: bool = False) -> None:
        """Leave the function where a call ended with a fault, with the way there in the status.

        Args:
            status: What the call returned.
            number: The call's in `model.ways`.
            notes_instance: Whether what was called runs on no instance, so that this one counts.
        """
        failed = self.value(f"icmp sgt {STATUS} {status}, {FINE}")
        going_on, leave = self.label("fine"), self.label("failed")
        way = self.fresh()
        self.exits += [f"{leave}:", f"  {way} = add {STATUS} {status}, {number}"]
        if notes_instance and self.has_instance:
            self._unnoted.append((way, leave))
            self.exits.append("  br label %unnoted")
        else:
            self.exits.append(f"  ret {STATUS} {way}")
        self.branch(failed, leave, going_on, UNLIKELY)
        self.start(going_on)

    def end_task(self, status: str, number: int) -> None:
        """Leave a task's entry where a program ended with a fault: here the whole way is known.

        Args:
            status: What the program's function returned.
            number: The program instance's in `model.ways`.
        """
        failed = self.value(f"icmp sgt {STATUS} {status}, {FINE}")
        going_on, leave = self.label("fine"), self.label("failed")
        way, place = self.fresh(), self.fresh()
        self.exits += [
            f"{leave}:",
            f"  {way} = add {STATUS} {status}, {number - FAULTED}",
            f"  {place} = getelementptr i8, ptr %base, i64 {abi.FAULT_WAY}",
            f"  store i64 {way}, ptr {place}, align 8",
            f"  ret {self.status} {FAULTED}",
        ]
        self.branch(failed, leave, going_on, UNLIKELY)
        self.start(going_on)

    @property
    def has_instance(self) -> bool:
        """Whether the function runs on an instance."""
        return "ptr %self" in self.header

    def _told(self, kind: abi.FaultKind, site: int) -> list[str]:
        """Return the instructions that tell of a fault: what, where, on which instance.

        They stand at every fault anew: one place for all would take what differs in registers,
        which LLVM fills before the check.
        """
        place = self.fresh()
        lines = [
            f"{place} = getelementptr i8, ptr %base, i64 {abi.FAULT_KIND}",
            f"store i64 {site << 32 | int(kind)}, ptr {place}, align 8",
        ]
        if self.has_instance:
            noted, (own, instructions) = self.fresh(), self._own_instance()
            lines += [
                *instructions,
                f"{noted} = getelementptr i8, ptr %base, i64 {abi.FAULT_INSTANCE}",
                f"store i32 {own}, ptr {noted}, align 4",
            ]
        return lines

    def _value_told(self, value: str) -> list[str]:
        """Return the instructions that tell the value which is the fault's cause."""
        if not value:
            return []
        place = self.fresh()
        return [
            f"{place} = getelementptr i8, ptr %base, i64 {abi.FAULT_VALUE}",
            f"store i64 {value}, ptr {place}, align 8",
        ]

    def _own_instance(self) -> tuple[str, list[str]]:
        """Return the register that has the offset of the instance, and what puts it there."""
        address, base, offset, own = (self.fresh() for _ in range(4))
        return own, [
            f"{address} = ptrtoint ptr %self to i64",
            f"{base} = ptrtoint ptr %base to i64",
            f"{offset} = sub i64 {address}, {base}",
            f"{own} = trunc i64 {offset} to i32",
        ]

    def _noted(self) -> list[str]:
        """Return where the function is left whose instance is noted, unless one is already."""
        if not self._unnoted:
            return []
        ways = ", ".join(f"[{way}, %{label}]" for way, label in self._unnoted)
        own, instructions = self._own_instance()
        return [
            "unnoted:",
            f"  %way = phi {STATUS} {ways}",
            f"  %instance = getelementptr i8, ptr %base, i64 {abi.FAULT_INSTANCE}",
            "  %inner = load i32, ptr %instance, align 4",
            "  %is_none = icmp eq i32 %inner, 0",
            *(f"  {line}" for line in instructions),
            f"  %innermost = select i1 %is_none, i32 {own}, i32 %inner",
            "  store i32 %innermost, ptr %instance, align 4",
            f"  ret {STATUS} %way",
        ]

    def alias(self, owner: str) -> str:
        """Return the metadata that tells accesses of different owners apart."""
        if not owner:
            return ""
        number = self.aliases.setdefault(owner, len(self.aliases))
        return f", !tbaa !{10 + 2 * number + 1}"

    def text(self) -> str:
        """Return the whole function."""
        ends = [*self.exits, *self._noted()]
        return "\n".join([self.header + " {", "entry:", *self.allocas, *self.lines, *ends, "}"])
