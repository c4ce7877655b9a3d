"""Tables of space folders with made-up times, for tests: written as files and read as any other."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Mapping, Sequence

from blocktime import Lut
from blocktime.row import COLUMNS

Shape = tuple[int, int, int, int, int]
"""Input channels, output channels, stride, input height and width."""

Layer = Mapping[str, tuple[Shape, float]]
"""Candidates with their shapes and µs; 0 µs is an identity. Each has as many multiply-adds as nanoseconds."""


def table(layers: Sequence[Layer], fixed: Mapping[str, float]) -> Lut:
    """The table of layers L1, L2, … with fixed pieces by name, of these µs, around them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made-up.csv"
        path.write_text(text(layers, fixed))
        return Lut.read(path)


def ofa(scale: float) -> Lut:
    """Once-for-All's 20 layers in five stages: a block of kernel k and expansion e takes k · e · scale µs, stem and head 300 µs."""
    shape = (8, 8, 1, 4, 4)
    blocks = {f"k{k}_e{e}": (shape, k * e * scale) for k in (3, 5, 7) for e in (3, 4, 6)}
    skip = {"skip": (shape, 0.0)}
    return table([{**blocks, **(skip if i % 4 >= 2 else {})} for i in range(20)], {"stem": 100.0, "head": 200.0})


def text(layers: Sequence[Layer], fixed: Mapping[str, float]) -> str:
    """The file of `table`."""
    rows = {f"trunk:{name}": _row(f"trunk:{name}", "trunk", (1, 1, 1, 1, 1), time) for name, time in fixed.items()}
    slots = [f"name = '{name}'\nkey = 'trunk:{name}'" for name in fixed]
    for number, layer in enumerate(layers, 1):
        keys = {name: _key(name, shape) for name, (shape, _) in layer.items()}
        rows |= {key: _row(key, "block" if time else "identity", shape, time) for key, (shape, time) in zip(keys.values(), layer.values())}
        slots.append(f"name = 'L{number}'\ncandidates = {[f'{name} {key}' for name, key in keys.items()]}")
    header = f"""format = "blocktime-lut"
schema = 4
rows = {len(rows)}
source = "simulated"
profiler = "0.1.0"
method = "made up"
threads = 1
cpus = [0]
device = {{ model = "none", arch = "aarch64" }}
engine = {{ name = "none", version = "0" }}
fit = {{ residual = 0.01, architectures = [] }}
[space]
name = "made-up"
hash = "00"
[space.folder.inputs]
input = [3, 224, 224]
""" + "".join(f"[[space.folder.slots]]\n{slot}\n" for slot in slots)
    return "".join(f"# {line}\n" for line in header.splitlines()) + "\n".join([",".join(COLUMNS), *rows.values(), "# end\n"])


def _key(name: str, shape: Shape) -> str:
    c_in, c_out, stride, h, w = shape
    return f"{name}@{c_in}x{h}x{w}-s{stride}-{c_out}~0a1b2c3d"


def _row(key: str, kind: str, shape: Shape, time: float) -> str:
    name = key.removeprefix("trunk:").split("@")[0]
    c_in, c_out, stride, h, w = shape
    values = {"key": key, "kind": kind, "primitive": name, "c_in": c_in, "c_out": c_out, "stride": stride, "h": h, "w": w}
    values |= {"macs": round(1000 * time), "params": 10, "latency_us": time, "n": 30, **{name: 0 for name in COLUMNS if name.startswith("discarded")}}
    return ",".join(str(values.get(column, "")) for column in COLUMNS)
