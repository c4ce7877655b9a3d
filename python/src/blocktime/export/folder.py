"""Writes the folder of a search space."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from operator import index
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

import torch
from torch import nn

from . import files
from .copies import likeness, prepared, without_statistics
from .report import ExportError, Report
from .slots import INPUT, Shape, Slot, find_shapes, slots_of

MANIFEST, BLOCKS = "space.toml", "blocks"
"""The file that lists a space, and the folder of its ONNX files."""


def export_space(
    layers: Sequence[Mapping[str, Optional[nn.Module]]],
    input_shape: Union[Sequence[int], Mapping[str, Sequence[int]]],
    folder: str | os.PathLike[str],
    *,
    before: Mapping[str, nn.Module] = {},
    after: Mapping[str, nn.Module] = {},
    names: Sequence[str] | None = None,
    inputs: Mapping[str, Sequence[str]] | None = None,
    outputs: Sequence[str] | None = None,
    name: str = "space",
    exporter: str = "auto",
    opset: int | None = None,
    randomize: bool = True,
    check: bool = True,
    dedupe: bool = True,
    overwrite: bool = False,
) -> Report:
    """Writes a search space of PyTorch modules as a folder: `space.toml`, and under `blocks/` a file for each different block.

    layers: the candidates of each searched layer by name, in the order of the architecture weights. `None` is an identity: it does
        nothing. The inputs and outputs of a module are float32 tensors with batch 1. It is exported in evaluation mode.
    input_shape: shape of the network's input: `(3, 224, 224)`. With any other number of dimensions than three, the batch of 1 may stand
        in front: `(1, 3, 224, 224)`. A sequence is `(tokens, features)`. For a network with several inputs, their shapes by name:
        `{"image": (3, 224, 224), "pose": (3, 1, 1)}`; the first slot reads the first of them unless `inputs` says otherwise.
    before, after: the fixed pieces around the layers, in execution order.
    names: names of the layers [default: `L1`, `L2`, …].
    inputs: sources of the inputs of a slot (layer or fixed piece), in order: `input` (or the name of an input), the name of a slot, or
        `slot:N` for its N-th output, counted from 0 [default: the first output of the slot before].
    outputs: the outputs of the network, each a slot or `slot:N`, for networks with several last pieces [default: all outputs of the last
        slot].
    exporter: `torchscript` or `dynamo`. Use the one that exports your app's network: the two write different operators. `auto` is
        `torchscript` if this PyTorch has it.
    opset: opset of all files [default: 17 with `torchscript`, 18 with `dynamo`].
    randomize: draws new values for new batch norms and constant parameters, in copies of the modules. Otherwise exporters would remove
        parts of an untrained module that a trained network has.
    check: runs every file in ONNX Runtime, if it is installed, and compares the outputs with those of the module.
    dedupe: modules that differ in nothing but the values of their weights are exported once. With `False` every module is exported, which
        is needed for modules whose code branches on the values of their weights. Equal files are written once all the same.
    overwrite: replaces the space in the folder.

    All modules are run once to find their shapes. If shapes do not fit, an `ExportError` lists all faults before the first file is written.
    If anything fails, the folder stays as it was. Raises `FileExistsError` if it is not empty, or with `overwrite` contains anything but a
    space.
    """
    began = time.monotonic()
    if isinstance(input_shape, Mapping):
        given = {input_name: _with_batch(one) for input_name, one in input_shape.items()}
    else:
        given = {INPUT: _with_batch(input_shape)}
    if not given:
        raise ExportError(["input_shape names no inputs"])
    exporter = files.default_exporter() if exporter == "auto" else exporter
    if exporter not in files.EXPORTERS:
        raise ValueError(f"exporter '{exporter}' is not one of auto, {', '.join(files.EXPORTERS)}")
    opset = files.EXPORTERS[exporter] if opset is None else opset
    slots = slots_of(before, layers, after, names, inputs or {}, name, list(given))
    outputs = [outputs] if isinstance(outputs, str) else outputs
    _prepare(slots, randomize)
    find_shapes(slots, given, outputs)
    target = Path(folder)
    with _new_files(target, overwrite) as new:
        writer = _Writer(new, exporter, opset, check, dedupe)
        placed = {(slot.name, key): writer.write(slot, key) for slot in slots for key in slot.candidates}
        if writer.faults:
            raise ExportError(writer.faults)
        export = {"exporter": exporter, "torch": torch.__version__, "opset": opset}
        (new / MANIFEST).write_text(_manifest(name, given, outputs, slots, export, placed), "utf-8")
    identities = sum(file is None for file in placed.values())
    return Report(target, len(placed) - identities, len(writer.written), identities, time.monotonic() - began)


def _with_batch(shape: Sequence[int]) -> Shape:
    """The shape of an input with its batch. Raises `ExportError` if it has no dimensions, or one below 1."""
    sides = tuple(index(side) for side in shape)
    if len(sides) == 3 or sides[:1] != (1,):
        sides = (1, *sides)
    if len(sides) < 2 or min(sides) < 1:
        raise ExportError([f"input_shape {tuple(shape)} must have dimensions, each at least 1"])
    return sides


def _prepare(slots: Sequence[Slot], randomize: bool) -> None:
    """Replaces all modules by copies for the export. Raises `ExportError` with all that cannot be copied."""
    faults = []
    for slot in slots:
        for key, module in slot.candidates.items():
            if module is None or type(module) is nn.Identity:
                slot.candidates[key] = None
            elif not isinstance(module, nn.Module):
                faults.append(f"{slot.place(key)}: {module!r} is not a module")
            elif named := without_statistics(module):
                reason = "track_running_stats=False: it computes them from each batch, as in training; use one that tracks them"
                faults.append(f"{slot.place(key)}: {' and '.join(named)} has no running statistics ({reason})")
            else:
                try:
                    slot.candidates[key] = prepared(module, randomize)
                except Exception as e:  # Whatever the user's module raises belongs to the place.
                    faults.append(f"{slot.place(key)}: cannot be copied: {e}")
    if faults:
        raise ExportError(faults)


@contextlib.contextmanager
def _new_files(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A new folder within `folder`, whose files replace the space there once they are whole. If not, everything stays as it was.

    Raises `FileExistsError` if anything else is in `folder`.
    """
    exists = folder.exists()
    found = {path.name for path in folder.iterdir()} if exists else set()
    if found and not (overwrite and MANIFEST in found and found <= {MANIFEST, BLOCKS}):
        raise FileExistsError(f"{folder} is not empty; overwrite=True replaces a space, if there is nothing else in the folder")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="export-", dir=folder) as name:
            new = Path(name)
            (new / BLOCKS).mkdir()
            yield new
            if found:
                # First, and written last: a folder with it is whole.
                (folder / MANIFEST).unlink()
            if BLOCKS in found:
                (folder / BLOCKS).rename(new / "replaced")
            (new / BLOCKS).rename(folder / BLOCKS)
            (new / MANIFEST).rename(folder / MANIFEST)
    except BaseException:
        if not exists:
            folder.rmdir()
        raise


class _Writer:
    """Exports modules; equal blocks are written once."""

    def __init__(self, folder: Path, exporter: str, opset: int, check: bool, dedupe: bool) -> None:
        self.folder, self.exporter, self.opset, self.check, self.dedupe = folder, exporter, opset, check, dedupe
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
        try:
            if not self.dedupe:
                return self._export(module, slot.inputs)
            like = (likeness(module), tuple(slot.inputs))
            if like not in self.alike:
                self.alike[like] = self._export(module, slot.inputs)
            return self.alike[like]
        except Exception as e:  # Exporters raise whatever they like; the place is what they do not tell.
            self.faults.append(f"{slot.place(name)}: {e}")
            return None

    def _export(self, module: nn.Module, inputs: Sequence[Shape]) -> str:
        model = files.export(module, inputs, self.exporter, self.opset)
        if self.check and not (files.difference(model, module, inputs) or 0.0) <= files.TOLERANCE:
            limit = f"{files.TOLERANCE:g} of the largest value"
            raise ValueError(f"the outputs of its ONNX file differ from those of the module by more than {limit}")
        fingerprint = files.fingerprint(model)
        if fingerprint not in self.written:
            file = f"{BLOCKS}/{fingerprint[:16]}.onnx"
            (self.folder / file).write_bytes(model.SerializeToString(deterministic=True))
            self.written[fingerprint] = file
        return self.written[fingerprint]


def _manifest(
    name: str,
    given: Mapping[str, Shape],
    outputs: Sequence[str] | None,
    slots: Sequence[Slot],
    export: Mapping[str, Any],
    placed: Mapping[tuple[str, str], str | None],
) -> str:
    """The text of `space.toml`."""
    # A string of JSON is one of TOML.
    shapes = [f"{json.dumps(key)} = {list(shape[1:])}" for key, shape in given.items()]
    shown = f"{list(given[INPUT][1:])}" if list(given) == [INPUT] else f"{{ {', '.join(shapes)} }}"
    lines = ['format = "blocktime-space"', "schema = 1", 'kind = "onnx"', f"name = {json.dumps(name)}", f"input = {shown}"]
    lines += [] if outputs is None else [f"outputs = {json.dumps(list(outputs))}"]
    lines += ["", "[export]", *(f"{key} = {json.dumps(value)}" for key, value in export.items())]
    previous = INPUT
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
