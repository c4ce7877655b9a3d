"""Adaptors, each called as the search that it is for calls it, without that search; `test_projects.py` runs some in the projects themselves."""

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

import blocktime.adaptors
from blocktime import Lut, Misfit, Unknown, UnknownCandidate
from blocktime.adaptors import fbnet, ofa, proxylessnas


def test_each_adaptor_is_short() -> None:
    folder = Path(inspect.getfile(blocktime.adaptors)).parent
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) == 5 and all(len(path.read_text().splitlines()) <= 40 for path in modules)


def test_ofa_takes_only_the_layers_within_each_depth() -> None:
    latency = ofa.OfaLatency({192: made_up.ofa(1.0), 224: made_up.ofa(2.0)})
    spec: dict[str, Any] = {"wid": None, "ks": [3] * 20, "e": [4] * 20, "d": [2, 3, 4, 2, 2], "r": [224]}
    assert latency.predict_efficiency(spec) == pytest.approx((300 + 13 * 12 * 2) / 1000)
    assert latency.predict_efficiency({**spec, "r": [192]}) == pytest.approx((300 + 13 * 12) / 1000)
    named = {"ks": spec["ks"], "e": spec["e"], "d": spec["d"], "image_size": 192}
    assert latency.get_efficiency(named) == latency.predict_efficiency({**spec, "r": [192]})
    with pytest.raises(Unknown) as size:
        latency.predict_efficiency({**spec, "r": [160]})
    assert (size.value.asked, size.value.known) == (160, (192, 224))
    with pytest.raises(UnknownCandidate) as kernel:
        latency.predict_efficiency({**spec, "ks": [9] * 20})
    assert (kernel.value.layer, kernel.value.asked) == ("L1", "k9_e4")
    for wrong in ({"ks": [3] * 21, "e": [4] * 21}, {"ks": [3] * 19}, {"e": [4] * 19}, {"d": []}):
        with pytest.raises(Misfit) as lengths:
            latency.predict_efficiency({**spec, **wrong})
        assert lengths.value.given == {**spec, **wrong}
    for depth in (9, 5, -1):
        with pytest.raises(Misfit) as depths:
            latency.predict_efficiency({**spec, "d": [2, 3, depth, 2, 2]})
        assert depths.value.given == {**spec, "d": [2, 3, depth, 2, 2]}


def test_ofa_finds_a_subnet_within_a_limit_by_chance_as_its_finder_does() -> None:
    latency, draw = ofa.OfaLatency({224: made_up.ofa(10.0)}), random.Random(0)
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
    with pytest.raises(Unknown) as block:
        estimator.predict("expanded_conv", [112, 112, 16], [56, 56, 24], expand=3, kernel=9, stride=2, idskip=0)
    assert block.value.asked == ("expanded_conv", "9x9_MBConv3", (112, 112, 16), (56, 56, 24))
    with pytest.raises(Unknown) as piece:
        estimator.predict("Pool", [7, 7, 320], [1, 1, 320])
    assert isinstance(piece.value.asked, tuple) and piece.value.asked[0] == "Pool"
    assert set(fixed) < set(piece.value.known) and len(piece.value.known) == 4 + 6 + 7


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
    with pytest.raises(Misfit) as layers:
        fbnet.fill(FbnetLookUpTable(names, 22), lut)
    assert (layers.value.given, layers.value.fitting) == (22, 2)
    untouched = FbnetLookUpTable(["ir_k3_e1", "ir_k5_e6"], 2)
    with pytest.raises(Misfit) as operations:
        fbnet.fill(untouched, lut)
    assert (operations.value.layer, operations.value.given) == ("L1", ("ir_k3_e1", "ir_k5_e6"))
    assert operations.value.fitting == ("ir_k3_e1", "skip")
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
    for labels, given, fitting in [(None, ("a", "b"), ("L1", "L2")), (["a"], 1, 2)]:
        with pytest.raises(Misfit) as caught:
            nni_adaptor.LutProfiler(other, tiny, labels)
        assert (caught.value.given, caught.value.fitting) == (given, fitting)
    with pytest.raises(UnknownCandidate):
        nni_adaptor.LutProfiler(other, tiny, ["b", "a"])
