"""The slots of a network and the shapes between them, found by running the modules before anything is exported."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Iterable, Mapping, Optional, Sequence

import torch
from torch import Tensor, nn

from .report import ExportError

Shape = tuple[int, ...]
Candidates = Mapping[str, Optional[nn.Module]]

INPUT = "input"
"""The source that is the network's own input."""

MOST_SLOTS, MOST_CANDIDATES = 256, 64
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass
class Slot:
    """A fixed piece or a searched layer."""

    name: str
    candidates: dict[str, nn.Module | None]
    """Modules by name, `None` for an identity. A fixed piece has one module, under the name of the slot."""
    searched: bool
    sources: list[str] = field(default_factory=list)
    """Where its inputs come from: `input`, an earlier slot, or `slot:N` for the N-th output of an earlier slot."""
    inputs: list[Shape] = field(default_factory=list)
    """Shapes of its inputs, batch included."""
    outputs: list[Shape] = field(default_factory=list)
    """Shapes of its outputs, batch included."""

    def place(self, name: str) -> str:
        """A candidate, as faults name it."""
        return f"layer '{self.name}', '{name}'" if self.searched else f"'{self.name}'"


def slots_of(
    before: Mapping[str, nn.Module],
    layers: Sequence[Candidates],
    after: Mapping[str, nn.Module],
    names: Sequence[str] | None,
    inputs: Mapping[str, Sequence[str]],
    space: str,
    given: Sequence[str] = (INPUT,),
) -> list[Slot]:
    """All slots in execution order, with their sources. Raises `ExportError` if a name is not allowed; `space` is that of the space.

    given: names of the network's inputs. The first is the default source of the first slot.
    """
    names = [f"L{i}" for i in range(1, len(layers) + 1)] if names is None else list(names)
    if len(names) != len(layers):
        raise ExportError([f"{len(names)} names for {len(layers)} layers"])
    slots = [Slot(name, {name: module}, False) for name, module in before.items()]
    slots += [Slot(name, dict(layer), True) for name, layer in zip(names, layers)]
    slots += [Slot(name, {name: module}, False) for name, module in after.items()]
    faults = _name_faults([space, *(name for name in given if name != INPUT)])
    faults += [f"inputs: there is no slot '{name}'" for name in inputs if name not in {slot.name for slot in slots}]
    if not 0 < len(slots) <= MOST_SLOTS:
        faults.append(f"{len(slots)} slots; there must be 1 to {MOST_SLOTS}")
    previous = given[0]
    for slot in slots:
        sources = inputs.get(slot.name, previous)
        slot.sources = [sources] if isinstance(sources, str) else list(sources)
        previous = slot.name
        if not 0 < len(slot.candidates) <= MOST_CANDIDATES:
            faults.append(f"layer '{slot.name}': {len(slot.candidates)} candidates; there must be 1 to {MOST_CANDIDATES}")
        faults += _name_faults(dict.fromkeys([slot.name, *slot.candidates]))
    all_names = [slot.name for slot in slots]
    if repeated := {name for name in all_names if all_names.count(name) > 1}:
        faults.append(f"several slots have the name {', '.join(sorted(repeated))}")
    if shared := [name for name in given if name in all_names]:
        faults.append(f"an input and a slot have the name {', '.join(shared)}")
    if faults:
        raise ExportError(faults)
    return slots


def _name_faults(names: Iterable[object]) -> list[str]:
    allowed = f"is not made of up to 64 letters, digits, '-', '_' and '.', or is '{INPUT}'"
    return [f"name {name!r} {allowed}" for name in names if not isinstance(name, str) or not _NAME.fullmatch(name) or name == INPUT]


def find_shapes(slots: Sequence[Slot], given: Mapping[str, Shape], outputs: Sequence[str] | None = None) -> None:
    """Runs every module once and notes the shapes. Raises `ExportError` with all faults that it finds.

    given: shapes of the network's inputs by name, batch included. outputs: its outputs, as sources [default: all of the last slot].
    """
    faults: list[str] = []
    known: dict[str, list[Shape]] = {name: [shape] for name, shape in given.items()}
    used: set[tuple[str, int]] = set()

    def find(source: str) -> tuple[str, int] | None:
        name, _, number = source.partition(":")
        output = int(number) if number.isdecimal() else 0
        is_there = (not number or number.isdecimal()) and name in known and output < len(known[name])
        return (name, output) if is_there and not (number and name in given) else None

    for slot in slots:
        for source in slot.sources:
            if (found := find(source)) is None:
                raise ExportError([*faults, f"slot '{slot.name}': there is no source '{source}' before it"])
            used.add(found)
            slot.inputs.append(known[found[0]][found[1]])
        _run(slot, faults)
        if not slot.outputs:
            break
        known[slot.name] = slot.outputs
    if faults:
        raise ExportError(faults)
    if outputs is None:
        outputs = [f"{slots[-1].name}:{number}" for number in range(len(slots[-1].outputs))]
    leaving = [find(source) for source in outputs]
    for source, found in zip(outputs, leaving):
        if found is None or found[0] in given:
            faults.append(f"outputs: no slot has an output '{source}'")
        else:
            used.add(found)
            faults += [f"outputs: '{source}' stands twice"] if leaving.count(found) > 1 else []
    if not outputs:
        faults.append("outputs: names no output")
    for slot in slots:
        unused = (output for output in range(len(slot.outputs)) if (slot.name, output) not in used)
        faults += [f"output {output} of '{slot.name}' is not used" for output in unused]
    faults += [f"the input '{name}' is not used" for name in given if (name, 0) not in used]
    if faults:
        raise ExportError(faults)


def _run(slot: Slot, faults: list[str]) -> None:
    """Notes the output shapes of the slot. They are those of its first candidate; all other candidates must have the same."""
    first = ""
    for name, module in slot.candidates.items():
        place = slot.place(name)
        if module is None and not slot.searched:
            faults.append(f"{place}: a fixed piece that does nothing; leave it out")
            continue
        try:
            given = example(slot.inputs) if module is None else outputs_of(module, example(slot.inputs))
        except Exception as e:  # Whatever the user's module raises belongs to the place.
            faults.append(f"{place}: {e}")
            continue
        outputs = [tuple(y.shape) for y in given]
        if other := [str(y.dtype).removeprefix("torch.") for y in given if y.dtype != torch.float32]:
            faults.append(f"{place}: outputs {' and '.join(other)}; only float32 is measured")
        elif not all(bool(y.isfinite().all()) for y in given):
            faults.append(f"{place}: its outputs are not finite; check its weights")
        elif any(0 in shape for shape in outputs):
            faults.append(f"{place}: outputs {_shown(outputs)}, which holds no values")
        elif module is None and len(outputs) != 1:
            faults.append(f"{place}: None is not possible for a slot with {len(outputs)} inputs")
        elif any(shape[:1] != (1,) for shape in outputs):
            faults.append(f"{place}: outputs {_shown(outputs)}, but the batch must stay 1")
        elif not slot.outputs:
            slot.outputs, first = outputs, name
        elif outputs != slot.outputs:
            alike = "all candidates of a layer must have the same outputs"
            faults.append(f"{place}: outputs {_shown(outputs)}, but '{first}' outputs {_shown(slot.outputs)}; {alike}")


def _shown(shapes: Sequence[Shape]) -> str:
    return " and ".join("x".join(map(str, shape[1:] if shape[:1] == (1,) else shape)) for shape in shapes)


def example(shapes: Sequence[Shape]) -> tuple[Tensor, ...]:
    """Inputs of these shapes: normally distributed float32 numbers, the same in each call."""
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(shape, generator=generator) for shape in shapes)


def outputs_of(module: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs of the module as a list. Raises `TypeError` if they are not a tensor, or a tuple or list of tensors."""
    with torch.no_grad():
        found = module(*inputs)
    outputs = list(found) if isinstance(found, (tuple, list)) else [found]
    if not outputs:
        raise TypeError("returns nothing; it must return a tensor, or a tuple of tensors")
    for output in outputs:
        if not isinstance(output, Tensor):
            raise TypeError(f"returns {type(output).__name__}; it must return a tensor, or a tuple of tensors")
    return outputs
