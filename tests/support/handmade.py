"""A small program written in LLVM by hand, and a project for it: the engine without the compiler.

%I is 16 bytes at 64, %Q 16 bytes at 80. Each scan counts COUNT, copies %I to %Q, and
- with byte %IB15 = 16#EE reports a division by zero at plant.st:7 (without touching %Q before),
- with BURN > 0 runs an empty loop that many times.
"""

import tempfile
from pathlib import Path

from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Area, CompiledProgram, Site, Symbol, TaskInfo, TaskPath
from runtime.datatypes.elementary import ELEMENTARY
from runtime.engine import native
from runtime.engine.scan import ScanEngine
from runtime.image.directory import Directory, TaskEntry, device_entries
from runtime.image.layout import Link, LinkError, SectionKind
from runtime.image.payloads import (
    Frame,
    Mailbox,
    Outputs,
    Sample,
    encode_mailbox,
)
from runtime.image.segment import create_image
from runtime.image.statistics import TaskStatistics
from runtime.project.load import Project, load_project
from tests.support.newest import newest_frame, newest_outputs

INPUTS, OUTPUTS, COUNT, BURN, STATE_BYTES = 64, 80, 96, 104, 128

_LLVM = f"""
define i32 @takt_task_0(ptr %state) {{
entry:
  %count.at = getelementptr i8, ptr %state, i64 {COUNT}
  %count = load i64, ptr %count.at
  %count.next = add i64 %count, 1
  store i64 %count.next, ptr %count.at
  %trigger.at = getelementptr i8, ptr %state, i64 {INPUTS + 15}
  %trigger = load i8, ptr %trigger.at
  %broken = icmp eq i8 %trigger, -18
  br i1 %broken, label %fault, label %burn
fault:
  %kind.at = getelementptr i8, ptr %state, i64 24
  store i32 2, ptr %kind.at
  %site.at = getelementptr i8, ptr %state, i64 28
  store i32 0, ptr %site.at
  ret i32 1
burn:
  %burn.at = getelementptr i8, ptr %state, i64 {BURN}
  %turns = load i64, ptr %burn.at
  br label %loop
loop:
  %n = phi i64 [ 0, %burn ], [ %n.next, %body ]
  %more = icmp slt i64 %n, %turns
  br i1 %more, label %body, label %done
body:
  %n.next = add i64 %n, 1
  fence acquire
  br label %loop
done:
  %from = getelementptr i8, ptr %state, i64 {INPUTS}
  %to = getelementptr i8, ptr %state, i64 {OUTPUTS}
  %values = load <2 x i64>, ptr %from, align 8
  store <2 x i64> %values, ptr %to, align 8
  ret i32 0
}}
"""


def handmade_program(initial: bytes = b"", burn: int = 0) -> CompiledProgram:
    """Return the program, with the first bytes of %I as given."""
    state = bytearray(STATE_BYTES)
    state[INPUTS : INPUTS + len(initial)] = initial
    state[BURN : BURN + 8] = burn.to_bytes(8, "little")
    return CompiledProgram(
        name="HANDMADE",
        object_code=native.emit_object(native.parse_ir(_LLVM)),
        initial_state=bytes(state),
        inputs=Area(INPUTS, 16),
        outputs=Area(OUTPUTS, 16),
        memory=Area(COUNT, 0),
        tasks=(TaskInfo("Main", 0),),
        symbols=(Symbol("MAIN.COUNT", COUNT, ELEMENTARY["LINT"]),),
        sites=(Site(FaultKind.ZERO_DIVISION, "plant.st", 7),),
        paths=(TaskPath("Main", 10.0),),
        source_hash="handmade",
    )


def handmade_project(toml: str, name: str = "handmade", interval: str = "10ms") -> Project:
    """Return the project of a `takt.toml` whose first sections (project, task) are supplied."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "plant.st").write_text("PROGRAM Main END_PROGRAM\n")
        (path / "takt.toml").write_text(
            f'[project]\nname = "{name}"\n'
            f'[[task]]\nname = "Main"\ninterval = "{interval}"\nprograms = ["Main"]\n{toml}'
        )
        return load_project(path)


IO = """
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "127.0.0.1"
poll = "20ms"
stale_after = "50ms"
[[io]]
address = "%IX0.3"
device = "plc"
table = "coil"
register = 0
[[io]]
address = "%IW1"
device = "plc"
table = "input"
register = 0
substitute = "default"
default = 77
[[io]]
address = "%ID1"
device = "plc"
table = "input"
register = 10
[[io]]
address = "%IL1"
device = "plc"
table = "input"
register = 20
[[io]]
address = "%QX0.1"
device = "plc"
table = "coil"
register = 5
safe = true
[[io]]
address = "%QW1"
device = "plc"
table = "holding"
register = 9
safe = 513
"""
"""One device with inputs of every width (hold, default, hold, hold) and two outputs."""

SAFE_AREA = bytes([2, 0, 1, 2]) + bytes(12)
"""%Q under the safe values of `IO`."""


class Rig:
    """An engine for the hand-made program on an image of its own; the test plays the gateway."""

    def __init__(self, folder: Path, toml: str = IO, initial: bytes = b"", burn: int = 0) -> None:
        self.project = handmade_project(toml)
        self.program = handmade_program(initial, burn)
        config = self.project.config
        self.image = create_image(
            folder / "rig.image",
            Directory(
                project=config.project.name,
                tasks=tuple(TaskEntry(task.name, task.interval or 0) for task in config.task),
                devices=device_entries(self.project),
                input_area=Area(0, 0),
                memory_area=Area(0, 0),
                outputs=self.program.outputs,
                state_bytes=self.program.state_size,
                symbols=self.program.symbols,
                sites=self.program.sites,
            ),
            self.program.layout_hash,
            now_ns=1,
        )
        self.engine = ScanEngine(self.program, self.project, self.image)
        self.statistics = TaskStatistics(self.image.section(SectionKind.TASK_STATISTICS))

    def send(self, *samples: Sample, device: int = 0) -> int:
        """Publish a mailbox as the gateway does; return its number."""
        mailbox = Mailbox(Link.UP, LinkError.NONE, 0, 0, 0, 0, samples)
        return self.image.ring(SectionKind.INPUTS, device).publish(encode_mailbox(mailbox))

    @property
    def outputs(self) -> Outputs:
        """The newest outputs."""
        return newest_outputs(self.image)

    @property
    def frame(self) -> Frame:
        """The newest frame."""
        return newest_frame(self.image)

    @property
    def inputs(self) -> bytes:
        """%I as the last scan saw it."""
        return self.frame.state[INPUTS : INPUTS + 16]
