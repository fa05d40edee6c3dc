"""A program's nodes: configuration, resource, tasks, programs, and its variables below them.

    Objects > DeviceSet > two_tanks > Resources > Resource > Tasks > Control
                                    > AccessVars           > Programs > MAIN > LEVEL, PUMP > …
                                                           > GlobalVars > …
                                                           > MethodSet > Start, Stop, Restart

The NodeId of a variable is its path: ns=…;s=MAIN.PUMP.SPEED, ns=…;s=MAIN.TABLE[3]. A program or
block refers to its variables by the section that declares them, and to the global ones that it
names; types stand in `kinds`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace
from asyncua.ua.ua_binary import nodeid_to_binary

from gateway.serve.opcua.answers import access_level
from gateway.serve.opcua.builder import HAS_COMPONENT, Builder, Place, VariableForm, computed
from gateway.serve.opcua.kinds import Kinds
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
_STANDARD_METHODS: Final = frozenset({START, STOP})
_OBJECT_TYPE: Final = ua.NodeId(ua.ObjectIds.BaseObjectType)
_DEVICE_TEXTS: Final = ("SerialNumber", "DeviceManual", "DeviceRevision", "HardwareRevision")
"""What a device has to tell and a program cannot: empty."""
_EXTERNAL: Final = "VAR_EXTERNAL"

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
    _external: list[tuple[Place, str]] = field(default_factory=list)
    """Programs and blocks with the global variables that they name."""

    def put(self, directory: Directory, tree: Iterable[Node]) -> None:
        """Make the nodes."""
        build = Builder(self.space, self.namespace)
        kinds = Kinds(build, self.types, directory.units)
        devices = build.existing(self.types.device_set)
        configuration = build.put_object(
            self._id("Configuration"), directory.project, devices, self.types.configuration
        )
        self._describe(build, configuration, directory.project)
        resources = self._part(build, configuration, "Resources", self.types.configurable)
        access_variables = self._part(
            build, configuration, "AccessVars", self.types.functional_group
        )
        resource = build.put_object(
            self._id("Resource"), "Resource", resources, self.types.resource
        )
        self._describe(build, resource, directory.project)
        self._put_methods(build, resource)
        tasks = self._put_tasks(build, resource, directory)
        programs = self._part(build, resource, "Programs", self.types.configurable)
        global_variables = self._part(build, resource, "GlobalVars", self.types.functional_group)
        instances = {symbol.path.rpartition(".")[0] for symbol in directory.symbols} - {""}
        accessed = {item.path for item in directory.symbols if item.is_access}
        for node in tree:
            if isinstance(node, Group) and node.path in instances:
                program = self._put_program(build, kinds, node, programs)
                if node.path in tasks:
                    build.link(program, tasks[node.path], self.types.executes_with)
            else:
                owner = access_variables if node.path in accessed else global_variables
                self._put(build, kinds, node, owner)
        self._link_externals(build)

    def _id(self, path: str) -> ua.NodeId:
        return ua.NodeId(path, self.namespace)

    def _part(self, build: Builder, parent: Place, name: str, kind: ua.NodeId) -> Place:
        node = self._id(f"{parent.data.nodeid.Identifier}/{name}")
        return build.put_object(node, name, parent, kind, namespace=self.types.plcopen)

    def _describe(self, build: Builder, place: Place, model: str) -> None:
        space = self.types.devices
        texts = dict.fromkeys(_DEVICE_TEXTS, "") | {"SoftwareRevision": self.version}
        for name, text in texts.items():
            build.put_property(name, place, text, ua.VariantType.String, namespace=space)
        for name, text in (("Manufacturer", "Takt"), ("Model", model)):
            value = ua.LocalizedText(text)
            build.put_property(name, place, value, ua.VariantType.LocalizedText, namespace=space)
        build.put_property("RevisionCounter", place, -1, ua.VariantType.Int32, namespace=space)

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
            index = self.types.plcopen if name in _STANDARD_METHODS else self.namespace
            build.put_method(node, name, methods, arguments, namespace=index)
            names = tuple(item.Name for item in arguments)
            self.methods[node] = Method(methods.data.nodeid, name, names)

    def _put_tasks(self, build: Builder, resource: Place, directory: Directory) -> dict[str, Place]:
        """Make the tasks; return those of the program instances."""
        tasks = self._part(build, resource, "Tasks", self.types.configurable)
        index, found = self.types.plcopen, dict[str, Place]()
        for task in directory.tasks:
            node = self._id(f"Resource/Tasks/{task.name}")
            place = build.put_object(node, task.name, tasks, self.types.task)
            build.put_property(
                "Priority", place, task.priority, ua.VariantType.UInt32, namespace=index
            )
            texts = {"Interval": f"T#{task.interval_ns / 1e6:g}ms" if task.interval_ns else ""}
            for name, text in (texts | {"Single": task.single}).items():
                if text:
                    build.put_property(name, place, text, ua.VariantType.String, namespace=index)
            found |= dict.fromkeys((instance for instance, _ in task.programs), place)
        return found

    # -- variables ------------------------------------------------------------------------------
    def _put_program(self, build: Builder, kinds: Kinds, node: Group, programs: Place) -> Place:
        kind = kinds.of(node) if node.unit is not None else self.types.program
        program = build.put_object(self._id(node.path), node.name, programs, kind)
        self._put_members(build, kinds, node, program)
        return program

    def _put(self, build: Builder, kinds: Kinds, node: Node, parent: Place) -> None:
        reference = self.types.reference(node.section)
        if isinstance(node, Variable):
            place = self._put_variable(build, kinds, node, parent, reference)
            for element in node.elements:
                self._put_variable(build, kinds, element, place, HAS_COMPONENT)
            return
        place = build.put_object(self._id(node.path), node.name, parent, kinds.of(node), reference)
        self._put_members(build, kinds, node, place)

    def _put_members(self, build: Builder, kinds: Kinds, node: Group, place: Place) -> None:
        for member in node.members:
            self._put(build, kinds, member, place)
        for item in node.unit.members if node.unit is not None else ():
            if item.section == _EXTERNAL:
                self._external.append((place, item.name))

    def _link_externals(self, build: Builder) -> None:
        for place, name in self._external:
            node = self._id(name)
            if node in self.space:
                build.link(place, build.existing(node), self.types.sections[_EXTERNAL])

    def _put_variable(
        self, build: Builder, kinds: Kinds, variable: Variable, parent: Place, reference: ua.NodeId
    ) -> Place:
        form = VariableForm(
            computed(lambda _node, _attribute: self.present(variable)),
            kinds.data_type(variable),
            access_level(variable),
            dimensions=variable.lengths,
            sampling_ms=self.sampling_ms,
            historizing=variable.historical,
        )
        node = self._id(variable.path)
        self.variables[nodeid_to_binary(node)] = variable
        return build.put_variable(node, variable.name, parent, form, reference)
