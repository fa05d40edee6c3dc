"""An observation as one line of JSON, for `takt demo --record` and whoever reads it later."""

import json
from collections.abc import Mapping

from runtime.app.monitor import LinkReport, Observation, TaskReport
from runtime.app.supervisor import ChildStatus
from runtime.image.statistics import TASK_TIMES, HistogramCopy


def record_line(observation: Observation, children: Mapping[str, ChildStatus]) -> str:
    """Return the line, without its end. Durations are in ns, qualities are names."""
    return json.dumps(
        {
            "time_ns": observation.time_ns,
            "mode": observation.mode.name,
            "cycle": observation.cycle,
            "release_ns": observation.release_ns,
            "fault": observation.fault.label,
            "values": observation.values,
            "qualities": {name: item.name for name, item in observation.qualities.items()},
            "gateway_alive": observation.gateway_alive,
            "tasks": {task.name: _task(task) for task in observation.tasks},
            "links": {link.device: _link(link) for link in observation.links},
            "processes": {
                name: {"pid": child.pid, "restarts": child.restarts}
                for name, child in children.items()
            },
        }
    )


def _task(task: TaskReport) -> dict[str, object]:
    return {
        "scans": task.scans,
        "overruns": task.overruns,
        "skipped": task.skipped,
    } | {f"{name}_ns": _percentiles(getattr(task, name)) for name in TASK_TIMES}


def _link(link: LinkReport) -> dict[str, object]:
    return {
        "link": link.link.name,
        "error": link.error.name,
        "polls": link.polls,
        "failures": link.failures,
        "reconnects": link.reconnects,
        "writes": link.writes,
        "round_trip_ns": _percentiles(link.round_trip),
        "reaction_ns": _percentiles(link.reaction),
    }


def _percentiles(histogram: HistogramCopy) -> dict[str, int]:
    return {
        "count": histogram.count,
        "p50": histogram.percentile(50),
        "p99": histogram.percentile(99),
        "p99.9": histogram.percentile(99.9),
        "max": histogram.max_ns,
    }
