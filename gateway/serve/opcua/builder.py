"""Put many nodes into the library's address space at once.

The library's own way checks each node against its brothers, which takes minutes for ten thousand.
What is built here is right by construction, so the nodes go straight into its table. Attributes
that many nodes have alike are one object.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData

HAS_COMPONENT: Final = ua.NodeId(ua.ObjectIds.HasComponent)
HAS_PROPERTY: Final = ua.NodeId(ua.ObjectIds.HasProperty)
HAS_SUBTYPE: Final = ua.NodeId(ua.ObjectIds.HasSubtype)
ORGANIZES: Final = ua.NodeId(ua.ObjectIds.Organizes)
_TYPE_DEFINITION: Final = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
_INSTANCES: Final = (ua.NodeClass.Object, ua.NodeClass.Variable)
_PROPERTY_TYPE: Final = ua.NodeId(ua.ObjectIds.PropertyType)
_MODELLING_RULE: Final = ua.NodeId(ua.ObjectIds.HasModellingRule)
_OPTIONAL: Final = ua.NodeId(ua.ObjectIds.ModellingRule_Optional)
_READ: Final = 1


def attribute(value: Any, kind: ua.VariantType) -> AttributeValue:
    """Return an attribute that holds a value."""
    return AttributeValue(ua.DataValue(ua.Variant(value, kind)))


@cache
def _shared(value: Any, kind: ua.VariantType) -> AttributeValue:
    return attribute(value, kind)


def computed(callback: Callable[[ua.NodeId, ua.AttributeIds], ua.DataValue]) -> AttributeValue:
    """Return an attribute whose value is computed when somebody asks."""
    found = AttributeValue(ua.DataValue())
    found.value = None
    found.value_callback = callback
    return found


_TRUE: Final = _shared(value=True, kind=ua.VariantType.Boolean)
_FALSE: Final = _shared(value=False, kind=ua.VariantType.Boolean)


class Place:
    """A node that others are put under."""

    __slots__ = ("data", "name", "node_class", "type_definition")

    def __init__(self, data: NodeData, name: ua.QualifiedName, node_class: ua.NodeClass) -> None:
        """Name a node of the table."""
        self.data = data
        self.name = name
        self.node_class = node_class
        self.type_definition = ua.NodeId()


class Builder:
    """Makes nodes of one namespace."""

    def __init__(self, space: AddressSpace, namespace: int) -> None:
        """Put nodes into that table."""
        self._space = space
        self.namespace = namespace

    def existing(self, node: ua.NodeId) -> Place:
        """Return a node that the address space has."""
        data = self._space[node]
        name = data.attributes[ua.AttributeIds.BrowseName].value.Value.Value
        node_class = data.attributes[ua.AttributeIds.NodeClass].value.Value.Value
        place = Place(data, name, ua.NodeClass(node_class))
        if place.node_class in _INSTANCES:
            defined = (item for item in data.references if item.ReferenceTypeId == _TYPE_DEFINITION)
            place.type_definition = next((item.NodeId for item in defined), ua.NodeId())
        return place

    def _node(self, node: ua.NodeId, name: str, node_class: ua.NodeClass, namespace: int) -> Place:
        data = NodeData(node)
        qualified = ua.QualifiedName(name, namespace)
        text = attribute(ua.LocalizedText(name), ua.VariantType.LocalizedText)
        data.attributes = {
            ua.AttributeIds.NodeId: attribute(node, ua.VariantType.NodeId),
            ua.AttributeIds.NodeClass: _shared(node_class, ua.VariantType.Int32),
            ua.AttributeIds.BrowseName: attribute(qualified, ua.VariantType.QualifiedName),
            ua.AttributeIds.DisplayName: text,
            ua.AttributeIds.Description: _NO_TEXT,
            ua.AttributeIds.WriteMask: _shared(0, ua.VariantType.UInt32),
            ua.AttributeIds.UserWriteMask: _shared(0, ua.VariantType.UInt32),
        }
        self._space[node] = data
        return Place(data, qualified, node_class)

    def link(self, source: Place, target: Place, reference: ua.NodeId) -> None:
        """Let one node refer to another, in both directions."""
        source.data.references.append(_reference(reference, target, is_forward=True))
        target.data.references.append(_reference(reference, source, is_forward=False))

    def _define(self, place: Place, type_node: ua.NodeId) -> None:
        place.type_definition = type_node
        self.link(place, self.existing(type_node), _TYPE_DEFINITION)

    def put_object(
        self,
        node: ua.NodeId,
        name: str,
        parent: Place,
        type_node: ua.NodeId,
        reference: ua.NodeId = HAS_COMPONENT,
        *,
        namespace: int | None = None,
    ) -> Place:
        """Make an object."""
        index = self.namespace if namespace is None else namespace
        place = self._node(node, name, ua.NodeClass.Object, index)
        place.data.attributes[ua.AttributeIds.EventNotifier] = _shared(0, ua.VariantType.Byte)
        self._define(place, type_node)
        self.link(parent, place, reference)
        return place

    def put_variable(
        self,
        node: ua.NodeId,
        name: str,
        parent: Place,
        form: "VariableForm",
        reference: ua.NodeId = HAS_COMPONENT,
        *,
        namespace: int | None = None,
    ) -> Place:
        """Make a variable."""
        index = self.namespace if namespace is None else namespace
        place = self._node(node, name, ua.NodeClass.Variable, index)
        dimensions = ua.DataValue(
            ua.Variant(list(form.dimensions) or None, ua.VariantType.UInt32, is_array=True)
        )
        rank = len(form.dimensions) or -1
        place.data.attributes |= {
            ua.AttributeIds.Value: form.value,
            ua.AttributeIds.DataType: attribute(form.data_type, ua.VariantType.NodeId),
            ua.AttributeIds.ValueRank: _shared(rank, ua.VariantType.Int32),
            ua.AttributeIds.ArrayDimensions: AttributeValue(dimensions),
            ua.AttributeIds.AccessLevel: _shared(form.access, ua.VariantType.Byte),
            ua.AttributeIds.UserAccessLevel: _shared(form.access, ua.VariantType.Byte),
            ua.AttributeIds.MinimumSamplingInterval: _shared(
                form.sampling_ms, ua.VariantType.Double
            ),
            ua.AttributeIds.Historizing: _shared(form.historizing, ua.VariantType.Boolean),
        }
        self._define(place, form.type_node)
        self.link(parent, place, reference)
        return place

    def put_property(
        self,
        name: str,
        parent: Place,
        value: Any,
        kind: ua.VariantType,
        *,
        namespace: int | None = None,
    ) -> Place:
        """Make a property with a value that stays."""
        owner = parent.data.nodeid
        node = ua.NodeId(f"{owner.Identifier}/{name}", owner.NamespaceIndex)
        form = VariableForm(
            attribute(value, kind), ua.NodeId(kind.value), _READ, type_node=_PROPERTY_TYPE
        )
        return self.put_variable(node, name, parent, form, HAS_PROPERTY, namespace=namespace)

    def declare(self, place: Place) -> None:
        """Let a node of a type be what its instances may have."""
        self.link(place, self.existing(_OPTIONAL), _MODELLING_RULE)

    def put_method(
        self,
        node: ua.NodeId,
        name: str,
        parent: Place,
        arguments: Sequence[ua.Argument],
        *,
        namespace: int,
    ) -> Place:
        """Make a method without results; who may call it is asked when it is called."""
        place = self._node(node, name, ua.NodeClass.Method, namespace)
        place.data.attributes |= {
            ua.AttributeIds.Executable: _TRUE,
            ua.AttributeIds.UserExecutable: _TRUE,
        }
        self.link(parent, place, HAS_COMPONENT)
        if arguments:
            self._put_list(place, "InputArguments", list(arguments), ua.ObjectIds.Argument)
        return place

    def put_object_type(
        self, node: ua.NodeId, name: str, base: ua.NodeId, *, abstract: bool = False
    ) -> Place:
        """Make an object type under another."""
        place = self._node(node, name, ua.NodeClass.ObjectType, self.namespace)
        place.data.attributes[ua.AttributeIds.IsAbstract] = _shared(
            abstract, ua.VariantType.Boolean
        )
        self.link(self.existing(base), place, HAS_SUBTYPE)
        return place

    def put_reference_type(
        self, node: ua.NodeId, name: str, inverse: str, base: ua.NodeId
    ) -> Place:
        """Make a reference type under another."""
        place = self._node(node, name, ua.NodeClass.ReferenceType, self.namespace)
        place.data.attributes |= {
            ua.AttributeIds.IsAbstract: _FALSE,
            ua.AttributeIds.Symmetric: _FALSE,
            ua.AttributeIds.InverseName: attribute(
                ua.LocalizedText(inverse), ua.VariantType.LocalizedText
            ),
        }
        self.link(self.existing(base), place, HAS_SUBTYPE)
        return place

    def put_enumeration(self, node: ua.NodeId, name: str, values: dict[int, str]) -> Place:
        """Make an enumeration's data type with the names of its values."""
        place = self._node(node, name, ua.NodeClass.DataType, self.namespace)
        place.data.attributes[ua.AttributeIds.IsAbstract] = _FALSE
        self.link(self.existing(ua.NodeId(ua.ObjectIds.Enumeration)), place, HAS_SUBTYPE)
        named = [
            ua.EnumValueType(Value=value, DisplayName=ua.LocalizedText(text))
            for value, text in values.items()
        ]
        self._put_list(place, "EnumValues", named, ua.ObjectIds.EnumValueType)
        return place

    def _put_list(self, place: Place, name: str, values: list[Any], kind: int) -> None:
        """Make a property of the standard's that holds a list of structures."""
        owner = place.data.nodeid
        form = VariableForm(
            attribute(values, ua.VariantType.ExtensionObject),
            ua.NodeId(kind), _READ, dimensions=(len(values),), type_node=_PROPERTY_TYPE,
        )  # fmt: skip
        node = ua.NodeId(f"{owner.Identifier}.{name}", owner.NamespaceIndex)
        self.put_variable(node, name, place, form, HAS_PROPERTY, namespace=0)


_NO_TEXT: Final = attribute(ua.LocalizedText(), ua.VariantType.LocalizedText)
_VARIABLE_TYPE: Final = ua.NodeId(ua.ObjectIds.BaseDataVariableType)


@dataclass(frozen=True, slots=True)
class VariableForm:
    """What a variable is: its value, type, shape and rights."""

    value: AttributeValue
    data_type: ua.NodeId
    access: int
    dimensions: tuple[int, ...] = ()
    sampling_ms: float = 0.0
    historizing: bool = False
    type_node: ua.NodeId = _VARIABLE_TYPE


def _reference(kind: ua.NodeId, target: Place, *, is_forward: bool) -> ua.ReferenceDescription:
    name = ua.LocalizedText(target.name.Name)
    return ua.ReferenceDescription(
        kind, is_forward, target.data.nodeid, target.name, name, target.node_class,
        target.type_definition,
    )  # fmt: skip
