"""The words of the errors of a table's use, in one place; the other tests look at classes and attributes. The words of faulty tables stand in
`tests/corpus/tables.toml`, those of `export_space` in `test_export.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
import torch
from conftest import CORPUS

from blocktime import Lut, LutError, Space
from blocktime.torch import ExpectedLatency

SOUND, FOLDER = CORPUS / "table" / "sound.csv", CORPUS / "table" / "folder-sound.csv"

WORDS: list[tuple[str, Callable[[Lut], Any]]] = [
    ("unit 'h' is not one of us, ms, s", lambda lut: lut.as_dict("h")),
    ("no layer 'L3'; known are L1, L2", lambda lut: lut.latency("L3", 0)),
    ("no layer 2; there are 2, counted from 0", lambda lut: lut.latency(2, 0)),
    ("layer L1 has no candidate 'sep_k5'; did you mean 'sep_k3'?", lambda lut: lut.predict(["sep_k5", "gh_k3"])),
    ("layer L1 has no candidate -1; there are 2, counted from 0", lambda lut: lut.predict([-1, 0])),
    ("the latency table has no row for gh_k5@32x14x14-s2-64; did you mean 'gh_k3@32x14x14-s2-64'?",
     lambda lut: lut.by_key("gh_k5@32x14x14-s2-64")),
    ("1 candidates for the 2 layers of space tiny", lambda lut: lut.predict(["sep_k3"])),
    ("the choice names no candidate for L2", lambda lut: lut.predict({"L1": "sep_k3"})),
    ("the table was made with other settings: engine is 'onnxruntime', not 'mnn'; threads is '1', not '4'",
     lambda lut: lut.require(engine="mnn", threads=4)),
    ("the table's search space 'tiny' is not built in; give it: Lut.read(TABLE, space=FILE)", lambda lut: Lut.read(SOUND).layers),
    ("no search space 'pdfl': it is neither built in (pfld, pfld26, pfld-full) nor a file", lambda lut: Space.read("pdfl")),
    ("networks of a space folder have no landmarks: leave out points", lambda lut: Lut.read(FOLDER).predict([0, 0, 0], points=106)),
    (f"{FOLDER} was made for a folder of ONNX files and states its layers itself: leave out space='pfld'",
     lambda lut: Lut.read(FOLDER, "pfld")),
    ("1 tensors for 2 layers", lambda lut: ExpectedLatency(lut)([torch.ones(2) / 2])),
    ("layer L2: weights are (3,), but must end in 2, its candidates", lambda lut: ExpectedLatency(lut)([torch.ones(2) / 2, torch.ones(3) / 3])),
    ("layer L2: weights are (2,), but those of layer L1 (3, 2)", lambda lut: ExpectedLatency(lut)([torch.ones(3, 2) / 2, torch.ones(2) / 2])),
    ("weights are (3, 2), but must end in (2, 2): layers, candidates", lambda lut: ExpectedLatency(lut)(torch.zeros(3, 2))),
    ("layer L1: a share is -0.5, below 0; give a softmax, or logits=True",
     lambda lut: ExpectedLatency(lut)([torch.tensor([1.5, -0.5]), torch.ones(2) / 2])),
    ("layer L2: shares sum to 2, not 1; give a softmax, or logits=True", lambda lut: ExpectedLatency(lut)([torch.ones(2) / 2, torch.ones(2)])),
]  # fmt: skip


@pytest.mark.parametrize(("words", "fails"), WORDS, ids=[words[:40] for words, _ in WORDS])
def test_an_error_is_told_in_these_words(tiny: Lut, words: str, fails: Callable[[Lut], Any]) -> None:
    with pytest.raises(LutError) as caught:
        fails(tiny)
    assert str(caught.value) == words


def test_another_spaces_table_is_told_with_both_names_and_an_emulators_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(LutError) as other:
        Lut.read(SOUND, "pfld")
    assert "made for the search space 'tiny' (hash " in str(other.value) and ", not for 'pfld' (hash " in str(other.value)
    emulated = tmp_path / "emulated.csv"
    emulated.write_text(SOUND.read_text().replace('source = "measured"', 'source = "emulated"'))
    with pytest.raises(LutError) as caught:
        Lut.read(emulated)
    assert str(caught.value) == f"{emulated} is emulated: its times mean nothing; allow_emulated=True reads it anyway"
