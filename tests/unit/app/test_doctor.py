"""The doctor's checks over made-up hosts, and its measurement over this one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runtime.app.doctor.checks import Grade, Verdict, Wishes, examine, worst
from runtime.app.doctor.host import Host, Limits, parse_cpus, this_host
from runtime.app.doctor.wakeups import measure
from runtime.cli.doctor import report, table
from runtime.cli.main import app
from runtime.errors import TaktError

NOTHING = Limits(rtprio=0, memlock_bytes=65536, capabilities=frozenset())
EVERYTHING = Limits(-1, -1, frozenset({"CAP_SYS_NICE", "CAP_IPC_LOCK"}))


def host(root: Path, files: dict[str, str] | None = None, limits: Limits = EVERYTHING) -> Host:
    """Return a host of four processors that has just these files."""
    for name, text in (files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Host(root, limits, frozenset({0, 1, 2, 3}), "6.1.0 #1 SMP PREEMPT_DYNAMIC", 45.0)


def verdict(name: str, seen: Host, wishes: Wishes | None = None) -> Verdict:
    """Return what one check says."""
    return next(item for item in examine(seen, wishes or Wishes()) if item.name == name)


def test_a_list_of_processors_may_hold_ranges() -> None:
    assert parse_cpus("0,2-4") == {0, 2, 3, 4}
    assert parse_cpus("") == parse_cpus("none") == frozenset()


def test_a_host_without_any_files_is_judged_and_never_fails(tmp_path: Path) -> None:
    verdicts = examine(host(tmp_path), Wishes())
    assert all(item.found for item in verdicts)
    assert all(item.costs and item.mend for item in verdicts if item.grade is not Grade.GOOD)


@pytest.mark.parametrize(
    ("files", "grade", "found"),
    [
        ({"sys/kernel/realtime": "1\n"}, Grade.GOOD, "PREEMPT_RT"),
        ({"sys/kernel/debug/sched/preempt": "none voluntary (full)\n"}, Grade.NOTE, "full"),
        ({"proc/cmdline": "quiet preempt=voluntary\n"}, Grade.BAD, "voluntary"),
        ({}, Grade.BAD, "not told"),
    ],
)
def test_preemption_is_read_from_wherever_the_kernel_tells_it(
    tmp_path: Path, files: dict[str, str], grade: Grade, found: str
) -> None:
    said = verdict("kernel preemption", host(tmp_path, files))
    assert (said.grade, found in said.found) == (grade, True)


def test_one_processor_with_another_governor_is_found(tmp_path: Path) -> None:
    place = "sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor"
    files = {place.format(0): "performance\n", place.format(1): "powersave\n"}
    said = verdict("frequency governor", host(tmp_path, files))
    assert said.grade is Grade.BAD
    assert said.found == "performance, powersave"


def test_a_priority_below_the_one_asked_for_names_both(tmp_path: Path) -> None:
    limits = replace(NOTHING, rtprio=50)
    said = verdict("real-time priority", host(tmp_path, limits=limits), Wishes(priority=80))
    assert said.found == "up to 50, the project asks for 80"
    enough = verdict("real-time priority", host(tmp_path, limits=limits), Wishes(priority=50))
    assert enough.grade is Grade.GOOD


def test_an_isolated_processor_counts_when_the_scan_is_bound_to_it(tmp_path: Path) -> None:
    seen = host(tmp_path, {"sys/devices/system/cpu/isolated": "3\n"})
    assert verdict("isolated processors", seen, Wishes(cpu=3)).grade is Grade.GOOD
    unused = verdict("isolated processors", seen, Wishes(cpu=None))
    assert "cpu = 3" in unused.mend


def test_interrupts_that_may_come_to_the_scans_processor_are_counted(tmp_path: Path) -> None:
    files = {
        "proc/irq/24/smp_affinity_list": "0-3\n",
        "proc/irq/25/smp_affinity_list": "0\n",
        "proc/irq/26/smp_affinity_list": "2,3\n",
    }
    said = verdict("interrupt affinity", host(tmp_path, files), Wishes(cpu=3))
    assert said.found == "2 may come to processor 3"
    assert "0,1,2" in said.mend


def test_a_quota_of_the_own_group_is_found(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/system.slice/takt.service\n",
        "sys/fs/cgroup/system.slice/takt.service/cpu.max": "50000 100000\n",
    }
    said = verdict("processor quota", host(tmp_path, files))
    assert said.grade is Grade.BAD
    assert "50000 100000" in said.found


def test_deep_sleep_is_no_matter_where_the_runtime_can_forbid_it(tmp_path: Path) -> None:
    files = {
        "sys/devices/system/cpu/cpu0/cpuidle/state3/latency": "170\n",
        "dev/cpu_dma_latency": "",
    }
    seen = host(tmp_path, files)
    assert verdict("deep sleep of processors", seen).grade is Grade.GOOD
    (tmp_path / "dev/cpu_dma_latency").unlink()
    assert "170 µs" in verdict("deep sleep of processors", seen).costs


def test_a_clock_that_costs_a_system_call_is_bad(tmp_path: Path) -> None:
    slow = replace(host(tmp_path), clock_reading_ns=900.0)
    assert verdict("clock source", slow).grade is Grade.BAD


def test_a_processor_that_the_host_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaktError, match=r"runtime\.cpu = 9.*expected one of 0, 1, 2, 3"):
        examine(host(tmp_path), Wishes(cpu=9))


def test_the_worst_grade_decides_about_strictness() -> None:
    notes = [Verdict("a", Grade.GOOD, "x"), Verdict("b", Grade.NOTE, "x")]
    assert worst(notes) is Grade.NOTE
    assert worst([*notes, Verdict("c", Grade.BAD, "x")]) is Grade.BAD
    assert worst([]) is Grade.GOOD


def test_the_report_shows_cost_and_remedy_below_the_finding() -> None:
    lines = report([Verdict("swap", Grade.NOTE, "/dev/sda2", "10 ms", "swapoff")]).splitlines()
    assert lines == ["note  swap  /dev/sda2", "      costs: 10 ms", "      mend:  swapoff"]


def test_every_setting_is_measured_and_counted() -> None:
    found = list(measure(0.1, Wishes(cpu=min(this_host().processors))))
    assert [item.setting.split(" (")[0] for item in found] == [
        "an ordinary thread", "+ timer slack of 1 ns",
        f"+ bound to processor {min(this_host().processors)}",
        "+ SCHED_FIFO 80", "+ kept out of deep sleep",
    ]  # fmt: skip
    assert all(item.lateness_ns == tuple(sorted(item.lateness_ns)) for item in found)
    assert all(item.lateness_ns[0] > 0 for item in found)
    assert len(table(found).splitlines()) == 2 + len(found)


def test_the_command_prints_json_for_machines() -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["checks"]) == len(examine(this_host(), Wishes()))
