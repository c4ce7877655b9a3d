"""Writes the folder of a search space."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence

import torch
from torch import nn

from . import files
from .copies import likeness, prepared
from .report import ExportError, Report
from .slots import Shape, Slot, find_shapes, slots_of


def export_space(
    layers: Sequence[Mapping[str, Optional[nn.Module]]],
    input_shape: Sequence[int],
    folder: str | os.PathLike[str],
    *,
    before: Mapping[str, nn.Module] = {},
    after: Mapping[str, nn.Module] = {},
    names: Sequence[str] | None = None,
    inputs: Mapping[str, Sequence[str]] | None = None,
    name: str = "space",
    exporter: str = "auto",
    opset: int | None = None,
    randomize: bool = True,
    check: bool = True,
    overwrite: bool = False,
) -> Report:
    """Writes a search space of PyTorch modules as a folder: `space.toml`, and under `blocks/` a file for each different block.

    layers: the candidates of each searched layer by name, in the order of the architecture weights. `None` is an identity: it does
        nothing. The inputs and outputs of a module are float32 tensors with batch 1. It is exported in evaluation mode.
    input_shape: shape of the network's input: `(3, 224, 224)`, with or without the batch of 1 in front.
    before, after: the fixed pieces around the layers, in execution order.
    names: names of the layers [default: `L1`, `L2`, …].
    inputs: sources of the inputs of a slot (layer or fixed piece), in order: `input`, the name of a slot, or `slot:N` for its N-th output,
        counted from 0 [default: the first output of the slot before].
    exporter: `torchscript` or `dynamo`. Use the one that exports your app's network: the two write different operators. `auto` is
        `torchscript` if this PyTorch has it.
    opset: opset of all files [default: 17 with `torchscript`, 18 with `dynamo`].
    randomize: draws new values for new batch norms and constant parameters, in copies of the modules. Otherwise exporters would remove
        parts of an untrained module that a trained network has.
    check: runs every file in ONNX Runtime, if it is installed, and compares the outputs with those of the module.
    overwrite: replaces the space in the folder.

    All modules are run once to find their shapes. If shapes do not fit, an `ExportError` lists all faults before the first file is written.
    Raises `FileExistsError` if the folder is not empty.
    """
    began = time.monotonic()
    shape = tuple(input_shape) if len(input_shape) != 3 else (1, *input_shape)
    exporter = files.default_exporter() if exporter == "auto" else exporter
    if exporter not in files.EXPORTERS:
        raise ValueError(f"exporter '{exporter}' is not one of auto, {', '.join(files.EXPORTERS)}")
    opset = files.EXPORTERS[exporter] if opset is None else opset
    slots = slots_of(before, layers, after, names, inputs or {})
    for slot in slots:
        slot.candidates = {key: _or_identity(module, randomize) for key, module in slot.candidates.items()}
    find_shapes(slots, shape)
    target = Path(folder)
    _make_empty(target, overwrite)
    writer = _Writer(target, exporter, opset, check)
    placed = {(slot.name, key): writer.write(slot, key) for slot in slots for key in slot.candidates}
    if writer.faults:
        raise ExportError(writer.faults)
    export = {"exporter": exporter, "torch": torch.__version__, "opset": opset}
    # Last, so that a folder with it is whole.
    (target / "space.toml").write_text(_manifest(name, shape, slots, export, placed), "utf-8")
    identities = sum(file is None for file in placed.values())
    return Report(target, len(placed) - identities, len(writer.written), identities, time.monotonic() - began)


def _or_identity(module: nn.Module | None, randomize: bool) -> nn.Module | None:
    return None if module is None or type(module) is nn.Identity else prepared(module, randomize)


def _make_empty(folder: Path, overwrite: bool) -> None:
    manifest = folder / "space.toml"
    if overwrite and manifest.is_file():
        manifest.unlink()
        shutil.rmtree(folder / "blocks", ignore_errors=True)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; overwrite=True replaces a space in it")
    (folder / "blocks").mkdir(parents=True, exist_ok=True)


class _Writer:
    """Exports modules; equal blocks are written once."""

    def __init__(self, folder: Path, exporter: str, opset: int, check: bool) -> None:
        self.folder, self.exporter, self.opset, self.check = folder, exporter, opset, check
        self.written: dict[str, str] = {}
        """Files by their fingerprints."""
        self.alike: dict[Any, str] = {}
        """Files by the module that they were exported from."""
        self.faults: list[str] = []

    def write(self, slot: Slot, name: str) -> str | None:
        """The file of a candidate, relative to the folder; `None` for an identity, or if the export failed (the fault is noted)."""
        module = slot.candidates[name]
        if module is None:
            return None
        like = (likeness(module), tuple(slot.inputs))
        if like not in self.alike:
            try:
                self.alike[like] = self._export(module, slot.inputs)
            except Exception as e:  # Exporters raise whatever they like; the place is what they do not tell.
                self.faults.append(f"layer '{slot.name}', '{name}': {e}")
                return None
        return self.alike[like]

    def _export(self, module: nn.Module, inputs: Sequence[Shape]) -> str:
        model = files.export(module, inputs, self.exporter, self.opset)
        if self.check and not (files.difference(model, module, inputs) or 0.0) <= files.TOLERANCE:
            limit = f"{files.TOLERANCE:g} of the largest value"
            raise ValueError(f"the outputs of its ONNX file differ from those of the module by more than {limit}")
        fingerprint = files.fingerprint(model)
        if fingerprint not in self.written:
            file = f"blocks/{fingerprint[:16]}.onnx"
            (self.folder / file).write_bytes(model.SerializeToString(deterministic=True))
            self.written[fingerprint] = file
        return self.written[fingerprint]


def _manifest(
    name: str, shape: Shape, slots: Sequence[Slot], export: Mapping[str, Any], placed: Mapping[tuple[str, str], str | None]
) -> str:
    """The text of `space.toml`."""
    # A string of JSON is one of TOML.
    lines = ['format = "blocktime-space"', "schema = 1", 'kind = "onnx"', f"name = {json.dumps(name)}", f"input = {list(shape[1:])}"]
    lines += ["", "[export]", *(f"{key} = {json.dumps(value)}" for key, value in export.items())]
    previous = "input"
    for slot in slots:
        lines += ["", "[[slot]]", f"name = {json.dumps(slot.name)}"]
        if slot.searched:
            entries = ((key, placed[slot.name, key]) for key in slot.candidates)
            lines.append("candidates = [")
            for key, file in entries:
                what = "identity = true" if file is None else f"file = {json.dumps(file)}"
                lines.append(f"    {{ name = {json.dumps(key)}, {what} }},")
            lines.append("]")
        else:
            lines.append(f"file = {json.dumps(placed[slot.name, slot.name])}")
        if slot.sources != [previous]:
            lines.append(f"inputs = {json.dumps(slot.sources)}")
        previous = slot.name
    return "\n".join(lines) + "\n"
