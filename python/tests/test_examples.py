"""The examples' spaces: their networks are the published ones, and they are exported whole."""

from __future__ import annotations

import ast
import os
import re
import runpy
from pathlib import Path
from typing import Any, Callable

import made_up
import pytest
import torch
from conftest import CORPUS, ROOT
from torch import nn

from blocktime import Lut, Misfit
from blocktime.adaptors.ofa import OfaLatency
from blocktime.adaptors.proxylessnas import LatencyEstimator
from blocktime.export import export_space

SPACES: dict[str, dict[str, Any]] = {
    name: runpy.run_path(str(ROOT / "examples" / name / "space.py")) for name in ("fbnet", "proxylessnas", "ofa")
}
PARTS = runpy.run_path(str(ROOT / "examples" / "parts.py"))
PUBLISHED = [(space, name) for space in ("fbnet", "proxylessnas") for name in SPACES[space]["networks"]()]


@pytest.mark.parametrize(("space", "name"), PUBLISHED)
def test_published_networks_have_the_published_multiply_adds(space: str, name: str) -> None:
    published, net = SPACES[space]["networks"]()[name]
    assert PARTS["multiply_adds"](net) / 1e6 == pytest.approx(published, rel=0.01)


def test_random_networks_of_ofas_space_have_345_million_multiply_adds_in_the_mean() -> None:
    ofa, shape, mean = SPACES["ofa"], (3, 224, 224), 0.0
    fixed = [{"piece": piece} for piece in ofa["before"]().values()], [{"piece": piece} for piece in ofa["after"]().values()]
    for layer in [*fixed[0], *ofa["layers"](), *fixed[1]]:
        modules = [module for module in layer.values() if module is not None]
        mean += sum(PARTS["multiply_adds"](module, shape) for module in modules) / len(layer)
        shape = tuple(modules[0](torch.zeros(1, *shape)).shape[1:])
    assert mean / 1e6 == pytest.approx(345, rel=0.005)


# Blocks that are exported with the fixed pieces, identities, and different files.
COUNTS = {"fbnet": (182 + 2, 16, 102 + 2), "proxylessnas": (126 + 4, 15, 66 + 4), "ofa": (180 + 4, 10, 90 + 4)}


# Of smaller pictures than the networks', for speed.
@pytest.mark.parametrize(("name", "counts"), COUNTS.items())
def test_a_space_is_exported_each_different_block_once(tmp_path: Path, name: str, counts: tuple[int, int, int]) -> None:
    report = export_space(input_shape=(3, 64, 64), folder=tmp_path, exporter="torchscript", **SPACES[name]["space"]())
    assert (report.candidates, report.identities, report.files) == counts
    assert report.seconds < 60


FBNET = runpy.run_path(str(ROOT / "examples" / "fbnet" / "networks.py"))
SEARCH = runpy.run_path(str(ROOT / "examples" / "fbnet" / "search.py"))


@pytest.fixture(scope="module")
def fbnet_table() -> Lut:
    """A made-up table of FBNet's space: a block takes kernel · expansion µs, half of it in two groups."""
    shape = (16, 16, 1, 8, 8)

    def time(name: str) -> float:
        return 0.0 if name == "skip" else int(name[1]) * int(name[4]) / (2 if name.endswith("_g2") else 1)

    layer = {name: (shape, time(name)) for name in (*SPACES["fbnet"]["BLOCKS"], "skip")}
    return made_up.table([layer] * 22, {"stem": 20.0, "head": 30.0})


def test_published_networks_are_ordered_by_a_table(fbnet_table: Lut) -> None:
    head, _, *rows = FBNET["compared"]([fbnet_table, fbnet_table])
    assert head[2] == "none, none, simulated" and [row[0] for row in rows] == list(FBNET["NETWORKS"])
    # FBNet-A by hand: 50 for stem and head, then its layers.
    layers = FBNET["NETWORKS"]["FBNet-A"][2].split()
    by_hand = 50 + sum(fbnet_table.latency(i, name) for i, name in enumerate(layers))
    assert rows[0][1:] == ["249 M", f"{by_hand / 1000:.2f} ms (1)", f"{by_hand / 1000:.2f} ms (1)"]
    assert sorted(row[2].split("(")[1] for row in rows) == ["1)", "2)", "3)", "4)", "5)"]


def test_the_examples_page_states_what_the_table_beside_it_predicts() -> None:
    page = (ROOT / "examples" / "README.md").read_text()
    _, _, *rows = FBNET["compared"]([Lut.read(ROOT / "examples" / "fbnet" / "sd625.csv")])
    for row in rows:
        assert f"| {' | '.join(row)} |" in page


def test_the_search_keeps_to_its_limit_and_uses_it(fbnet_table: Lut) -> None:
    def worth(choice: list[int]) -> float:
        return sum(fbnet_table.latency(i, k) for i, k in enumerate(choice))

    best, found = SEARCH["search"](fbnet_table, 250.0, worth, rounds=2000)
    assert 235 < found.total_us < 250 / 1.0196 and found == fbnet_table.predict(best)
    assert (best, found) == SEARCH["search"](fbnet_table, 250.0, worth, rounds=2000)
    with pytest.raises(Misfit) as caught:
        SEARCH["search"](fbnet_table, 40.0, worth)
    with pytest.raises(Misfit):
        SEARCH["search"](fbnet_table, float("nan"), worth)
    fastest = fbnet_table.predict(["skip"] * 22)
    assert fastest.total_us == 50.0 and fastest.interval_us is not None
    assert (caught.value.given, caught.value.fitting) == (40.0, fastest.interval_us[1])


PROFILER = """#!/bin/sh
echo "$@" >>"$0.log"
case $1 in bench) echo '[{"median_us": 125.0}]' ;; esac
"""
"""Notes what it was asked, and finds that all models take 125 µs."""


def test_the_example_searches_in_a_file_and_measures_the_winner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = (16, 16, 1, 8, 8)
    table, program = tmp_path / "made-up.csv", tmp_path / "profiler"
    table.write_text(made_up.text([{"a": (shape, 10.0), "b": (shape, 30.0)}] * 3, {"stem": 50.0}))
    program.write_text(PROFILER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    search = ["search.py", str(table), "--limit", "0.125", "--rounds", "300"]
    monkeypatch.setattr("sys.argv", [*search, "--space", "my-space", "--device", "adb:1"])
    SEARCH["main"]()
    names, predicted, measured = capsys.readouterr().out.splitlines()
    # The network of most multiply-adds: with a third 'b' it takes 140 µs.
    assert sorted(names.split()) == ["a", "b", "b"] and predicted.startswith("predicted 0.120 ms (95 %: ")
    assert measured == "measured  0.125 ms on adb:1: the prediction is off by -4.0%"
    net, bench = (tmp_path / "profiler.log").read_text().splitlines()
    assert net.startswith(f"net --space my-space --arch {names.replace(' ', ',')} --out ")
    assert bench.endswith("winner.onnx --device adb:1 --engine none --threads 1 --json")


def test_what_the_example_cannot_do_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    unknown = str(CORPUS / "table" / "folder-sound.csv")
    for arguments, word in [
        ([str(tmp_path / "none.csv"), "--limit", "1"], "none.csv"),
        ([unknown, "--limit", "1"], "multiply-adds of k3_se@"),
        ([unknown, "--limit", "1", "--device", "local"], "--space"),
        ([unknown, "--limit", "nan"], "--limit must be above 0"),
        ([unknown, "--limit", "0"], "--limit must be above 0"),
        ([unknown, "--limit", "1", "--rounds", "0"], "--rounds at least 1"),
    ]:
        refuses(SEARCH["main"], arguments, word, monkeypatch, capsys)
    for arguments, word in [
        ([], "table"),
        ([str(tmp_path / "none.csv")], "none.csv"),
        ([str(tmp_path)], str(tmp_path)),
        ([str(ROOT / "luts" / "amd-epyc.csv")], "22 candidates for the 5 layers"),
    ]:
        refuses(FBNET["main"], arguments, word, monkeypatch, capsys)
    for arguments, word in [
        ([], "--networks"),
        ([str(ROOT / "README.md")], "README.md"),
        ([str(ROOT)], "not empty"),
        ([str(tmp_path / "new"), "--exporter", "onnx"], "--exporter"),
    ]:
        refuses(lambda: PARTS["main"](None, {"layers": [{"linear": nn.Linear(224, 8)}]}, {}), arguments, word, monkeypatch, capsys)
    assert not list(tmp_path.iterdir())


def refuses(
    main: Callable[[], None], arguments: list[str], word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example ends with exit code 2 and a message."""
    monkeypatch.setattr("sys.argv", ["example.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and word in capsys.readouterr().err


def table_of(name: str) -> Lut:
    """A made-up table of a space with its candidates' names, in layers from 16 channels to 24 and on: a candidate's place + 1 is its ms."""
    layers = SPACES[name]["layers"]()
    shapes = [(16, 24, 2, 112, 112), *[(24, 24, 1, 56, 56)] * (len(layers) - 1)]
    return made_up.table(
        [{of: (shape, 0.0 if layer[of] is None else 1000.0 * (k + 1)) for k, of in enumerate(layer)} for layer, shape in zip(layers, shapes)],
        dict.fromkeys([*SPACES[name]["before"](), *SPACES[name]["after"]()], 500.0),
    )


def test_once_for_alls_names_are_those_that_its_adaptor_asks_for() -> None:
    spec = {"ks": [5] * 20, "e": [6] * 20, "d": [2, 3, 4, 2, 2], "r": [224]}
    place = list(SPACES["ofa"]["layers"]()[0]).index("k5_e6") + 1
    assert OfaLatency({224: table_of("ofa")}).predict_efficiency(spec) == pytest.approx(4 * 0.5 + 13 * place)


def test_proxylessnas_names_are_those_that_its_adaptor_asks_for() -> None:
    code = re.findall(r"fixed = (\{.*\})", (ROOT / "examples" / "README.md").read_text())
    estimator = LatencyEstimator(table_of("proxylessnas"), ast.literal_eval(code[0]))
    place = list(SPACES["proxylessnas"]["layers"]()[0]).index("5x5_MBConv6") + 1
    found = estimator.predict("expanded_conv", (112, 112, 16), (56, 56, 24), expand=6, kernel=5, stride=2, idskip=0)
    assert found == pytest.approx(place)
    fixed = [estimator.predict(ltype, (224, 224, 3), (1,)) for ltype in ("Conv", "Conv_1", "Logits")]
    assert fixed == [0.5] * 3
