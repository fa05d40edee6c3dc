"""Which commands may pass: the allow-list, ids that were seen, tokens that are asked for. Pure."""

import hmac
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.config import COMMAND_LIFE_NS, COMMAND_QUEUE
from gateway.flow.commands import Command, Confirmation, Reason, RefusalError, check_alive
from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array, DataType, Structure
from runtime.datatypes.elementary import BOOL, Elementary, Kind, Scalar
from runtime.datatypes.texts import Text
from runtime.datatypes.values import Json, describe, parse_json, read_json, store
from runtime.project.uplinks import CommandRule

"""Direction of a name of VAR_ACCESS that nobody may write by."""
_PART: Final = re.compile(r"\.(?P<member>[A-Z_0-9]+)|\[(?P<index>-?\d{1,18}(,-?\d{1,18})*)\]")


class AllowList:
    """The rules of one uplink."""

    def __init__(self, rules: Sequence[CommandRule]) -> None:
        """Allow what the rules name, nothing else."""
        self._rules: Mapping[str, CommandRule] = {rule.variable.upper(): rule for rule in rules}

    def rule(self, variable: str) -> CommandRule:
        """Return the rule of a variable.

        Raises:
            RefusalError: There is none.
        """
        rule = self._rules.get(variable.upper())
        if rule is None:
            raise RefusalError(Reason.NOT_ALLOWED, "no [[uplink.command]] allows this variable")
        return rule


def find_single(symbols: Iterable[Symbol], path: str) -> Symbol:
    """Return the single value of that path, elements and members included.

    Raises:
        RefusalError: The program has none such, or VAR_ACCESS lets nobody write it.
    """
    wanted = path.upper().replace(" ", "")
    for root in symbols:
        if not wanted.startswith(root.path):
            continue
        found = _inside(wanted[len(root.path) :], root.offset, root.type)
        if found is None:
            continue
        if root.is_read_only:
            raise RefusalError(Reason.READ_ONLY, f"{wanted} is {root.sealed_by}")
        offset, scalar, bit = found
        return Symbol(wanted, offset, scalar, root.bit if bit < 0 else bit)
    raise RefusalError(Reason.UNKNOWN, f"the program has no single variable {wanted}")


def _inside(rest: str, offset: int, kind: DataType) -> tuple[int, Elementary, int] | None:
    """Return place, type and bit of what `rest` names in a value; None where that is nothing.

    The bit is -1 but for an element of an array of BOOL at an address.
    """
    if isinstance(kind, Elementary):
        return (offset, kind, -1) if not rest else None
    part = _PART.match(rest)
    if part is None:
        return None
    rest = rest[part.end() :]
    if isinstance(kind, Structure):
        member = next((item for item in kind.fields if item.name == part["member"]), None)
        return _inside(rest, offset + member.offset, member.type) if member is not None else None
    assert isinstance(kind, Array)
    number = _element(kind, part["index"])
    if number is None:
        return None
    if kind.is_packed:
        byte, bit = kind.bit_place(number)
        return (offset + byte, BOOL, bit) if not rest else None
    return _inside(rest, offset + number * kind.element.size, kind.element)


def _element(kind: Array, text: str | None) -> int | None:
    """Return the number of the element that indices such as "2,-1" name."""
    indices = [int(index) for index in text.split(",")] if text is not None else []
    if len(indices) != len(kind.bounds):
        return None
    number = 0
    for index, (lower, upper) in zip(indices, kind.bounds, strict=True):
        if not lower <= index <= upper:
            return None
        number = number * (upper - lower + 1) + index - lower
    return number


def fitting_value(symbol: Symbol, rule: CommandRule, value: Json) -> Scalar | str:
    """Return a command's value as its variable holds it.

    Raises:
        RefusalError: It is of another type, or out of bounds.
    """
    scalar = symbol.type
    if not isinstance(scalar, Elementary) or scalar.kind is Kind.REFERENCE:
        raise RefusalError(Reason.VALUE, f"{symbol.path} is {scalar}: expected a single value")
    fitting = parse_json(value, scalar)
    if isinstance(scalar, Text) and isinstance(fitting, str):
        content = bytearray(scalar.size)
        store(content, 0, scalar, fitting)
        if read_json(content, 0, scalar) != fitting:  # it would be cut, or lose characters
            fitting = None
    if fitting is None or (isinstance(fitting, float) and not math.isfinite(fitting)):
        raise RefusalError(
            Reason.VALUE, f"{symbol.path} = {_short(value)}: expected {describe(scalar)}"
        )
    _check_bounds(symbol, rule, fitting)
    return fitting


def _check_bounds(symbol: Symbol, rule: CommandRule, value: Scalar | str) -> None:
    if rule.min is None and rule.max is None:
        return
    if isinstance(value, bool | str):
        raise RefusalError(
            Reason.VALUE, f"{symbol.path} is {symbol.type}: min and max are for numbers"
        )
    low = -math.inf if rule.min is None else rule.min
    high = math.inf if rule.max is None else rule.max
    if not low <= value <= high:
        raise RefusalError(Reason.VALUE, f"{symbol.path} = {value}: expected {low:g} to {high:g}")


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004


class SeenIds:
    """Ids of the last hour with what became of them; no command lives longer than that."""

    def __init__(self) -> None:
        """Remember none."""
        self._seen: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def add(self, command_id: str, now_ns: int) -> None:
        """Note an id that arrives.

        Raises:
            RefusalError: It was there before.
        """
        self._forget(now_ns)
        if command_id in self._seen:
            outcome = self._seen[command_id][1]
            raise RefusalError(Reason.DOUBLED, f"a command of this id was there before: {outcome}")
        self._seen[command_id] = now_ns, "under way"

    def restore(self, command_id: str, seen_ns: int, outcome: str) -> None:
        """Note an id of before the gateway's start; in the order of their times."""
        self._seen[command_id] = seen_ns, outcome

    def settle(self, command_id: str, outcome: str) -> None:
        """Note what became of a command."""
        if command_id in self._seen:  # else its hour is over
            self._seen[command_id] = self._seen[command_id][0], outcome

    def _forget(self, now_ns: int) -> None:
        while self._seen and next(iter(self._seen.values()))[0] <= now_ns - COMMAND_LIFE_NS:
            self._seen.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Asked:
    command: Command
    token: str


class Tokens:
    """Commands of one uplink that wait for their second step."""

    def __init__(self, make_token: Callable[[], str]) -> None:
        """Take where tokens come from: nobody may guess them."""
        self._make_token = make_token
        self._asked: dict[str, _Asked] = {}

    def ask(self, command: Command, now_ns: int) -> str:
        """Keep a command until its token comes; return the token.

        Raises:
            RefusalError: Too many wait.
        """
        self._asked = {
            key: item for key, item in self._asked.items() if item.command.deadline_ns > now_ns
        }
        if len(self._asked) >= COMMAND_QUEUE:
            raise RefusalError(
                Reason.TOKEN, f"{COMMAND_QUEUE} commands wait for their tokens already"
            )
        token = self._make_token()
        self._asked[command.id] = _Asked(command, token)
        return token

    def redeem(self, confirmation: Confirmation, now_ns: int) -> Command:
        """Return the command that a token lets pass, once.

        Raises:
            RefusalError: None waits for that token, or it comes too late.
        """
        asked = self._asked.get(confirmation.id)
        given = confirmation.token.encode()
        if asked is None or not hmac.compare_digest(asked.token.encode(), given):
            raise RefusalError(Reason.TOKEN, "no command of this id waits for this token")
        del self._asked[confirmation.id]
        check_alive(asked.command.deadline_ns, now_ns)
        return asked.command
