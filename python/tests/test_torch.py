"""The expected latency as a term of a loss."""

from __future__ import annotations

import math
from typing import Callable

import pytest
import torch
from conftest import CORPUS, ROOT
from torch import Tensor
from torch.nn import functional as F

from blocktime import Lut, Misfit, Space, Unknown, UnknownLayer
from blocktime.torch import ExpectedLatency

FIXED = sum(range(3, 12))


@pytest.fixture
def uneven() -> Lut:
    """Two layers with three candidates and one, without fixed pieces."""
    keys = ["mb_k3_res@32x14x14-s1-32", "sep_k3@32x14x14-s1-32", "mb_k3_e2_res@32x14x14-s2-64", "gh_k3@32x14x14-s2-64"]
    return Lut.read(CORPUS / "table" / "sound.csv", Space.of([{"a": keys[0], "b": keys[1], "c": keys[2]}, {"d": keys[3]}]))


def test_a_choice_costs_what_the_table_predicts(tiny: Lut) -> None:
    latency = ExpectedLatency(tiny, unit="us")
    for i in range(2):
        for k in range(2):
            weights = [F.one_hot(torch.tensor(choice), 2).float() for choice in (i, k)]
            assert latency(weights).item() == pytest.approx(tiny.predict([i, k]).total_us, rel=1e-6)
    assert ExpectedLatency(tiny)(weights).item() == pytest.approx(tiny.predict([1, 1]).total_us / 1000, rel=1e-6)
    assert ExpectedLatency(tiny, unit="us", include_fixed=False)(weights).item() == pytest.approx(7.0)


def test_the_gradient_by_a_share_is_the_candidates_time(tiny: Lut) -> None:
    shares = torch.full((2, 2), 0.5, requires_grad=True)
    latency = ExpectedLatency(tiny, unit="us")(shares)
    assert latency.item() == pytest.approx(FIXED + (6.5 + 4.25 + 7.125 + 2.75) / 2)
    latency.backward()
    assert shares.grad is not None and shares.grad.tolist() == [[6.5, 4.25], [7.125, 2.75]]


def test_the_gradient_by_architecture_weights_is_that_of_finite_differences(uneven: Lut) -> None:
    torch.manual_seed(0)
    alphas = [torch.randn(3, dtype=torch.float64, requires_grad=True), torch.randn(1, dtype=torch.float64, requires_grad=True)]
    of_logits = ExpectedLatency(uneven, unit="us", logits=True).double()
    of_shares = ExpectedLatency(uneven, unit="us").double()
    expected = sum(t * p for t, p in zip((6.5, 4.25, 7.125), alphas[0].softmax(0).tolist())) + 2.75
    assert of_logits(alphas).item() == pytest.approx(expected)
    assert of_shares([alpha.softmax(0) for alpha in alphas]).item() == pytest.approx(expected)
    assert torch.autograd.gradcheck(lambda *a: of_logits(list(a)), alphas)
    assert torch.autograd.gradcheck(lambda *a: of_shares([alpha.softmax(0) for alpha in a]), alphas)


def test_a_loss_moves_the_search_to_the_fast_candidates(tiny: Lut) -> None:
    alphas = [torch.nn.Parameter(torch.zeros(2)) for _ in range(2)]
    latency = ExpectedLatency(tiny, unit="us")
    optimizer = torch.optim.SGD(alphas, lr=1.0)
    for _ in range(20):
        optimizer.zero_grad()
        latency([F.softmax(alpha, 0) for alpha in alphas]).log().backward()
        optimizer.step()
    assert [int(alpha.argmax()) for alpha in alphas] == [1, 1]


def test_some_layers_of_the_table_can_be_searched_alone(uneven: Lut) -> None:
    last = ExpectedLatency(uneven, unit="us", layers=["L2"])
    assert last([torch.ones(1)]).item() == 2.75 and last.table.tolist() == [[2.75]]
    turned = ExpectedLatency(uneven, unit="us", layers=[1, "L1"])
    assert turned([torch.ones(1), torch.tensor([0.0, 0.0, 1.0])]).item() == 7.125 + 2.75
    assert turned.names == ["L2", "L1"] and turned.counts == [1, 3]
    with pytest.raises(UnknownLayer) as unknown:
        ExpectedLatency(uneven, layers=["L3"])
    assert unknown.value.asked == "L3"
    with pytest.raises(Misfit) as twice:
        ExpectedLatency(uneven, layers=["L2", "L1", 1])
    assert (twice.value.given, twice.value.layer) == (2, "L2")


def test_leading_dimensions_are_kept_and_padding_does_not_count(uneven: Lut) -> None:
    latency = ExpectedLatency(uneven, unit="us")
    weights = [torch.tensor([[1.0, 0, 0], [0, 0, 1.0]]), torch.ones(2, 1)]
    assert latency(weights).tolist() == [9.25, 9.875]
    padded = torch.tensor([[[1.0, 0, 0], [1.0, 77.0, float("nan")]]])
    assert latency(padded).tolist() == [9.25]
    assert latency(torch.stack([padded, padded])).shape == (2, 1)
    of_logits = ExpectedLatency(uneven, unit="us", logits=True)
    assert of_logits(torch.zeros(2, 3)).item() == pytest.approx((6.5 + 4.25 + 7.125) / 3 + 2.75)


def test_what_does_not_fit_is_named(uneven: Lut, tiny: Lut) -> None:
    latency = ExpectedLatency(uneven)
    wrong: list[tuple[Tensor | list[Tensor], object, object, str | None]] = [
        ([torch.ones(3) / 3], 1, 2, None),
        ([torch.ones(3) / 3, torch.ones(2) / 2], (2,), (1,), "L2"),
        (torch.zeros(3, 2), (3, 2), (2, 3), None),
        ([torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[2.0]])], 2.0, 1.0, "L2"),
        ([torch.ones(4, 3) / 3, torch.ones(2, 1)], (2, 1), (4, 1), "L2"),
        ([torch.ones(4, 3) / 3, torch.ones(1)], (1,), (4, 1), "L2"),
        ([torch.tensor([1.5, -0.5, 0.0]), torch.ones(1)], -0.5, 0.0, "L1"),
        (torch.tensor([[[1.0, 0, 0], [1.0, 0, 0]], [[0.75, -0.25, 0.5], [1.0, -7.0, 0]]]), -0.25, 0.0, "L1"),
        ([torch.tensor([0.5, 0.48, 0.0]).bfloat16(), torch.ones(1).bfloat16()], 0.98046875, 1.0, "L1"),
    ]
    for weights, given, fitting, layer in wrong:
        with pytest.raises(Misfit) as caught:
            latency(weights)
        assert (caught.value.given, caught.value.fitting, caught.value.layer) == (given, fitting, layer)
    with pytest.raises(Misfit) as caught:
        latency([torch.tensor([float("nan"), 0, 0]), torch.ones(1)])
    assert caught.value.layer == "L1" and isinstance(caught.value.given, float) and math.isnan(caught.value.given)
    unchecked = ExpectedLatency(uneven, unit="us", validate=False)
    assert unchecked([torch.tensor([2.0, 0, 0]), torch.ones(1)]).item() == 15.75
    with pytest.raises(Unknown) as unit:
        ExpectedLatency(tiny, unit="h")
    assert unit.value.asked == "h"


def test_shares_of_half_precision_are_shares() -> None:
    latency = ExpectedLatency(Lut.read(ROOT / "examples" / "fbnet" / "sd625.csv"))
    torch.manual_seed(0)
    for precision in (torch.float16, torch.bfloat16):
        for _ in range(100):
            logits = [torch.randn(count, dtype=precision) for count in latency.counts]
            expected = latency([layer.double().softmax(-1) for layer in logits]).item()
            assert latency([layer.softmax(-1) for layer in logits]).item() == pytest.approx(expected, rel=0.01)


def test_shares_may_be_negative_by_rounding(uneven: Lut) -> None:
    latency = ExpectedLatency(uneven, unit="us")
    assert latency([torch.tensor([1.0, -1e-7, 1e-7]), torch.ones(1)]).item() == pytest.approx(9.25)


def test_a_module_of_half_precision_knows_networks_of_more_than_65_ms() -> None:
    latency = ExpectedLatency(Lut.read(ROOT / "examples" / "fbnet" / "sd625.csv"), unit="us")
    shares = [torch.full((count,), 1 / count) for count in latency.counts]
    expected = latency(shares).item()
    assert expected > torch.finfo(torch.float16).max
    moved: list[Callable[[], object]] = [latency.half, torch.nn.Sequential(latency).bfloat16, lambda: latency.to(torch.float16), latency.double]
    for move in moved:
        move()
        assert latency.table.dtype == latency.fixed.dtype == (torch.float64 if move == latency.double else torch.float32)
        assert latency([share.half() for share in shares]).item() == pytest.approx(expected, rel=1e-3)
    assert latency.mask.dtype == torch.bool


def test_it_works_within_vmap(uneven: Lut) -> None:
    latency = ExpectedLatency(uneven, unit="us")
    weights = [torch.tensor([[1.0, 0, 0], [0, 0, 1.0]]), torch.ones(2, 1)]
    assert torch.vmap(lambda *shares: latency(list(shares)))(*weights).tolist() == [9.25, 9.875]
    gradients = torch.vmap(torch.func.grad(lambda first, last: latency([first, last])))(*weights)
    assert gradients.tolist() == [[6.5, 4.25, 7.125]] * 2
    of_logits = ExpectedLatency(uneven, unit="us", logits=True)
    found = torch.vmap(lambda logits: of_logits(logits))(torch.zeros(4, 2, 3))
    assert found.tolist() == pytest.approx([of_logits(torch.zeros(2, 3)).item()] * 4)


def test_it_moves_and_is_saved_as_a_module(tiny: Lut) -> None:
    latency = ExpectedLatency(tiny).to(torch.float64)
    assert latency.table.dtype == latency.fixed.dtype == torch.float64 and latency.mask.dtype == torch.bool
    assert set(latency.state_dict()) == {"table", "mask", "fixed"} and not list(latency.parameters())
    assert "2 layers of up to 2 candidates, ms" in repr(latency)
    half = ExpectedLatency(tiny)(torch.full((2, 2), 0.5, dtype=torch.bfloat16))
    assert half.dtype == torch.float32


def test_fixed_pieces_that_are_not_there_are_asked_for_in_vain(tiny: Lut) -> None:
    imported = Lut({**tiny.header, "source": "imported"}, [row for row in tiny.rows if row.kind != "trunk"], tiny.space)
    with pytest.raises(Misfit) as caught:
        ExpectedLatency(imported)
    assert caught.value.fitting == {"include_fixed": False}
    assert ExpectedLatency(imported, include_fixed=False).fixed.item() == 0


def test_a_folders_table_with_layers_of_different_widths() -> None:
    lut = Lut.read(CORPUS / "table" / "folder-sound.csv")
    latency = ExpectedLatency(lut, unit="us")
    chosen = [torch.eye(len(layer.candidates))[k] for layer, k in zip(lut.layers, (2, 3, 0))]
    assert latency(chosen).item() == pytest.approx(lut.predict([2, 3, 0]).total_us)
    alphas = [torch.zeros(len(layer.candidates), requires_grad=True) for layer in lut.layers]
    latency([alpha.softmax(-1) for alpha in alphas]).backward()
    times = [torch.tensor(list(of.values())) for of in lut.as_dict().values()]
    for alpha, of in zip(alphas, times):
        assert alpha.grad is not None and torch.allclose(alpha.grad, (of - of.mean()) / len(of))
