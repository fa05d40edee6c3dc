"""`python -m gateway run` as a process: metrics, signals, a runtime that comes and goes."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from runtime.image.layout import Link, Mode
from runtime.image.segment import image_path
from runtime.project.load import Project
from tests.support.modbus_image import (
    PlayedRuntime,
    device_toml,
    io_toml,
    play_runtime,
    write_project,
)
from tests.support.modbus_peers import Tables, plant_thread
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

CHANNELS = (
    io_toml("%IW0", "plc", "input", 0)
    + io_toml("%QW0", "plc", "holding", 3, "safe = 9")
    + io_toml("%QX2.0", "plc", "coil", 0)
)
SENSOR = Tables(inputs={0: [77]})
METRICS = "[metrics]\nport = 0\n"


@dataclass
class GatewayProcess:
    """A gateway that was started, and where it logs."""

    process: subprocess.Popen[bytes]
    log: Path

    def records(self) -> list[dict[str, object]]:
        """Return what it has logged so far."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def messages(self) -> str:
        """Return the texts of what it has logged so far."""
        return "\n".join(str(record["message"]) for record in self.records())

    def await_message(self, text: str) -> None:
        """Wait until it has logged a text."""
        wait_until(lambda: text in self.messages(), 20, f"the message {text!r}")

    def scrape(self) -> dict[tuple[str, str], float]:
        """Return the samples of `/metrics` by name and device or task."""
        self.await_message("/metrics")
        port = next(record["port"] for record in self.records() if "port" in record)
        connection = http.client.HTTPConnection("127.0.0.1", int(str(port)), timeout=5)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return {
            (
                sample.name,
                sample.labels.get("device") or sample.labels.get("mode", ""),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if "quality" not in sample.labels
        }

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(10)


@contextmanager
def gateway_process(project: Project, log: Path) -> Iterator[GatewayProcess]:
    """Start a gateway; make sure that it is gone afterwards."""
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gateway", "run", str(project.folder)], stderr=stderr
        )
    try:
        yield GatewayProcess(process, log)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def _images_in_a_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))


def set_up(folder: Path, port: int, more: str = METRICS) -> Project:
    return write_project(folder / "project", more + device_toml("plc", port) + CHANNELS)


def play(project: Project) -> PlayedRuntime:
    return play_runtime(image_path(project.config.project.name), project)


def word(value: int) -> bytes:
    return value.to_bytes(2, "little")


def test_a_gateway_serves_its_project_from_sensor_to_metrics(tmp_path: Path) -> None:
    with plant_thread(SENSOR) as plant:
        project = set_up(tmp_path, plant.port)
        runtime = play(project)
        with gateway_process(project, tmp_path / "log") as gateway:
            wait_until(lambda: runtime.mailbox().polls >= 2, 20, "polls")
            assert runtime.mailbox().samples[0].raw == 77
            assert runtime.image.gateway_pid == gateway.process.pid

            runtime.publish(word(5), source_ns=runtime.mailbox().samples[0].source_ns)
            wait_until(runtime.alive(lambda: plant.holding[3:4] == [5]), 20, "the outputs")
            runtime.publish(word(6), source_ns=runtime.mailbox().samples[0].source_ns)
            wait_until(runtime.alive(lambda: plant.holding[3:4] == [6]), 20, "the changed output")

            def reacted() -> bool:
                return gateway.scrape()["takt_reaction_seconds_count", "plc"] >= 1

            wait_until(reacted, 20, "the reaction in the metrics")
            metrics = gateway.scrape()
            assert metrics["takt_link_state", "plc"] == Link.UP
            assert metrics["takt_runtime_mode", "running"] == 1
            assert metrics["takt_polls_total", "plc"] >= 2
            assert metrics["takt_gateway_attached", ""] == 1

            assert gateway.end(signal.SIGTERM) == 0
        assert runtime.image.gateway_pid == 0
        assert runtime.mailbox().link is Link.DOWN
        assert plant.holding[3] == 6


def test_sigint_ends_a_gateway_that_waits_for_its_runtime(tmp_path: Path) -> None:
    project = set_up(tmp_path, 1502)
    with gateway_process(project, tmp_path / "log") as gateway:
        gateway.await_message("waiting: ")
        assert gateway.scrape()["takt_gateway_attached", ""] == 0

        assert gateway.end(signal.SIGINT) == 0
        assert gateway.messages().count("no process image") == 1


def test_a_gateway_that_was_killed_is_replaced_and_control_goes_on(tmp_path: Path) -> None:
    with plant_thread(SENSOR) as plant:
        project = set_up(tmp_path, plant.port)
        runtime = play(project)
        with gateway_process(project, tmp_path / "first") as gateway:
            wait_until(lambda: runtime.mailbox().polls >= 2, 20, "polls")
            gateway.end(signal.SIGKILL)
        polls = runtime.mailbox().polls
        runtime.publish(word(8))
        with gateway_process(project, tmp_path / "second") as gateway:
            wait_until(lambda: runtime.mailbox().polls > polls, 20, "further polls")
            wait_until(
                runtime.alive(lambda: plant.holding[3:4] == [8]), 20, "what was published meanwhile"
            )
            assert gateway.end(signal.SIGTERM) == 0


def test_a_runtime_that_starts_again_is_followed(tmp_path: Path) -> None:
    with plant_thread(SENSOR) as plant:
        project = set_up(tmp_path, plant.port)
        first = play(project)
        with gateway_process(project, tmp_path / "log") as gateway:
            first.publish(word(5))
            wait_until(first.alive(lambda: plant.holding[3:4] == [5]), 20, "the first outputs")

            second = play(project)
            second.publish(word(6))
            wait_until(second.alive(lambda: plant.holding[3:4] == [6]), 20, "the second outputs")
            wait_until(lambda: second.mailbox().link is Link.UP, 20, "the link in the new image")
            assert gateway.end(signal.SIGTERM) == 0


def test_a_runtime_that_leaves_is_noticed_and_the_safe_values_are_written(tmp_path: Path) -> None:
    with plant_thread(SENSOR) as plant:
        project = set_up(tmp_path, plant.port)
        runtime = play(project)
        with gateway_process(project, tmp_path / "log") as gateway:
            runtime.publish(word(5))
            wait_until(runtime.alive(lambda: plant.holding[3:4] == [5]), 20, "the outputs")
            image_path(project.config.project.name).unlink()

            wait_until(lambda: plant.holding[3:4] == [9], 20, "the safe value")
            assert gateway.messages().count("is silent") == 1
            assert gateway.end(signal.SIGTERM) == 0


def test_the_last_outputs_of_a_runtime_reach_the_device_before_the_gateway_leaves(
    tmp_path: Path,
) -> None:
    with plant_thread(SENSOR) as plant:
        project = set_up(tmp_path, plant.port)
        runtime = play(project)
        with gateway_process(project, tmp_path / "log") as gateway:
            runtime.publish(word(5))
            wait_until(runtime.alive(lambda: plant.holding[3:4] == [5]), 20, "the outputs")
            runtime.publish(word(1), safe=True)
            runtime.image.mode = Mode.STOPPED
            assert gateway.end(signal.SIGTERM) == 0
        assert plant.holding[3] == 1


def test_an_image_of_other_inputs_is_named_and_not_touched(tmp_path: Path) -> None:
    project = set_up(tmp_path, 1502)
    other = write_project(tmp_path / "other", device_toml("plc", 1502))
    runtime = play(other)
    with gateway_process(project, tmp_path / "log") as gateway:
        gateway.await_message("has other devices, inputs or outputs")
        assert runtime.image.gateway_pid == 0

        fitting = play(project)
        wait_until(lambda: fitting.image.gateway_pid == gateway.process.pid, 20, "the new image")
        assert gateway.messages().count("has other devices") == 1


def test_two_gateways_do_not_serve_one_image(tmp_path: Path) -> None:
    project = set_up(tmp_path, 1502)
    runtime = play(project)
    with (
        gateway_process(project, tmp_path / "first") as first,
        gateway_process(project, tmp_path / "second") as second,
    ):
        wait_until(
            lambda: "waiting: gateway" in first.messages() + second.messages(), 20, "one to wait"
        )
        serving = runtime.image.gateway_pid
        assert serving in {first.process.pid, second.process.pid}
        waiting = first if serving == second.process.pid else second
        os.kill(serving, signal.SIGTERM)
        wait_until(lambda: runtime.image.gateway_pid == waiting.process.pid, 20, "the other")


def test_a_gateway_whose_image_another_one_took_over_steps_back(tmp_path: Path) -> None:
    project = set_up(tmp_path, 1502)
    runtime = play(project)
    with gateway_process(project, tmp_path / "log") as gateway:
        wait_until(lambda: runtime.image.gateway_pid == gateway.process.pid, 20, "the gateway")
        runtime.image.gateway_pid = os.getpid()
        gateway.await_message(f"gateway {os.getpid()} has taken over")

        assert gateway.end(signal.SIGTERM) == 0
        assert runtime.image.gateway_pid in {0, os.getpid()}


def test_a_metrics_port_in_use_stops_nothing_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, plant_thread(SENSOR) as plant:
        port = taken.getsockname()[1]
        project = set_up(tmp_path, plant.port, f"[metrics]\nport = {port}\n")
        runtime = play(project)
        with gateway_process(project, tmp_path / "log") as gateway:
            gateway.await_message(f"cannot listen on 127.0.0.1:{port}")
            wait_until(lambda: runtime.mailbox().polls >= 2, 20, "polls")
            assert gateway.end(signal.SIGTERM) == 0


def test_a_project_with_faults_is_told_in_full_and_without_a_traceback(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "plant.st").write_text("")
    (folder / "takt.toml").write_text(
        '[project]\nname = "1st"\n[[task]]\nname = "Main"\ninterval = "10"\nprograms = ["Main"]\n'
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "gateway", "run", str(folder)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "2 faults" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_command_line_ends_with_status_2() -> None:
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "gateway", "serve"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
