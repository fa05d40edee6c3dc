"""`takt replay`: repeat a recorded run and compare it with the record."""

from pathlib import Path
from typing import Annotated

import typer


def replay(
    record: Annotated[
        Path, typer.Argument(metavar="RECORD", help="A file that `--record` has written.")
    ],
) -> None:
    """Repeat a recorded run in virtual time: exit 0 when every state is that of the record.

    Of a record that was cut off, all that is whole is repeated.
    Exit status 1: a state differs, or the file is no record or damaged.
    """
    from runtime.app.replay import replay_record
    from runtime.engine.record import read_record

    found = read_record(record)
    result = replay_record(found)
    if found.cut_bytes:
        print(f"the record ends within an entry, {found.cut_bytes} bytes of which are left out")
    if result.differs_at is not None:
        entry = result.differs_at
        print(f"differs after scan {result.scans}: task {entry.task}, its cycle {entry.cycle}")
        raise typer.Exit(1)
    print(f"{result.scans} scans repeated, {result.compared} states compared, all alike")
