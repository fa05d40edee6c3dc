"""Programs with retained variables, packed and unpacked."""

from runtime.build import check_sources
from runtime.datatypes.values import Json
from runtime.model.program import Model
from runtime.retain.layout import Layout, Packing, packing_of
from runtime.retain.migrate import Migration, migrate
from tests.support.programs import sources_of


def model_of(*texts: str) -> Model:
    """Return the model of some sources, which must be right."""
    done = check_sources(sources_of(*texts))
    assert done.model is not None, done.findings
    return done.model


def retaining(declarations: str, before: str = "") -> Model:
    """Return a program MAIN with these variables in VAR RETAIN."""
    return model_of(f"{before}\nPROGRAM MAIN\nVAR RETAIN\n{declarations}\nEND_VAR\nEND_PROGRAM\n")


def initial(program: Model) -> tuple[Packing, bytes]:
    """Return a program's packing, and its initial values packed."""
    packing = packing_of(program.retained)
    return packing, packing.pack(program.initial_state)


def values(layout: Layout, packed: bytes) -> dict[str, Json]:
    """Return packed values by name, without the program's."""
    return {item.path.removeprefix("MAIN."): item.read(packed) for item in layout.entries}


def migrated(old: str, new: str, before: str = "") -> tuple[dict[str, Json], Migration]:
    """Return the values of new declarations after the initial ones of the old were carried over."""
    old_packing, old_values = initial(retaining(old, before))
    new_packing, new_values = initial(retaining(new, before))
    done, report = migrate(old_packing.layout, old_values, new_packing.layout, new_values)
    return values(new_packing.layout, done), report
