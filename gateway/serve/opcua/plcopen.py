"""The types of the PLCopen model for IEC 61131-3 (OPC 30000) and of what it stands on.

Built here, not imported: just the types that instances of Takt have, under their official numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace

from gateway.serve.opcua.builder import HAS_COMPONENT, ORGANIZES, Builder

DEVICES_URI: Final = "http://opcfoundation.org/UA/DI/"
PLCOPEN_URI: Final = "http://PLCopen.org/OpcUa/IEC61131-3/"

_TOPOLOGY_ELEMENT: Final = 1001
_DEVICE: Final = 1002
_BLOCK: Final = 1003
_CONFIGURABLE: Final = 1004
_FUNCTIONAL_GROUP: Final = 1005
_DEVICE_SET: Final = 5001

_CONFIGURATION: Final = 1001
_RESOURCE: Final = 1002
_UNIT: Final = 1003
_PROGRAM: Final = 1004
_FUNCTION_BLOCK: Final = 1005
_TASK: Final = 1006
_ABSTRACT: Final = frozenset({_UNIT, _PROGRAM, _FUNCTION_BLOCK})
"""Their instances are of types under them, one for each program and block."""
_REFERENCES: Final = (
    (4001, "HasInputVars", "InputVarsOf", ua.ObjectIds.HasComponent),
    (4002, "HasOutputVars", "OutputVarsOf", ua.ObjectIds.HasComponent),
    (4003, "HasInOutVars", "InOutVarsOf", ua.ObjectIds.HasComponent),
    (4004, "HasLocalVars", "LocalVarsOf", ua.ObjectIds.HasComponent),
    (4005, "HasExternalVars", "ExternalVarsOf", ua.ObjectIds.Organizes),
    (4006, "With", "Executes", ua.ObjectIds.NonHierarchicalReferences),
)
_SECTIONS: Final = {
    "VAR_INPUT": 4001,
    "VAR_OUTPUT": 4002,
    "VAR_IN_OUT": 4003,
    "VAR": 4004,
    "VAR_EXTERNAL": 4005,
}
_WITH: Final = 4006


@dataclass(frozen=True, slots=True)
class Types:
    """NodeIds of the types, and where devices stand."""

    devices: int
    """Index of the namespace of devices."""
    plcopen: int
    """Index of the namespace of PLCopen."""
    configuration: ua.NodeId
    resource: ua.NodeId
    task: ua.NodeId
    program: ua.NodeId
    function_block: ua.NodeId
    configurable: ua.NodeId
    functional_group: ua.NodeId
    sections: Mapping[str, ua.NodeId]
    """How a program or function block refers to what a section declares."""
    executes_with: ua.NodeId
    device_set: ua.NodeId

    def reference(self, section: str) -> ua.NodeId:
        """Return how a parent refers to a variable of a section; empty for a plain part."""
        return self.sections[section] if section else HAS_COMPONENT


def put_types(space: AddressSpace, devices: int, plcopen: int) -> Types:
    """Make the types in two namespaces; return where they are."""
    base = Builder(space, devices)
    object_type = ua.NodeId(ua.ObjectIds.BaseObjectType)
    topology = ua.NodeId(_TOPOLOGY_ELEMENT, devices)
    base.put_object_type(topology, "TopologyElementType", object_type, abstract=True)
    device, block = ua.NodeId(_DEVICE, devices), ua.NodeId(_BLOCK, devices)
    base.put_object_type(device, "DeviceType", topology, abstract=True)
    base.put_object_type(block, "BlockType", topology, abstract=True)
    configurable = ua.NodeId(_CONFIGURABLE, devices)
    base.put_object_type(configurable, "ConfigurableObjectType", object_type)
    group = ua.NodeId(_FUNCTIONAL_GROUP, devices)
    base.put_object_type(group, "FunctionalGroupType", ua.NodeId(ua.ObjectIds.FolderType))
    device_set = ua.NodeId(_DEVICE_SET, devices)
    objects = base.existing(ua.NodeId(ua.ObjectIds.ObjectsFolder))
    base.put_object(device_set, "DeviceSet", objects, object_type, ORGANIZES)

    plc = Builder(space, plcopen)
    for number, name, inverse, parent in _REFERENCES:
        plc.put_reference_type(ua.NodeId(number, plcopen), name, inverse, ua.NodeId(parent))
    unit = ua.NodeId(_UNIT, plcopen)
    for number, name, above in (
        (_CONFIGURATION, "CtrlConfigurationType", device),
        (_RESOURCE, "CtrlResourceType", device),
        (_UNIT, "CtrlProgramOrganizationUnitType", block),
        (_PROGRAM, "CtrlProgramType", unit),
        (_FUNCTION_BLOCK, "CtrlFunctionBlockType", unit),
        (_TASK, "CtrlTaskType", object_type),
    ):
        plc.put_object_type(ua.NodeId(number, plcopen), name, above, abstract=number in _ABSTRACT)
    return Types(
        devices=devices,
        plcopen=plcopen,
        configuration=ua.NodeId(_CONFIGURATION, plcopen),
        resource=ua.NodeId(_RESOURCE, plcopen),
        task=ua.NodeId(_TASK, plcopen),
        program=ua.NodeId(_PROGRAM, plcopen),
        function_block=ua.NodeId(_FUNCTION_BLOCK, plcopen),
        configurable=configurable,
        functional_group=group,
        sections={name: ua.NodeId(number, plcopen) for name, number in _SECTIONS.items()},
        executes_with=ua.NodeId(_WITH, plcopen),
        device_set=device_set,
    )
