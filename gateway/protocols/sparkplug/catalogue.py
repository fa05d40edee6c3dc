"""What a node can report: which metric of which device each variable is, and the templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.protocols.sparkplug.datatypes import Datatype

NAMESPACE: Final = "spBv1.0"
NODE: Final = ""
"""Stands for the node itself where a device is named."""
TYPES: Final = "_types_/"
"""Folder of the definitions of templates, as hosts show them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the value of a variable stands."""

    device: str
    """`NODE` for the node's own."""
    metric: str
    """Name of the metric."""
    datatype: Datatype
    """The value's own."""
    members: tuple[str, ...] = ()
    """The way down from the metric, where it is an instance of a template."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a template."""

    name: str
    datatype: Datatype
    template: str = ""
    """Definition that a member is an instance of, where it is."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A template: the name of a type with its members."""

    name: str
    """With its folder, as instances refer to it."""
    members: tuple[Member, ...]

    def template_of(self, member: str) -> str:
        """Return the definition that a member is an instance of."""
        return next(item.template for item in self.members if item.name == member)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that a node can report in one session."""

    places: Mapping[str, Place] = field(default_factory=dict)
    """By the path of the variable."""
    definitions: tuple[Definition, ...] = ()
    instances: Mapping[str, str] = field(default_factory=dict)
    """Metrics that are instances, with the name of their definition."""
    devices: tuple[str, ...] = ()

    def definition(self, name: str) -> Definition:
        """Return the definition of that name."""
        return next(item for item in self.definitions if item.name == name)
