"""Make the archive of shipped LLVM text (`engine.shipped`): `make ship`.

It holds the scan loops, every standard block, every native function, and the functions of strings
for each type of strings.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from runtime.build import check_sources
from runtime.codegen.blocks import block_ir, function_ir
from runtime.codegen.linked import text_signatures
from runtime.datatypes.derived import Structure
from runtime.engine import fleet, native, shipped
from runtime.engine.scan import executive_object
from runtime.model.program import Invoke
from runtime.source import Source
from runtime.stdlib import text, text_numbers
from runtime.stdlib.library import BLOCKS, FUNCTIONS
from runtime.stdlib.text import TextFunction
from runtime.stdlib.text_encodings import BETWEEN


def make() -> dict[str, str]:
    """Return all texts by their keys; numba makes each of them anew."""
    with shipped.gathering() as texts:
        demand()
    return dict(texts)


def demand() -> None:
    """Ask for everything that is shipped, as starts of programs would."""
    executive_object()
    fleet.pool_object()
    for name, structure in block_structures():
        block_ir(BLOCKS[name], structure)
    for function in FUNCTIONS.values():
        if function.native:
            function_ir(function)
    for item in text_functions():
        for symbol, signature in text_signatures(item):
            native.exported_ir(item.body, signature, symbol)
    for (source, _), item in BETWEEN.items():
        for symbol, signature in text_signatures(item, (source,)):
            native.exported_ir(item.body, signature, symbol)


def block_structures() -> Iterator[tuple[str, Structure]]:
    """Yield every standard block's name and the layout that the compiler gives its instances."""
    names = sorted(BLOCKS)
    declared = "".join(f"b{number} : {name};\n" for number, name in enumerate(names))
    called = "".join(f"b{number}();\n" for number in range(len(names)))
    source = Source("blocks", f"PROGRAM Main VAR\n{declared}END_VAR\n{called}END_PROGRAM\n")
    model = check_sources((source,)).model
    assert model is not None
    for node in model.routines["MAIN"].body:
        if isinstance(node, Invoke) and node.standard is not None:
            assert isinstance(node.instance.type, Structure)
            yield node.standard.name, node.instance.type


def text_functions() -> Iterator[TextFunction]:
    """Yield every function of strings, those behind conversions of numbers and times included."""
    yield from text.TEXT_FUNCTIONS.values()
    for module in (text, text_numbers):
        yield from (item for item in vars(module).values() if isinstance(item, TextFunction))


def main(archive: Path = shipped.ARCHIVE) -> None:
    """Write the archive and say what is in it."""
    texts = make()
    shipped.write(texts, archive)
    sys.stdout.write(f"{archive.name}: {len(texts)} texts, {archive.stat().st_size >> 10} KiB\n")


if __name__ == "__main__":
    main()
