"""ONNX files of modules: both exporters of PyTorch, and the fingerprint by which equal blocks are found."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import math
import warnings
from typing import Any, Sequence

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from .slots import Shape, example, outputs_of

EXPORTERS = {"torchscript": 17, "dynamo": 18}
"""The exporters of PyTorch, each with its default opset."""

TOLERANCE = 1e-4
"""Largest allowed difference between outputs of an ONNX file and of its module, relative to the largest value."""


def default_exporter() -> str:
    """`torchscript` if this PyTorch has it, otherwise `dynamo`."""
    known = inspect.signature(torch.onnx.export).parameters
    return "torchscript" if "dynamo" in known or "operator_export_type" in known else "dynamo"


def export(module: nn.Module, inputs: Sequence[Shape], exporter: str, opset: int) -> onnx.ModelProto:
    """The module as an ONNX model that contains its weights, with inputs `x0`, `x1`, … of these shapes and outputs `y0`, `y1`, …"""
    args = example(inputs)
    more: dict[str, Any] = {
        "input_names": [f"x{i}" for i in range(len(args))],
        "output_names": [f"y{i}" for i in range(len(outputs_of(module, args)))],
        "opset_version": opset,
    }
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            program = torch.onnx.export(module, args, dynamo=True, external_data=False, verbose=False, **more)
            model: onnx.ModelProto = program.model_proto  # type: ignore[union-attr]
        else:
            if "dynamo" in inspect.signature(torch.onnx.export).parameters:
                more["dynamo"] = False
            written = io.BytesIO()
            torch.onnx.export(module, args, written, **more)  # type: ignore[arg-type]
            model = onnx.load_model_from_string(written.getvalue())
    found = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), None)
    if found != opset:
        raise ValueError(f"the exporter '{exporter}' gives opset {found}, not {opset}")
    constants = {tensor.name for tensor in model.graph.initializer}
    if [port.name for port in model.graph.input if port.name not in constants] != more["input_names"]:
        raise ValueError("it does not use all of its inputs")
    _without_notes(model)
    return model


def _without_notes(model: onnx.ModelProto) -> None:
    """Removes what does not affect the result: texts, source paths, and shapes of inner values."""
    graph = model.graph
    model.doc_string = graph.doc_string = ""
    del graph.value_info[:]
    for holder in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        if "metadata_props" in holder.DESCRIPTOR.fields_by_name:
            holder.ClearField("metadata_props")
        holder.ClearField("doc_string") if "doc_string" in holder.DESCRIPTOR.fields_by_name else None


def fingerprint(model: onnx.ModelProto) -> str:
    """SHA-256 (hex) of everything that affects the latency of a block: everything except names and the values of weights.

    The factors of a `Resize` are float32 as weights are, but decide on shapes, and count.
    """
    graph = model.graph
    constants = {tensor.name: _constant(tensor) for tensor in graph.initializer}
    factors = {tensor.name: _factors(tensor) for tensor in graph.initializer}
    numbers: dict[str, str] = {"": "-"}
    text = [f"opset {sorted((entry.domain, entry.version) for entry in model.opset_import)}"]

    def named(name: str) -> str:
        return constants[name] if name in constants else numbers.setdefault(name, f"v{len(numbers)}")

    def read(node: onnx.NodeProto, place: int, name: str) -> str:
        is_factor = place > 0 and node.op_type in ("Resize", "Upsample")
        return (factors.get(name) if is_factor else None) or named(name)

    for port in graph.input:
        text.append(f"in {named(port.name)} {port.type.SerializeToString(deterministic=True).hex()}")
    for node in graph.node:
        if node.op_type == "Constant" and len(node.attribute) == 1 and node.attribute[0].name == "value":
            constants[node.output[0]] = _constant(node.attribute[0].t)
            factors[node.output[0]] = _factors(node.attribute[0].t)
        elif node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
            factors[node.output[0]] = factors[node.input[0]]
        else:
            attributes = sorted(attribute.SerializeToString(deterministic=True).hex() for attribute in node.attribute)
            inputs = [read(node, place, name) for place, name in enumerate(node.input)]
            outputs = [named(name) for name in node.output]
            text.append(f"{node.domain}:{node.op_type} {inputs} {attributes} {outputs}")
    text += [f"out {named(port.name)}" for port in graph.output]
    return hashlib.sha256("\n".join(text).encode()).hexdigest()


def _constant(tensor: onnx.TensorProto) -> str:
    """Type and shape of a constant, and its bytes unless it is a weight (float32, more than one value)."""
    values = numpy_helper.to_array(tensor)
    content = "" if tensor.data_type == onnx.TensorProto.FLOAT and values.size > 1 else values.tobytes().hex()
    return f"c{tensor.data_type}{list(tensor.dims)}{content}"


def _factors(tensor: onnx.TensorProto) -> str | None:
    """Type, shape and bytes of a constant that may be the factors of a `Resize`; `None` for any other."""
    if tensor.data_type != onnx.TensorProto.FLOAT or not 1 < math.prod(tensor.dims) <= 16:
        return None
    return _constant(tensor) + numpy_helper.to_array(tensor).tobytes().hex()


def difference(model: onnx.ModelProto, module: nn.Module, inputs: Sequence[Shape]) -> float | None:
    """Difference between the outputs of file and module, relative to the largest value; `None` if ONNX Runtime is not installed.

    NaN if one of them has an output that is NaN.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    args = example(inputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]
    found = session.run(None, dict(zip(names, (x.numpy() for x in args))))
    gaps = [
        float((torch.from_numpy(y) - expected).abs().max()) / max(float(expected.abs().max()), 1e-12)
        for y, expected in zip(found, outputs_of(module, args))
    ]
    return math.nan if any(map(math.isnan, gaps)) else max(gaps)
