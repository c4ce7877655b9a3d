"""Adaptors, each called as the search that it is for calls it. The searches themselves are not installed."""

from __future__ import annotations

import inspect
import random
import sys
import types
from pathlib import Path
from typing import Any, Iterable

import made_up
import pytest
import torch
from made_up import Shape
from torch import Tensor, nn

import blocktime.adaptors
from blocktime import Lut, UnknownCandidate
from blocktime.adaptors import fbnet, ofa, proxylessnas, timm
from blocktime.export import export_space
from blocktime.header import parse


def test_each_adaptor_is_short() -> None:
    folder = Path(inspect.getfile(blocktime.adaptors)).parent
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) == 5 and all(len(path.read_text().splitlines()) <= 40 for path in modules)


def ofa_table(scale: float) -> Lut:
    """20 layers in five stages: a block of kernel k and expansion e takes k · e · scale µs."""
    shape = (8, 8, 1, 4, 4)
    blocks = {f"k{k}_e{e}": (shape, k * e * scale) for k in (3, 5, 7) for e in (3, 4, 6)}
    skip = {"skip": (shape, 0.0)}
    return made_up.table([{**blocks, **(skip if i % 4 >= 2 else {})} for i in range(20)], {"stem": 100.0, "head": 200.0})


def test_ofa_takes_only_the_layers_within_each_depth() -> None:
    latency = ofa.OfaLatency({192: ofa_table(1.0), 224: ofa_table(2.0)})
    spec: dict[str, Any] = {"wid": None, "ks": [3] * 20, "e": [4] * 20, "d": [2, 3, 4, 2, 2], "r": [224]}
    assert latency.predict_efficiency(spec) == pytest.approx((300 + 13 * 12 * 2) / 1000)
    assert latency.predict_efficiency({**spec, "r": [192]}) == pytest.approx((300 + 13 * 12) / 1000)
    named = {"ks": spec["ks"], "e": spec["e"], "d": spec["d"], "image_size": 192}
    assert latency.get_efficiency(named) == latency.predict_efficiency({**spec, "r": [192]})
    with pytest.raises(ValueError, match="no table for pictures of 160 pixels; there are 192, 224"):
        latency.predict_efficiency({**spec, "r": [160]})
    with pytest.raises(UnknownCandidate):
        latency.predict_efficiency({**spec, "ks": [9] * 20})


def test_ofa_finds_a_subnet_within_a_limit_by_chance_as_its_finder_does() -> None:
    latency, draw = ofa.OfaLatency({224: ofa_table(10.0)}), random.Random(0)
    while True:
        sample = {
            "ks": [draw.choice([3, 5, 7]) for _ in range(20)],
            "e": [draw.choice([3, 4, 6]) for _ in range(20)],
            "d": [draw.choice([2, 3, 4]) for _ in range(5)],
            "r": [224],
        }
        efficiency = latency.predict_efficiency(sample)
        if efficiency <= 3.0:
            break
    assert 1.2 < efficiency <= 3.0


def proxyless_table() -> Lut:
    """Two layers of two stages at a picture of 224; µs are made of kernel and expansion."""

    def blocks(shape: Shape) -> dict[str, tuple[Shape, float]]:
        return {f"{k}x{k}_MBConv{e}": (shape, 1000.0 * k + e + shape[2]) for k in (3, 5, 7) for e in (3, 6)}

    layers = [blocks((16, 24, 2, 112, 112)), {**blocks((24, 24, 1, 56, 56)), "Zero": ((24, 24, 1, 56, 56), 0.0)}]
    return made_up.table(layers, {"first_conv": 9000.0, "first_block": 8000.0, "mix": 7000.0, "fc": 6000.0})


def test_proxylessnas_asks_for_layers_by_shapes() -> None:
    fixed = {"Conv": "trunk:first_conv", "expanded_conv": "trunk:first_block", "Conv_1": "trunk:mix", "Logits": "trunk:fc"}
    estimator = proxylessnas.LatencyEstimator(proxyless_table(), fixed)
    # The calls of the upstream method `expected_latency`, positional as there.
    expected = 0.0
    expected += estimator.predict("Conv", [224, 224, 3], [112, 112, 32])
    expected += estimator.predict("Conv_1", [7, 7, 320], [7, 7, 1280])
    expected += estimator.predict("Logits", [7, 7, 1280], [1000])
    expected += estimator.predict("expanded_conv", [112, 112, 32], [112, 112, 16], expand=1, kernel=3, stride=1, idskip=0)
    assert expected == pytest.approx(30.0)
    shares = torch.tensor([0.25, 0.75], requires_grad=True)
    for share, (kernel, expand) in zip(shares, ((3, 6), (7, 3))):
        time = estimator.predict("expanded_conv", [112, 112, 16], [56, 56, 24], expand=expand, kernel=kernel, stride=2, idskip=0)
        expected = expected + time * share
    assert expected.item() == pytest.approx(30.0 + 0.25 * 3.008 + 0.75 * 7.005)  # type: ignore[attr-defined]
    expected.backward()  # type: ignore[attr-defined]
    assert shares.grad is not None and shares.grad.tolist() == pytest.approx([3.008, 7.005])
    found = estimator.predict("expanded_conv", (56, 56, 24), (56, 56, 24), expand=6, kernel=5, stride=1, idskip=1)
    assert found == pytest.approx(5.007)
    with pytest.raises(KeyError, match="9x9_MBConv3"):
        estimator.predict("expanded_conv", [112, 112, 16], [56, 56, 24], expand=3, kernel=9, stride=2, idskip=0)
    with pytest.raises(KeyError, match="Pool"):
        estimator.predict("Pool", [7, 7, 320], [1, 1, 320])


class FbnetLookUpTable:
    """The attributes of the forks' class that their supernets and samplers read."""

    def __init__(self, operations: Iterable[str], layers: int) -> None:
        self.lookup_table_operations = dict.fromkeys(operations)
        self.cnt_layers = layers
        self.lookup_table_latency: list[dict[str, float]] = []


def test_fbnet_forks_get_their_dict(tiny: Lut) -> None:
    shape = (8, 8, 1, 4, 4)
    lut = made_up.table([{"ir_k3_e1": (shape, 5.0), "skip": (shape, 0.0)}, {"ir_k3_e1": (shape, 5.0), "skip": (shape, 0.0)}], {})
    table = FbnetLookUpTable(["ir_k3_e1", "skip"], 2)
    fbnet.fill(table, lut)
    names = list(table.lookup_table_operations)
    sampled = sum(table.lookup_table_latency[layer][names[choice]] for layer, choice in enumerate([0, 1]))
    assert sampled == 5.0 and [table.lookup_table_latency[0][name] for name in names] == [5.0, 0.0]
    with pytest.raises(ValueError, match="2 layers, the fork's lookup table 22"):
        fbnet.fill(FbnetLookUpTable(names, 22), lut)
    untouched = FbnetLookUpTable(["ir_k3_e1", "ir_k5_e6"], 2)
    with pytest.raises(ValueError, match="layer L1: the table has no candidate ir_k5_e6"):
        fbnet.fill(untouched, lut)
    assert untouched.lookup_table_latency == []


class Expression:
    """What stands for NNI's expressions: a function of a sample, with sums."""

    def __init__(self, evaluate: Any) -> None:
        self.evaluate = evaluate

    def __add__(self, other: Any) -> Expression:
        return Expression(lambda sample: self.evaluate(sample) + (other.evaluate(sample) if isinstance(other, Expression) else other))

    __radd__ = __add__

    @staticmethod
    def switch_case(branch: Any, expressions: dict[Any, float]) -> Expression:
        return Expression(lambda sample: expressions[sample[branch.label]])


class Choice:
    """A choice of NNI: a label and its values."""

    def __init__(self, label: str, values: list[Any]) -> None:
        self.label, self.values = label, values


class ModelSpace:
    """A model space of NNI: what it gives of its choices."""

    def __init__(self, *choices: Choice) -> None:
        self.choices = choices

    def simplify(self) -> dict[str, Choice]:
        return {choice.label: choice for choice in self.choices}


@pytest.fixture
def nni_adaptor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The adaptor over a stand-in for NNI."""

    class ExpressionProfiler:
        expression: Any

        def profile(self, sample: dict[str, Any]) -> float:
            return float(self.expression if isinstance(self.expression, (float, int)) else self.expression.evaluate(sample))

    for name, contents in (
        ("nni", {}),
        ("nni.mutable", {"MutableExpression": Expression}),
        ("nni.nas", {}),
        ("nni.nas.profiler", {"ExpressionProfiler": ExpressionProfiler}),
    ):
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "blocktime.adaptors.nni", raising=False)
    import blocktime.adaptors.nni as adaptor

    yield adaptor
    sys.modules.pop("blocktime.adaptors.nni", None)


def test_nni_profiles_a_sample_by_labels(nni_adaptor: Any, tiny: Lut) -> None:
    space = ModelSpace(Choice("L2", ["gh_k3", "mb_k3_e2_res"]), Choice("width", [1, 2]), Choice("L1", [0, 1]))
    profiler = nni_adaptor.LutProfiler(space, tiny, unit="us")
    assert profiler.profile({"L1": 1, "L2": "gh_k3", "width": 2}) == pytest.approx(tiny.predict(["sep_k3", "gh_k3"]).total_us)
    other = ModelSpace(Choice("a", ["sep_k3"]), Choice("b", ["gh_k3"]))
    assert nni_adaptor.LutProfiler(other, tiny, ["a", "b"]).profile({"a": "sep_k3", "b": "gh_k3"}) == pytest.approx(0.07)
    with pytest.raises(ValueError, match="no choice labelled L1, L2; it has a, b"):
        nni_adaptor.LutProfiler(other, tiny)
    with pytest.raises(ValueError, match="1 labels for 2 layers"):
        nni_adaptor.LutProfiler(other, tiny, ["a"])
    with pytest.raises(UnknownCandidate):
        nni_adaptor.LutProfiler(other, tiny, ["b", "a"])


class TimmBlock(nn.Module):
    """A block of timm: it says whether it adds its input."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.has_skip = c_in == c_out and stride == 1
        self.conv = nn.Conv2d(c_in, c_out, 3, stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.has_skip else self.conv(x)


class TimmNet(nn.Module):
    """The parts of timm's EfficientNet (with `bn2`) or MobileNetV3 (without), by its names, and its forward pass."""

    def __init__(self, efficient: bool) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4)
        self.blocks = nn.Sequential(nn.Sequential(TimmBlock(4, 8, 2), TimmBlock(8, 8, 1)), nn.Sequential(TimmBlock(8, 8, 1)))
        self.conv_head = nn.Conv2d(8, 16, 1)
        if efficient:
            self.bn2 = nn.BatchNorm2d(16)
        self.classifier = nn.Linear(16, 5)

    def forward_head(self, x: Tensor) -> Tensor:
        x = x.mean((2, 3), keepdim=True)
        return self.classifier((x if hasattr(self, "bn2") else self.conv_head(x)).flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.bn1(self.conv_stem(x)))
        return self.forward_head(self.bn2(self.conv_head(x)) if hasattr(self, "bn2") else x)


@pytest.mark.parametrize("efficient", [True, False])
def test_timms_parts_are_the_whole_model_and_can_be_exported(tmp_path: Path, efficient: bool) -> None:
    model = TimmNet(efficient).eval()
    parts = timm.parts_of(model)
    assert parts["names"] == ["0.0", "0.1", "1.0"] and [list(layer) for layer in parts["layers"]] == [["block"], *[["block", "skip"]] * 2]
    x = torch.randn(1, 3, 32, 32)
    y = parts["before"]["stem"](x)
    for layer in parts["layers"]:
        y = layer["block"](y)
    assert torch.equal(parts["after"]["head"](y), model(x))
    report = export_space(input_shape=(3, 32, 32), folder=tmp_path, **parts)
    assert (report.files, report.identities) == (4, 2)
    head = next(slot for slot in parse((tmp_path / "space.toml").read_text())["slot"] if slot["name"] == "head")
    assert (tmp_path / head["file"]).stat().st_size < 4000, "the head holds no blocks"
