"""Templates as metrics: definitions for the birth of the node, instances for births and data."""

from collections.abc import Mapping

from gateway.protocols.sparkplug.catalogue import Catalogue, Definition
from gateway.protocols.sparkplug.datatypes import Datatype
from gateway.protocols.sparkplug.payload import Metric, Template

Way = tuple[str, ...]


def definition_metrics(catalogue: Catalogue, timestamp_ms: int) -> list[Metric]:
    """Return the definitions, members without values; names and aliases are the caller's."""
    return [
        Metric(
            Template(_empty(catalogue, item, timestamp_ms)), Datatype.TEMPLATE, timestamp_ms,
            name=item.name, is_birth=True,
        )
        for item in catalogue.definitions
    ]  # fmt: skip


def _empty(catalogue: Catalogue, definition: Definition, timestamp_ms: int) -> tuple[Metric, ...]:
    """Return the members of a definition, null, those of inner instances too."""
    return tuple(
        Metric(
            Template(
                _empty(catalogue, catalogue.definition(member.template), timestamp_ms),
                member.template,
            )
            if member.template
            else None,
            member.datatype,
            timestamp_ms,
            name=member.name,
            is_birth=True,
        )
        for member in definition.members
    )


def instance(
    catalogue: Catalogue, name: str, values: Mapping[Way, Metric], at: Way = ()
) -> Template:
    """Return an instance of the definition of that name, with the members that have values.

    Args:
        catalogue: Where the definitions stand.
        name: Of the definition.
        values: Metrics by their way down from the instance.
        at: Way down to this instance, where it is a member itself.
    """
    members: list[Metric] = []
    for member in catalogue.definition(name).members:
        way = (*at, member.name)
        if not member.template:
            if way in values:
                members.append(values[way])
            continue
        inner = instance(catalogue, member.template, values, way)
        if inner.metrics:
            first = inner.metrics[0]
            members.append(
                Metric(
                    inner, Datatype.TEMPLATE, first.timestamp_ms,
                    name=member.name, is_birth=first.is_birth,
                )
            )  # fmt: skip
    return Template(tuple(members), name)
