"""A program's nodes: configuration, resource, tasks, programs, and its variables below them.

    Objects > DeviceSet > two_tanks > Resources > Resource > Tasks > Control
                                                           > Programs > MAIN > LEVEL, PUMP > …
                                                           > GlobalVars > …
                                                           > MethodSet > Start, Stop, Restart

The NodeId of a variable is its path: ns=…;s=MAIN.PUMP.SPEED, ns=…;s=MAIN.TABLE[3].
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace
from asyncua.ua.ua_binary import nodeid_to_binary

from gateway.serve.opcua.answers import access_level
from gateway.serve.opcua.builder import HAS_COMPONENT, Builder, Place, VariableForm, computed
from gateway.serve.opcua.plcopen import Types
from gateway.serve.opcua.variables import Group, Node, Variable
from runtime.image.directory import Directory

START: Final = "Start"
STOP: Final = "Stop"
RESTART: Final = "Restart"
_ARGUMENTS: Final = {
    START: (),
    STOP: (),
    RESTART: (("Kind", ua.ObjectIds.String, "cold, warm or hot"),),
}
"""The methods, each with name, type and meaning of its arguments."""
_OBJECT_TYPE: Final = ua.NodeId(ua.ObjectIds.BaseObjectType)
_DEVICE_TEXTS: Final = ("SerialNumber", "DeviceManual", "DeviceRevision", "HardwareRevision")
"""What a device has to tell and a program cannot: empty."""

Present = Callable[[Variable], ua.DataValue]
"""Returns a variable's value as the library holds it."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the resource."""

    owner: ua.NodeId
    name: str
    arguments: tuple[str, ...]


@dataclass(slots=True)
class ProgramSpace:
    """Puts one program's nodes into an address space."""

    space: AddressSpace
    types: Types
    namespace: int
    present: Present
    sampling_ms: float
    version: str
    variables: dict[bytes, Variable] = field(default_factory=dict)
    """Variables by their NodeIds as messages hold them."""
    methods: dict[ua.NodeId, Method] = field(default_factory=dict)
    _kinds: dict[str, ua.NodeId] = field(default_factory=dict)

    def put(self, directory: Directory, tree: Iterable[Node]) -> None:
        """Make the nodes."""
        build = Builder(self.space, self.namespace)
        devices = build.existing(self.types.device_set)
        configuration = build.put_object(
            self._id("Configuration"), directory.project, devices, self.types.configuration
        )
        self._describe(build, configuration, directory.project)
        resources = self._part(build, configuration, "Resources", self.types.configurable)
        resource = build.put_object(
            self._id("Resource"), "Resource", resources, self.types.resource
        )
        self._describe(build, resource, directory.project)
        self._put_methods(build, resource)
        self._put_tasks(build, resource, directory)
        programs = self._part(build, resource, "Programs", self.types.configurable)
        global_variables = self._part(build, resource, "GlobalVars", self.types.functional_group)
        instances = {symbol.path.rpartition(".")[0] for symbol in directory.symbols} - {""}
        for node in tree:
            if isinstance(node, Group) and node.path in instances and not node.type_name:
                program = build.put_object(
                    self._id(node.path), node.name, programs, self.types.program
                )
                for member in node.members:
                    self._put(build, member, program, self.types.local_variables)
            else:
                self._put(build, node, global_variables, HAS_COMPONENT)

    def _id(self, path: str) -> ua.NodeId:
        return ua.NodeId(path, self.namespace)

    def _part(self, build: Builder, parent: Place, name: str, kind: ua.NodeId) -> Place:
        node = self._id(f"{parent.data.nodeid.Identifier}/{name}")
        return build.put_object(node, name, parent, kind, namespace=self.types.plcopen)

    def _describe(self, build: Builder, place: Place, model: str) -> None:
        texts = dict.fromkeys(_DEVICE_TEXTS, "") | {"SoftwareRevision": self.version}
        for name, text in texts.items():
            node = self._id(f"{place.data.nodeid.Identifier}/{name}")
            build.put_property(node, name, place, text, ua.VariantType.String)
        for name, text in (("Manufacturer", "Takt"), ("Model", model)):
            node = self._id(f"{place.data.nodeid.Identifier}/{name}")
            value = ua.LocalizedText(text)
            build.put_property(node, name, place, value, ua.VariantType.LocalizedText)
        node = self._id(f"{place.data.nodeid.Identifier}/RevisionCounter")
        build.put_property(node, "RevisionCounter", place, -1, ua.VariantType.Int32)

    def _put_methods(self, build: Builder, resource: Place) -> None:
        methods = self._part(build, resource, "MethodSet", _OBJECT_TYPE)
        for name, wanted in _ARGUMENTS.items():
            node = self._id(f"Resource/MethodSet/{name}")
            arguments = [
                ua.Argument(
                    Name=argument,
                    DataType=ua.NodeId(kind),
                    ValueRank=-1,
                    Description=ua.LocalizedText(meaning),
                )
                for argument, kind, meaning in wanted
            ]
            build.put_method(node, name, methods, arguments)
            names = tuple(item.Name for item in arguments)
            self.methods[node] = Method(methods.data.nodeid, name, names)

    def _put_tasks(self, build: Builder, resource: Place, directory: Directory) -> None:
        tasks = self._part(build, resource, "Tasks", self.types.configurable)
        for task in directory.tasks:
            node = self._id(f"Resource/Tasks/{task.name}")
            place = build.put_object(node, task.name, tasks, self.types.task)
            build.put_property(
                self._id(f"Resource/Tasks/{task.name}/Interval"), "Interval", place,
                f"T#{task.interval_ns / 1e6:g}ms", ua.VariantType.String,
            )  # fmt: skip

    # -- variables ------------------------------------------------------------------------------
    def _put(self, build: Builder, node: Node, parent: Place, reference: ua.NodeId) -> None:
        if isinstance(node, Variable):
            place = self._put_variable(build, node, parent, reference)
            for element in node.elements:
                self._put_variable(build, element, place, HAS_COMPONENT)
            return
        kind = self._kind(build, node.type_name) if node.type_name else _OBJECT_TYPE
        place = build.put_object(self._id(node.path), node.name, parent, kind, reference)
        for member in node.members:
            self._put(build, member, place, HAS_COMPONENT)

    def _kind(self, build: Builder, name: str) -> ua.NodeId:
        """Return the object type of a structure or function block, made on its first use."""
        key = name.upper()
        if key not in self._kinds:
            node = self._id(f"Types/{name}")
            build.put_object_type(node, name, _OBJECT_TYPE)
            self._kinds[key] = node
        return self._kinds[key]

    def _put_variable(
        self, build: Builder, variable: Variable, parent: Place, reference: ua.NodeId
    ) -> Place:
        form = VariableForm(
            computed(lambda _node, _attribute: self.present(variable)),
            self._data_type(build, variable),
            access_level(variable),
            dimensions=variable.lengths,
            sampling_ms=self.sampling_ms,
            historizing=variable.historical,
        )
        node = self._id(variable.path)
        self.variables[nodeid_to_binary(node)] = variable
        return build.put_variable(node, variable.name, parent, form, reference)

    def _data_type(self, build: Builder, variable: Variable) -> ua.NodeId:
        kind = variable.enumeration
        if kind is None:
            return ua.NodeId(variable.coding.data_type)
        key = f"enum {kind.name.upper()}"
        if key not in self._kinds:
            node = self._id(f"Types/{kind.name}")
            names = {value: name for name, value in kind.values}
            build.put_enumeration(node, kind.name, names)
            self._kinds[key] = node
        return self._kinds[key]
