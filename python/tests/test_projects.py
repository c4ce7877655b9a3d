"""Adaptors in the projects that they are for, as far as those are installed."""

from __future__ import annotations

import random
import runpy
import sys
from pathlib import Path
from typing import Any

import made_up
import numpy
import ofa
import pytest
import timm
import torch
from torch import nn

from blocktime import Lut, Misfit
from blocktime.adaptors.ofa import OfaLatency
from blocktime.adaptors.timm import parts_of
from blocktime.export import export_space
from blocktime.header import parse

# EfficientNets have a norm behind their last convolution, MobileNetV3 and V4 that convolution behind the pooling.
# GhostNet has the activation of its stem apart from the norm.
TIMM = {
    "efficientnet_lite0": (16, 9),
    "mobilenetv2_050": (17, 10),
    "fbnetc_100": (21, 15),
    "mobilenetv3_small_050": (12, 7),
    "mobilenetv4_conv_small": (17, 10),
    "ghostnet_100": (17, 0),
}
"""Blocks of timm's models, and how many of them add their input."""


@pytest.mark.parametrize("name", TIMM)
def test_timms_parts_are_the_whole_model(name: str) -> None:
    model = timm.create_model(name, num_classes=5).eval()
    parts = parts_of(model)
    assert parts["names"][0] == "0.0" and len(set(parts["names"])) == len(parts["layers"])
    assert (len(parts["layers"]), sum("skip" in layer for layer in parts["layers"])) == TIMM[name]
    x = torch.randn(1, 3, 64, 64)
    y = parts["before"]["stem"](x)
    for layer in parts["layers"]:
        y = layer["block"](y)
    assert torch.equal(parts["after"]["head"](y), model(x))


# No stem and blocks; blocks that are no stages; no head; features of several stages fused.
@pytest.mark.parametrize("name", ["resnet10t", "vit_tiny_patch16_224", "mobilevit_xxs", "mobilenetv3_small_050-features", "mobilenetv5_base"])
def test_timms_models_of_another_form_are_refused_by_their_class(name: str) -> None:
    with torch.device("meta"):
        model = timm.create_model(name.removesuffix("-features"), features_only=name.endswith("-features"))
    with pytest.raises(Misfit) as caught:
        parts_of(model)
    assert caught.value.given == type(model).__name__ and type(model).__name__ in str(caught.value)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenetv3_small_050"])
def test_timms_models_are_exported(tmp_path: Path, name: str) -> None:
    model = timm.create_model(name, num_classes=5).eval()
    report = export_space(input_shape=(3, 32, 32), folder=tmp_path, **parts_of(model))
    blocks, skips = TIMM[name]
    assert (report.candidates, report.identities) == (blocks + 2, skips)
    head = next(slot for slot in parse((tmp_path / "space.toml").read_text())["slot"] if slot["name"] == "head")
    own = [module for part in ("conv_head", "bn2", "norm_head", "classifier") if (module := getattr(model, part, None)) is not None]
    values = sum(value.numel() for module in own for value in module.state_dict().values())
    assert (tmp_path / head["file"]).stat().st_size < 4 * values + 4000, "the head holds no blocks"


class Larger:
    """An accuracy predictor: the larger a subnet's kernels, expansions and depths, the better."""

    def __init__(self, arch_encoder: Any) -> None:
        self.arch_encoder = arch_encoder

    def predict_acc(self, samples: list[dict[str, Any]]) -> torch.Tensor:
        return torch.tensor([[sum(sample["ks"]) + sum(sample["e"]) + 10 * sum(sample["d"])] for sample in samples]) / 1000

    predict_accuracy = predict_acc  # As the tutorial calls it.


def test_once_for_alls_finder_searches_with_a_table() -> None:
    from ofa.nas.accuracy_predictor import MobileNetArchEncoder
    from ofa.nas.search_algorithm import EvolutionFinder

    random.seed(1)
    numpy.random.seed(1)
    latency = OfaLatency({192: made_up.ofa(5.0), 224: made_up.ofa(10.0)})
    finder = EvolutionFinder(latency, Larger(MobileNetArchEncoder(image_size_list=[192, 224])), population_size=20)
    valid, (accuracy, sample, found) = finder.run_evolution_search(2.5, verbose=True, max_time_budget=30)
    assert found == latency.get_efficiency(sample) <= 2.5 < latency.get_efficiency({**sample, "d": [4] * 5, "ks": [7] * 20, "e": [6] * 20})
    assert accuracy == valid[-1] > valid[1]


def test_once_for_alls_tutorial_searches_with_a_table() -> None:
    # The file alone: its package fetches trained networks.
    finder_of = runpy.run_path(str(Path(ofa.__file__).parent / "tutorial" / "evolution_finder.py"))["EvolutionFinder"]
    random.seed(1)
    numpy.random.seed(1)
    latency = OfaLatency({size: made_up.ofa(size / 4) for size in (160, 176, 192, 208, 224)})
    finder = finder_of("note10", 15, latency, Larger(None), population_size=20, max_time_budget=30)
    valid, (accuracy, sample, found) = finder.run_evolution_search()
    assert found == latency.predict_efficiency(sample) <= 15
    assert accuracy == valid[-1] > valid[1]


def test_nni_profiles_its_own_model_space(tiny: Lut) -> None:
    pytest.importorskip("nni", reason="NNI is large, and old for this PyTorch: the tests do not install it")
    from nni.nas.nn.pytorch import LayerChoice, ModelSpace

    class Model(ModelSpace):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = LayerChoice({"mb_k3_res": nn.Identity(), "sep_k3": nn.Identity()}, label="L1")
            self.second = LayerChoice([nn.Identity(), nn.Identity()], label="L2")

        def forward(self, x: torch.Tensor) -> Any:
            return self.second(self.first(x))

    sys.modules.pop("blocktime.adaptors.nni", None)
    from blocktime.adaptors.nni import LutProfiler

    profiler = LutProfiler(Model(), tiny, unit="us")
    for first in ("mb_k3_res", "sep_k3"):
        for second in (0, 1):
            assert profiler.profile({"L1": first, "L2": second}) == pytest.approx(tiny.predict([first, second]).total_us)
