"""Writes `everything.onnx`: a file that sets every field of ONNX's schema, zeros and empty texts among them. It computes nothing.

    pip install onnx && python tests/spaces/onnx/everything.py
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any, Iterator

from google.protobuf.descriptor import FieldDescriptor
from onnx import ModelProto

DEPTH = 6
"""Messages within messages: enough for the parts of a tensor of an operation's setting, and of an operation's devices."""


def fill(message: Any, depth: int, numbers: Iterator[int]) -> None:
    """Sets all fields of a message; of several that exclude each other, another one each time."""
    fields = {field.name: field for field in message.DESCRIPTOR.fields if field.containing_oneof is None}
    for choice in message.DESCRIPTOR.oneofs:
        field = choice.fields[next(numbers) % len(choice.fields)]
        fields[field.name] = field
    for name, field in fields.items():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            values = scalars(field, next(numbers))
            if field.is_repeated:
                getattr(message, name).extend(values)
            else:
                setattr(message, name, values[next(numbers) % 2])
        elif depth > 0:
            part = getattr(message, name)
            if field.is_repeated:
                part = part.add()
            else:
                part.SetInParent()
            fill(part, depth - 1, numbers)


def scalars(field: FieldDescriptor, n: int) -> list[Any]:
    """A value, and the one that means nothing."""
    if field.type == FieldDescriptor.TYPE_ENUM:
        return [field.enum_type.values[n % len(field.enum_type.values)].number, field.enum_type.values[0].number]
    if field.type == FieldDescriptor.TYPE_STRING:
        return [f"t{n}", ""]
    if field.type == FieldDescriptor.TYPE_BYTES:
        return [bytes([n % 256, 255]), b""]
    if field.type in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
        return [n / 4, 0.0]
    return [n if field.type == FieldDescriptor.TYPE_UINT64 else -n, 0]


if __name__ == "__main__":
    model = ModelProto()
    fill(model, DEPTH, count())
    (Path(__file__).parent / "everything.onnx").write_bytes(model.SerializeToString(deterministic=True))
