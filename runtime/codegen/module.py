"""The LLVM module of a whole program: routines, the tasks' entries, the blocks written in Python.

LLVM's time grows faster than a function's size, so the body of a program or block that has more
than `FUNCTION_STATEMENTS_MAX` statements is cut into functions that are called one after another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from runtime.artifact import abi
from runtime.codegen.blocks import block_ir
from runtime.codegen.emitter import FINE, STATUS, Emitter, value_type
from runtime.codegen.expressions import Builder
from runtime.codegen.intrinsics import declarations
from runtime.codegen.linked import Linked
from runtime.codegen.proofs import proved
from runtime.codegen.statements import BUDGET_POINTER, StatementBuilder
from runtime.codegen.walk import loop_depth, walk
from runtime.codegen.wholes import copy_bytes
from runtime.datatypes.derived import Structure
from runtime.datatypes.elementary import Elementary
from runtime.engine import native
from runtime.limits import (
    FUNCTION_STATEMENTS_MAX,
    INLINED_STATEMENTS_MAX,
    LOOP_DEPTH_INLINED_MAX,
    LOOP_DEPTH_OPTIMISED_MAX,
)
from runtime.model import program
from runtime.model.program import Local, Model, Place, Routine, Statement, Task
from runtime.model.ways import Calls, calls_by_caller, entry_numbers
from runtime.stdlib.declare import StandardBlock

RETURNED: Final = -1
"""Status of a piece of a body that met RETURN."""


@dataclass(slots=True)
class ModuleBuilder:
    """The text of one module under construction."""

    model: Model
    functions: list[str] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)
    blocks: dict[str, tuple[StandardBlock, Structure]] = field(default_factory=dict)
    """The standard blocks that the program calls, by name."""
    linked: Linked = field(default_factory=Linked)
    calls: dict[str, Calls] = field(init=False)
    """The numbers of the calls in each routine."""

    def __post_init__(self) -> None:
        """Look up the numbers of all calls."""
        self.calls = calls_by_caller(self.model)

    def emitter(self, header: str) -> Emitter:
        """Begin a function."""
        return Emitter(header, self.aliases)

    def builder(self, emit: Emitter, routine: str = "") -> StatementBuilder:
        """Return what emits the statements of a function, which is a routine or a part of it."""
        located_end, calls = sum(self.model.memory), self.calls.get(routine, {})
        build = Builder(
            emit, self.model.routines, calls, linked=self.linked, located_end=located_end
        )
        return StatementBuilder(build, "leave")


def program_ir(model: Model) -> str:
    """Return the program's own LLVM text, before blocks are linked in and before optimisation."""
    return _program_text(ModuleBuilder(proved(model)))


def _program_text(module: ModuleBuilder) -> str:
    for routine in module.model.routines.values():
        _collect_blocks(routine.body, module)
        if routine.instance is None:
            _function(routine, module)
        else:
            _instance_routine(routine, module)
    for number, task in enumerate(module.model.tasks):
        _task(number, task, module)
    block_declarations = [f'declare void @"block.{name}"(ptr, i64)' for name in module.blocks]
    linked = module.linked.declarations()
    parts = [*declarations(), *block_declarations, *linked, *module.functions, *_metadata(module)]
    return "\n\n".join(parts) + "\n"


def compile_model(model: Model) -> bytes:
    """Return the object code of a program: optimised, with its blocks linked in."""
    return native.emit_object(_optimised(model))


def assembly(model: Model) -> str:
    """Return the machine code of a program as assembly text."""
    text: str = native.target_machine().emit_assembly(_optimised(model))
    return text


def _optimised(model: Model) -> native.Module:
    builder = ModuleBuilder(proved(model))
    module = native.parse_ir(_program_text(builder))
    for block, structure in builder.blocks.values():
        module.link_in(native.parse_ir(block_ir(block, structure)))
    for text in builder.linked.definitions():
        module.link_in(native.parse_ir(text))
    native.hide_all_but(module, {abi.TASK_SYMBOL.format(n) for n in range(len(model.tasks))})
    native.optimise(module, join_scalars=builder.linked.has_lanes)
    return module


def _metadata(module: ModuleBuilder) -> Iterable[str]:
    yield '!0 = !{!"branch_weights", i32 1, i32 100000}'
    yield "!1 = !{i8 0, i8 2}"
    yield '!2 = !{!"takt"}'
    yield "!3 = !{}"
    for owner, number in module.aliases.items():
        kind, tag = 10 + 2 * number, 11 + 2 * number
        yield f'!{kind} = !{{!"{owner}", !2, i64 0}}\n!{tag} = !{{!{kind}, !{kind}, i64 0}}'


def _collect_blocks(nodes: tuple[Statement, ...], module: ModuleBuilder) -> None:
    for node in walk(nodes):
        if isinstance(node, program.Invoke) and node.standard is not None:
            assert isinstance(node.instance.type, Structure)
            module.blocks[node.routine] = (node.standard, node.instance.type)


def _has_loop(nodes: tuple[Statement, ...]) -> bool:
    loops = program.For | program.While | program.GoTo
    return any(isinstance(node, loops) for node in walk(nodes))


# -- functions ----------------------------------------------------------------------------------


def _function(routine: Routine, module: ModuleBuilder) -> None:
    formal = ["ptr %base", "ptr %self"] if routine.is_method else ["ptr %base"]
    for number, item in enumerate(routine.locals[: routine.inputs]):
        scalar = isinstance(item.type, Elementary) and not item.by_reference
        formal.append(f"{value_type(item.type) if scalar else 'ptr'} %in{number}")  # type: ignore[arg-type]
    formal += [f"ptr %out{number}" for number in routine.given()]
    attributes = _attributes(routine.body)
    header = f'define internal {STATUS} @"{routine.name}"({", ".join(formal)}){attributes}'
    emit = module.emitter(header)
    make = module.builder(emit, routine.name)
    make.build.by_reference = frozenset(
        number for number, item in enumerate(routine.locals) if item.by_reference
    )
    make.build.single = frozenset(
        number for number, item in enumerate(routine.locals) if isinstance(item.type, Elementary)
    )
    make.build.locals = [_local(emit, number, item) for number, item in enumerate(routine.locals)]
    for number, item in enumerate(routine.locals):
        _take(number, item, routine, make)
    _loop_head(emit, routine.body)
    make.body(routine.body, None, "leave")
    emit.start("leave")
    for number in routine.given():
        size = routine.locals[number].type.size
        copy_bytes(emit, f"%out{number}", make.build.locals[number], size)
    emit.effect(f"ret {STATUS} {FINE}")
    module.functions.append(emit.text())


def _attributes(body: tuple[Statement, ...]) -> str:
    """Return what keeps LLVM's time within bounds where loops nest deep."""
    depth = loop_depth(body)
    if depth > LOOP_DEPTH_OPTIMISED_MAX:
        return " noinline optnone"
    return " noinline" if depth > LOOP_DEPTH_INLINED_MAX else ""


def _local(emit: Emitter, number: int, item: Local) -> str:
    """Return the register that points to a variable of the call; an in-out's is its argument."""
    if item.by_reference:
        return f"%in{number}"
    return emit.alloca(f"[{item.type.size} x i8]", max(item.type.alignment, 1))


def _take(number: int, item: Local, routine: Routine, make: StatementBuilder) -> None:
    """Emit how a variable of the call gets its first value."""
    if item.by_reference:
        return
    pointer = make.build.locals[number]
    if number >= routine.inputs:
        _store_bytes(make.emit, pointer, item.initial)
    elif isinstance(item.type, Elementary):
        place = Place(program.Base.LOCAL, 0, item.type, local=number)
        make.build.store(place, f"%in{number}")
    else:
        copy_bytes(make.emit, pointer, f"%in{number}", item.type.size)


_WHOLE_SIZES: Final = frozenset({1, 2, 4, 8})


def _store_bytes(emit: Emitter, pointer: str, image: bytes) -> None:
    """Emit the store of initial bytes; as one number where they can be, which LLVM sees through."""
    if len(image) in _WHOLE_SIZES:
        number = int.from_bytes(image, "little")
        emit.effect(f"store i{8 * len(image)} {number}, ptr {pointer}, align 1")
        return
    text = "".join(f"\\{byte:02X}" for byte in image)
    zero = not any(image)
    value = "zeroinitializer" if zero else f'c"{text}"'
    emit.effect(f"store [{len(image)} x i8] {value}, ptr {pointer}, align 1")


def _loop_head(emit: Emitter, nodes: tuple[Statement, ...]) -> None:
    if _has_loop(nodes):
        emit.allocas.append(BUDGET_POINTER)


# -- programs and blocks --------------------------------------------------------------------------


def _instance_routine(routine: Routine, module: ModuleBuilder) -> None:
    pieces = _pieces(routine.body)
    if len(pieces) == 1:
        _whole(routine, routine.name, routine.body, module)
        return
    names = [f"{routine.name}.part{number}" for number in range(len(pieces))]
    for name, piece in zip(names, pieces, strict=True):
        _whole(routine, name, piece, module, returned=RETURNED)
    emit = module.emitter(f'define internal {STATUS} @"{routine.name}"(ptr %base, ptr %self)')
    _reset(routine, emit)
    for name in names:
        status = emit.value(f'call {STATUS} @"{name}"(ptr %base, ptr %self)')
        emit.check_status(status, 0)
        returned = emit.value(f"icmp eq {STATUS} {status}, {RETURNED}")
        going_on = emit.label("next")
        emit.branch(returned, "leave", going_on)
        emit.start(going_on)
    emit.jump("leave")
    emit.start("leave")
    emit.effect(f"ret {STATUS} {FINE}")
    module.functions.append(emit.text())


def _whole(
    routine: Routine,
    name: str,
    body: tuple[Statement, ...],
    module: ModuleBuilder,
    returned: int = FINE,
) -> None:
    """Emit a body, or a piece of one, whose RETURN gives the status `returned`."""
    piece = returned != FINE
    attributes = _attributes(body) or (" noinline" if piece else _inlining(body))
    emit = module.emitter(f'define internal {STATUS} @"{name}"(ptr %base, ptr %self){attributes}')
    make = module.builder(emit, routine.name)
    _loop_head(emit, body)
    if not piece:
        _reset(routine, emit)
    make.body(body, None, "done")
    emit.start("leave")
    emit.effect(f"ret {STATUS} {returned}")
    emit.start("done")
    emit.effect(f"ret {STATUS} {FINE}")
    module.functions.append(emit.text())


def _inlining(body: tuple[Statement, ...]) -> str:
    """Return the attribute of a block that is put in place of its calls: its inputs stay known."""
    is_small = sum(1 for _ in walk(body)) <= INLINED_STATEMENTS_MAX
    return " alwaysinline" if is_small and not _has_loop(body) else ""


def _reset(routine: Routine, emit: Emitter) -> None:
    for place, image in routine.temporaries:
        pointer = emit.value(f"getelementptr inbounds i8, ptr %self, i64 {place.offset}")
        _store_bytes(emit, pointer, image)


def _pieces(body: tuple[Statement, ...]) -> list[tuple[Statement, ...]]:
    """Cut a body into runs of at most `FUNCTION_STATEMENTS_MAX` statements, inner ones counted."""
    pieces: list[tuple[Statement, ...]] = []
    run: list[Statement] = []
    size = 0
    for node in body:
        weight = sum(1 for _ in walk((node,)))
        if run and size + weight > FUNCTION_STATEMENTS_MAX:
            pieces.append(tuple(run))
            run, size = [], 0
        run.append(node)
        size += weight
    return [*pieces, tuple(run)]


def _task(number: int, task: Task, module: ModuleBuilder) -> None:
    header = f"define i32 @{abi.TASK_SYMBOL.format(number)}(ptr align 64 %base)"
    emit = Emitter(header, module.aliases, status="i32")
    make, entries = module.builder(emit), entry_numbers(module.model)
    for instance in task.instances:
        make.sequence(instance.before, None)
        place = emit.value(f"getelementptr inbounds i8, ptr %base, i64 {instance.offset}")
        status = emit.value(f'call {STATUS} @"{instance.routine}"(ptr %base, ptr {place})')
        emit.end_task(status, entries.get(instance.name, 0))
        make.sequence(instance.after, None)
    emit.effect(f"ret {emit.status} {FINE}")
    module.functions.append(emit.text())
