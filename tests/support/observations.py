"""Observations of a made-up project, for tests of what is shown and recorded of them."""

import numpy as np

from runtime.app.monitor import LinkReport, Observation, TaskReport
from runtime.app.supervisor import ChildStatus, State
from runtime.artifact.abi import FaultKind
from runtime.datatypes.values import Json
from runtime.image import layout
from runtime.image.layout import Link, LinkError, Mode, Quality
from runtime.image.statistics import HistogramCopy

VALUES: dict[str, Json] = {
    "MAIN.UPPERLEVEL": 150.25, "MAIN.UPPERSETPOINT": 150.0,
    "MAIN.LOWERLEVEL": 119.5, "MAIN.LOWERSETPOINT": 120.0,
    "MAIN.UPPERTEMPERATURE": 29.5, "MAIN.TEMPERATURESETPOINT": 30.0,
    "MAIN.LOWERTEMPERATURE": 28.0, "MAIN.INFLOW": 50.0, "MAIN.INLETPOSITION": 31.0,
    "MAIN.TRANSFERPOSITION": 36.0, "MAIN.HEATERPERCENT": 62.0, "MAIN.PUMPRUNS": True,
    "MAIN.HEATERON": True, "MAIN.DRAINOPEN": False, "MAIN.LEVELALARM": False,
}  # fmt: skip
CHILDREN = {
    name: ChildStatus(name, State.RUNNING, pid, 0, None)
    for name, pid in (("plant", 11), ("gateway", 12), ("runtime", 13))
}


def histogram(*values_ns: int) -> HistogramCopy:
    buckets = np.zeros(layout.BUCKETS, dtype=np.uint64)
    for value in values_ns:
        buckets[layout.bucket_of(value)] += 1
    return HistogramCopy(buckets, sum(values_ns), max(values_ns, default=0))


def link_report(link: Link = Link.UP, error: LinkError = LinkError.NONE) -> LinkReport:
    return LinkReport(
        "plant", link, error, 1000, 2, 1, 900, histogram(250_000), histogram(1_200_000)
    )


def observation(
    *,
    gateway_alive: bool = True,
    link: LinkReport | None = None,
    quality: Quality = Quality.GOOD,
    values: dict[str, Json] | None = None,
) -> Observation:
    task = TaskReport(
        "Control", 10_000_000, 1234, 1, 0,
        histogram(60_000, 70_000), histogram(10_000), histogram(2_000), histogram(800_000),
    )  # fmt: skip
    return Observation(
        time_ns=5_000_000_000, project="tank", runtime_pid=13, mode=Mode.RUNNING,
        runtime_alive=True, gateway_alive=gateway_alive,
        cycle=1234, release_ns=4_990_000_000, fault=FaultKind.NONE,
        values=VALUES | (values or {}), qualities={"%IW0": quality, "%IW1": Quality.GOOD},
        tasks=(task,), links=(link or link_report(),),
    )  # fmt: skip
