"""Spaces of PyTorch modules as folders of ONNX files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Callable

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blocktime.export import ExportError, export_space, files
from blocktime.export.copies import likeness, prepared
from blocktime.export.files import difference, export, fingerprint
from blocktime.header import parse

EXPORTERS = {"torchscript": 17, "dynamo": 18}


class Block(nn.Module):
    """An inverted residual, with a shuffle where its 1×1 convolutions are grouped."""

    def __init__(self, c_in: int, c_out: int, kernel: int, expand: int, stride: int = 1, groups: int = 1, residual: bool = True) -> None:
        super().__init__()
        mid = c_in * expand
        self.groups = groups
        self.residual = residual and stride == 1 and c_in == c_out
        self.first = nn.Sequential(nn.Conv2d(c_in, mid, 1, groups=groups, bias=False), nn.BatchNorm2d(mid), nn.ReLU())
        self.depth = nn.Sequential(
            nn.Conv2d(mid, mid, kernel, stride, kernel // 2, groups=mid, bias=False), nn.BatchNorm2d(mid), nn.Hardswish()
        )
        self.last = nn.Sequential(nn.Conv2d(mid, c_out, 1, groups=groups, bias=False), nn.BatchNorm2d(c_out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        if self.groups > 1:
            n, c, h, w = y.shape
            y = y.view(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)
        y = self.last(self.depth(y))
        return x + y if self.residual else y


class Head(nn.Module):
    """Two inputs: the last layer's output, and that of the first layer, which goes around the second."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(12, 5)

    def forward(self, x: Tensor, side: Tensor) -> Tensor:
        return self.linear(torch.cat([x.mean((2, 3)), side.mean((2, 3))], 1))


def space() -> dict[str, Any]:
    """Two layers between a stem and a head with a side branch."""
    layers: list[dict[str, nn.Module | None]] = [
        {"k3_e1": Block(4, 4, 3, 1), "k5_e2_g2": Block(4, 4, 5, 2, groups=2), "again": Block(4, 4, 3, 1), "skip": None},
        {"k3_e1": Block(4, 8, 3, 1, stride=2), "k5_e2": Block(4, 8, 5, 2, stride=2)},
    ]
    stem = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU())
    return {"layers": layers, "before": {"stem": stem}, "after": {"head": Head()}, "inputs": {"head": ["L2", "L1"]}}


def run(path: Path, *inputs: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]
    return torch.from_numpy(session.run(None, dict(zip(names, (x.numpy() for x in inputs))))[0])


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_folder_holds_the_space(tmp_path: Path, exporter: str) -> None:
    given = space()
    report = export_space(folder=tmp_path / "s", input_shape=(3, 16, 16), exporter=exporter, name="small", **given)
    # 'again' is the block k3_e1 once more.
    assert (report.candidates, report.files, report.identities) == (7, 6, 1)
    manifest = parse((tmp_path / "s" / "space.toml").read_text())
    assert (manifest["format"], manifest["schema"], manifest["kind"]) == ("blocktime-space", 1, "onnx")
    assert manifest["name"] == "small" and manifest["input"] == [3, 16, 16]
    assert manifest["export"] == {"exporter": exporter, "torch": torch.__version__, "opset": EXPORTERS[exporter]}
    slots = {slot["name"]: slot for slot in manifest["slot"]}
    assert list(slots) == ["stem", "L1", "L2", "head"] and slots["head"]["inputs"] == ["L2", "L1"] and "inputs" not in slots["L2"]
    first = slots["L1"]["candidates"]
    assert [candidate["name"] for candidate in first] == ["k3_e1", "k5_e2_g2", "again", "skip"]
    assert first[0]["file"] == first[2]["file"] and first[3] == {"name": "skip", "identity": True}
    files = sorted(path.name for path in (tmp_path / "s" / "blocks").iterdir())
    assert len(files) == 6 and all(name.endswith(".onnx") for name in files), "no weights beside the files"
    for name in files:
        model = onnx.load(tmp_path / "s" / "blocks" / name)
        onnx.checker.check_model(model)
        assert {(entry.domain, entry.version) for entry in model.opset_import} == {("", EXPORTERS[exporter])}
        assert not model.functions and not any(node.doc_string or node.metadata_props for node in model.graph.node)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_a_network_of_the_files_computes_what_the_modules_do(tmp_path: Path, exporter: str) -> None:
    given = space()
    export_space(folder=tmp_path, input_shape=(1, 3, 16, 16), exporter=exporter, **given)
    slots = {slot["name"]: slot for slot in parse((tmp_path / "space.toml").read_text())["slot"]}
    x = torch.randn(1, 3, 16, 16)
    of = {name: prepared(module, True) for name, module in [*given["before"].items(), *given["after"].items()]}
    for first in ("k3_e1", "k5_e2_g2", "skip"):
        for second in ("k3_e1", "k5_e2"):
            found = run(tmp_path / slots["stem"]["file"], x)
            expected = of["stem"](x)
            sides = []
            for layer, choice in enumerate((first, second)):
                (entry,) = [c for c in slots[f"L{layer + 1}"]["candidates"] if c["name"] == choice]
                if module := given["layers"][layer][choice]:
                    expected = prepared(module, True)(expected)
                    found = run(tmp_path / entry["file"], found)
                sides.append((found, expected))
            found = run(tmp_path / slots["head"]["file"], found, sides[0][0])
            assert torch.allclose(found, of["head"](expected, sides[0][1]), atol=1e-4)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_a_fresh_module_is_exported_as_a_trained_one(tmp_path: Path, exporter: str) -> None:
    conv = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1))
    nn.init.zeros_(conv[0].bias)
    nn.init.zeros_(conv[3].bias)
    before = {name: tensor.clone() for name, tensor in conv.state_dict().items()}
    export_space([{"conv": conv}], (4, 8, 8), tmp_path, exporter=exporter)
    assert all(torch.equal(tensor, before[name]) for name, tensor in conv.state_dict().items()) and conv.training, "only copies change"
    (path,) = (tmp_path / "blocks").iterdir()
    model = onnx.load(path)
    assert [node.op_type for node in model.graph.node] == ["Conv", "Relu", "Conv"]
    assert all(len(node.input) == 3 for node in model.graph.node if node.op_type == "Conv"), "each with its bias"
    for tensor in model.graph.initializer:
        assert onnx.numpy_helper.to_array(tensor).any()


def test_numbers_too_small_for_a_fast_processor_are_not_exported(tmp_path: Path) -> None:
    astray = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))
    with torch.no_grad():
        astray[0].weight[:2] = 1e-40
        astray[1].weight.mul_(1e-40)
    export_space([{"astray": astray}], (4, 8, 8), tmp_path, exporter="torchscript")
    (path,) = (tmp_path / "blocks").iterdir()
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    assert len(values) == 4 and all((abs(of[of != 0]) > np.finfo(np.float32).tiny).all() for of in values.values())
    assert values["0.weight"][2:].all() and not values["0.weight"][:2].any() and values["1.weight"].all()
    assert astray[0].weight[0, 0, 0, 0] != 0, "only copies change"


def test_the_same_space_gives_the_same_bytes(tmp_path: Path) -> None:
    torch.manual_seed(3)
    given = space()
    for folder in ("a", "b"):
        export_space(folder=tmp_path / folder, input_shape=(3, 16, 16), **given)
    paths = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert len(paths) == 7 and all((tmp_path / "a" / p).read_bytes() == (tmp_path / "b" / p).read_bytes() for p in paths)


def test_blocks_that_differ_in_what_repr_does_not_show_are_different(tmp_path: Path) -> None:
    with_residual, without = Block(4, 4, 3, 1), Block(4, 4, 3, 1, residual=False)
    assert repr(with_residual) == repr(without) and likeness(with_residual) != likeness(without)
    assert likeness(with_residual) == likeness(Block(4, 4, 3, 1))
    report = export_space([{"with": with_residual, "without": without}], (4, 8, 8), tmp_path)
    assert report.files == 2


class Blur(nn.Module):
    """Means over a window that is no weight and is not saved."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.register_buffer("window", torch.full((4, 1, side, side), side**-2.0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.window, padding=self.window.shape[-1] // 2, groups=4)


class Dilated(nn.Module):
    """A convolution with a setting that is a buffer."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.register_buffer("dilation", torch.tensor(dilation))
        self.weight = nn.Parameter(torch.randn(4, 4, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        dilation = int(self.dilation)
        return F.conv2d(x, self.weight, padding=dilation, dilation=dilation)


def hooked(scale: float) -> nn.Module:
    """A convolution whose output a hook multiplies."""
    module = nn.Conv2d(4, 4, 1)
    module.register_forward_hook(lambda _, __, y: y * scale)
    return module


ALIKE: list[tuple[nn.Module, nn.Module]] = [
    (Blur(3), Blur(5)), (Dilated(1), Dilated(2)), (hooked(2.0), hooked(3.0)), (hooked(2.0), nn.Conv2d(4, 4, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), ALIKE, ids=["buffer-shape", "buffer-value", "hooks", "hook"])
def test_blocks_that_differ_in_what_is_not_saved_as_weights_are_different(tmp_path: Path, one: nn.Module, other: nn.Module) -> None:
    assert one.state_dict().keys() == other.state_dict().keys() and repr(one) == repr(other)
    assert export_space([{"one": one, "other": other}], (4, 8, 8), tmp_path, exporter="torchscript").files == 2


class Pruned(nn.Module):
    """A convolution of the channels whose weights are not all 0: its code depends on the values of weights."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4, 1, 1))
        with torch.no_grad():
            self.weight[channels:] = 0.0

    def forward(self, x: Tensor) -> Tensor:
        kept = self.weight[[i for i in range(4) if bool(self.weight[i].any())]]
        return F.conv2d(x, kept).mean(1, keepdim=True)


def test_modules_whose_code_depends_on_their_weights_can_be_exported_one_by_one(tmp_path: Path) -> None:
    given: Any = {"input_shape": (4, 8, 8), "exporter": "torchscript"}
    layers = [{"all": Pruned(4), "half": Pruned(2), "again": Pruned(2)}]
    assert export_space(layers, folder=tmp_path / "once", **given).files == 1
    assert export_space(layers, folder=tmp_path / "each", dedupe=False, **given).files == 2


def test_scalars_count_in_a_fingerprint_and_weights_do_not(tmp_path: Path) -> None:
    clips = {"relu6": nn.Hardtanh(0.0, 6.0), "relu3": nn.Hardtanh(0.0, 3.0)}
    convs = {"a": nn.Conv2d(4, 4, 1), "b": nn.Conv2d(4, 4, 1)}
    assert export_space([{**clips, **convs}], (4, 8, 8), tmp_path).files == 3
    models = [onnx.load(path) for path in (tmp_path / "blocks").iterdir()]
    assert len({fingerprint(model) for model in models}) == 3


def test_factors_of_a_resize_count_in_a_fingerprint(tmp_path: Path) -> None:
    pooled = {f"x{n}": nn.Sequential(nn.Upsample(scale_factor=n), nn.AdaptiveAvgPool2d(1)) for n in (2, 3)}
    assert export_space([pooled], (4, 8, 8), tmp_path).files == 2

    def resized(name: str) -> str:
        nodes = [
            onnx.helper.make_node("Identity", ["factors"], ["copy"]),
            onnx.helper.make_node("Resize", ["x", "", name], ["larger"]),
            onnx.helper.make_node("GlobalAveragePool", ["larger"], ["y"]),
        ]
        x, y = (onnx.helper.make_tensor_value_info(port, onnx.TensorProto.FLOAT, [1, 4, 8, 8]) for port in "xy")
        factors = onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "factors")
        graph = onnx.helper.make_graph(nodes, "", [x], [y], [factors])
        return fingerprint(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)]))

    # What the programs compute: `blocks/tests/onnx_block.rs` has the same file.
    assert resized("factors") == resized("copy") == "912cbb0b6f0ad78e838c8c375c24d2919934c1e74c7ff7066198ce252d2a2ab7"


class Two(nn.Module):
    """Gives its input and half of its channels."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x + 1, x[:, :2] * 2


class Twice(nn.Module):
    """Doubles the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, x])


class Named(nn.Module):
    """Gives a dict."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"y": x}


class Sum(nn.Module):
    """Adds the means of two maps."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x.mean() + y.mean((1, 2, 3))


def test_an_output_can_be_named_by_its_number(tmp_path: Path) -> None:
    inputs = {"L1": ["two:1"], "sum": ["L1", "two:0"]}
    export_space([{"conv": nn.Conv2d(2, 2, 1)}], (4, 8, 8), tmp_path, before={"two": Two()}, after={"sum": Sum()}, inputs=inputs)
    slots = parse((tmp_path / "space.toml").read_text())["slot"]
    assert slots[1]["inputs"] == ["two:1"] and slots[2]["inputs"] == ["L1", "two:0"]


def test_a_network_can_have_several_inputs_and_outputs(tmp_path: Path) -> None:
    heads = {"boxes": Of(lambda x, pose: x * pose), "classes": nn.Conv2d(8, 3, 1)}
    report = export_space(
        [{"k3": conv(4, 8), "k1": nn.Conv2d(4, 8, 1)}], {"image": (4, 8, 8), "pose": (1, 8, 1, 1)}, tmp_path, after=heads,
        inputs={"boxes": ["L1", "pose"], "classes": ["L1"]}, outputs=["boxes", "classes:0"],
    )  # fmt: skip
    assert report.files == 4
    manifest = parse((tmp_path / "space.toml").read_text())
    assert manifest["input"] == {"image": [4, 8, 8], "pose": [8, 1, 1]} and manifest["outputs"] == ["boxes", "classes:0"]
    assert [slot.get("inputs") for slot in manifest["slot"]] == [["image"], ["L1", "pose"], ["L1"]]
    onnx.checker.check_model(onnx.load(tmp_path / manifest["slot"][1]["file"]))
    single = tmp_path / "single"
    export_space([{"k1": nn.Conv2d(4, 8, 1)}], {"input": (4, 8, 8)}, single, outputs="L1")
    manifest = parse((single / "space.toml").read_text())
    assert manifest["input"] == [4, 8, 8] and manifest["outputs"] == ["L1"] and "inputs" not in manifest["slot"][0]


class Of(nn.Module):
    """What a function makes of its inputs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs)


def conv(c_in: int, c_out: int, stride: int = 1) -> nn.Module:
    return nn.Conv2d(c_in, c_out, 3, stride, 1)


UNTRACKED = nn.BatchNorm2d(4, track_running_stats=False)

REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"layers": [{"a": conv(4, 8), "b": conv(4, 8, 2)}]}, ["layer 'L1', 'b': outputs 8x4x4, but 'a' outputs 8x8x8"]),
    ({"layers": [{"a": conv(4, 8), "skip": None}]}, ["layer 'L1', 'skip': outputs 4x8x8, but 'a' outputs 8x8x8"]),
    ({"layers": [{"a": conv(4, 8), "b": conv(5, 8), "c": conv(4, 9)}]}, ["'L1', 'b': ", "'L1', 'c': outputs 9x8x8"]),
    ({"layers": [{"a": conv(4, 8)}, {"b": conv(4, 4)}]}, ["layer 'L2', 'b': "]),
    ({"layers": [{"a": Twice()}]}, ["outputs 2x4x8x8, but the batch must stay 1"]),
    ({"layers": [{"a": Named()}]}, ["returns dict; it must return a tensor"]),
    ({"layers": [{"a": Two()}, {"b": conv(4, 4)}]}, ["output 1 of 'L1' is not used"]),
    ({"layers": [{}]}, ["layer 'L1': 0 candidates"]),
    ({"layers": []}, ["0 slots; there must be 1 to 256"]),
    ({"layers": [{"a,b": conv(4, 4)}]}, ["name 'a,b' is not made of up to 64 letters"]),
    ({"layers": [{"größe": conv(4, 4)}]}, ["name 'größe' is not"]),
    ({"layers": [{"../a": conv(4, 4)}]}, ["name '../a' is not"]),
    ({"layers": [{"a" * 65: conv(4, 4)}]}, ["aaa' is not"]),
    ({"layers": [{3: conv(4, 4)}]}, ["name 3 is not"]),
    ({"layers": [{"a": conv(4, 4)}], "name": "my space"}, ["name 'my space' is not"]),
    ({"layers": [{"a": conv(4, 4)}], "name": "\N{GRINNING FACE}"}, ["name '\N{GRINNING FACE}' is not"]),
    ({"layers": [{"a": conv(4, 4)}], "before": {"stem": nn.Identity()}}, ["'stem': a fixed piece that does nothing"]),
    ({"layers": [{"a": conv(4, 4)}], "after": {"head": None}}, ["'head': a fixed piece that does nothing"]),
    ({"layers": [{"a": conv(4, 4)}], "input_shape": (4, 0, 8)}, ["input_shape (4, 0, 8)"]),
    ({"layers": [{"a": conv(4, 4)}], "input_shape": (1,)}, ["input_shape (1,)"]),
    ({"layers": [{"a": Of(torch.Tensor.double)}]}, ["layer 'L1', 'a': outputs float64; only float32 is measured"]),
    ({"layers": [{"a": conv(4, 4)}], "after": {"head": Of(lambda x: x.argmax(1))}}, ["'head': outputs int64"]),
    ({"layers": [{"a": Of(lambda x: x / 0)}]}, ["layer 'L1', 'a': its outputs are not finite"]),
    ({"layers": [{"a": Of(lambda x: x[:, :0])}]}, ["layer 'L1', 'a': outputs 0x8x8, which holds no values"]),
    ({"layers": [{"a": Of(lambda x: ())}]}, ["layer 'L1', 'a': returns nothing"]),
    ({"layers": [{"a": torch.relu, "b": nn.ReLU, "c": conv(4, 4)}]}, ["layer 'L1', 'a': <built-in", "layer 'L1', 'b': <class"]),
    ({"layers": [{"a": nn.Conv2d(4, 4, 1, device="meta")}, {"b": nn.LazyConv2d(4, 1)}]}, ["'a': cannot be copied", "'b': cannot be copied"]),
    ({"layers": [{"a": nn.Sequential(conv(4, 4), UNTRACKED)}, {"b": UNTRACKED}], "exporter": "dynamo"},
     ["layer 'L1', 'a': '1' has no running statistics", "layer 'L2', 'b': BatchNorm2d has no running statistics"]),
    ({"layers": [{"a": conv(4, 4)}], "names": ["stem"], "before": {"stem": conv(4, 4)}}, ["several slots have the name stem"]),
    ({"layers": [{"a": conv(4, 4)}], "names": ["x", "y"]}, ["2 names for 1 layers"]),
    ({"layers": [{"a": conv(4, 4)}], "inputs": {"L9": ["input"]}}, ["no slot 'L9'"]),
    ({"layers": [{"a": conv(4, 4)}], "inputs": {"L1": ["L1"]}}, ["slot 'L1': there is no source 'L1' before it"]),
    ({"layers": [{"a": conv(4, 4)}], "inputs": {"L1": ["input:1"]}}, ["there is no source 'input:1'"]),
    ({"layers": [{"a": conv(4, 4)}], "inputs": {"L1": ["input:0"]}}, ["there is no source 'input:0'"]),
    ({"layers": [{"a": conv(4, 4)}], "outputs": ["L2", "input", "L1:1"]},
     ["output 'L2'", "output 'input'", "output 'L1:1'", "output 0 of 'L1' is not used"]),
    ({"layers": [{"a": conv(4, 4)}], "outputs": ["L1", "L1:0"]}, ["'L1' stands twice", "'L1:0' stands twice"]),
    ({"layers": [{"a": conv(4, 4)}], "outputs": []}, ["names no output", "output 0 of 'L1' is not used"]),
    ({"layers": [{"a": conv(4, 4)}, {"b": conv(4, 4)}], "outputs": ["L1"]}, ["output 0 of 'L2' is not used"]),
    ({"layers": [{"a": conv(4, 4)}], "input_shape": {"x": (4, 8, 8), "y": (1, 4, 8, 8)}}, ["the input 'y' is not used"]),
    ({"layers": [{"a": conv(4, 4)}], "input_shape": {"x": (4, 8, 8)}, "inputs": {"L1": ["input"]}}, ["there is no source 'input'"]),
    ({"layers": [{"a": conv(4, 4)}], "input_shape": {"L1": (4, 8, 8)}}, ["an input and a slot have the name L1"]),
    ({"layers": [{"a": conv(4, 4)}], "input_shape": {"a b": (4, 8, 8)}}, ["name 'a b' is not"]),
    ({"layers": [{"a": conv(4, 4)}], "input_shape": {"x": (4, 0, 8)}}, ["input_shape (4, 0, 8)"]),
    ({"layers": [{"a": conv(4, 4)}], "input_shape": {}}, ["input_shape names no inputs"]),
]


@pytest.mark.parametrize(("given", "told"), REFUSED, ids=[told[0] for _, told in REFUSED])
def test_what_cannot_be_exported_is_told_before_the_first_file(tmp_path: Path, given: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(ExportError) as caught:
        export_space(**{"input_shape": (4, 8, 8), "folder": tmp_path / "s", **given})
    assert all(part in str(caught.value) for part in told), str(caught.value)
    assert len(caught.value.faults) == len(told) and not (tmp_path / "s").exists()


def test_norms_of_single_images_need_no_statistics(tmp_path: Path) -> None:
    norms = {"instance": nn.InstanceNorm2d(4), "group": nn.GroupNorm(2, 4)}
    assert export_space([{name: nn.Sequential(norm, conv(4, 4)) for name, norm in norms.items()}], (4, 8, 8), tmp_path).files == 2


class Odd(nn.Module):
    """No operator of ONNX computes it."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.svdvals(x)


def test_a_module_that_no_exporter_takes_is_named_and_leaves_no_files(tmp_path: Path) -> None:
    for folder in (tmp_path / "new", tmp_path):
        with pytest.raises(ExportError, match="layer 'L1', 'odd': "):
            export_space([{"odd": Odd()}], (4, 8, 8), folder, exporter="torchscript")
        assert not list(tmp_path.iterdir())


def test_a_file_that_computes_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # ONNX Runtime would find NaN where the module has none, or random numbers.
    drops = Of(F.dropout)
    with pytest.raises(ExportError, match="layer 'L1', 'drops': the outputs of its ONNX file differ"):
        export_space([{"drops": drops}], (4, 8, 8), tmp_path, exporter="torchscript")
    broken = conv(4, 4)
    found = export(broken, [(1, 4, 8, 8)], "torchscript", 17)
    for tensor in found.graph.initializer:
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.full(tuple(tensor.dims), np.nan, np.float32), tensor.name))
    assert math.isnan(difference(found, broken, [(1, 4, 8, 8)]) or 0.0)
    monkeypatch.setattr(files, "difference", lambda *_: math.nan)
    with pytest.raises(ExportError, match="differ"):
        export_space([{"conv": broken}], (4, 8, 8), tmp_path)


def test_an_input_that_is_not_used_is_refused(tmp_path: Path) -> None:
    layers = [{"first": Of(lambda x, y: x * 2), "both": Of(lambda x, y: x + y.mean())}]
    with pytest.raises(ExportError) as caught:
        export_space(layers, (4, 8, 8), tmp_path, before={"two": Two()}, inputs={"L1": ["two:0", "two:1"]}, exporter="torchscript")
    assert caught.value.faults == ("layer 'L1', 'first': it does not use all of its inputs",)


@pytest.mark.parametrize("shape", [(6, 8), (1, 6, 8, 4), (np.int64(6), np.int64(8)), torch.Size([1, 8]), (2, 3, 4, 4)], ids=str)
def test_inputs_have_any_number_of_dimensions(tmp_path: Path, shape: tuple[int, ...]) -> None:
    export_space([{"linear": nn.Linear(shape[-1], 3)}], shape, tmp_path, inputs={"L1": "input"})
    manifest = parse((tmp_path / "space.toml").read_text())
    assert manifest["input"] == [int(side) for side in shape[int(shape[0] == 1) :]] and "inputs" not in manifest["slot"][0]


def test_a_folder_is_replaced_only_if_told_and_only_if_it_is_a_space(tmp_path: Path) -> None:
    export_space([{"a": conv(4, 4), "b": conv(4, 4, 1)}], (4, 8, 8), tmp_path)
    with pytest.raises(FileExistsError):
        export_space([{"a": nn.Conv2d(4, 4, 1)}], (4, 8, 8), tmp_path)
    export_space([{"a": nn.Conv2d(4, 4, 1)}], (4, 8, 8), tmp_path, overwrite=True)
    assert len(list((tmp_path / "blocks").iterdir())) == 1
    whole = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ExportError):
        export_space([{"odd": Odd()}], (4, 8, 8), tmp_path, overwrite=True, exporter="torchscript")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        export_space([{"a": conv(4, 4)}], (4, 8, 8), tmp_path, overwrite=True)
    (tmp_path / "notes.txt").unlink()
    assert whole == {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}, "nothing is lost"
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("kept")
    with pytest.raises(FileExistsError):
        export_space([{"a": conv(4, 4)}], (4, 8, 8), other, overwrite=True)
    with pytest.raises(ValueError, match="exporter 'onnx'"):
        export_space([{"a": conv(4, 4)}], (4, 8, 8), tmp_path / "third", exporter="onnx")
