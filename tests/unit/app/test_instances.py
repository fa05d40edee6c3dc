"""Which PLCs may run together, and what they are called."""

import pytest

from runtime.app.instances import check_together, instances_of
from runtime.errors import UsageError
from runtime.limits import INSTANCES_MAX
from tests.support.handmade import IO, handmade_project


def test_a_single_instance_is_the_project_itself() -> None:
    project = handmade_project("")
    assert list(instances_of(project, 1)) == [project]


def test_instances_are_numbered_from_one() -> None:
    names = [item.config.project.name for item in instances_of(handmade_project(""), 3)]
    assert names == ["handmade_1", "handmade_2", "handmade_3"]


def test_two_projects_of_one_name_are_refused_by_that_name() -> None:
    with pytest.raises(UsageError, match="project press: given twice"):
        check_together([handmade_project("", "press"), handmade_project("", "press")], 1)


def test_instances_that_would_share_a_device_are_refused_with_its_name() -> None:
    project = handmade_project(IO)
    device = project.config.device[0].name
    with pytest.raises(UsageError, match=f"its 2 instances would drive the same device {device}"):
        check_together([project], 2)
    check_together([project], 1)


def test_more_plcs_than_a_process_can_map_are_refused() -> None:
    check_together([handmade_project("")], INSTANCES_MAX)
    with pytest.raises(UsageError, match=f"expected at most {INSTANCES_MAX}"):
        check_together([handmade_project("")], INSTANCES_MAX + 1)
