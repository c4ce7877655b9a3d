"""Search spaces: the candidates of each layer, and their keys in a table."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from .errors import LutError, UnknownSpace
from .header import Header, named_keys, parse
from .row import Row

BUILT_IN = ("pfld", "pfld26", "pfld-full")
"""Names of the built-in spaces."""

_TRUNKS = {
    "pfld": ("side_layer", ("stem", "block4_1", "avg_pool1", "avg_pool2", "block6_1", "block6_2", "block6_3", "conv7", "fc")),
    "fc": ("features_layer", ("fc",)),
}
"""For each kind of trunk: its setting, and its pieces in execution order."""


@dataclass(frozen=True)
class Layer:
    """A searched layer."""

    name: str
    """Name of the layer: `L1`, `L2`, … unless the space has names."""
    candidates: tuple[str, ...]
    """Names of the candidates, in the order of the architecture weights."""
    keys: tuple[str, ...]
    """Keys of the candidates in a table."""
    identities: tuple[bool, ...] | None = None
    """Whether each candidate does nothing; `None` if that is not known."""


@dataclass(frozen=True)
class Space:
    """A search space: what is needed to read a table."""

    name: str
    layers: tuple[Layer, ...]
    fixed: tuple[str, ...] = ()
    """Keys of the fixed pieces around the layers, in execution order."""
    hash: str | None = None
    """SHA-256 (hex) of what is measured; the table must have the same. `None` if it is not known; then it is not compared."""

    @classmethod
    def of(cls, layers: Sequence[Mapping[str, str]], fixed: Sequence[str] = (), name: str = "space") -> Space:
        """A space whose layers map names of candidates to keys of a table; `fixed` holds keys, too."""
        return cls(name, tuple(Layer(f"L{i}", tuple(layer), tuple(layer.values())) for i, layer in enumerate(layers, 1)), tuple(fixed))

    @classmethod
    def of_table(cls, header: Header, rows: Mapping[str, Row]) -> Space | None:
        """The space of ONNX files that a table states; `None` for a table of built-in primitives. `rows` are the rows by their keys."""
        stated = header["space"]
        if (folder := stated.get("folder")) is None:
            return None
        layers = []
        for slot in folder["slots"]:
            if "candidates" in slot:
                names, keys = zip(*named_keys(slot))
                layers.append(Layer(slot["name"], names, keys, tuple(rows[key].kind == "identity" for key in keys)))
        fixed = tuple(slot["key"] for slot in folder["slots"] if "key" in slot)
        return cls(stated["name"], tuple(layers), fixed, stated["hash"])

    @classmethod
    def read(cls, name_or_path: str | os.PathLike[str]) -> Space:
        """The built-in space of this name, or the space in this TOML file, as for `profiler --space`.

        Raises `UnknownSpace` if there is neither, and `LutError` if the file does not contain a space.
        """
        built_in = str(name_or_path) in BUILT_IN
        path = Path(__file__).parent / "spaces" / f"{name_or_path}.toml" if built_in else Path(name_or_path)
        if not path.is_file():
            reason = f"it is neither built in ({', '.join(BUILT_IN)}) nor a file"
            raise UnknownSpace(f"no search space '{name_or_path}': {reason}", str(name_or_path), BUILT_IN)
        try:
            return _of_file(parse(path.read_text("utf-8-sig")))
        except (KeyError, TypeError, AttributeError, ValueError) as e:
            raise LutError(f"search space {name_or_path} is not valid: {e!r}") from e


def _of_file(file: Mapping[str, Any]) -> Space:
    """Layers and hash of a space file.

    The space is not checked: the hash in a table is that of a space that `profiler` has checked, and another space has another hash.
    """
    layers: list[Layer] = []
    text = f"input {'x'.join(map(str, file['input']))}\n"
    fixed: tuple[str, ...] = ()
    if (trunk := file.get("trunk")) is not None:
        setting, pieces = _TRUNKS[trunk["kind"]]
        text += f"trunk {trunk['kind']} {setting} {trunk[setting]}\n"
        fixed = tuple(f"trunk:{piece}" for piece in pieces)
    for s, stage in enumerate(file["stage"]):
        names = tuple(stage["candidates"])
        for layer in stage["layers"]:
            shapes = f"{layer['c_in']}x{layer['h']}x{layer['w']}-s{layer['stride']}-{layer['c_out']}"
            keys = tuple(f"{name}@{shapes}" for name in names)
            same = layer["c_in"] == layer["c_out"] and layer["stride"] == 1
            before = [len(layers)] if layers else []
            inputs = layer.get("inputs", before)
            layers.append(Layer(f"L{len(layers) + 1}", names, keys, tuple(name == "skip" and same for name in names)))
            stated = "" if inputs == before else f" inputs {','.join(map(str, inputs))}"
            text += f"stage {s}{stated} {' '.join(keys)}\n"
            if len(inputs) > 1:
                fixed = ("trunk:join", *fixed)
    return Space(str(file["name"]), tuple(layers), fixed, hashlib.sha256(text.encode()).hexdigest())
