"""Look-up, prediction, and what is refused when a table is used."""

from __future__ import annotations

import math
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import CORPUS, ROOT

from blocktime import Lut, LutError, Misfit, Space, Unknown, UnknownCandidate, UnknownLayer, UnknownSpace
from blocktime.header import parse
from blocktime.row import cells

PREDICTIONS: list[dict[str, Any]] = parse((CORPUS / "predictions.toml").read_text())["prediction"]
TABLES = sorted((ROOT / "luts").glob("*.csv"))


@pytest.mark.parametrize("expected", PREDICTIONS, ids=lambda p: f"{p['table']}-{p['choice']}-{p.get('points')}")
def test_predictions_are_those_of_the_programs(expected: dict[str, Any]) -> None:
    lut = Lut.read(CORPUS / "prediction" / expected["table"])
    found = lut.predict(expected["choice"].split(), points=expected.get("points"))
    assert list(found.layers_us) == expected["layers_us"]
    assert found.interval_us is not None
    figures = [found.fixed_us, found.total_us, *found.interval_us]
    assert figures == pytest.approx([expected["fixed_us"], expected["total_us"], *expected["interval_us"]], rel=1e-12)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_the_projects_own_tables_are_read(path: Path) -> None:
    lut = Lut.read(path)
    times = [time for layer in lut.as_dict().values() for time in layer.values()]
    layers, candidates = (14, 84) if "pfld-full" in path.name else (5, 45)
    assert len(lut.layers) == layers and len(times) == candidates and all(time > 0 for time in times)
    assert lut.fixed_us is not None and lut.fixed_us > 0


def test_a_candidate_is_found_by_name_index_and_key(tiny: Lut) -> None:
    assert [layer.name for layer in tiny.layers] == ["L1", "L2"]
    assert tiny.latency("L1", "sep_k3") == tiny.latency(0, 1) == tiny.by_key("sep_k3@32x14x14-s1-32").latency_us == 4.25
    assert tiny.interval("L1", "sep_k3") == (3.825, 4.675)
    assert tiny.as_dict() == {"L1": {"mb_k3_res": 6.5, "sep_k3": 4.25}, "L2": {"mb_k3_e2_res": 7.125, "gh_k3": 2.75}}
    assert tiny.as_dict("ms")["L2"]["gh_k3"] == pytest.approx(0.00275)
    with pytest.raises(Unknown) as caught:
        tiny.as_dict("h")
    assert (caught.value.asked, caught.value.known) == ("h", ("us", "ms", "s"))


def test_a_row_has_all_its_figures(tiny: Lut) -> None:
    row = tiny.row(1, "gh_k3")
    assert (row.c_in, row.c_out, row.stride, row.h, row.w, row.macs, row.params) == (32, 64, 2, 14, 14, 1000, 10)
    assert row.ci95_us == (2.475, 3.025) and row.samples == 30 and row.checksum == "0123abcd" and row.cold_us is None
    assert row.quantiles_us is not None and row.quantiles_us[2] == 2.75
    assert row.discarded == {"canary": 2, "moved": 0, "preempted": 0, "temperature": 0, "unsteady": 1, "loud": 0}


def test_a_prediction_is_the_layers_and_the_fixed_pieces(tiny: Lut) -> None:
    fixed = sum(range(3, 12))
    found = tiny.predict(["sep_k3", "gh_k3"])
    assert found.layers_us == (4.25, 2.75) and found.fixed_us == tiny.fixed_us == fixed and found.total_us == 7.0 + fixed
    # Of a residual of 0.01 with noise of 0.004.
    half = 1.96 * math.sqrt(0.01**2 - 0.004**2) * found.total_us
    assert found.interval_us == pytest.approx((found.total_us - half, found.total_us + half))
    assert tiny.predict([1, 1]) == tiny.predict({"L2": "gh_k3", "L1": "sep_k3"}) == found
    # The last fixed piece grows with the landmarks.
    assert tiny.predict([1, 1], points=212).total_us == pytest.approx(found.total_us + 11)


def test_wrong_choices_name_what_is_there(tiny: Lut) -> None:
    for asked in ("L3", 2, -1):
        with pytest.raises(UnknownLayer) as layer:
            tiny.latency(asked, 0)
        assert (layer.value.asked, layer.value.known) == (asked, ("L1", "L2"))
    for wrong in ("sep_k5", -1, 2):
        with pytest.raises(UnknownCandidate) as candidate:
            tiny.predict([wrong, 0])
        assert (candidate.value.layer, candidate.value.asked, candidate.value.known) == ("L1", wrong, ("mb_k3_res", "sep_k3"))
    with pytest.raises(UnknownCandidate) as key:
        tiny.by_key("nothing@1x1x1-s1-1")
    assert key.value.asked == "nothing@1x1x1-s1-1" and key.value.layer is None
    assert key.value.known == tuple(row.key for row in tiny.rows)
    with pytest.raises(Misfit) as count:
        tiny.predict(["sep_k3"])
    assert (count.value.given, count.value.fitting) == (1, 2)
    with pytest.raises(Misfit) as names:
        tiny.predict({"L1": "sep_k3"})
    assert (names.value.given, names.value.fitting) == (("L1",), ("L1", "L2"))
    with pytest.raises(KeyError):
        tiny.latency("nowhere", 0)


def test_a_table_of_another_space_gives_times_by_key_until_the_space_is_given() -> None:
    lut = Lut.read(CORPUS / "table" / "sound.csv")
    assert lut.by_key("gh_k3@32x14x14-s2-64").latency_us == 2.75
    with pytest.raises(UnknownSpace) as caught:
        lut.predict([0, 0])
    assert caught.value.asked == "tiny"


def test_the_wrong_space_is_refused(tmp_path: Path) -> None:
    table = CORPUS / "table" / "sound.csv"
    with pytest.raises(LutError) as caught:
        Lut.read(table, "pfld")
    other, *missing = caught.value.faults
    assert (other.column, other.key) == ("space.hash", None)
    assert ("key", "mb_k3_res_d3@32x14x14-s1-32") in [(fault.column, fault.key) for fault in missing]
    with pytest.raises(UnknownSpace) as unknown:
        Lut.read(table, "pdfl")
    assert unknown.value.asked == "pdfl" and unknown.value.known == ("pfld", "pfld26", "pfld-full")
    broken = tmp_path / "broken.toml"
    for text, cause in [("name = ", ValueError), ("name = 'x'", KeyError), ("stage = 3\ninput = [1, 2, 3]\nname = 'x'", TypeError)]:
        broken.write_text(text)
        with pytest.raises(LutError) as invalid:
            Lut.read(table, broken)
        assert isinstance(invalid.value.__cause__, cause) and not isinstance(invalid.value, UnknownSpace)


def test_the_built_in_spaces_have_the_programs_hashes() -> None:
    assert Space.read("pfld").hash == Lut.read(ROOT / "luts" / "amd-epyc.csv").header["space"]["hash"]
    assert len(Space.read("pfld26").layers) == 6 and len(Space.read("pfld26").layers[0].candidates) == 26
    full = Space.read("pfld-full")
    assert (len(full.layers), full.fixed) == (14, ("trunk:join", "trunk:fc"))


def test_a_space_of_keys_alone() -> None:
    space = Space.of([{"small": "gh_k3@32x14x14-s2-64", "large": "mb_k3_e2_res@32x14x14-s2-64"}], ["trunk:stem"])
    lut = Lut.read(CORPUS / "table" / "sound.csv", space)
    assert lut.predict(["large"]).total_us == 7.125 + 3.0


def test_an_emulators_times_are_refused(tmp_path: Path) -> None:
    text = (CORPUS / "table" / "sound.csv").read_text().replace('source = "measured"', 'source = "emulated"')
    path = tmp_path / "emulated.csv"
    path.write_text(text)
    with pytest.raises(Misfit) as caught:
        Lut.read(path)
    assert caught.value.fitting == {"allow_emulated": True}
    assert Lut.read(path, allow_emulated=True).source == "emulated"


def test_no_network_takes_less_than_no_time(tmp_path: Path) -> None:
    path = tmp_path / "vague.csv"
    path.write_text((CORPUS / "table" / "sound.csv").read_text().replace("residual = 0.01", "residual = 0.9"))
    found = Lut.read(path, ROOT / "tests" / "spaces" / "tiny.toml").predict(["sep_k3", "gh_k3"])
    assert found.interval_us is not None and found.interval_us[0] == 0 and found.interval_us[1] > 2 * found.total_us


def test_an_imported_table_has_no_fixed_pieces_and_no_interval(tmp_path: Path) -> None:
    lines = (CORPUS / "table" / "sound.csv").read_text().split("\n")
    lines = [line for line in lines if not line.startswith("trunk:")]
    text = "\n".join(lines).replace('source = "measured"', 'source = "imported"').replace("rows = 13", "rows = 4")
    text = text.replace(text[text.index("# [fit]") : text.index("key,")], "").replace(",5.85,7.15,", ",,,")
    path = tmp_path / "imported.csv"
    path.write_text(text)
    lut = Lut.read(path, ROOT / "tests" / "spaces" / "tiny.toml")
    assert lut.fixed_us is None
    found = lut.predict(["mb_k3_res", "gh_k3"])
    assert found.fixed_us is None and found.interval_us is None and found.total_us == 9.25
    assert lut.predict(["sep_k3", "gh_k3"]).interval_us is not None


def test_a_table_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = (CORPUS / "table" / "sound.csv").read_bytes()
    path = tmp_path / "cut.csv"
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(LutError):
            Lut.read(path)


def test_all_damaged_rows_are_told_at_once(tmp_path: Path) -> None:
    text = (CORPUS / "table" / "sound.csv").read_text()
    path = tmp_path / "damaged.csv"
    path.write_text(text.replace(",4.25,3.825", ",fast,slow").replace(",2.75,2.475", ",-2.75,2.475"))
    with pytest.raises(LutError) as caught:
        Lut.read(path)
    assert [fault.column for fault in caught.value.faults] == ["latency_us", "ci95_low_us", "latency_us"]


def test_more_than_a_thousand_faults_are_summed_up(tmp_path: Path) -> None:
    lines = (CORPUS / "table" / "sound.csv").read_text().split("\n")
    bad = [f"sep_k3@{i}x1x1-s1-1,block,sep_k3,1,1,1,1,1,0,0,0,,,,,,,,0,0,0,0,0,0,0,," for i in range(1500)]
    path = tmp_path / "many.csv"
    path.write_text("\n".join([*lines[:-2], *bad, *lines[-2:]]).replace("rows = 13", "rows = 1513"))
    with pytest.raises(LutError) as caught:
        Lut.read(path)
    *first, rest = caught.value.faults
    assert len(first) == 1000 and all(fault.line is not None for fault in first) and rest.line is None


def test_a_header_of_many_faults_takes_no_longer_than_their_lines(tmp_path: Path) -> None:
    text = (CORPUS / "table" / "sound.csv").read_text()
    path = tmp_path / "many.csv"
    path.write_text(text.replace("# schema", "".join(f"# entry_{i} = 1\n" for i in range(10_000)) + "# schema", 1))
    began = time.monotonic()
    with pytest.raises(LutError) as caught:
        Lut.read(path)
    assert time.monotonic() - began < 20, "with the square of them it is over a minute"
    *first, rest = caught.value.faults
    assert [(fault.column, fault.line) for fault in first] == [(f"entry_{i}", i + 2) for i in range(1000)] and rest.line is None


def test_times_that_add_up_to_infinity_are_infinite(tmp_path: Path) -> None:
    lines = [line.split(",") for line in (CORPUS / "table" / "sound.csv").read_text().split("\n")]
    path = tmp_path / "huge.csv"
    for line in lines:
        if len(line) > 20 and line[1] in ("block", "trunk"):
            line[10:13] = ["1e308", "", ""]
    path.write_text("\n".join(map(",".join, lines)))
    found = Lut.read(path, ROOT / "tests" / "spaces" / "tiny.toml").predict(["sep_k3", "gh_k3"])
    assert found.total_us == math.inf and found.interval_us == (0.0, math.inf)


def test_line_ends_marks_and_earlier_schemas_are_harmless(tmp_path: Path) -> None:
    whole = (CORPUS / "table" / "sound.csv").read_text()
    rows = Lut.read(CORPUS / "table" / "sound.csv").rows
    path = tmp_path / "other.csv"
    for text in (whole.replace("\n", "\r\n"), "\ufeff" + whole, whole.rstrip("\n"), whole.replace("\nsep_k3", "\n# note\n\nsep_k3")):
        path.write_bytes(text.encode())
        assert Lut.read(path).rows == rows
    columns = whole.split("\nkey,")[1].split("\n")[0].split(",")
    lacking = [1 + columns.index(name) for name in ("discarded_unsteady", "discarded_loud")]

    def without(line: str) -> str:
        return line if line.startswith("#") else ",".join(cell for i, cell in enumerate(line.split(",")) if i not in lacking)

    path.write_text("\n".join(map(without, whole.split("\n"))).replace("schema = 3", "schema = 2"))
    assert [row.latency_us for row in Lut.read(path).rows] == [row.latency_us for row in rows]


def test_a_table_of_another_make_is_refused_where_one_is_asked_for(tiny: Lut) -> None:
    tiny.require(engine="onnxruntime", threads=1)
    with pytest.raises(Misfit) as caught:
        tiny.require(engine="mnn", threads=4)
    assert caught.value.given == {"engine": "mnn", "threads": 4}
    assert caught.value.fitting == {"engine": "onnxruntime", "threads": 1}


def test_a_table_of_another_space_is_refused_where_its_hash_is_asked_for(tiny: Lut) -> None:
    assert tiny.space is not None and tiny.space.hash is not None
    tiny.require(engine="onnxruntime", space_hash=tiny.space.hash)
    with pytest.raises(Misfit) as caught:
        tiny.require(engine="onnxruntime", space_hash="f00df00d")
    assert caught.value.given == {"space_hash": "f00df00d"} and caught.value.fitting == {"space_hash": tiny.space.hash}


def test_rows_have_the_columns_of_their_file() -> None:
    for name in ("sound.csv", "folder-sound.csv"):
        path = CORPUS / "table" / name
        lines = [line.split(",") for line in path.read_text().splitlines() if not line.startswith("#")]
        found = [cells(row) for row in Lut.read(path).rows]
        assert len(found) == len(lines) - 1 and all(list(of) == lines[0] for of in found)
        for of, line in zip(found, lines[1:]):
            for value, text in zip(of.values(), line):
                assert text == "" if value is None or value != value else text == value if isinstance(value, str) else float(text) == value


def test_a_table_is_a_data_frame_if_pandas_is_installed(tiny: Lut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError) as caught:
        tiny.to_pandas()
    assert not isinstance(caught.value, ModuleNotFoundError) and "pandas" in str(caught.value)
    monkeypatch.delitem(sys.modules, "pandas")
    import pandas

    frame = tiny.to_pandas()
    expected = pandas.read_csv(CORPUS / "table" / "sound.csv", comment="#", dtype={"checksum": str})
    pandas.testing.assert_frame_equal(frame, expected)


def test_a_file_that_is_not_there_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        Lut.read("nowhere.csv")


@pytest.fixture
def mine() -> Lut:
    """A made-up table of a space of ONNX files, three layers between two fixed pieces: it states its layers itself."""
    return Lut.read(CORPUS / "table" / "folder-sound.csv")


def test_a_folders_table_knows_its_layers_without_the_folder(mine: Lut) -> None:
    assert [(layer.name, layer.candidates) for layer in mine.layers] == [
        ("L1", ("k3_e3", "k5_e3", "se")), ("L2", ("k3_e3", "k5_e3", "again", "skip")), ("L3", ("k3_e3", "skip")),
    ]  # fmt: skip
    assert mine.latency("L2", "again") == mine.latency("L3", "k3_e3") == 41.0 and mine.latency("L3", "skip") == 0.0
    assert mine.as_dict()["L1"] == {"k3_e3": 52.5, "k5_e3": 63.75, "se": 58.5}
    assert mine.row("L1", "se").macs is None and mine.fixed_us == 43.75
    network = mine.predict({"L1": "se", "L2": "again", "L3": "skip"})
    assert network.layers_us == (58.5, 41.0, 0.0) and network.total_us == 143.25
    assert mine.header["space"]["folder"]["export"]["exporter"] == "torchscript"


def test_what_a_folders_table_has_not_is_refused(mine: Lut) -> None:
    with pytest.raises(Misfit) as points:
        mine.predict([0, 0, 0], points=106)
    assert (points.value.given, points.value.fitting) == ({"points": 106}, {"points": None})
    with pytest.raises(Misfit) as space:
        Lut.read(CORPUS / "table" / "folder-sound.csv", "pfld")
    assert (space.value.given, space.value.fitting) == ({"space": "pfld"}, {"space": None})
    with pytest.raises(LutError) as other:
        Lut.read(CORPUS / "table" / "folder-sound.csv", Space.read("pfld"))
    assert other.value.faults[0].column == "space.hash"


def test_an_error_keeps_its_facts_between_processes(tiny: Lut) -> None:
    for fails in (lambda: tiny.latency("L1", "sep_k5"), lambda: tiny.predict([0])):
        with pytest.raises(LutError) as caught:
            fails()
        copy = pickle.loads(pickle.dumps(caught.value))
        assert (type(copy), str(copy), vars(copy)) == (type(caught.value), str(caught.value), vars(caught.value))
