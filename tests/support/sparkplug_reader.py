"""Sparkplug B payloads read by Google's protobuf library: an encoder's independent witness.

The messages are described here by hand, from the tables of the specification.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_PLAIN = {
    "uint64": _FIELD.TYPE_UINT64, "uint32": _FIELD.TYPE_UINT32, "bool": _FIELD.TYPE_BOOL,
    "double": _FIELD.TYPE_DOUBLE, "float": _FIELD.TYPE_FLOAT, "string": _FIELD.TYPE_STRING,
}  # fmt: skip
_MESSAGES = {
    "PropertyValue": ((1, "type", "uint32"), (2, "is_null", "bool"), (3, "int_value", "uint32")),
    "PropertySet": ((1, "keys", "string*"), (2, "values", "PropertyValue*")),
    "Metric": (
        (1, "name", "string"), (2, "alias", "uint64"), (3, "timestamp", "uint64"),
        (4, "datatype", "uint32"), (5, "is_historical", "bool"), (7, "is_null", "bool"),
        (9, "properties", "PropertySet"),
        (10, "int_value", "uint32"), (11, "long_value", "uint64"), (12, "float_value", "float"),
        (13, "double_value", "double"), (14, "boolean_value", "bool"),
        (15, "string_value", "string"), (18, "template_value", "Template"),
    ),
    "Template": (
        (2, "metrics", "Metric*"), (4, "template_ref", "string"), (5, "is_definition", "bool"),
    ),
    "Payload": ((1, "timestamp", "uint64"), (2, "metrics", "Metric*"), (3, "seq", "uint64")),
}  # fmt: skip


def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug.proto", package="spb")
    file.syntax = "proto2"
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field_name, kind in fields:
            field = message.field.add(name=field_name, number=number)
            field.label = _FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL
            plain = kind.rstrip("*")
            if plain in _PLAIN:
                field.type = _PLAIN[plain]
            else:
                field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".spb.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("spb.Payload"))


Payload: Any = _payload_class()


def read(payload: bytes) -> Any:
    """Return a payload as the library reads it."""
    message = Payload()
    message.ParseFromString(payload)
    return message
