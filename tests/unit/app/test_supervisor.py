"""The supervisor's rules, on a clock that only the test moves and on processes that are played."""

import signal
from dataclasses import dataclass, field

import pytest

from runtime.app.supervisor import Command, Policy, State, Supervisor

POLICY = Policy()
PLANT, GATEWAY, RUNTIME = (Command(name, (name,)) for name in ("plant", "gateway", "runtime"))


@dataclass
class World:
    """A clock and the processes that were started on it."""

    now_s: float = 0.0
    started: list["Played"] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    stubborn: frozenset[str] = frozenset()
    stop_statuses: dict[str, int] = field(default_factory=dict)

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def spawn(self, command: Command) -> "Played":
        self.log.append(f"start {command.name}")
        process = Played(self, command.name, 1000 + len(self.started))
        self.started.append(process)
        return process

    def newest(self, name: str) -> "Played":
        return [process for process in self.started if process.name == name][-1]

    def count(self, name: str) -> int:
        return sum(process.name == name for process in self.started)


@dataclass
class Played:
    world: World
    name: str
    pid: int
    status: int | None = None

    def poll(self) -> int | None:
        return self.status

    def send_signal(self, sig: int) -> None:
        self.world.log.append(f"{signal.Signals(sig).name} {self.name}")
        if sig == signal.SIGKILL:
            self.status = -signal.SIGKILL
        elif self.name not in self.world.stubborn:
            self.status = self.world.stop_statuses.get(self.name, 0)


@pytest.fixture
def world() -> World:
    return World()


def supervise(world: World, *commands: Command) -> Supervisor:
    return Supervisor(commands, world.spawn, world.clock, world.sleep, POLICY)


def die(world: World, supervisor: Supervisor, name: str, status: int = -signal.SIGKILL) -> None:
    world.newest(name).status = status
    supervisor.step()


def pass_time(world: World, supervisor: Supervisor, seconds: float) -> None:
    end = world.now_s + seconds
    while world.now_s < end:
        world.sleep(POLICY.poll_s)
        supervisor.step()


def test_children_start_in_order_and_stop_in_reverse_order(world: World) -> None:
    assert supervise(world, PLANT, GATEWAY, RUNTIME).run(lambda: True) == 0
    assert world.log == [
        "start plant", "start gateway", "start runtime",
        "SIGTERM runtime", "SIGTERM gateway", "SIGTERM plant",
    ]  # fmt: skip


def test_between_two_stops_the_last_outputs_have_time_to_travel(world: World) -> None:
    supervise(world, GATEWAY, RUNTIME).run(lambda: True)
    assert world.now_s == pytest.approx(POLICY.settle_s)


def test_a_dead_child_starts_again_after_the_delay_and_the_others_run_on(world: World) -> None:
    supervisor = supervise(world, GATEWAY, RUNTIME)
    supervisor.start()
    die(world, supervisor, "gateway")
    assert supervisor.status("gateway").state is State.WAITING
    pass_time(world, supervisor, POLICY.delay_s_min / 2)
    assert world.count("gateway") == 1
    pass_time(world, supervisor, POLICY.delay_s_min)
    status = supervisor.status("gateway")
    assert (status.state, status.restarts, status.last_status) == (State.RUNNING, 1, -9)
    assert world.count("runtime") == 1


def test_the_delay_doubles_up_to_its_limit(world: World) -> None:
    supervisor = supervise(world, GATEWAY)
    supervisor.start()
    delays = []
    for _ in range(7):
        die(world, supervisor, "gateway")
        died_s, count = world.now_s, world.count("gateway")
        while world.count("gateway") == count:
            world.sleep(0.01)
            supervisor.step()
        delays.append(world.now_s - died_s)
    assert delays == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0], abs=0.011)


def test_after_a_healthy_while_the_delay_is_short_again(world: World) -> None:
    supervisor = supervise(world, GATEWAY)
    supervisor.start()
    for _ in range(4):
        die(world, supervisor, "gateway")
        pass_time(world, supervisor, 2.0)
    pass_time(world, supervisor, POLICY.healthy_s)
    die(world, supervisor, "gateway")
    pass_time(world, supervisor, POLICY.delay_s_min + POLICY.poll_s)
    assert supervisor.status("gateway").state is State.RUNNING


@pytest.mark.parametrize("status", [1, 2])
def test_a_users_fault_at_the_first_start_ends_the_whole(world: World, status: int) -> None:
    supervisor = supervise(world, GATEWAY, RUNTIME)
    supervisor.start()
    die(world, supervisor, "runtime", status)
    assert supervisor.failure is not None
    assert supervisor.failure.name == "runtime"
    assert supervisor.run(lambda: False) == status
    assert world.newest("gateway").status == 0


@pytest.mark.parametrize("status", [0, 3, -11, -9])
def test_any_other_end_at_the_first_start_is_tried_again(world: World, status: int) -> None:
    supervisor = supervise(world, RUNTIME)
    supervisor.start()
    die(world, supervisor, "runtime", status)
    assert supervisor.failure is None
    assert supervisor.status("runtime").state is State.WAITING


def test_a_child_that_has_run_before_is_started_again_whatever_its_status(world: World) -> None:
    supervisor = supervise(world, RUNTIME)
    supervisor.start()
    pass_time(world, supervisor, POLICY.first_start_s)
    die(world, supervisor, "runtime", 1)
    assert supervisor.failure is None


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_time(world: World) -> None:
    world.stubborn = frozenset({"gateway"})
    assert supervise(world, GATEWAY, RUNTIME).run(lambda: True) == 1
    assert world.log[-2:] == ["SIGTERM gateway", "SIGKILL gateway"]
    assert POLICY.grace_s <= world.now_s < POLICY.grace_s + 2 * POLICY.settle_s


def test_a_child_that_waits_for_its_restart_is_not_started_by_a_stop(world: World) -> None:
    supervisor = supervise(world, GATEWAY)
    supervisor.start()
    die(world, supervisor, "gateway")
    supervisor.stop()
    pass_time(world, supervisor, 10.0)
    assert world.count("gateway") == 1
    assert supervisor.status("gateway").state is State.STOPPED


def test_where_a_child_cannot_be_started_those_before_it_are_stopped(world: World) -> None:
    def spawn(command: Command) -> Played:
        if command is RUNTIME:
            raise OSError("no such program")
        return world.spawn(command)

    supervisor = Supervisor((GATEWAY, RUNTIME), spawn, world.clock, world.sleep, POLICY)
    with pytest.raises(OSError, match="no such program"):
        supervisor.run(lambda: True)
    assert world.log == ["start gateway", "SIGTERM gateway"]


def test_a_child_that_stops_with_a_status_of_its_own_gives_it_to_the_whole(world: World) -> None:
    world.stop_statuses = {"runtime": 3}
    assert supervise(world, GATEWAY, RUNTIME).run(lambda: True) == 3


def test_a_child_that_dies_of_our_sigterm_is_no_failure(world: World) -> None:
    world.stop_statuses = {"gateway": -signal.SIGTERM}
    assert supervise(world, GATEWAY).run(lambda: True) == 0
