"""Publishing rules: which values of which scans become samples."""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.flow.reports import Report
from gateway.flow.sampler import Sampler
from gateway.flow.scans import ScanFrame
from runtime.artifact.program import Area, Symbol
from runtime.datatypes.derived import Array, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY
from runtime.datatypes.scalars import enumeration
from runtime.datatypes.texts import text_type
from runtime.datatypes.values import store
from runtime.image.directory import DeviceEntry, Directory, TaskEntry
from runtime.image.layout import Quality
from runtime.project.uplinks import PublishSection

INT, REAL, LREAL, BOOL = (ELEMENTARY[name] for name in ("INT", "REAL", "LREAL", "BOOL"))
COLOUR = enumeration("COLOUR", INT, (("RED", 0), ("GREEN", 1)))
POINT = Structure("POINT", (Field("X", 0, INT), Field("Y", 4, REAL)), 8, 4)
STATE_BYTES = 512
DIRECTORY = Directory(
    project="plant",
    tasks=(TaskEntry("Fast", 1_000_000), TaskEntry("Slow", 10_000_000)),
    devices=(DeviceEntry("plc", 500, ("%IW0", "%IX2.1")),),
    outputs=Area(0, 0),
    state_bytes=STATE_BYTES,
    symbols=(
        Symbol("MAIN.LEVEL", 64, LREAL),
        Symbol("MAIN.COUNT", 72, INT),
        Symbol("MAIN.ON", 74, BOOL),
        Symbol("MAIN.REAL", 76, REAL),
        Symbol("MAIN.RAW", 128, INT),
        Symbol("MAIN.BIT", 130, BOOL, 1),
        Symbol("MAIN.COLOUR", 80, COLOUR),
        Symbol("MAIN.NAME", 82, text_type("STRING", 10)),
        Symbol("MAIN.AREA", 160, Array(((1, 2),), POINT)),
    ),
    sites=(),
    input_area=Area(128, 16),
    memory_area=Area(0, 0),
)
MS = 1_000_000


@dataclass
class Plant:
    """Scans of a state that the test writes, through a sampler."""

    sampler: Sampler
    state: bytearray = field(default_factory=lambda: bytearray(STATE_BYTES))
    cycle: int = 0

    def scan(
        self,
        *,
        task: int = 0,
        qualities: Sequence[int] = (0, 0),
        faulted: bool = False,
        at_ns: int | None = None,
    ) -> list[Report]:
        self.cycle += 1
        end_ns = self.cycle * 10 * MS if at_ns is None else at_ns
        frame = ScanFrame(
            self.cycle, task, self.cycle, end_ns, faulted,
            bytes(qualities), memoryview(bytes(self.state)),
        )  # fmt: skip
        return self.sampler.take(frame, end_ns + 5, 1_000_000_000_000)

    def put(self, path: str, value: float | str) -> None:
        symbol = next(item for item in DIRECTORY.symbols if item.path == path)
        store(self.state, symbol.offset, symbol.type, value)  # type: ignore[arg-type]


def plant(*sections: dict[str, object]) -> Plant:
    rules = [PublishSection.model_validate(section) for section in sections]
    return Plant(Sampler(DIRECTORY, rules, lambda: 77))


def values(reports: list[Report]) -> dict[str, object]:
    """Return the values of reports that are of one scan."""
    assert len(reports) <= 1
    return dict(reports[0].values) if reports else {}


def test_every_scan_is_reported_whole_at_full_rate() -> None:
    rig = plant({"variables": ["main.level", "main.count"], "on": "scan"})
    for number in range(1, 4):
        rig.put("MAIN.LEVEL", number / 2)
        assert values(rig.scan()) == {"MAIN.LEVEL": number / 2, "MAIN.COUNT": 0}


def test_a_report_carries_task_cycle_source_time_and_hops() -> None:
    (report,) = plant({"variables": ["MAIN.COUNT"]}).scan(task=1)
    assert report.stamp.task == "Slow"
    assert report.stamp.cycle == 1
    assert report.stamp.time_ns == 1_000_000_000_000 + 10 * MS
    assert (report.stamp.end_ns, report.stamp.taken_ns, report.filtered_ns) == (
        10 * MS, 10 * MS + 5, 77,
    )  # fmt: skip


def test_on_change_reports_the_first_value_and_then_changes_only() -> None:
    rig = plant({"variables": ["MAIN.COUNT", "MAIN.ON"]})
    assert values(rig.scan()) == {"MAIN.COUNT": 0, "MAIN.ON": False}
    assert values(rig.scan()) == {}
    rig.put("MAIN.ON", value=True)
    assert values(rig.scan()) == {"MAIN.ON": True}


def test_a_pattern_reaches_members_and_elements() -> None:
    rig = plant({"variables": ["main.area[2].*"]})
    assert values(rig.scan()) == {"MAIN.AREA[2].X": 0, "MAIN.AREA[2].Y": 0.0}
    struct.pack_into("<h", rig.state, 168, 7)
    assert values(rig.scan()) == {"MAIN.AREA[2].X": 7}


def test_a_variable_follows_the_first_rule_that_names_it() -> None:
    rig = plant(
        {"variables": ["MAIN.COUNT"], "on": "change"}, {"variables": ["MAIN.*"], "on": "scan"}
    )
    assert "MAIN.COUNT" in values(rig.scan())
    assert "MAIN.COUNT" not in values(rig.scan())
    assert "MAIN.LEVEL" in values(rig.scan())


def test_a_rule_that_names_nothing_is_told() -> None:
    assert plant({"variables": ["MAIN.TYPO"]}).sampler.unmatched == ["MAIN.TYPO"]
    event: dict[str, object] = {"variables": ["MAIN.COUNT"], "on": "event", "trigger": "MAIN.LEVEL"}
    assert plant(event).sampler.unmatched == ["MAIN.LEVEL"]


def test_a_rule_of_one_task_looks_at_its_scans_only() -> None:
    rig = plant({"variables": ["MAIN.COUNT"], "on": "scan", "task": "Slow"})
    assert values(rig.scan(task=0)) == {}
    assert values(rig.scan(task=1)) == {"MAIN.COUNT": 0}


def test_quality_is_that_of_the_input_and_a_change_of_it_is_reported() -> None:
    rig = plant({"variables": ["MAIN.RAW", "MAIN.BIT", "MAIN.COUNT"]})
    (report,) = rig.scan(qualities=(Quality.STALE, Quality.GOOD))
    assert report.qualities == {"MAIN.RAW": Quality.STALE}
    (report,) = rig.scan(qualities=(Quality.STALE, Quality.BAD))
    assert (report.values, report.qualities) == ({"MAIN.BIT": False}, {"MAIN.BIT": Quality.BAD})
    (report,) = rig.scan()
    assert report.values.keys() == {"MAIN.RAW", "MAIN.BIT"}
    assert report.qualities == {}


def test_a_scan_that_faulted_is_bad_as_a_whole() -> None:
    rig = plant({"variables": ["MAIN.COUNT", "MAIN.NAME"]})
    rig.scan()
    (report,) = rig.scan(faulted=True)
    assert report.qualities == {"MAIN.COUNT": Quality.BAD, "MAIN.NAME": Quality.BAD}


def test_texts_enumerations_and_bits_read_as_users_know_them() -> None:
    rig = plant({"variables": ["MAIN.NAME", "MAIN.COLOUR", "MAIN.BIT"]})
    rig.put("MAIN.NAME", "pump")
    rig.put("MAIN.COLOUR", 1)
    rig.state[130] = 0b10
    assert values(rig.scan()) == {
        "MAIN.NAME": "pump", "MAIN.COLOUR": "GREEN", "MAIN.BIT": True,
    }  # fmt: skip


def test_reals_read_in_few_digits_and_never_as_bare_not_a_number() -> None:
    rig = plant({"variables": ["MAIN.REAL", "MAIN.LEVEL"], "on": "scan"})
    rig.put("MAIN.REAL", 0.1)
    rig.put("MAIN.LEVEL", math.nan)
    assert values(rig.scan()) == {"MAIN.REAL": 0.1, "MAIN.LEVEL": "NaN"}
    rig.put("MAIN.REAL", math.inf)
    assert values(rig.scan())["MAIN.REAL"] == "Infinity"


def test_a_deadband_holds_back_small_changes_of_the_scaled_value() -> None:
    rig = plant({"variables": ["MAIN.COUNT"], "deadband": 1.0, "scale": 0.1, "offset": 5.0})
    rig.put("MAIN.COUNT", 10)
    assert values(rig.scan()) == {"MAIN.COUNT": 6.0}
    rig.put("MAIN.COUNT", 19)
    assert values(rig.scan()) == {}
    rig.put("MAIN.COUNT", 20)
    assert values(rig.scan()) == {"MAIN.COUNT": 7.0}


def test_silence_ends_after_at_least_every() -> None:
    rig = plant({"variables": ["MAIN.COUNT"], "at_least_every": "30ms"})
    assert [bool(rig.scan()) for _ in range(7)] == [True, False, False, True, False, False, True]


def test_an_interval_reports_its_first_scan() -> None:
    rig = plant({"variables": ["MAIN.COUNT"], "on": "interval", "interval": "50ms"})
    assert [rig.cycle for _ in range(20) if rig.scan()] == [1, 5, 10, 15, 20]


def test_aggregates_are_reported_under_the_last_scan_of_their_interval() -> None:
    rig = plant(
        {"variables": ["MAIN.COUNT"], "on": "interval", "interval": "40ms",
         "aggregate": ["mean", "max", "count"]},
    )  # fmt: skip
    reports = []
    for number in range(1, 6):
        rig.put("MAIN.COUNT", number)
        reports += rig.scan()
    (report,) = reports
    assert report.values == {"MAIN.COUNT/mean": 2, "MAIN.COUNT/max": 3, "MAIN.COUNT/count": 3}
    assert report.stamp.cycle == 3
    (rest,) = rig.sampler.finish()
    assert rest.values["MAIN.COUNT/count"] == 2


def test_an_event_reports_when_the_trigger_rises() -> None:
    rig = plant({"variables": ["MAIN.COUNT"], "on": "event", "trigger": "MAIN.ON"})
    rig.put("MAIN.ON", value=True)
    assert values(rig.scan()) == {}  # it may have been so for long
    rig.put("MAIN.ON", value=False)
    assert values(rig.scan()) == {}
    rig.put("MAIN.ON", value=True)
    assert values(rig.scan()) == {"MAIN.COUNT": 0}
    assert values(rig.scan()) == {}


def test_a_swinging_door_reports_the_end_of_a_line_under_its_own_scan() -> None:
    rig = plant({"variables": ["MAIN.LEVEL"], "swinging_door": 0.5})
    reports = []
    for number in range(1, 11):
        rig.put("MAIN.LEVEL", float(number))
        reports += rig.scan()
    rig.put("MAIN.LEVEL", -50.0)
    reports += rig.scan()
    assert [(item.stamp.cycle, item.values["MAIN.LEVEL"]) for item in reports] == [
        (1, 1.0), (10, 10.0),
    ]  # fmt: skip
    assert [item.stamp.cycle for item in rig.sampler.finish()] == [11]
    assert rig.sampler.finish() == []
