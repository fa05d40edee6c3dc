"""Templates of a Sparkplug node: definitions in its birth, instances in births and data."""

from gateway.protocols.sparkplug.node import Present, Report
from tests.support.sparkplug_reader import read
from tests.unit.cloud.test_sparkplug import NOW, alive, by_name, data, plant


def test_tck_id_payloads_template_definition_nbirth_only() -> None:
    node, tank, pump = plant().births(NOW)
    found = by_name(node)
    for name in ("_types_/Motor", "_types_/Mixer"):
        template = found[name].template_value
        assert found[name].datatype == 19
        assert template.is_definition is True
        assert not template.HasField("template_ref")
    assert all(
        not item.template_value.is_definition
        for message in (tank, pump)
        for item in read(message.payload).metrics
    )


def test_tck_id_payloads_template_definition_members() -> None:
    found = by_name(plant().births(NOW)[0])["_types_/Mixer"].template_value
    run, motor = found.metrics
    assert (run.name, run.datatype, run.is_null) == ("RUN", 11, True)
    assert (motor.name, motor.datatype) == ("M", 19)
    assert motor.template_value.template_ref == "_types_/Motor"
    assert [item.name for item in motor.template_value.metrics] == ["SPEED", "COUNT"]


def test_tck_id_payloads_template_instance_members_birth() -> None:
    present = Present((Report("MIX.M.SPEED", 2.5, NOW), Report("P.COUNT", -3, NOW)))
    node, _, pump = plant(present=present).births(NOW)
    mix = by_name(node)["MIX"].template_value
    assert (mix.template_ref, mix.is_definition, mix.HasField("is_definition")) == (
        "_types_/Mixer", False, True,
    )  # fmt: skip
    assert [item.name for item in mix.metrics] == ["RUN", "M"]
    speed, count = mix.metrics[1].template_value.metrics
    assert (speed.datatype, speed.float_value, count.is_null) == (9, 2.5, True)
    instance = by_name(pump)["P"].template_value
    assert [item.name for item in instance.metrics] == ["SPEED", "COUNT"]
    assert instance.metrics[1].int_value == (1 << 32) - 3


def test_tck_id_payloads_template_instance_members_data() -> None:
    node = alive()
    alias = by_name(node.births(NOW)[0])["MIX"].alias
    (message,) = data(node, Report("MIX.M.COUNT", 8, NOW), Report("A", 1, NOW))
    plain, metric = read(message.payload).metrics
    assert (metric.alias, metric.HasField("name"), plain.int_value) == (alias, False, 1)
    template = metric.template_value
    assert (template.template_ref, template.is_definition) == ("_types_/Mixer", False)
    (inner,) = template.metrics
    (count,) = inner.template_value.metrics
    assert (inner.name, count.name, count.int_value) == ("M", "COUNT", 8)


def test_members_of_the_past_and_of_now_come_in_instances_of_their_own() -> None:
    node = plant(present=Present((Report("MIX.RUN", value=True, timestamp_ms=NOW),)))
    node.births(NOW)
    old = Report("MIX.RUN", value=False, timestamp_ms=NOW - 1)
    (message,) = data(node, old, Report("MIX.M.COUNT", 8, NOW - 1))
    late = [item.is_historical for item in read(message.payload).metrics]
    assert sorted(late) == [False, True]
