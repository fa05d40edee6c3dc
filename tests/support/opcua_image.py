"""An image without a runtime for the OPC UA server: the test plays the program, scan by scan."""

import contextlib
import threading
import time
from collections.abc import Iterator

from runtime.artifact.abi import CONTEXT_BYTES, FaultKind
from runtime.artifact.program import Area, Symbol
from runtime.datatypes.derived import Array, DataType, align
from runtime.datatypes.elementary import Elementary
from runtime.datatypes.texts import Text, write_text
from runtime.datatypes.values import store
from runtime.image.directory import DeviceEntry, Directory, TaskEntry
from runtime.image.layout import FRAME_HEADER, Mode, Quality, SectionKind
from runtime.image.segment import Image, create_image, image_path


def symbols_of(variables: dict[str, DataType], start: int = CONTEXT_BYTES) -> tuple[Symbol, ...]:
    """Lay variables out as the compiler does."""
    found, offset = [], start
    for path, data_type in variables.items():
        offset = align(offset, data_type.alignment)
        found.append(Symbol(path, offset, data_type))
        offset += data_type.size
    return tuple(found)


class PlayedProgram:
    """A program whose variables the test sets, and whose scans it publishes."""

    def __init__(
        self,
        name: str,
        variables: dict[str, DataType],
        interval_ns: int = 10_000_000,
        devices: tuple[DeviceEntry, ...] = (),
    ) -> None:
        """Create its image, where `TAKT_IMAGE_DIR` says."""
        self.symbols = {item.path: item for item in symbols_of(variables)}
        last = max(self.symbols.values(), key=lambda item: item.offset)
        self.state = bytearray(align(last.offset + last.type.size, 8))
        self.inputs = sum(len(item.inputs) for item in devices)
        directory = Directory(
            project=name,
            tasks=(TaskEntry("Main", interval_ns),),
            devices=devices,
            input_area=Area(0, 0),
            memory_area=Area(0, 0),
            outputs=Area(CONTEXT_BYTES, 0),
            state_bytes=len(self.state),
            symbols=tuple(self.symbols.values()),
            sites=(),
        )
        self.image: Image = create_image(
            image_path(name), directory, hash(tuple(variables)) & 0xFFFF, time.monotonic_ns()
        )
        self.image.mode = Mode.RUNNING
        self.cycle = 0
        self.beating = True
        self.release_ns = 0

    def set(self, path: str, value: float | str) -> None:
        """Set a variable, or an element by its place: `MAIN.TABLE#3`."""
        name, _, place = path.partition("#")
        symbol = self.symbols[name]
        data_type, offset = symbol.type, symbol.offset
        if isinstance(data_type, Array):
            offset += int(place) * data_type.element.size
            data_type = data_type.element
        if isinstance(data_type, Text):
            write_text(self.state, offset, data_type, str(value))
            return
        assert isinstance(data_type, Elementary)
        store(self.state, offset, data_type, value)

    def scan(self, qualities: tuple[Quality, ...] = ()) -> int:
        """Publish the present values as one scan; return its release time."""
        self.cycle += 1
        self.release_ns = time.monotonic_ns()
        header = FRAME_HEADER.pack(
            self.cycle, self.release_ns, self.release_ns, self.release_ns + 1000,
            FaultKind.NONE, 0, self.inputs, len(self.state), self.cycle, 0, 0,
        )  # fmt: skip
        marks = bytes(qualities or (Quality.GOOD,) * self.inputs)
        marks += bytes(-len(marks) % 8)
        self.image.ring(SectionKind.FRAME).publish(header + marks + bytes(self.state))
        return self.release_ns


@contextlib.contextmanager
def playing(program: PlayedProgram) -> Iterator[PlayedProgram]:
    """Keep the program's heart beating, and leave its image in the end."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.02):
            if program.beating:
                program.image.runtime_heartbeat_ns = time.monotonic_ns()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield program
    finally:
        stop.set()
        thread.join()
        program.image.path.unlink(missing_ok=True)
        program.image.close()
